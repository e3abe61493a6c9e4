"""What the processes at a barrier tell each other, and what follows from it when all have told.

What a process tells is plain data, `(flags, ((code, text, mask), ...))`: the union of the flags of all that it has
heard of, and for each call the set of those that made it, bit p for process p. Normally there is one call: 63 bytes and
its text, encoded, for up to 63 processes. What has come from outside is read with `parse`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Told = tuple[int, tuple[tuple[int, bytes, int], ...]]


@dataclass(frozen=True, slots=True)
class Proceed:
    """The barrier is over, and what all brought.

    Attributes:
        generation: which barrier.
        flags: the union of all flags.
    """

    generation: int
    flags: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The barrier is over, but the processes came for different reasons.

    Attributes:
        generation: which barrier.
        calls: each call's text, and the processes that made it.
    """

    generation: int
    calls: tuple[tuple[bytes, tuple[int, ...]], ...]


def tell(process: int, code: int, text: bytes, flags: int) -> Told:
    """Return what a process knows that has heard of nobody yet."""
    return flags, ((code, text, 1 << process),)


def union(tolds: Iterable[Told]) -> Told:
    """Return what all of them tell together, in one form whatever their order."""
    flags = 0
    calls: dict[tuple[int, bytes], int] = {}
    for theirs, made in tolds:
        flags |= theirs
        for code, text, mask in made:
            calls[code, text] = calls.get((code, text), 0) | mask
    return flags, tuple((code, text, mask) for (code, text), mask in sorted(calls.items()))


def heard_of(told: Told) -> int:
    """Return the set of processes that are told of, bit p for process p."""
    heard = 0
    for _, _, mask in told[1]:
        heard |= mask
    return heard


def members(mask: int) -> tuple[int, ...]:
    """Return the processes of a set."""
    return tuple(process for process in range(mask.bit_length()) if mask >> process & 1)


def conclude(generation: int, told: Told) -> Proceed | Mismatch:
    """Return the verdict that follows from what all processes told."""
    flags, calls = told
    if len(calls) == 1:
        return Proceed(generation, flags)
    return Mismatch(generation, tuple((text, members(mask)) for _, text, mask in calls))


def parse(value: object) -> Told | None:
    """Return what was told, or None if the value, which has come from outside, tells nothing."""
    match value:
        case (int() as flags, (*calls,)):
            made = tuple(call for call in map(_parse_call, calls) if call is not None)
            return (flags, made) if made and len(made) == len(calls) else None
    return None


def _parse_call(value: object) -> tuple[int, bytes, int] | None:
    match value:
        case (int() as code, bytes() as text, int() as mask) if mask > 0:
            return code, text, mask
    return None
