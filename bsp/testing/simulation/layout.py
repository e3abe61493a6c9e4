"""Where the nodes of the simulated cluster lie: as in `horn.bsp.coordination.layout`, paths being tuples."""

from collections.abc import Hashable
from dataclasses import dataclass

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

    def arrival(self, generation: int, rank: int) -> Path:
        """A participant's node at a barrier."""
        return "sync", self.attempt, generation, rank

    def go(self, generation: int) -> Path:
        """The barrier is open."""
        return "sync", self.attempt, generation, "go"


def unfenced(attempt: int) -> Layout:
    """A layout in which an old attempt finds the nodes of a new one: wrong, so that a test can fail."""
    return Layout("every attempt")
