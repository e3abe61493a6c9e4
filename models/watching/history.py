"""What a `fit` leaves behind beside the weights: how loss, accuracy and time went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .plotting import plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Evaluation(NamedTuple):
    """How well a network does on examples.

    Attributes:
        loss: mean cost per example, regularization left out.
        accuracy: share of the examples whose largest output is the target's.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class ValidationRecord:
    """A look at the validation examples during training.

    Attributes:
        iteration: iterations of this `fit` done before it.
        loss: mean cost per example.
        accuracy: share of examples put into the right class.
        time: seconds since the first step began.
    """

    iteration: int
    loss: float
    accuracy: float
    time: float


@dataclass(frozen=True, repr=False, eq=False)
class WorkerHistory:
    """What one worker did, or those whose parts one process computes as one batch; an entry for each of their steps.

    Attributes:
        workers: which they are.
        task: which task of the worker, where its neurons are divided over several.
        iteration: number of the batch that a part was taken of, in this `fit`.
        examples: how many examples the part had.
        staleness: how many steps the servers had made since the worker fetched its parameters, its own left out, when
            it fetched them anew; 0 without servers.
        bytes: of updates and parameters that went between the worker and servers in the step, both ways.
        loss: mean cost per example of the part before the step.
        computing: seconds that the step took beside communicating and waiting: batch, forward, backward, change.
        communicating: seconds in the strategy's hooks, without those that it waited.
        waiting: seconds that it waited for others: at barriers, and for what servers answer.
    """

    workers: tuple[int, ...]
    task: int
    iteration: NDArray[np.int64]
    examples: NDArray[np.int64]
    staleness: NDArray[np.int64]
    bytes: NDArray[np.int64]
    loss: NDArray[np.float64]
    computing: NDArray[np.float64]
    communicating: NDArray[np.float64]
    waiting: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.iteration)

    @property
    def time(self) -> NDArray[np.float64]:
        """Seconds that each step took."""
        return self.computing + self.communicating + self.waiting

    @property
    def examples_per_second(self) -> NDArray[np.float64]:
        """Throughput of each step."""
        return self.examples / np.maximum(self.time, 1e-9)

    @property
    def name(self) -> str:
        """Who they are, for people."""
        first, last = self.workers[0], self.workers[-1]
        name = f"worker {first}" if first == last else f"workers {first}-{last}"
        return f"{name}, task {self.task}" if self.task else name

    def __repr__(self) -> str:
        """In a line, as the arrays are long: throughput, and where the time went."""
        total = float(self.time.sum())
        if not total:
            return f"<WorkerHistory: {self.name}, {len(self)} steps>"
        shares = ", ".join(
            f"{name} {float(getattr(self, name).sum()) / total:.0%}"
            for name in ("computing", "communicating", "waiting")
        )
        return (
            f"<WorkerHistory: {self.name}, {len(self)} steps, {float(self.examples.sum()) / total:,.0f} examples/s: "
            f"{shares}; staleness {float(self.staleness.mean()):.1f}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain lists and numbers, for JSON."""
        return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(self).items()}


@dataclass(repr=False)
class History:
    """The course of one `fit`; the lists have one entry per iteration.

    Attributes:
        loss: mean cost of the job's batch before the step, regularization left out.
        accuracy: share of the batch put into the right class before the step, dropout at work.
        time: seconds from the beginning of the first step to the end of this one; starting workers is not in it.
        learning_rate: the step's learning rate.
        validation: the looks at the validation examples.
        metrics: what the strategy put into ``ctx.metrics``: (iteration, value) by name. And "skipped": how many workers
            were left out of a step, with ``on_nonfinite="skip"``.
        workers: what each worker did and where its time went, an entry for each process that computes some.
        first_step: number of training steps that the network had made before this `fit`.
        stopped: why it ended: "completed", "converged" or "interrupted".
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    validation: list[ValidationRecord] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    workers: list[WorkerHistory] = field(default_factory=list)
    first_step: int = 0
    stopped: str = "completed"

    def __len__(self) -> int:
        """Number of iterations done."""
        return len(self.loss)

    def __repr__(self) -> str:
        """In a line: a notebook shows what `fit` returns, and the lists are long."""
        seen = f"{self.stopped} after {len(self)} iterations"
        if not self.loss:
            return f"<History: {seen}>"
        return f"<History: {seen} in {self.time[-1]:.1f} s, loss {self.loss[0]:.4f} to {self.loss[-1]:.4f}>"

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw loss and accuracy over iterations, and where each worker's time went.

        Args:
            figure: to draw in; None for one of pyplot's, so that ``matplotlib.pyplot.show()`` shows it.

        Returns:
            The figure: ``savefig("training.svg")`` keeps it.

        Raises:
            ImportError: matplotlib is not installed, Horn's extra "plot".
            ValueError: no iteration was made.
        """
        return plot(self, figure)

    def to_dict(self) -> dict[str, Any]:
        """The history as plain lists, numbers and dictionaries, for JSON."""
        alone = replace(self, workers=[])
        return asdict(alone) | {"workers": [worker.to_dict() for worker in self.workers]}
