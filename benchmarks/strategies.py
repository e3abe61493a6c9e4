"""Every strategy trains MNIST with the same examples: accuracy beside AllReduce's, and milliseconds.

HORN_DATA=... python benchmarks/strategies.py --iterations 2000 --workers 4
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from horn.models import (
    AllReduce,
    Compressed,
    Downpour,
    EightBit,
    ElasticAveraging,
    Gossip,
    Hybrid,
    LinearSchedule,
    LocalSGD,
    ModelAveraging,
    NeuralNetwork,
    ParameterServer,
    SandblasterLBFGS,
    StaleSynchronous,
    SyncStrategy,
    TopK,
    Topology,
    mnist,
)
from horn.neurons import CrossEntropy, ReLU, Softmax


@dataclass(frozen=True)
class Side:
    """A strategy with the settings that suit it.

    Args:
        strategy: the strategy.
        rate: learning rate at the beginning; it falls linearly to 0.
        momentum: of the network.
        grouped: workers are two groups, and not as `fit` makes it.
        batches: how many batches make up one of this strategy's, which sees the same examples in fewer steps.
    """

    strategy: SyncStrategy
    rate: float = 0.1
    momentum: float = 0.9
    grouped: bool = False
    batches: int = 1


SIDES = {
    "AllReduce": Side(AllReduce()),
    "ModelAveraging, 20 steps": Side(ModelAveraging(20, "steps")),
    "ModelAveraging, 100 steps": Side(ModelAveraging(100, "steps")),
    "ModelAveraging, an epoch": Side(ModelAveraging(1)),
    "ParameterServer": Side(ParameterServer()),
    "Downpour": Side(Downpour()),
    "StaleSynchronous, 4": Side(StaleSynchronous(4), rate=0.05),
    "ElasticAveraging, 10": Side(ElasticAveraging(10)),
    "Gossip": Side(Gossip()),
    "LocalSGD, 20": Side(LocalSGD(20, outer_momentum=0.5)),
    "Hybrid, 2 groups": Side(Hybrid(), grouped=True),
    "SandblasterLBFGS": Side(SandblasterLBFGS(), batches=20),
    "AllReduce, top 1 %": Side(Compressed(AllReduce(), TopK(0.01))),
    "AllReduce, 8 bit": Side(Compressed(AllReduce(), EightBit())),
}


def network(side: Side) -> NeuralNetwork:
    """784-512-512-10, ReLU, no dropout."""
    nn = NeuralNetwork(learning_rate=LinearSchedule(side.rate), momentum=side.momentum, seed=1)
    nn.input_layer(784)
    nn.add_layer(512, ReLU)
    nn.add_layer(512, ReLU)
    nn.output_layer(10, Softmax, cost=CrossEntropy)
    return nn


def train(side: Side, data: Any, iterations: int, batch_size: int, workers: int) -> tuple[float, float]:
    """Accuracy on the test examples, and milliseconds per iteration."""
    nn = network(side)
    who: dict[str, Any] = {"workers": workers}
    if side.grouped:
        who = {"topology": Topology(groups=2, replicas=workers // 2, servers=1)}
    history = nn.fit(
        data.x_train,
        data.y_train,
        iterations=iterations // side.batches,
        batch_size=batch_size * side.batches,
        sync=side.strategy,
        verbose=0,
        **who,
    )
    return nn.evaluate(data.x_test, data.y_test).accuracy, 1e3 * history.time[-1] / iterations


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=None, help="parts of names; AllReduce always runs")
    options = parser.parse_args()
    data = mnist()
    print(f"{options.iterations} iterations of {options.batch_size} examples, {options.workers} workers")
    print("| strategy | test accuracy | points to AllReduce | ms per iteration |\n|---|---|---|---|")
    reference = None
    for name in chosen(options.only):
        accuracy, milliseconds = train(SIDES[name], data, options.iterations, options.batch_size, options.workers)
        reference = accuracy if reference is None else reference
        print(f"| {name} | {accuracy:.4f} | {100 * (accuracy - reference):+.2f} | {milliseconds:.2f} |", flush=True)


def chosen(parts: list[str] | None) -> Iterable[str]:
    """AllReduce, and all whose name has one of the parts in it."""
    return [name for name in SIDES if name == "AllReduce" or parts is None or any(part in name for part in parts)]


if __name__ == "__main__":
    main()
