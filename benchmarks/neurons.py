"""What neurons cost once they are compiled, beside PyTorch, NumPy and kernels written by hand.

    python benchmarks/neurons.py [--threads N] [--json FILE] [--rounds N]

Both sides do the same work on data that lies ready, in one process and in turn; medians are compared. Without
--threads everything runs twice, in processes of their own: with one thread and with two, for both BLAS libraries and
for Horn's kernels.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

Side = Callable[[], object]
ROWS = {
    # name: (numerator, denominator, goal)
    "MNIST step, a mask per example / PyTorch eager": ("mnist", "mnist, torch eager", 0.64),
    "the same / its eight bare GEMMs": ("mnist", "mnist, bare products", 1.15),
    "MNIST step, one sub-model per batch / PyTorch eager": ("sub-model", "mnist, torch eager", 0.30),
    "the same / the sub-model by indexing in PyTorch": ("sub-model", "sub-model, torch indexed", 0.55),
    "a user's dropout neuron / numba and BLAS by hand": ("user's neuron", "by hand", 1.05),
    "RBF forward / one GEMM of its shape": ("rbf forward", "gemm", 2.0),
    "RBF forward and backward / exact cdist": ("rbf", "rbf, torch exact", 0.10),
    "RBF forward and backward / cdist by matrix products": ("rbf", "rbf, torch products", 0.70),
    "max-product forward and backward / PyTorch broadcast": ("max-product", "max-product, torch", 0.05),
    "Oja's rule / NumPy by hand": ("oja", "oja, numpy", 1.10),
    "a step of 20-16-2, batch 8 / PyTorch eager": ("small", "small, torch", 0.30),
}
#: Seconds to make the MNIST network ready in a new process, imports left out: with an empty cache, with a full one.
SECONDS = {"compile the MNIST network, cold": 10.0, "the same, warm": 1.0}
LAYER = 128, 784, 512  # examples, senders, units
GAMMA = 0.01


@dataclass(frozen=True)
class Result:
    """One line of the table: a ratio, or seconds, beside its goal."""

    name: str
    value: float
    goal: float

    def __str__(self) -> str:
        return f"  {self.name:<56} {self.value:7.3f}   {'<=' if self.value <= self.goal else '> '} {self.goal:.2f}"


def neurons() -> dict[str, Any]:
    """The neurons that a user writes: everything that is compared here and is not part of the library."""
    from horn.neurons import Neuron, StandardNeuron

    class Dropped(Neuron):
        """Dropout and ReLU in a user's own words."""

        keep = 0.5

        def forward(self, messages: Any) -> None:
            self.kept = self.binomial(1, self.keep) if self.training else self.keep
            self.total = sum(m.weight * m.input for m in messages)
            self.feedforward(max(self.total, 0.0) * self.kept)

        def backward(self, messages: Any) -> None:
            blame = 0.0
            for m in messages:
                blame += m.weight * m.delta
                self.push(self.momentum * m.prev_weight - self.learning_rate * self.output * m.delta)
            self.backpropagate(blame * self.kept if self.total > 0.0 else 0.0)

    class Rbf(StandardNeuron):
        gamma = GAMMA

        def forward(self, messages: Any) -> None:
            distance = 0.0
            for m in messages:
                difference = m.input - m.weight
                distance += difference * difference
            self.feedforward(math.exp(-self.gamma * distance))

        def backward(self, messages: Any) -> None:
            self.backpropagate(sum(m.input_gradient for m in messages))

    class MaxProduct(StandardNeuron):
        def forward(self, messages: Any) -> None:
            best = -math.inf
            for m in messages:
                best = max(best, m.input * m.weight)
            self.feedforward(best)

        def backward(self, messages: Any) -> None:
            self.backpropagate(sum(m.input_gradient for m in messages))

    class Linear(Neuron):
        """Oja's rule: the receiver tells its output, the sender makes the update of it."""

        learning_rule = "local"

        def forward(self, messages: Any) -> None:
            self.feedforward(sum(m.input * m.weight for m in messages))

        def backward(self, messages: Any) -> None:
            for m in messages:
                self.push(self.learning_rate * m.delta * (self.output - m.delta * m.weight))
            self.backpropagate(self.output)

    return {"Dropped": Dropped, "Rbf": Rbf, "MaxProduct": MaxProduct, "Linear": Linear}


