"""Collectives that move values and compute nothing: one barrier each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..barriers import Call
from ..encoding import Encoded
from ..errors import BSPError, format_ranks
from .phases import ALL, Phases

Array = NDArray[Any]


def broadcast(phases: Phases, index: int, value: object, root: int, call: Call, out: Array | None = None) -> Any:
    """Return the root's value on all members."""
    if index == root:
        phases.give(index, value)
    phases.end(index, call)
    return _one(phases, root, index, out)


def gather(phases: Phases, index: int, value: object, root: int, call: Call, out: Array | None = None) -> Any:
    """Return what each member gives, on the root; None elsewhere."""
    phases.give(index, value, root)
    phases.end(index, call)
    return _all(phases, index, out) if index == root else None


def allgather(phases: Phases, index: int, value: object, call: Call, out: Array | None = None) -> Any:
    """Return what each member gives, on all members."""
    phases.give(index, value, ALL)
    phases.end(index, call)
    return _all(phases, index, out)


def scatter(
    phases: Phases, index: int, values: Sequence[object] | None, root: int, call: Call, out: Array | None = None
) -> Any:
    """Return the root's value for each member."""
    if index == root:
        _give_each(phases, index, values)
    phases.end(index, call)
    return _one(phases, root, index, out)


def alltoall(phases: Phases, index: int, values: Sequence[object], call: Call, out: Array | None = None) -> Any:
    """Return what each member has for this one."""
    _give_each(phases, index, values)
    phases.end(index, call)
    return _all(phases, index, out)


def _give_each(phases: Phases, index: int, values: Sequence[object] | None) -> None:
    members = len(phases.members)
    if values is None or len(values) != members:
        got = "None" if values is None else f"{len(values)}"
        raise BSPError(f"one value for each of the {members} members is needed, got {got}")
    # All before the first: where one cannot be encoded, nothing has been brought that a later operation would find.
    for receiver, encoded in enumerate([Encoded(value) for value in values]):
        phases.give_encoded(index, encoded, receiver)


def _one(phases: Phases, sender: int, reader: int, out: Array | None) -> Any:
    if out is None:
        return phases.given(sender, reader)
    _fill(out, phases.view(sender, reader), phases.members.ranks[sender : sender + 1])
    return out


def _all(phases: Phases, reader: int, out: Array | None) -> Any:
    senders = range(len(phases.members))
    if out is None:
        return [phases.given(sender, reader) for sender in senders]
    if out.ndim == 0 or len(out) != len(senders):
        raise BSPError(f"out must have a row for each of the {len(senders)} members, got shape {out.shape}")
    for sender in senders:
        _fill(out[sender, ...], phases.view(sender, reader), phases.members.ranks[sender : sender + 1])
    return out


def _fill(out: Array, value: object, ranks: Sequence[int]) -> None:
    """Copy what the members `ranks` gave into `out`."""
    array = np.asarray(value)
    if array.shape != out.shape or array.dtype != out.dtype:
        raise BSPError(
            f"{format_ranks(ranks)} gave dtype {array.dtype} and shape {array.shape}, "
            f"but out takes dtype {out.dtype} and shape {out.shape}",
            ranks,
        )
    if not out.flags.writeable:
        raise BSPError("out must be writable, got a read-only array")
    np.copyto(out, array)
