"""The experiment of the Horn paper: MNIST, a network of 784-512-512-10 with dropout, alone or in parallel.

    python mnist_dropout.py                                 two workers, the whole network
    python mnist_dropout.py --workers 20 --submodels        parallel dropout: a sub-model for each worker and batch
    python mnist_dropout.py --zookeeper 127.0.0.1:2181      coordinated by a ZooKeeper server
    python mnist_dropout.py --paper                         both runs of the paper, five times: table and picture

The last line on standard output is the test accuracy.
"""

import argparse
import itertools
import json
import logging
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from horn.bsp import BSPError
from horn.models import (
    ConstantSchedule,
    DataError,
    Dataset,
    ExponentialSchedule,
    History,
    LinearSchedule,
    ModelFileError,
    NeuralNetwork,
    TrainingDiverged,
    mnist_or_digits,
)
from horn.neurons import CrossEntropy, DropoutNeuron, ReLU, Softmax, StandardNeuron

SCHEDULES = {"constant": ConstantSchedule, "linear": LinearSchedule, "exponential": ExponentialSchedule}
PAPER = {"paper, alone": 0.9535, "paper, parallel": 0.9713}  # test accuracy after 10,000 iterations


@dataclass(frozen=True)
class Run:
    """One training run: how many workers, what they train, and how fast they learn."""

    name: str
    workers: int
    submodels: bool
    learning_rate: float
    momentum: float
    schedule: str
    batch_size: int


def runs(options: argparse.Namespace) -> list[Run]:
    """The run that was asked for, or the two of the paper.

    The paper's rate 0.3 is meant for updates of the form Δ ← 0.98·Δ − (1 − 0.98)·0.3·g: in Horn's form,
    Δ ← momentum·Δ − rate·g, the rate is 0.006.
    """
    if options.paper:
        return [
            Run("alone", 1, False, 0.006, 0.98, "constant", 100),
            Run("parallel", 20, True, 0.006, 0.98, "constant", 100),
        ]
    name = f"{options.workers} worker{'s' if options.workers > 1 else ''}"
    return [
        Run(
            name + (", sub-models" if options.submodels else ""),
            options.workers,
            options.submodels,
            options.learning_rate,
            options.momentum,
            options.schedule,
            options.batch_size,
        )
    ]


