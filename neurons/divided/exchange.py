"""What a task asks of whoever carries data between the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]


class Exchange(Protocol):
    """The tasks of one replica, as one of them sees them.

    Both methods return when all tasks have called them, and raise where one is lost. What is given may be changed as
    soon as they return; what is returned is only read, and not after the next call.
    """

    @property
    def index(self) -> int:
        """Which of the tasks this is, in [0, num_peers)."""

    @property
    def num_peers(self) -> int:
        """Number of tasks."""

    def allgather(self, own: Array, /) -> Sequence[Array]:
        """Return on all tasks what each of them gives, by their indices.

        Args:
            own: a contiguous array; their shapes may differ.
        """

    def alltoall(self, parts: Sequence[Array], /) -> Sequence[Array]:
        """Give each task an array; return what each of them gives this one, by their indices.

        Args:
            parts: contiguous arrays, one for each task; their shapes may differ.
        """
