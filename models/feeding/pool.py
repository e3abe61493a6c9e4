"""The part of a stream that lies in memory, and the order in which its examples are taken.

A window of the stream is read, and a permutation of it drawn; what is left of it when the next batch needs more goes
before the next window. So the order depends on seed, pass and window, and not on how chunks and batches are cut.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..streams import SHUFFLE, generator
from .examples import Examples
from .features import Features
from .streamed import Streamed


class Pool:
    """Examples of a stream in memory.

    Args:
        streamed: the stream.
        batch_size: how many are taken together at most.
        seed: of the order; None takes them as they come.

    Attributes:
        examples: those in memory, in the order in which they came; None before the first are read.
    """

    def __init__(self, streamed: Streamed, batch_size: int, seed: int | None) -> None:
        self.examples: Examples | None = None
        self._streamed = streamed
        self._seed = seed
        self._window = batch_size if seed is None else streamed.stream.buffer
        self._capacity = self._window + batch_size - 1
        self._chunks: Generator[Examples] | None = None

    def begin(self, epoch: int) -> None:
        """Begin a pass."""
        self.close()
        self._epoch = epoch
        self._chunks = self._streamed.chunks(epoch)
        self._random = None if self._seed is None else generator(self._seed, SHUFFLE, epoch)
        self._rows = np.arange(0)
        self._chunk: Examples | None = None
        self._used = self._seen = 0
        self._exhausted = False

    def take(self, count: int) -> NDArray[np.int64]:
        """The next examples of the pass, as indices into `examples`; fewer, or none, at its end."""
        while len(self._rows) < count and not self._exhausted:
            self._refill()
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    @property
    def ended(self) -> bool:
        """True where all examples of the pass are taken: to know this, more may have to be read."""
        # what `take` has given is not used any more when this reads on: the caller has copied it
        if not len(self._rows) and not self._exhausted:
            self._refill()
        return not len(self._rows)

    def close(self) -> None:
        """Let the source of a pass that is not read to its end close its files."""
        if self._chunks is not None:
            self._chunks.close()

    def _refill(self) -> None:
        kept = len(self._rows)
        if self.examples is not None and kept:
            for array in _arrays(self.examples):
                array[:kept] = array[self._rows]
        fresh = self._read(kept, kept + self._window) - kept
        order = np.arange(fresh) if self._random is None else self._random.permutation(fresh)
        self._rows = np.concatenate([np.arange(kept), kept + order])

    def _read(self, start: int, stop: int) -> int:
        """Fill the places `start` to `stop` with what comes next; returns where it ends."""
        while start < stop:
            if self._chunk is None or self._used == len(self._chunk):
                self._next_chunk()
            if self._chunk is None:
                break
            count = min(stop - start, len(self._chunk) - self._used)
            self._copy(self._chunk, start, count)
            start, self._used, self._seen = start + count, self._used + count, self._seen + count
        return start

    def _next_chunk(self) -> None:
        assert self._chunks is not None
        self._chunk, self._used = next(self._chunks, None), 0
        if self._chunk is not None:
            self._storage(self._chunk)
            return
        self._exhausted = True
        said = self._streamed.stream.examples
        if not self._seen:
            raise ValueError(
                f"the stream gave no examples in pass {self._epoch}: its source must give all of them in each pass"
            )
        if said is not None and self._seen != said:
            raise ValueError(
                f"the stream gave {self._seen:,} examples in pass {self._epoch}, examples={said:,} were announced: "
                "correct the number, or leave it out and train for a number of iterations"
            )

    def _storage(self, chunk: Examples) -> None:
        """Make room for examples like those of the first chunk; refuse others."""
        if self.examples is None:
            self.examples = _room(chunk, self._capacity)
        first, now = _kind(self.examples), _kind(chunk)
        if first != now and not (first[0] == "numbers" and first[1:] == now[1:]):
            raise TypeError(
                f"the stream's chunks began with {', '.join(first)}, pass {self._epoch} has {', '.join(now)} after "
                f"{self._seen:,} examples: all chunks must be of one kind"
            )

    def _copy(self, chunk: Examples, start: int, count: int) -> None:
        examples, end = self.examples, self._used + count
        assert examples is not None
        bytes_ = examples.features.array.dtype == np.uint8
        inputs = chunk.features.array[self._used : end] if bytes_ else chunk.features.rows(self._used, end)
        weights = () if chunk.weights is None else (chunk.weights[self._used : end],)
        for array, part in zip(_arrays(examples), (inputs, chunk.targets[self._used : end], *weights), strict=True):
            array[start : start + count] = part


def _room(like: Examples, capacity: int) -> Examples:
    """Room for so many examples: inputs as bytes if they are some, else as float32."""
    bytes_ = like.features.array.dtype == np.uint8
    inputs = np.empty((capacity, like.features.width), np.uint8 if bytes_ else np.float32)
    features = Features(inputs, like.features.scale if bytes_ else 1.0)
    targets = np.empty((capacity, *like.targets.shape[1:]), like.targets.dtype)
    return Examples(features, targets, None if like.weights is None else np.empty(capacity, np.float32))


def _arrays(examples: Examples) -> tuple[NDArray[Any], ...]:
    inputs = examples.features.array
    assert isinstance(inputs, np.ndarray)
    return inputs, examples.targets, *(() if examples.weights is None else (examples.weights,))


def _kind(examples: Examples) -> tuple[str, str, str]:
    """What the chunks of a stream have in common, in words."""
    inputs = f"bytes × {examples.features.scale:g}" if examples.features.array.dtype == np.uint8 else "numbers"
    targets = "labels" if examples.targets.ndim == 1 else "targets"
    return inputs, targets, "no weights" if examples.weights is None else "weights"
