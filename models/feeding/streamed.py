"""A stream as training reads it: each chunk checked and converted like arrays are, errors naming pass and chunk."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ..data import Stream
from .examples import Examples, as_examples


@dataclass(frozen=True)
class Streamed:
    """A stream for one network.

    Args:
        stream: what the user gave.
        features: units of the input layer.
        units: units of the output layer.
    """

    stream: Stream
    features: int
    units: int

    looks_unscaled = False  # nothing is read before training begins

    def __len__(self) -> int:
        """Examples of a pass; 0 where nobody has said."""
        return self.stream.examples or 0

    def chunks(self, epoch: int) -> Generator[Examples]:
        """The chunks of a pass, without empty ones.

        Raises:
            TypeError, ValueError: a chunk is none, or holds what `fit` would refuse.
        """
        for number, chunk in enumerate(self.stream.chunks(epoch)):
            where = f"pass {epoch}, chunk {number}"
            if not isinstance(chunk, tuple | list) or len(chunk) not in (2, 3):
                seen = f"{len(chunk)} things" if isinstance(chunk, tuple | list) else f"a {type(chunk).__name__}"
                raise TypeError(f"{where} is {seen}: needed is (x, y) or (x, y, weights)")
            x, y, weights = (*chunk, None)[:3]
            if len(x):
                names = (f"{where}: x", f"{where}: y", f"{where}: weights")
                yield as_examples(x, y, self.features, self.units, names, weights)
