"""How programs and values travel between the launcher and its own workers.

Programs go by value (dill): functions and classes of a script, of a notebook, or of code read from standard input
arrive with the globals that they use, and the script itself is never run again. What lives in an importable module
goes by name; for modules that the caller has loaded from files that no search path leads to, the worker is told the
files.
"""

import importlib.util
import pickle
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

import dill

from ..barriers import BarrierMaker
from ..errors import BSPError

#: `active` is true in a thread that is loading a program: the imports of a worker.
_loading = threading.local()


class Shipment(NamedTuple):
    """What travels to the workers: a program, its arguments, and what makes its barriers if the job brings that."""

    program: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    barrier: BarrierMaker | None


def dump_program(program: object, args: tuple[Any, ...], kwargs: dict[str, Any], barrier: BarrierMaker | None) -> bytes:
    """Serialize a shipment.

    Raises:
        BSPError: a part of it cannot travel (an open file, a lock, a thread, ...).
    """
    try:
        return dill.dumps((program, args, kwargs, barrier), recurse=True, byref=False)
    except Exception as error:
        raise BSPError(
            f"the program or its arguments cannot be sent to other processes ({type(error).__name__}: {error}); "
            "open files, locks and connections must be made inside the program, for instance in BSP.setup"
        ) from error


def load_program(data: bytes | memoryview) -> Shipment:
    """Undo `dump_program`, in the worker; each call makes a copy of its own."""
    _loading.active = True
    try:
        return Shipment(*dill.loads(data))
    finally:
        _loading.active = False


def refuse_while_loading() -> None:
    """Refuse to start a job from a module that a worker imports with its program: workers would start workers for ever.

    Raises:
        BSPError: this thread is loading a program; names the line of the module that starts the job.
    """
    if not getattr(_loading, "active", False):
        return
    frame = sys._getframe(1)
    while frame.f_code.co_name != "<module>" and frame.f_back is not None:
        frame = frame.f_back
    module, place = frame.f_globals["__name__"], f'File "{frame.f_code.co_filename}", line {frame.f_lineno}'
    raise BSPError(
        f"the module {module!r} starts a job while a worker imports it: what a program uses from a module that can be "
        f"imported makes each worker import that module. Put what it runs under if __name__ == '__main__':\n  {place}"
    )


def dump_value(value: object) -> bytes:
    """Serialize a value on its way from a worker to its launcher; raises what pickling raises."""
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        # Classes of the user's script have no importable name here: they go by value.
        return dill.dumps(value, recurse=True, byref=False)


def load_value(data: bytes | memoryview) -> Any:
    """Undo `dump_value`, in the launcher."""
    return dill.loads(data)


def loaded_modules() -> dict[str, str | None]:
    """Return the caller's own modules by name with their files, or None for packages without one."""
    libraries = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    found: dict[str, str | None] = {}
    for name, module in list(sys.modules.items()):
        if name == "__main__" or not isinstance(module, ModuleType):
            continue
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and not file.startswith(libraries):
            found[name] = file
            for end in (i for i, letter in enumerate(name) if letter == "."):
                found.setdefault(name[:end], None)
    return found


class LoadedModuleFinder(MetaPathFinder):
    """Finds the modules that the launcher had loaded; the last resort of a worker's imports.

    Args:
        modules: what `loaded_modules` returned there.
    """

    def __init__(self, modules: Mapping[str, str | None]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that the launcher had loaded, else None."""
        if fullname not in self._modules:
            return None
        file = self._modules[fullname]
        if file is not None:
            return importlib.util.spec_from_file_location(fullname, file)
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = []
        return spec
