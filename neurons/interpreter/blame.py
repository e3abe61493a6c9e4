"""Whose line it was: the user's, in a stack of calls that also holds the interpreter's."""

from __future__ import annotations

import inspect
import sys
from bdb import BdbQuit
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from ..errors import NeuronError, SourceLine
from ..neuron import Neuron
from ..state import State

#: Modules that only hand on what the user wrote: the interpreter's, the base class's, and that of its states.
_OURS = (__name__.rpartition(".")[0], Neuron.__module__, State.__module__)


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Turn any exception of the user's code into a `NeuronError` that says where, and in `what`, it happened."""
    try:
        yield
    except (NeuronError, BdbQuit):  # no fault of the user's: who debugs a neuron has left the debugger
        raise
    except Exception as error:
        raise NeuronError(f"{what} raised {type(error).__name__}: {error}", raising_line(error)) from error


def calling_line() -> SourceLine | None:
    """The line of the user's code that is calling now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _ours(frame):
        frame = frame.f_back
    return _line(frame) if frame is not None else None


def raising_line(error: BaseException) -> SourceLine | None:
    """The innermost line of the user's code that an exception passed through; None if it passed through none."""
    found = None
    step = error.__traceback__
    while step is not None:
        if not _ours(step.tb_frame):
            found = step
        step = step.tb_next
    return _line(found) if found is not None else None


def _ours(frame: FrameType) -> bool:
    # By module and not by file: the methods that dataclasses generate have no file.
    return str(frame.f_globals.get("__name__")).startswith(_OURS)


def _line(place: FrameType | TracebackType) -> SourceLine:
    info = inspect.getframeinfo(place)
    text, where = "".join(info.code_context or []), info.positions
    if where is None or where.col_offset is None:
        return SourceLine(info.filename, info.lineno, text)
    first, end = where.lineno or info.lineno, where.end_lineno or info.lineno
    return SourceLine.spanning(
        info.filename, info.lineno, text, where.col_offset, end - first, where.end_col_offset or 0
    )