def layer_operations(cls: Any) -> tuple[Side, Side]:
    """Forward, and forward with backward, of one layer in the middle of a network: its own operations and no others.

    PyTorch's side forms the gradients of inputs and weights, so does this: the deltas of the layer before it and the
    update of the weights into it.
    """
    from horn.models import NeuralNetwork
    from horn.neurons import Batch, Compiled, Identity, Rates, SquaredError
    from horn.neurons.compiler.operations.watching import Watched

    examples, senders, units = LAYER
    nn = NeuralNetwork(learning_rate=0.01, momentum=0.0, seed=1)
    nn.input_layer(1)
    nn.add_layer(senders, Identity)
    nn.add_layer(units, Identity, cls)
    nn.output_layer(1, Identity, cost=SquaredError)
    calls: list[tuple[Any, Any, Any]] = []
    spec = nn.spec
    parameters = np.random.default_rng(1).random(spec.size, np.float32)

    class Noted(Watched):
        def run(self, values: Any) -> Any:
            calls.append((self.place, self.operation, dict(values)))
            return self.operation.run(values)

    engine = Compiled(spec, parameters, np.zeros_like(parameters), seed=1, watch=Noted)
    positions = np.arange(examples, dtype=np.uint32)
    inputs = np.random.default_rng(2).random((examples, 1), np.float32)
    part = Batch(inputs, np.zeros((examples, 1), np.float32), positions, positions, examples)
    engine.gradient(part, Rates(0, 0.01, 0.0), np.empty_like(parameters))
    forward = [(op, values) for place, op, values in calls if (place.layer, place.method) == (2, "forward")]
    backward = [(op, values) for place, op, values in calls if _derives(place, op)]
    return _runner(forward), _runner([*forward, *backward])


def _derives(place: Any, operation: Any) -> bool:
    """The backward of the layer in the middle, and both gradients of its derivative, for the layer before it."""
    own = (place.layer, place.method, operation.label) == (2, "backward", "backward")
    return own or (place.layer == 1 and operation.label in ("zero", "to_both"))


def _runner(calls: Iterable[tuple[Any, Any]]) -> Side:
    found = list(calls)

    def run() -> None:
        for operation, values in found:
            operation.run(values)

    return run


def mnist_sides() -> dict[str, Side]:
    """The MNIST network's step: Horn's, PyTorch's, by hand."""
    from by_hand import SIZES, DropoutStep
    from horn_side import engine_step, mnist_network
    from torch_side import bare_products, eager_step, indexed_submodel_step

    from horn.neurons import Identity

    rng = np.random.default_rng(1)
    nn = mnist_network()
    users = mnist_network(neurons()["Dropped"], Identity)
    parameters = rng.normal(scale=0.05, size=nn.spec.size).astype(np.float32)
    inputs, labels = rng.random((100, SIZES[0]), np.float32), rng.integers(0, 10, 100)
    return {
        "mnist": engine_step(nn, 100, classes=10),
        "mnist, torch eager": eager_step(100),
        "mnist, bare products": bare_products(100),
        "sub-model": engine_step(nn, 100, classes=10, submodel=True),
        "sub-model, torch indexed": indexed_submodel_step(100),
        "user's neuron": engine_step(users, 100, classes=10),
        "by hand": DropoutStep(parameters, inputs, labels, 1),
    }


def layer_sides() -> dict[str, Side]:
    """Single layers of neurons that compute no weighted sum."""
    from torch_layers import max_product, product, rbf

    found = neurons()
    forward, both = layer_operations(found["Rbf"])
    _, largest = layer_operations(found["MaxProduct"])
    _, exact = rbf(*LAYER, GAMMA, exact=True)
    _, products = rbf(*LAYER, GAMMA, exact=False)
    return {
        "rbf forward": forward,
        "gemm": product(*LAYER),
        "rbf": both,
        "rbf, torch exact": exact,
        "rbf, torch products": products,
        "max-product": largest,
        "max-product, torch": max_product(*LAYER)[1],
    }