def train(run: Run, seed: int, data: Dataset, options: argparse.Namespace) -> tuple[NeuralNetwork, History]:
    """Build the paper's network, with inputs and outputs as the data have them, and train it."""
    rate = SCHEDULES[run.schedule](run.learning_rate)
    nn = NeuralNetwork(learning_rate=rate, momentum=run.momentum, seed=seed)
    nn.input_layer(data.x_train.shape[1], keep=0.8)
    nn.add_layer(512, ReLU, DropoutNeuron, keep=0.5)
    nn.add_layer(512, ReLU, DropoutNeuron, keep=0.5)
    nn.output_layer(data.classes, Softmax, StandardNeuron, cost=CrossEntropy)
    history = nn.fit(
        data.x_train,
        data.y_train,
        iterations=options.iterations,
        batch_size=run.batch_size,
        workers=run.workers,
        submodels=run.submodels,
        zookeeper=options.zookeeper,
        validation=(data.x_test, data.y_test),
        validate_every=max(1, options.iterations // 20),
    )
    return nn, history


def table(runs: dict[str, list[History]]) -> str:
    """The paper's two figures beside those of our runs, as a table in Markdown."""
    lines = [
        "| run | paper | mean | spread (standard deviation) | smallest to largest | seeds | seconds each |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, histories), paper in zip(runs.items(), PAPER.values(), strict=True):
        last = [history.validation[-1].accuracy for history in histories]
        spread = statistics.stdev(last) if len(last) > 1 else 0.0
        seconds = statistics.mean(history.time[-1] for history in histories)
        lines.append(
            f"| {name} | {paper:.4f} | {statistics.mean(last):.4f} | {spread:.4f} | {min(last):.4f} to {max(last):.4f} "
            f"| {len(last)} | {seconds:.0f} |"
        )
    return "\n".join(lines)


def plot(file: Path, runs: dict[str, list[History]], references: dict[str, float]) -> None:
    """Draw test accuracy over iterations, mean and range of all seeds, with the paper's final figures as lines."""
    import matplotlib as mpl

    mpl.use("Agg")  # draws into files, needs no display
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    for name, histories in runs.items():
        iterations = [look.iteration for look in histories[0].validation]
        looks = [[look.accuracy for look in history.validation] for history in histories]
        (line,) = axes.plot(iterations, [statistics.mean(seen) for seen in zip(*looks, strict=True)], label=name)
        lowest, highest = ([pick(seen) for seen in zip(*looks, strict=True)] for pick in (min, max))
        axes.fill_between(iterations, lowest, highest, color=line.get_color(), alpha=0.2)
    for (name, accuracy), style in zip(references.items(), (":", "--"), strict=False):
        axes.axhline(accuracy, color="grey", linestyle=style, label=f"{name}: {accuracy}")
    axes.set(xlabel="iteration", ylabel="test accuracy")
    axes.legend()
    figure.savefig(file, dpi=150)
    plt.close(figure)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Train the network of the Horn paper on MNIST.")
    add = parser.add_argument
    add("--iterations", type=int, default=10_000, help="batches of the whole job (default %(default)s)")
    add("--batch-size", type=int, default=100, help="examples in a batch of the whole job (default %(default)s)")
    add("--workers", type=int, default=2, help="workers that share each batch (default %(default)s)")
    add("--submodels", action="store_true", help="each worker trains its own sub-model of each batch")
    add("--learning-rate", type=float, default=0.1, help="rate of the first iteration (default %(default)s)")
    add("--momentum", type=float, default=0.9, help="share of the previous update that is kept (default %(default)s)")
    falls = "how the rate falls: linear to 0, exponential to a hundredth (default %(default)s)"
    add("--schedule", choices=SCHEDULES, default="linear", help=falls)
    add("--zookeeper", metavar="HOSTS", help="host:port,… of the servers that coordinate; none: embedded")
    add("--data", metavar="DIR", help="folder with the four files of MNIST, or with mnist/ that holds them")
    add("--seed", type=int, default=1, help="of weights, shuffling and dropout (default %(default)s)")
    add("--seeds", type=int, metavar="N", help="train with so many seeds, from --seed on (default 1; 5 with --paper)")
    add("--save", type=Path, metavar="FILE", help="keep the trained network (.safetensors)")
    add("--json", type=Path, metavar="FILE", help="keep history and figures")
    add("--plot", type=Path, metavar="FILE", help="draw test accuracy over iterations")
    paper = "both runs of the paper, which set workers, batch, rate, momentum and schedule; --plot is out/paper.svg"
    add("--paper", action="store_true", help=paper)
    options = parser.parse_args(arguments)
    if options.paper and options.plot is None:
        options.plot = Path("out/paper.svg")
    if options.seeds is None:
        options.seeds = 5 if options.paper else 1
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Train, and report."""
    options = parse(arguments)
    for file in filter(None, (options.save, options.json, options.plot)):
        file.parent.mkdir(parents=True, exist_ok=True)  # now: what cannot be written is no surprise after training
    data = mnist_or_digits(options.data)
    print(f"{data.name}: {len(data.x_train):,} training and {len(data.x_test):,} test examples")

    histories: dict[str, list[History]] = {}
    results: dict[str, dict[str, Any]] = {}
    accuracy = 0.0
    for run, seed in itertools.product(runs(options), range(options.seed, options.seed + options.seeds)):
        name = run.name if options.seeds == 1 else f"{run.name}, seed {seed}"
        nn, history = train(run, seed, data, options)
        loss, accuracy = nn.evaluate(data.x_test, data.y_test)
        seconds = history.time[-1]
        milliseconds = 1000 * seconds / len(history)
        print(f"{name}: {len(history):,} iterations in {seconds:.1f} s, {milliseconds:.2f} ms each")
        print(f"{name}: test loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
        figures = {"test_loss": loss, "test_accuracy": accuracy, "seconds": seconds, "ms_per_step": milliseconds}
        histories.setdefault(run.name, []).append(history)
        results[name] = {"run": asdict(run), "seed": seed, "figures": figures, "history": history.to_dict()}
        if options.save:
            nn.save(options.save)  # of several, the last one stays

    if options.json:
        report = {"data": data.name, "iterations": options.iterations, "seed": options.seed, "runs": results}
        options.json.write_text(json.dumps(report))
    if options.plot:
        plot(options.plot, histories, PAPER if options.paper else {})
    if options.paper:
        print(table(histories))
    print(f"test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    logging.getLogger("horn").setLevel(logging.INFO)  # "compiling …" on a first start
    try:
        main()
    except (BSPError, DataError, ModelFileError, OSError, TrainingDiverged, ValueError) as error:
        sys.exit(f"mnist_dropout: {error}")
    except KeyboardInterrupt:
        sys.exit("mnist_dropout: interrupted")
