"""Collectives of the peers of a host, on shared memory.

An allreduce of n bytes cuts the array into one slice per peer. Every peer publishes what the other processes need of
its array, reduces its own slice over all peers, and copies the others' results: two barriers, and no byte goes through
a kernel. The slice is reduced along ONE binary tree over the peer indices, ((0+1)+(2+3))+..., whatever process a peer
lives in, so that the same peers give the same bits in any number of processes.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import failpoints
from .barriers import signature
from .encoding import Encoded, decode
from .errors import BSPError
from .memory import Segment
from .placement import Placement

Array = NDArray[Any]
_ALIGNMENT = 64
# Bytes per step of a reduction over more than two arrays: the partial sums stay in the cache.
_BLOCK = 1 << 16

OPERATIONS: dict[str, Callable[..., Any]] = {
    "sum": np.add,
    "mean": np.add,
    "max": np.maximum,
    "min": np.minimum,
}


def tree_reduce(parts: Sequence[Array], operation: Callable[..., Any], out: Array) -> None:
    """Reduce equally long 1-d arrays along the binary tree over their positions into `out`.

    The tree splits at the largest power of two below the number of parts. `out` may be one of the parts only if that
    is the first.
    """
    count = len(parts)
    if count == 1:
        np.copyto(out, parts[0])
        return
    if count == 2:
        operation(parts[0], parts[1], out=out)
        return
    step = max(1, _BLOCK // out.itemsize)
    scratch = [np.empty(min(step, out.size), out.dtype) for _ in range(count.bit_length())]
    for start in range(0, out.size, step):
        stop = min(start + step, out.size)
        _reduce_block([part[start:stop] for part in parts], operation, out[start:stop], scratch)


def _reduce_block(parts: Sequence[Array], operation: Callable[..., Any], out: Array, scratch: Sequence[Array]) -> None:
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return
    if len(parts) == 2:
        operation(parts[0], parts[1], out=out)
        return
    middle = 1 << ((len(parts) - 1).bit_length() - 1)
    right = parts[middle]
    _reduce_block(parts[:middle], operation, out, scratch[1:])
    if len(parts) > middle + 1:
        right = scratch[0][: out.size]
        _reduce_block(parts[middle:], operation, right, scratch[1:])
    operation(out, right, out=out)


class Collectives:
    """The collectives of the peers of one process.

    Args:
        placement: which peers live where.
        process: this process.
        contributions: per process, memory for what its peers bring.
        results: per process, memory for what its peers have reduced. Apart from the contributions, because a fast peer
            brings its next contribution while a slow one still reads the last results.
        barrier: waits for all peers, given the calling peer and the code of its call.
    """

    def __init__(
        self,
        placement: Placement,
        process: int,
        contributions: Sequence[Segment],
        results: Sequence[Segment],
        barrier: Callable[[int, int], object],
    ) -> None:
        self._placement = placement
        self._process = process
        self._contributions = contributions
        self._results = results
        self._barrier = barrier
        self._mutex = threading.Lock()
        self._present: dict[int, Array] = {}

    def allreduce(self, rank: int, value: Any, op: str, out: Array | None) -> Any:
        """Reduce over all peers; see `Peer.allreduce`."""
        array = _checked(value, op)
        result = _checked_out(array, out)
        flat, target = array.reshape(-1), result.reshape(-1)
        call = signature(f"allreduce {op} {array.dtype.str} {array.shape}")
        self._present[rank] = flat
        self._publish(rank, flat)
        self._barrier(rank, call)
        failpoints.hit("allreduce.reducing")
        self._reduce_slice(rank, flat, op)
        self._barrier(rank, call)
        del self._present[rank]
        for process in range(self._placement.processes):
            low, high = self._span(self._placement.ranks(process), flat.size)
            if low < high:
                target[low:high] = _array(self._results[process], 0, flat.dtype, high - low)
        return result if np.ndim(value) or out is not None else result[()]

    def broadcast(self, rank: int, value: object, root: int) -> Any:
        """Return the root's value on all peers; see `Peer.broadcast`."""
        if not 0 <= root < self._placement.peers:
            raise BSPError(f"the root must be in [0, {self._placement.peers}), got {root}")
        call = signature(f"broadcast {root}")
        segment = self._contributions[self._placement.process_of(root)]
        if rank == root:
            encoded = Encoded(value)
            self._reserve(segment, _ALIGNMENT + encoded.size)
            memory = segment.view(_ALIGNMENT + encoded.size)
            memory[:8].cast("q")[0] = encoded.size
            encoded.write(memory[_ALIGNMENT:])
        self._barrier(rank, call)
        size = segment.view(8).cast("q")[0]
        received = decode(bytearray(segment.view(_ALIGNMENT + size)[_ALIGNMENT:]))
        self._barrier(rank, call)
        return received

    def _reserve(self, segment: Segment, size: int) -> None:
        with self._mutex:
            segment.reserve(size)

    def _publish(self, rank: int, flat: Array) -> None:
        """Copy into shared memory what other processes will reduce: all but the slices of this process."""
        ranks = self._placement.ranks(self._process)
        low, high = self._span(ranks, flat.size)
        self._reserve(self._results[self._process], (high - low) * flat.itemsize)
        if self._placement.processes == 1:
            return
        self._reserve(self._contributions[self._process], len(ranks) * _stride(flat))
        mine = self._contribution(rank, flat)
        mine[:low] = flat[:low]
        mine[high:] = flat[high:]

    def _reduce_slice(self, rank: int, flat: Array, op: str) -> None:
        low, high = self._span(range(rank, rank + 1), flat.size)
        if low == high:  # fewer elements than peers
            return
        base, _ = self._span(self._placement.ranks(self._process), flat.size)
        parts = [self._part(peer, flat)[low:high] for peer in range(self._placement.peers)]
        target = _array(self._results[self._process], (low - base) * flat.itemsize, flat.dtype, high - low)
        tree_reduce(parts, OPERATIONS[op], target)
        if op == "mean":
            np.divide(target, self._placement.peers, out=target)

    def _part(self, peer: int, flat: Array) -> Array:
        if self._placement.process_of(peer) == self._process:
            return self._present[peer]
        return self._contribution(peer, flat)

    def _contribution(self, peer: int, flat: Array) -> Array:
        process = self._placement.process_of(peer)
        position = peer - self._placement.ranks(process).start
        return _array(self._contributions[process], position * _stride(flat), flat.dtype, flat.size)

    def _span(self, ranks: range, size: int) -> tuple[int, int]:
        """Return the elements that some neighbouring peers reduce."""
        return ranks.start * size // self._placement.peers, ranks.stop * size // self._placement.peers


