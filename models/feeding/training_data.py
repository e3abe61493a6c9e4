"""From what the user gave to `fit` to what training reads."""

from __future__ import annotations

from typing import Any

from ..data import Stream
from .examples import as_examples
from .features import Sliceable
from .handles import TrainingData
from .streamed import Streamed


def training_data(x: Sliceable | Stream, y: Any, sample_weight: Any, features: int, units: int) -> TrainingData:
    """Examples, checked and converted, or a stream, of which nothing is read yet.

    Args:
        x: inputs, or a stream.
        y: labels or targets; None beside a stream.
        sample_weight: weights of the examples, or None.
        features: units of the input layer.
        units: units of the output layer.

    Raises:
        TypeError, ValueError: see `as_examples`; or labels or weights beside a stream, or none beside inputs.
    """
    if not isinstance(x, Stream):
        if y is None:
            raise TypeError("fit needs y, the labels or targets of x; only a Stream brings its own")
        examples = as_examples(x, y, features, units, weights=sample_weight)
        if examples.weights is not None and not examples.weights.any():
            raise ValueError("sample_weight is 0 for all examples: nothing would be learned")
        return examples
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise TypeError(f"{name} cannot be given beside a Stream: its chunks bring (x, y) or (x, y, weights)")
    return Streamed(x, features, units)
