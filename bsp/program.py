"""A program: what every peer of a job runs. A function of the peer, or a `BSP` class in Hama's manner."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from .errors import BSPError
from .peer import Peer


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


Program = Callable[..., Any] | BSP | type[BSP]


def check_program(program: object) -> None:
    """Raise BSPError for what cannot be run."""
    if isinstance(program, type):
        if not issubclass(program, BSP):
            raise BSPError(
                f"a program is a function of the peer or a subclass of BSP, got the class {program.__name__}"
            )
    elif not isinstance(program, BSP) and not callable(program):
        raise BSPError(f"a program is a function of the peer or a BSP, got {program!r}")


def run_program(program: Program, peer: Peer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a program on a peer and return its value."""
    instance = program() if isinstance(program, type) else program
    if not isinstance(instance, BSP):
        return instance(peer, *args, **kwargs)
    try:
        instance.setup(peer)
        return instance.bsp(peer, *args, **kwargs)
    finally:
        instance.cleanup(peer)
