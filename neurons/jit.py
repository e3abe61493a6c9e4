"""The ways in which Horn uses numba, with the options that its speed and its meaning rest on.

Machine code goes to Horn's own cache (see `caching`) and not beside the sources; numba's configuration, which a user's
own numba code relies on, stays as it is.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _Cache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from .caching import alone, code_folder, lasting, logger
from .pruning import used

#: The dispatchers of functions in Horn's own files.
_LIBRARY: list[Any] = []

F = TypeVar("F", bound=Callable[..., Any])

# error_model: Python's own check of a zero divisor blocks SIMD (measured: 0.84 against 0.09 ns per element).
# No fastmath: what is no matrix product is then bitwise what the interpreter computes.
# No wrapper for C: nobody calls kernels by their addresses, and numba would compile one for each.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def device(function: F) -> F:
    """Compile a function that kernels call, inlined into them so that their loops still become SIMD."""
    return _cached(numba.njit(forceinline=True, **_OPTIONS)(function), function)


def kernel(function: F) -> F:
    """Compile a function that Python calls with arrays; it releases the GIL."""
    return _cached(numba.njit(**_OPTIONS)(function), function)


def summing_kernel(function: F) -> F:
    """As `kernel`, for sums over lanes, whose order is free: else each would wait for the one before."""
    return _cached(numba.njit(fastmath={"reassoc", "contract", "nsz"}, **_OPTIONS)(function), function)


def load() -> None:
    """Load what every network needs: for a process that others are forked from, which then have it.

    That is what numba knows of types and functions, which it would gather, for most of a second, at the first kernel;
    and such machine code of Horn's own files as lies in the cache.
    """
    with global_compiler_lock:
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
        for dispatcher in _LIBRARY if lasting() else ():
            for signature in dispatcher._cache.known(dispatcher.targetctx):
                try:
                    dispatcher.compile(signature)
                except Exception as error:  # whoever needs it will say what is wrong
                    logger.warning("%s cannot be loaded (%s)", dispatcher, error)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles meanwhile, in all of the process.

    What numba makes lives until it is done, and looking through it takes a tenth of the time.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _cached(dispatcher: F, function: Callable[..., Any]) -> F:
    cache: Any = dispatcher
    kept = DiskCache(function)
    compiles = cache.compile

    def compile_alone(signature: Any) -> Any:
        if signature in cache.overloads:
            return compiles(signature)
        # Threads look into the cache one after the other: numba fills its registries on the way, for the first of them.
        with global_compiler_lock:
            if kept.known(cache.targetctx, signature):
                return compiles(signature)
            try:
                with alone(kept.lock), _uncollected():
                    return compiles(signature)  # which looks into the cache first
            except OSError as error:
                logger.debug("no lock for %s (%s)", function, error)
                return compiles(signature)

    if hasattr(cache, "compile"):
        cache._cache, cache.compile = kept, compile_alone
        if function.__module__.startswith("horn."):  # not of a generated module
            _LIBRARY.append(cache)
    return dispatcher


class _Locator:
    """Tells numba where a function's machine code is; the folder is named by content, so that none is ever stale."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self._py_file = inspect.getfile(function)
        self._folder = folder
        self._line = function.__code__.co_firstlineno

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)


class DiskCache(_Cache):
    """The machine code of one function on disk, looked for when it is first compiled.

    Args:
        function: the function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.enabled = True

    @cached_property
    def folder(self) -> Path:
        """Where it lies."""
        found = code_folder(inspect.getfile(self.function))
        used(found)
        return found

    @cached_property
    def lock(self) -> Path:
        """What a process holds while it compiles code of the same file."""
        return self.folder / f".{Path(inspect.getfile(self.function)).stem}.lock"

    @cached_property
    def _disk(self) -> FunctionCache:
        folder = self.folder

        class Implementation(CompileResultCacheImpl):
            def __init__(self, py_func: Callable[..., Any]) -> None:
                self._lineno = py_func.__code__.co_firstlineno
                self._locator = _Locator(py_func, folder)
                name = f"{Path(inspect.getfile(py_func)).stem}.{py_func.__qualname__}"
                self._filename_base = self.get_filename_base(name, "")

        class Disk(FunctionCache):
            _impl_class = Implementation

        return Disk(self.function)

    @property
    def cache_path(self) -> str:
        return str(self.folder)

    def enable(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False

    def flush(self) -> None:
        self._disk.flush()

    def known(self, context: Any, *signatures: Any) -> list[Any]:
        """Those of the signatures, without any of all, for which the code is there."""
        try:
            context.refresh()
            index = self._disk._cache_file._load_index()
            wanted = signatures or [signature for signature, *_ in index]
            files = {it: index.get(self._disk._index_key(it, context.codegen())) for it in wanted}
            return [it for it, name in files.items() if name is not None and (self.folder / name).exists()]
        except Exception as error:
            self._start_anew(error)
            return []

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return self._disk.load_overload(signature, context) if self.enabled else None
        except Exception as error:  # whatever a damaged file may lead to: it is written anew
            self._start_anew(error)
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        try:
            if self.enabled:
                self._disk.save_overload(signature, result)
        except OSError as error:
            logger.warning("machine code cannot be kept in %s (%s): it is compiled anew next time", self.folder, error)

    def _start_anew(self, error: Exception) -> None:
        kind = type(error).__name__
        logger.warning("machine code in %s cannot be read (%s: %s): compiling anew", self.folder, kind, error)
        try:
            self._disk.flush()
        except OSError as failure:
            logger.debug("%s cannot be written (%s)", self.folder, failure)
