"""What the peers of a job hand back when it has ended."""

from __future__ import annotations

from dataclasses import dataclass

from ..feeding.batches import Place
from ..watching.history import History, WorkerHistory
from ..watching.notes import Notes

#: Why training ended.
COMPLETED, CONVERGED, INTERRUPTED = "completed", "converged", "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a finished job says; its parameters lie in the workspace.

    Attributes:
        history: the course of the training.
        place: the place in the shuffle where the next `fit` begins.
    """

    history: History
    place: Place


@dataclass(frozen=True)
class Told:
    """What a peer that trains hands back.

    Attributes:
        worker: what it did and where its time went.
        outcome: of all, from peer 0 where all train in step.
        notes: of its own, where groups train asynchronously of each other.
    """

    worker: WorkerHistory
    outcome: Outcome | None = None
    notes: Notes | None = None
