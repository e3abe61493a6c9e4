"""The experiment of "Distributed Neural Networks: A Parallel Approach": model averaging every five epochs.

    python parallel_backprop.py                     tables 1 and 2 of the paper and figures 3 to 5, beside the paper's
    python parallel_backprop.py --splits 2 --epochs 100 --workers 1 2 --sampling own

Algorithm 1: for each random split of the 5,000 digits, draw a mini batch, train for five epochs, average the models of
all workers, and so on; then report the accuracy on the test part. From the paper: the splits 70/30, their number as
seed, the batch of 90 % of the training part, drawn with replacement, weights drawn uniformly from [0, 1], λ = 0.6987,
a line search. Not in the paper, and ours: 25 hidden sigmoid units, the cross entropy of each output with λ/2m·Σw²
(the exercise that the paper's code is based on), and conjugate gradients with a strong Wolfe search, an epoch being one
of their line searches: plain descent does not leave the saturated sigmoids that such weights make. The paper draws "for
each process" and also finds the same accuracy for any number of them "as the random sampling is fixed". Both readings
run: "own" draws a batch for each worker, "same" one for all.
"""

import argparse
import json
import logging
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from horn.bsp import BSPError
from horn.models import (
    ConjugateGradients,
    DataError,
    Dataset,
    History,
    ModelAveraging,
    NeuralNetwork,
    TrainingDiverged,
    digits5000,
)
from horn.neurons import CrossEntropy, Sigmoid, StandardNeuron

HIDDEN, ROUND, BATCH, REGULARIZATION = 25, 5, 0.9, 0.6987
ACCURACY = {100: (0.8067, 0.8406), 200: (0.8689, 0.8728), 250: (0.8863, 0.8645), 500: (0.8990, 0.8893)}
SECONDS = {
    100: {1: 244, 2: 211, 4: 209, 8: 217},
    200: {1: 494, 2: 337, 4: 318, 8: 345},
    250: {1: 622, 2: 406, 4: 398, 8: 431},
    500: {1: 1225, 2: 790, 4: 746, 8: 807},
}
"""The paper's tables: by epochs, sequential and parallel; by epochs and workers."""


@dataclass(frozen=True)
class Result:
    """What one run found, at each number of epochs that was asked for."""

    sampling: str
    workers: int
    split: int
    accuracy: dict[int, float]
    seconds: dict[int, float]


