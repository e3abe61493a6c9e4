"""How the exception that ended a peer's program comes to the caller: as text, and as itself where it can travel."""

import json
import traceback

from .. import errors
from ..errors import BSPError, JobAborted, PeerFailed, format_ranks
from . import frames
from .shipping import dump_value, load_value


def abort_behind(error: BaseException | None) -> JobAborted | None:
    """Return the end of the job that an exception is only a consequence of, as one of the program's clean-up may be."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, JobAborted) and error.job is None:
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def describe(error: BaseException) -> bytes:
    """Return the payload of a failure frame: the error as JSON, and its pickle if it has one."""
    told = {
        "type": type(error).__name__,
        "message": str(error),
        # The errors of a job that the program itself has run are the program's.
        "engine": type(error).__module__.startswith("horn.bsp.") and getattr(error, "job", None) is None,
        "ranks": list(error.ranks) if isinstance(error, BSPError) else [],
        "traceback": "".join(traceback.format_exception(error)),
    }
    return frames.join(json.dumps(told).encode(), _pickled(error))


def _pickled(error: BaseException) -> bytes:
    """Return the exception as a pickle, or nothing where it cannot travel: its text travels anyway."""
    try:
        return dump_value(error)
    except Exception:
        return b""


def rebuild(peer: int, payload: bytes) -> BSPError:
    """Rebuild what a peer reported: errors of the engine as themselves, all others as `PeerFailed`."""
    head, pickled = frames.parted(payload)
    told = json.loads(head)
    if told["engine"]:
        kind: type[BSPError] = getattr(errors, told["type"])
        error = kind(told["message"], told["ranks"] or [peer])
        error.add_note(f"Raised in {format_ranks([peer])}:\n{told['traceback']}")
        return error
    exception = _exception(pickled)
    message = f"{format_ranks([peer])} raised {told['type']}: {told['message']}\n\n{told['traceback']}"
    return PeerFailed(message, [peer], told["traceback"], exception)


def _exception(pickled: memoryview) -> BaseException | None:
    if not pickled:
        return None
    try:
        value = load_value(pickled)
    except Exception:  # its constructor wants other arguments than it kept; the text has all that can be told
        return None
    return value if isinstance(value, BaseException) else None
