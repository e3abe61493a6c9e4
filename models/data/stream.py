"""Examples that come in chunks, one after the other: what a program reads, makes or receives during training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from ..checks import require_count

#: Inputs and labels or targets of some examples, and their weights if they have any.
Chunk: TypeAlias = tuple[Any, Any] | tuple[Any, Any, Any]


class Stream:
    """Training data that are read in passes, from the beginning to the end, and need not fit into memory.

    A pass is a sequence of chunks ``(x, y)`` or ``(x, y, weights)`` of any sizes, each part as `NeuralNetwork.fit`
    takes it: batches do not end where chunks do. Of `buffer` examples at a time the order is drawn at random: the
    first `buffer` of a pass come before the next `buffer`. With a buffer that holds a whole pass, training is to the
    bit what it is on arrays.

    The order of the examples depends on the network's seed, the number of the pass, `buffer`, and on what the source
    gives; not on the size of chunks and batches, nor on the number of workers. So a run can be repeated if the source
    gives the same examples for the same pass.

    Every peer of a job (a process; for strategies that keep a copy of the weights per worker, a worker) reads the
    source itself, from a copy of it, and holds a buffer of its own; it must give the same to all. The source travels
    to the processes by value: let it open files where it is iterated over, not before.

    A second `fit` goes on where the first ended, by reading the beginning of that pass again.

    Args:
        source: what gives the passes: anything that can be iterated over again and again, such as a list of chunks or
            an object whose ``__iter__`` is a generator; or a function of the number of the pass, from 0, that gives
            something to iterate over.
        examples: how many each pass has, if it is known; needed to train for a number of ``epochs``. It is checked.
        buffer: how many examples are shuffled together. Their memory: `buffer` and a batch, as bytes where the source
            gives bytes, else as float32.

    Raises:
        TypeError: `source` can be read only once, or not at all; the others are no whole numbers.
        ValueError: `examples` or `buffer` below 1.
    """

    def __init__(
        self,
        source: Iterable[Chunk] | Callable[[int], Iterable[Chunk]],
        *,
        examples: int | None = None,
        buffer: int = 10_000,
    ) -> None:
        if isinstance(source, Iterator):
            raise TypeError(
                f"a {type(source).__name__} can be read only once, training reads its data in every pass: give a "
                "function of the number of the pass that makes it, Stream(lambda epoch: ...)"
            )
        if not isinstance(source, Iterable) and not callable(source):
            raise TypeError(
                f"a Stream needs something to iterate over, or a function of the pass, got {type(source).__name__}"
            )
        self.source = source
        self.examples = None if examples is None else require_count("examples", examples)
        self.buffer = require_count("buffer", buffer)

    def chunks(self, epoch: int) -> Iterator[Any]:
        """What the source gives in a pass: chunks, if it is in order.

        Args:
            epoch: its number, from 0.
        """
        return iter(self.source if isinstance(self.source, Iterable) else self.source(epoch))
