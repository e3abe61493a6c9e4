"""Gradients against central differences of a loss written in float64 NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import erf

from horn.neurons import (
    GELU,
    Activation,
    CategoricalCrossEntropy,
    Cost,
    CrossEntropy,
    FunctionInterlayer,
    Identity,
    Interpreter,
    NetworkSpec,
    Rates,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
    Tanh,
)

FUNCTIONS: dict[type, Callable[[np.ndarray], np.ndarray]] = {
    Identity: lambda x: x,
    Softmax: lambda x: x,
    ReLU: lambda x: np.maximum(x, 0),
    Tanh: np.tanh,
    Sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    GELU: lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
}
LOSSES: dict[type, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    SquaredError: lambda o, t: 0.5 * (o - t) ** 2,
    CrossEntropy: lambda o, t: -t * np.log(o) - (1 - t) * np.log(1 - o),
    CategoricalCrossEntropy: lambda o, t: -t * np.log(o),
}


def loss(spec: NetworkSpec, flat: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean cost of a network of weighted sums, float64."""
    values = inputs.astype(np.float64)
    for index, layer in enumerate(spec.layers):
        block = spec.block_into(index)
        if block is not None:
            values = values @ block.weights(flat) + (block.matrix(flat)[0] if block.bias else 0)
        elif layer.incoming is not None:
            values = np.array([layer.incoming.apply(row) for row in values])
        values = FUNCTIONS[type(layer.activation)](values)
    return float(LOSSES[type(spec.cost)](values, targets).sum() / len(inputs))


def slopes(spec: NetworkSpec, flat: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The loss's gradient by central differences."""
    found = np.empty(spec.size)
    for i in range(spec.size):
        step = np.zeros(spec.size)
        step[i] = 1e-6
        ahead, behind = (loss(spec, flat + sign * step, inputs, targets) for sign in (1, -1))
        found[i] = (ahead - behind) / 2e-6
    return found


def gradient(spec: NetworkSpec, flat: np.ndarray, batch) -> np.ndarray:
    """The interpreter's: what standard neurons push at learning rate 1 without momentum is minus the gradient."""
    out = np.full(spec.size, np.nan, np.float32)
    Interpreter(spec, flat, np.zeros_like(flat), seed=0).gradient(batch, Rates(0, 1.0, 0.0), out)
    return -out


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("hidden", "output", "cost"),
    [
        (Tanh(), Identity(), SquaredError()),
        (ReLU(), Sigmoid(), CrossEntropy()),
        (GELU(), Softmax(), CategoricalCrossEntropy()),  # fused
        (Sigmoid(), Softmax(), SquaredError()),  # through the Jacobian
        (Softmax(), Tanh(), SquaredError()),  # a normalization between layers
    ],
)
def test_standard_neurons_push_the_gradient(
    hidden: Activation, output: Activation, cost: Cost, bias: bool, network, batch, parameters
) -> None:
    spec = network(
        (3, StandardNeuron, Identity()), (4, StandardNeuron, hidden), (2, StandardNeuron, output), cost=cost, bias=bias
    )
    rng = np.random.default_rng(9)
    inputs = rng.normal(size=(5, 3)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 5)]
    flat = parameters(spec, seed=3)
    expected = slopes(spec, flat.astype(np.float64), inputs, targets)
    np.testing.assert_allclose(gradient(spec, flat, batch(inputs, targets)), expected, rtol=1e-4, atol=2e-6)


def test_an_interlayer_of_the_users_own(network, layer, batch, parameters) -> None:
    sums = FunctionInterlayer(lambda output: output / output.sum())
    first = network((3, StandardNeuron, Identity()), (4, StandardNeuron, Sigmoid()), cost=SquaredError()).layers
    middle = layer(4, StandardNeuron, Tanh(), sums)
    last = network((4, StandardNeuron, Identity()), (2, StandardNeuron, Identity()), cost=SquaredError()).layers[1]
    spec = NetworkSpec((*first, middle, last), SquaredError())
    rng = np.random.default_rng(2)
    inputs, targets = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32)
    flat = parameters(spec)
    expected = slopes(spec, flat.astype(np.float64), inputs, targets)
    np.testing.assert_allclose(gradient(spec, flat, batch(inputs, targets)), expected, rtol=1e-4, atol=2e-6)


def test_fused_and_unfused_softmax_agree(network, batch, parameters) -> None:
    class Same(CategoricalCrossEntropy):
        """Another class, so that nothing is fused."""

    layers = (3, StandardNeuron, Identity()), (3, StandardNeuron, Softmax())
    fused = network(*layers, cost=CategoricalCrossEntropy())
    unfused = network(*layers, cost=Same())
    assert fused.fused
    assert not unfused.fused
    flat = parameters(fused)
    data = batch(np.eye(3), [0, 2, 1])
    np.testing.assert_allclose(gradient(fused, flat, data), gradient(unfused, flat, data), atol=1e-6)
