"""How fast steps are: beside PyTorch, with a network divided over tasks, and of the second paper's task."""

from __future__ import annotations

import statistics
import time

from engine_table import Row, Table
from measure import in_turn
from threadpoolctl import threadpool_limits
from training_parts import Amount, step_time, train

from horn.models import ConjugateGradients, NeuralNetwork, Topology, digits5000
from horn.neurons import CrossEntropy, ReLU, Sigmoid, Softmax, StandardNeuron, divide


def torch_in_process(rounds: int) -> dict[str, float]:
    """Seconds of an eager step with one and with two threads."""
    import torch
    from torch_side import eager_step

    found = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            found[f"one process, {threads} threads"] = in_turn({"step": eager_step(100)}, rounds)["step"] / 1e3
    torch.set_num_threads(1)
    return found


def side_by_side(table: Table, amount: Amount) -> None:
    """2 x 50 and 20 x 5, with masks per example and with sub-models, beside PyTorch's."""
    from torch_side import ddp_seconds

    horn = {
        "2 workers x 50": {"workers": 2},
        "20 workers x 5, a mask per example": {"workers": 20},
        "20 workers x 5, sub-models": {"workers": 20, "submodels": True},
    }
    ours: dict[str, list[float]] = {name: [] for name in horn}
    theirs: dict[str, list[float]] = {}
    for _ in range(amount.turns):
        for name, settings in horn.items():
            ours[name].append(step_time(train(amount.iterations, **settings)))
        sides = torch_in_process(max(amount.iterations // 20, 2))
        sides["DDP, 2 processes"] = ddp_seconds(2, 100, max(amount.iterations // 2, 10))
        for name, seconds in sides.items():
            theirs.setdefault(name, []).append(seconds)
    many = ddp_seconds(20, 100, max(amount.iterations // 20, 10))
    for name, found in theirs.items():
        table.add(Row(f"PyTorch, {name}", statistics.median(found)))
    table.add(Row("PyTorch, DDP, 20 processes", many))
    best = min(statistics.median(found) for found in theirs.values())
    two = statistics.median(theirs["DDP, 2 processes"])
    took = {name: statistics.median(found) for name, found in ours.items()}
    pair, masks, parts = took.values()
    names = list(took)
    table.add(Row(names[0], pair, goal=0.55 * best, rival="best PyTorch", other=best))
    table.add(Row(names[0], pair, goal=0.30 * two, rival="DDP", other=two))
    table.add(Row(names[1], masks, goal=0.80 * best, rival="best PyTorch", other=best))
    table.add(Row(names[1], masks, goal=0.05 * many, rival="DDP", other=many))
    table.add(Row(names[2], parts, goal=6e-3, rival="DDP", other=many))
    history = train(amount.long, workers=20, submodels=True)
    table.add(Row(f"20 x 5, sub-models: {amount.long:,} steps, seconds", history.time[-1], "", goal=65.0))


def wide(units: int = 4096) -> NeuralNetwork:
    """Layers of 4096: a network that is worth dividing."""
    nn = NeuralNetwork(learning_rate=0.01, seed=1)
    nn.input_layer(784)
    nn.add_layer(units, ReLU, StandardNeuron)
    nn.add_layer(units, ReLU, StandardNeuron)
    nn.output_layer(10, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn


def model_parallel(table: Table, amount: Amount) -> None:
    """A step of a wide network on one task and on two, one thread each; the weights that a task holds."""
    steps = max(amount.iterations // 20, 5)
    alone, divided = [], []
    for _ in range(amount.turns):
        alone.append(step_time(train(steps, wide())))
        divided.append(step_time(train(steps, wide(), topology=Topology(tasks=2))))
    serial, both = statistics.median(alone), statistics.median(divided)
    table.add(Row("layers of 4096 over 2 tasks, batch 100", both, goal=0.75 * serial, rival="serial", other=serial))
    spec = wide().spec
    largest = max(share.size for share in divide(spec, 2)) / spec.size
    table.add(Row("weights that a task of 2 holds, of all", largest, "", goal=0.55))


def second_paper(table: Table, amount: Amount) -> None:
    """100 epochs of conjugate gradients on 3,150 digits, 400-25-10, alone, with one thread of the BLAS and with two.

    Starting is excluded.
    """
    data = digits5000(seed=1)
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(amount.turns):
        for threads, found in times.items():
            nn = NeuralNetwork(seed=1, regularization=0.6987 / 3150, optimizer=ConjugateGradients(iterations=5))
            nn.input_layer(400)
            nn.add_layer(25, Sigmoid, StandardNeuron)
            nn.output_layer(10, Sigmoid, StandardNeuron, cost=CrossEntropy)
            settings = {"batch_size": 3150, "sampling": "replacement", "verbose": 0, "blas_threads": threads}
            nn.fit(data.x_train, data.y_train, iterations=1, **settings)  # compiles, and imports what it needs
            start = time.perf_counter()
            nn.fit(data.x_train, data.y_train, iterations=20, **settings)
            found.append(time.perf_counter() - start)
    one, two = (statistics.median(found) for found in times.values())
    table.add(Row("the second paper's 100 epochs, sequential, seconds", one, "", goal=1.0))
    table.add(Row("the same, two threads of the BLAS", two, ""))