def _stride(flat: Array) -> int:
    return -(-flat.nbytes // _ALIGNMENT) * _ALIGNMENT


def _array(segment: Segment, offset: int, dtype: np.dtype[Any], count: int) -> Array:
    memory = segment.map(offset + count * dtype.itemsize)
    return np.frombuffer(memory, dtype=dtype, count=count, offset=offset)


def _checked(value: Any, op: str) -> Array:
    if op not in OPERATIONS:
        raise BSPError(f"the operation must be one of {', '.join(OPERATIONS)}, got {op!r}")
    array: Array = np.ascontiguousarray(value) if np.ndim(value) else np.array(value)
    if array.dtype.kind not in ("biuf" if op in ("max", "min") else "biufc"):
        raise BSPError(f"allreduce {op} works on numbers, got dtype {array.dtype}")
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if op == "mean" and array.dtype.kind in "iu":
        array = array.astype(np.float64)
    return array


def _checked_out(array: Array, out: Array | None) -> Array:
    if out is None:
        return np.empty(array.shape, array.dtype)
    if out.shape != array.shape or out.dtype != array.dtype or not out.flags.c_contiguous or not out.flags.writeable:
        raise BSPError(
            f"out must be a writable C-contiguous array of shape {array.shape} and dtype {array.dtype}, "
            f"got shape {out.shape} and dtype {out.dtype}"
        )
    return out
