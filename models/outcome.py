"""What the peers of a job hand back when it has ended."""

from __future__ import annotations

from dataclasses import dataclass

from .batches import Place
from .history import History

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
