"""What the tests of the neurons share: networks in one line, batches, parameters, and a NumPy oracle."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from horn.neurons import (
    Activation,
    Batch,
    CategoricalCrossEntropy,
    Cost,
    Dense,
    Identity,
    Layer,
    NetworkSpec,
    Neuron,
    Softmax,
    SquaredError,
    StandardNeuron,
    jit,
)
from horn.neurons.compiler.emission.costs import cost_code
from horn.neurons.compiler.emission.modules import layer_code
from horn.neurons.neuron import hyperparameters

Entry = tuple[Any, ...]


def _network(*layers: Entry, cost: Cost, bias: bool = True, **options: Any) -> NetworkSpec:
    """A dense chain from entries (units, neuron class, activation, hyperparameters); Softmax brings its interlayer."""
    found: list[Layer] = []
    for units, cls, activation, *rest in layers:
        incoming = Dense(bias) if found else None
        found.append(_layer(units, cls, activation, incoming, **(rest[0] if rest else {})))
        if activation.interlayer is not None:
            found.append(_layer(units, StandardNeuron, Identity(), activation.interlayer))
    return NetworkSpec(tuple(found), cost, **options)


def _layer(units: int, cls: type[Neuron], activation: Activation, incoming: Any, **overrides: Any) -> Layer:
    return Layer(units, cls, activation, hyperparameters(cls, overrides), incoming)


def _batch(inputs: Any, targets: Any, first: int = 0, total: int | None = None, lane: int | None = None) -> Batch:
    inputs = np.asarray(inputs, np.float32)
    positions = np.arange(first, first + len(inputs), dtype=np.uint32)
    lanes = positions if lane is None else np.full_like(positions, lane)
    return Batch(inputs, np.asarray(targets), positions, lanes, len(inputs) if total is None else total)


def _parameters(spec: NetworkSpec, seed: int = 0, scale: float = 0.7) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=spec.size) * scale).astype(np.float32)


@pytest.fixture
def network() -> Callable[..., NetworkSpec]:
    """``network((units, cls, activation, {hyperparameters}), ..., cost=...)`` → NetworkSpec."""
    return _network


@pytest.fixture
def layer() -> Callable[..., Layer]:
    """``layer(units, cls, activation, incoming, **hyperparameters)`` → Layer."""
    return _layer


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """``batch(inputs, targets, first=, total=, lane=)`` → Batch."""
    return _batch


@pytest.fixture
def parameters() -> Callable[..., np.ndarray]:
    """``parameters(spec, seed=)`` → a flat float32 array of small random numbers."""
    return _parameters


@pytest.fixture
def classifier(network: Callable[..., NetworkSpec]) -> NetworkSpec:
    """3 inputs, 2 classes."""
    return network(
        (3, StandardNeuron, Identity()),
        (2, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
    )


def _is_emitted(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith("horn_kernels_")


@contextmanager
def _plain_kernels() -> Iterator[None]:
    cost_code(SquaredError())  # shared by all tests, hence compiled
    known = {name for name in sys.modules if name.startswith("horn_kernels_")}
    compiled = jit.kernel
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        # The library's own kernels stay compiled, even one that is first imported here: it outlives this context.
        patch.setattr(jit, "kernel", lambda function: function if _is_emitted(function) else compiled(function))
        try:
            yield
        finally:
            for name in [name for name in sys.modules if name.startswith("horn_kernels_") and name not in known]:
                del sys.modules[name]
            layer_code.cache_clear()  # of classes that others use, too


@pytest.fixture(scope="session")
def plain_kernels() -> Callable[[], Any]:
    """A context in which emitted modules run as the Python that they are: no time goes into machine code."""
    return _plain_kernels
