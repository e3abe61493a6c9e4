"""Fifty steps without dropout, in Horn and in PyTorch, from the same weights on the same batches: how far apart?

    python benchmarks/torch_agreement.py

Prints the greatest difference of any weight, and of any output, from PyTorch in float32 and in float64; ends with an
error where one exceeds 1e-3. One rectifier that is on in one and off in the other, by a rounding at its kink, shows.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, ReLU, Softmax, StandardNeuron

STEPS, BATCH, LIMIT = 50, 100, 1e-3


def horn_network() -> NeuralNetwork:
    network = NeuralNetwork(learning_rate=0.1, momentum=0.9, seed=1)
    network.input_layer(784)
    network.add_layer(512, ReLU, StandardNeuron)
    network.add_layer(512, ReLU, StandardNeuron)
    network.output_layer(10, Softmax, StandardNeuron, cost=CrossEntropy)
    return network


def torch_copy(network: NeuralNetwork) -> nn.Sequential:
    layers: list[nn.Module] = []
    for weights, bias in zip(network.weights, network.biases, strict=True):
        linear = nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for start in range(0, len(x), BATCH):
        optimizer.zero_grad()
        rows = slice(start, start + BATCH)
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


def difference(ours: NeuralNetwork, theirs: nn.Sequential, x: NDArray[np.float32]) -> tuple[float, float]:
    """Greatest difference of any weight, of any output."""
    linears = [layer for layer in theirs if isinstance(layer, nn.Linear)]
    weights = max(
        float(np.abs(w - linear.weight.detach().numpy().T).max())
        for w, linear in zip(ours.weights, linears, strict=True)
    )
    with torch.no_grad():
        outputs = torch.softmax(theirs(torch.from_numpy(x).to(linears[0].weight.dtype)), dim=1).numpy()
    return weights, float(np.abs(ours.predict(x) - outputs).max())


def main() -> None:
    random = np.random.default_rng(2)
    x = random.random((STEPS * BATCH, 784), np.float32)
    y = (x[:, :10] + 0.3 * random.random((len(x), 10), np.float32)).argmax(axis=1)
    ours = horn_network()
    copies = {dtype: torch_copy(ours).to(dtype) for dtype in (torch.float32, torch.float64)}
    ours.fit(x, y, iterations=STEPS, batch_size=BATCH, shuffle=False, verbose=0)
    worst = 0.0
    for dtype, theirs in copies.items():
        train(theirs, torch.from_numpy(x).to(dtype), torch.from_numpy(y))
        weights, outputs = difference(ours, theirs, x[:1000])
        print(f"after {STEPS} steps, from {dtype}: weights differ by {weights:.1e} at most, outputs by {outputs:.1e}")
        worst = max(worst, weights, outputs)
    if worst > LIMIT:
        raise SystemExit(f"more than {LIMIT}")


if __name__ == "__main__":
    main()
