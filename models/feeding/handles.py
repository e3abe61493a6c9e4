"""How training data get into the processes of a job: small objects that travel, and find the arrays there.

An array in a file is mapped by each process, one in memory lies in the job's shared memory once, and what is no NumPy
array travels itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .examples import Examples
from .features import Features, Sliceable
from .mapped import InFile
from .streamed import Streamed

#: What is trained on.
TrainingData: TypeAlias = Examples | Streamed

#: Stands for an array that travels apart from what describes it.
_NOTHING = np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class InMemory:
    """An array in the job's shared memory."""

    name: str

    def open(self, shared: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The array."""
        return shared[self.name]


@dataclass(frozen=True)
class ByValue:
    """Something sliceable that is no NumPy array: a process gets a copy of the object, not of what it reads."""

    value: Sliceable

    def open(self, shared: Mapping[str, NDArray[Any]]) -> Sliceable:
        """The object."""
        return self.value


ArrayHandle: TypeAlias = InFile | InMemory


@dataclass(frozen=True)
class ExampleHandles:
    """Examples, as they travel to a process.

    Args:
        features: all of the inputs but their array.
        inputs: that array.
        targets: labels or targets.
        weights: of the examples, or None.
    """

    features: Features
    inputs: ArrayHandle | ByValue
    targets: ArrayHandle
    weights: ArrayHandle | None

    def open(self, shared: Mapping[str, NDArray[Any]]) -> Examples:
        """The examples, in the process that they came to."""
        features = replace(self.features, array=self.inputs.open(shared))
        weights = None if self.weights is None else self.weights.open(shared)
        return Examples(features, self.targets.open(shared), weights)


@dataclass(frozen=True)
class StreamHandle:
    """A stream, as it travels to a process: each reads its own."""

    streamed: Streamed

    def open(self, shared: Mapping[str, NDArray[Any]]) -> Streamed:
        """The stream."""
        return self.streamed


def hand_over(name: str, data: TrainingData, shared: dict[str, NDArray[Any]]) -> ExampleHandles | StreamHandle:
    """The handle by which a process finds training data.

    Args:
        name: the beginning of their names in shared memory.
        data: examples or a stream.
        shared: arrays to put into shared memory are added to it.
    """
    return StreamHandle(data) if isinstance(data, Streamed) else hand_over_examples(name, data, shared)


def hand_over_examples(name: str, examples: Examples, shared: dict[str, NDArray[Any]]) -> ExampleHandles:
    """The same for examples."""
    array, weights = examples.features.array, examples.weights
    return ExampleHandles(
        replace(examples.features, array=_NOTHING),
        _handle(f"{name}.features", array, shared) if isinstance(array, np.ndarray) else ByValue(array),
        _handle(f"{name}.targets", examples.targets, shared),
        None if weights is None else _handle(f"{name}.weights", weights, shared),
    )


def _handle(name: str, array: NDArray[Any], shared: dict[str, NDArray[Any]]) -> ArrayHandle:
    in_file = InFile.of(array)
    if in_file is not None:
        return in_file
    shared[name] = array
    return InMemory(name)
