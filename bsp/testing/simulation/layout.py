"""Where the nodes of the simulated cluster lie: as in `horn.bsp.coordination.layout`, paths being tuples."""

from collections.abc import Hashable
from dataclasses import dataclass

from ...machine import Mark
from .service import Path

ATTEMPT: Path = ("attempt",)
ROOMS = ("members", "left", "abort", "sync")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one attempt.

    Args:
        attempt: its number, or whatever stands for it in the paths.
    """

    attempt: Hashable

    def member(self, rank: int) -> Path:
        """A member, ephemeral."""
        return "members", self.attempt, rank

    def left(self, rank: int) -> Path:
        """The mark of having left in good order."""
        return "left", self.attempt, rank

    @property
    def abort(self) -> Path:
        """What ended the attempt."""
        return "abort", self.attempt

    def step(self, generation: int) -> Path:
        """A barrier."""
        return "sync", self.attempt, generation

    def arrival(self, generation: int, mark: Mark) -> Path:
        """A participant's node at a barrier."""
        return "sync", self.attempt, generation, mark

    def gate(self, generation: int) -> Path:
        """Set or removed when the barrier opens."""
        return "sync", self.attempt, generation, "gate"

    def go(self, generation: int) -> Path:
        """What all have told, where that is not the same."""
        return "sync", self.attempt, generation, "go"


def unfenced(attempt: int) -> Layout:
    """A layout in which an old attempt finds the nodes of a new one: wrong, so that a test can fail."""
    return Layout("every attempt")