class Rows:
    """Rows of an array in some order, with repetitions, none of which is copied before it is needed."""

    def __init__(self, array: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> None:
        self._array, self._order = array, order
        self.shape = (len(order), array.shape[1])
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        rows: np.ndarray[Any, Any] = self._array[self._order[key]]
        return rows


def network(data: Dataset, split: int, batch: int) -> NeuralNetwork:
    """400-25-10 with the paper's first weights, which depend on the split alone."""
    nn = NeuralNetwork(
        seed=split, regularization=REGULARIZATION / batch, optimizer=ConjugateGradients(iterations=ROUND)
    )
    nn.input_layer(data.x_train.shape[1])
    nn.add_layer(HIDDEN, Sigmoid, StandardNeuron)
    nn.output_layer(data.classes, Sigmoid, StandardNeuron, cost=CrossEntropy)
    rng = np.random.default_rng(split)
    nn.weights = [rng.random(weights.shape) for weights in nn.weights]
    nn.biases = [rng.random(biases.shape) for biases in nn.biases]
    return nn


def fit(nn: NeuralNetwork, data: Dataset, sampling: str, workers: int, split: int, batch: int, rounds: int) -> History:
    """Train: a step of `fit` is a round, in which each worker trains on a batch of its own."""
    x, y = np.asarray(data.x_train[:]), data.y_train
    settings: dict[str, Any] = {
        "iterations": rounds,
        "batch_size": workers * batch,
        "workers": workers,
        "sync": ModelAveraging(every=1, unit="steps"),
        "validation": (data.x_test, data.y_test),
        "validate_every": 50 // ROUND,
        "verbose": 0,
    }
    if sampling == "own":
        return nn.fit(x, y, sampling="replacement", **settings)
    drawn = np.random.default_rng(split).integers(len(y), size=(rounds, 1, batch))
    order = np.broadcast_to(drawn, (rounds, workers, batch)).reshape(-1)
    return nn.fit(Rows(x, order), y[order], shuffle=False, **settings)


def run(sampling: str, workers: int, split: int, epochs: Sequence[int]) -> Result:
    """Train once, as long as the longest, and read off what the shorter ones find."""
    data = digits5000(seed=split)
    batch = round(BATCH * len(data.y_train))
    nn = network(data, split, batch)
    history = fit(nn, data, sampling, workers, split, batch, max(epochs) // ROUND)
    looks = {look.iteration * ROUND: look for look in history.validation}
    return Result(
        sampling,
        workers,
        split,
        {count: looks[count].accuracy for count in epochs},
        {count: looks[count].time for count in epochs},
    )


def mean(results: Sequence[Result], what: str, sampling: str, workers: int, epochs: int) -> float:
    """The mean over the splits."""
    found = [getattr(it, what)[epochs] for it in results if (it.sampling, it.workers) == (sampling, workers)]
    return float(statistics.mean(found))


def splits(results: Sequence[Result], sampling: str, workers: int, epochs: int) -> str:
    """What each split ends at, in percent."""
    found = [it.accuracy[epochs] for it in results if (it.sampling, it.workers) == (sampling, workers)]
    return ", ".join(f"{100 * accuracy:.1f}" for accuracy in found)


def tables(results: Sequence[Result], samplings: Sequence[str], workers: Sequence[int], epochs: Sequence[int]) -> str:
    """Tables 1 and 2 in Markdown, the paper's figures beside ours."""
    names = ["sequential" if count == 1 else f"{count} workers" for count in workers]
    lines: list[str] = []
    for sampling in samplings:
        lines += ["Accuracy, a batch for each worker" if sampling == "own" else "Accuracy, one batch for all workers"]
        lines += ["", f"| epochs | paper, sequential | paper, parallel | {' | '.join(names)} |"]
        lines += ["|---" * (3 + len(workers)) + "|"]
        for count in epochs:
            paper = [f"{it:.2%}" for it in ACCURACY.get(count, ())] or ["", ""]
            ours = [f"{mean(results, 'accuracy', sampling, it, count):.2%}" for it in workers]
            lines.append(f"| {count} | {' | '.join([*paper, *ours])} |")
        lines += ["", f"Seconds, paper / here ({sampling})", "", f"| epochs | {' | '.join(names)} |"]
        lines += ["|---" * (1 + len(workers)) + "|"]
        for count in epochs:
            seconds = [
                f"{SECONDS.get(count, {}).get(it, '')} / {mean(results, 'seconds', sampling, it, count):.2f}"
                for it in workers
            ]
            lines.append(f"| {count} | {' | '.join(seconds)} |")
        lines += ["", f"Test accuracy on each split, percent ({sampling})", "", f"| epochs | {' | '.join(names)} |"]
        lines += ["|---" * (1 + len(workers)) + "|"]
        for count in sorted({min(epochs), max(epochs)}):
            lines.append(f"| {count} | {' | '.join(splits(results, sampling, it, count) for it in workers)} |")
        lines.append("")
    return "\n".join(lines)


def plot(file: Path, results: Sequence[Result], sampling: str, workers: Sequence[int], epochs: Sequence[int]) -> None:
    """Figures 3 to 5: accuracy and time over epochs, time over workers; the paper's dashed."""
    import matplotlib as mpl

    mpl.use("Agg")  # draws into files, needs no display
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5))
    for count in workers:
        name = "sequential" if count == 1 else f"{count} workers"
        left.plot(epochs, [mean(results, "accuracy", sampling, count, it) for it in epochs], label=name)
        middle.plot(epochs, [mean(results, "seconds", sampling, count, it) for it in epochs], label=name)
        known = [it for it in epochs if count in SECONDS.get(it, {})]
        middle.plot(known, [SECONDS[it][count] for it in known], "--", color="grey", alpha=0.5)
    for place, name in enumerate(("paper, sequential", "paper, parallel")):
        known = [it for it in epochs if it in ACCURACY]
        left.plot(known, [ACCURACY[it][place] for it in known], "--" if place else ":", color="grey", label=name)
    for count in epochs:
        right.plot(workers, [mean(results, "seconds", sampling, it, count) for it in workers], label=f"{count} epochs")
    left.set(xlabel="epochs", ylabel="test accuracy", title="figure 3")
    middle.set(xlabel="epochs", ylabel="seconds", yscale="log", title="figure 4 (grey: the paper's)")
    right.set(xlabel="workers", ylabel="seconds", title="figure 5")
    for axes in (left, middle, right):
        axes.legend()
    figure.tight_layout()
    figure.savefig(file)
    plt.close(figure)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Model averaging on 5,000 digits, as in the paper.")
    add = parser.add_argument
    add("--epochs", type=int, nargs="+", default=[100, 200, 250, 500], help="multiples of 50 (default %(default)s)")
    add("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="numbers of workers (default %(default)s)")
    add("--splits", type=int, default=10, help="random splits of the data (default %(default)s)")
    add("--sampling", choices=("own", "same", "both"), default="both", help="a batch for each worker, or one for all")
    add("--plot", type=Path, metavar="FILE", default=Path("out/parallel_backprop.svg"), help="the figures")
    add("--json", type=Path, metavar="FILE", help="keep all results")
    options = parser.parse_args(arguments)
    if any(count < 50 or count % 50 for count in options.epochs):
        parser.error(f"--epochs must be multiples of 50, got {options.epochs}")
    if options.splits < 1 or min(options.workers) < 1:
        parser.error("--splits and --workers must be at least 1")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Train, and report."""
    options = parse(arguments)
    for file in filter(None, (options.plot, options.json)):
        file.parent.mkdir(parents=True, exist_ok=True)
    samplings = ("own", "same") if options.sampling == "both" else (options.sampling,)
    results: list[Result] = []
    for sampling in samplings:
        for workers in options.workers:
            for split in range(1, options.splits + 1):
                results.append(run(sampling, workers, split, options.epochs))
            last = max(options.epochs)
            found = mean(results, "accuracy", sampling, workers, last)
            print(f"{sampling}, workers {workers}: {found:.2%} after {last} epochs", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    plot(options.plot, results, samplings[0], options.workers, options.epochs)
    print(tables(results, samplings, options.workers, options.epochs))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    try:
        main()
    except (BSPError, DataError, OSError, TrainingDiverged, ValueError) as error:
        sys.exit(f"parallel_backprop: {error}")
    except KeyboardInterrupt:
        sys.exit("parallel_backprop: interrupted")