def rule_sides() -> dict[str, Side]:
    """A learning rule that is no gradient, and a network so small that overhead is all."""
    from by_hand import oja_step
    from horn_side import engine_step
    from torch_layers import small_step

    from horn.models import NeuralNetwork
    from horn.neurons import CrossEntropy, Identity, ReLU, Softmax, SquaredError

    linear = neurons()["Linear"]
    oja = NeuralNetwork(learning_rate=0.01, momentum=0.0, seed=1)
    oja.input_layer(784, neuron=linear)
    oja.output_layer(64, Identity, linear, cost=SquaredError, bias=False)
    rng = np.random.default_rng(1)
    weights = rng.normal(scale=0.05, size=(784, 64)).astype(np.float32)
    small = NeuralNetwork(learning_rate=0.01, momentum=0.9, seed=1)
    small.input_layer(20)
    small.add_layer(16, ReLU)
    small.output_layer(2, Softmax, cost=CrossEntropy)
    return {
        "oja": engine_step(oja, 100),
        "oja, numpy": oja_step(weights, rng.random((100, 784), np.float32), 0.01),
        "small": engine_step(small, 8, classes=2),
        "small, torch": small_step((20, 16, 2), 8),
    }


_PREPARE = """
import time
from horn_side import mnist_network
from horn.neurons import Compiled
spec = mnist_network().spec
ready = time.perf_counter()
Compiled.prepare(spec)
print(time.perf_counter() - ready)
"""


def compile_seconds() -> dict[str, float]:
    """Seconds that new processes take to make the MNIST network ready: on an empty cache, then on the full one."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"HORN_CACHE": folder}

        def once() -> float:
            command = [sys.executable, "-c", _PREPARE]
            here = Path(__file__).parent
            done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True)
            return float(done.stdout)

        cold = once()
        return dict(zip(SECONDS, (cold, statistics.median(once() for _ in range(3))), strict=True))


def measured(threads: int, rounds: int) -> dict[str, Any]:
    """All figures with so many threads."""
    import torch
    from measure import blas_threads, in_turn
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    with threadpool_limits(threads):
        ms = in_turn(mnist_sides(), rounds)
        ms |= in_turn(layer_sides(), max(rounds // 3, 3), steps=2)
        ms |= in_turn(rule_sides(), rounds, steps=100)
        used = f"threads: torch {torch.get_num_threads()}; {blas_threads()}"
    results = [Result(name, ms[ours] / ms[theirs], goal) for name, (ours, theirs, goal) in ROWS.items()]
    if threads == 1:
        results += [Result(name, seconds, SECONDS[name]) for name, seconds in compile_seconds().items()]
    return {"threads": threads, "used": used, "milliseconds": ms, "results": [asdict(result) for result in results]}


def show(found: dict[str, Any]) -> None:
    """Print the figures of one run."""
    print(f"\n{found['used']}\n\nmilliseconds, medians")
    for name, value in found["milliseconds"].items():
        print(f"  {name:<56} {value:7.3f}")
    print("\nratios and seconds, beside their goals")
    for result in found["results"]:
        print(Result(**result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, help="measure with so many threads only")
    parser.add_argument("--rounds", type=int, default=30, help="turns of each side")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    if options.threads:
        figures = [measured(options.threads, options.rounds)]
        show(figures[0])
    else:
        figures = [alone(threads, options.rounds) for threads in (1, 2)]
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def alone(threads: int, rounds: int) -> dict[str, Any]:
    """The figures with so many threads, measured in a process of their own."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "figures.json"
        command = [sys.executable, __file__, "--threads", str(threads), "--rounds", str(rounds), "--json", str(written)]
        subprocess.run(command, env=os.environ | limits, check=True)
        figures: list[dict[str, Any]] = json.loads(written.read_text())
    return figures[0]


if __name__ == "__main__":
    main()
