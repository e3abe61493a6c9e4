"""A program: what every peer of a job runs. A function of the peer, a `BSP` class, or a chain of `Superstep`s."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from .errors import BSPError
from .peer import Peer
from .superstep import Superstep, run_chain


class BSP(ABC):
    """A program with a beginning and an end. Each peer runs an instance of its own."""

    def setup(self, peer: Peer) -> None:
        """Run before `bsp`."""
        return

    @abstractmethod
    def bsp(self, peer: Peer, *args: Any, **kwargs: Any) -> Any:
        """Run the program; what it returns is this peer's value of the job."""

    def cleanup(self, peer: Peer) -> None:
        """Run after `bsp`, also when that or `setup` raised an exception."""
        return


Program = Callable[..., Any] | BSP | type[BSP] | Sequence[Superstep | type[Superstep]]


def check_program(program: object, with_arguments: bool) -> None:
    """Raise BSPError for what cannot be run.

    Args:
        program: what shall be run.
        with_arguments: whether it is to be given arguments besides the peer.
    """
    if isinstance(program, Sequence) and not isinstance(program, str | bytes):
        _check_chain(program, with_arguments)
    elif _is_a(program, Superstep):
        raise BSPError(f"a chain of supersteps is given as a list, also one of a single {_name(program)}")
    elif isinstance(program, type) and not issubclass(program, BSP):
        raise BSPError(f"a program is a function of the peer or a subclass of BSP, got the class {program.__name__}")
    elif not isinstance(program, BSP) and not callable(program):
        raise BSPError(f"a program is a function of the peer, a BSP, or a list of supersteps, got {program!r}")


def program_name(program: Program) -> str:
    """Return what people call a program."""
    return "-".join(map(_name, program)) if isinstance(program, Sequence) else _name(program)


def run_program(program: Program, peer: Peer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a program on a peer and return its value."""
    if isinstance(program, Sequence):
        return run_chain(program, peer)
    instance = program() if isinstance(program, type) else program
    if not isinstance(instance, BSP):
        return instance(peer, *args, **kwargs)
    try:
        instance.setup(peer)
        return instance.bsp(peer, *args, **kwargs)
    finally:
        instance.cleanup(peer)


def _check_chain(chain: Sequence[object], with_arguments: bool) -> None:
    wrong = [step for step in chain if not _is_a(step, Superstep)]
    if wrong or not chain:
        raise BSPError(f"a chain consists of supersteps, one at least, got {repr(wrong[0]) if wrong else 'none'}")
    if with_arguments:
        raise BSPError("a chain of supersteps takes no args and kwargs: give them to the supersteps' constructors")


def _is_a(value: object, kind: type) -> bool:
    return isinstance(value, kind) or (isinstance(value, type) and issubclass(value, kind))


def _name(program: object) -> str:
    return str(getattr(program, "__name__", type(program).__name__))
