"""What a `fit` leaves behind beside the weights: how loss, accuracy and time went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


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
        first_step: number of training steps that the network had made before this `fit`.
        stopped: why it ended: "completed", "converged" or "interrupted".
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    validation: list[ValidationRecord] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
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

    def to_dict(self) -> dict[str, Any]:
        """The history as plain lists, numbers and dictionaries, for JSON."""
        return asdict(self)
