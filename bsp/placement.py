"""Where the peers of a job live: contiguous ranges of them in each worker process, even ones unless told otherwise."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from .errors import BSPError


@dataclass(frozen=True)
class Placement:
    """`peers` threads over `processes` processes; process p holds the peers `ranks(p)`.

    Args:
        peers: how many peers.
        processes: how many processes.
        sizes: how many peers each process holds; None spreads them evenly.

    Raises:
        BSPError: peers or processes below 1, more processes than peers, or sizes that do not add up.
    """

    peers: int
    processes: int
    sizes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.peers < 1:
            raise BSPError(f"a job needs at least 1 peer, got peers={self.peers}")
        if not 1 <= self.processes <= self.peers:
            raise BSPError(
                f"processes must be in [1, {self.peers}] for {self.peers} peers, got {self.processes}; "
                "a process without a peer would have nothing to do"
            )
        if self.sizes is not None and (
            len(self.sizes) != self.processes or min(self.sizes) < 1 or sum(self.sizes) != self.peers
        ):
            raise BSPError(
                f"processes={list(self.sizes)} say how many of the {self.peers} peers each process holds: "
                f"they must be at least 1 each and add up to {self.peers}, their sum is {sum(self.sizes)}"
            )

    @classmethod
    def of(cls, peers: int, processes: int | Sequence[int]) -> "Placement":
        """Return the placement over so many processes, or over processes that hold so many peers each."""
        if isinstance(processes, int):
            return cls(peers, processes)
        return cls(peers, len(processes), tuple(processes))

    @cached_property
    def _starts(self) -> list[int]:
        """The first peer of each process, and the number of peers."""
        if self.sizes is not None:
            return [0, *accumulate(self.sizes)]
        return [process * self.peers // self.processes for process in range(self.processes + 1)]

    def ranks(self, process: int) -> range:
        """Return the peers of a process."""
        return range(self._starts[process], self._starts[process + 1])

    def bounds(self, process: int) -> tuple[int, int]:
        """Return the first and the last peer of a process."""
        ranks = self.ranks(process)
        return ranks[0], ranks[-1]

    def process_of(self, peer: int) -> int:
        """Return the process of a peer: the inverse of `ranks`."""
        return bisect_right(self._starts, peer) - 1


@dataclass(frozen=True)
class Members:
    """The peers of a group.

    A group orders its members as the job does, so that those of one process are neighbours in the group, too.

    Args:
        placement: where the peers of the job live.
        ranks: the members' ranks in the job, ascending; member i of the group is `ranks[i]`.
    """

    placement: Placement
    ranks: Sequence[int]

    @classmethod
    def world(cls, placement: Placement) -> "Members":
        """Return all peers of the job."""
        return cls(placement, range(placement.peers))

    def __len__(self) -> int:
        return len(self.ranks)

    @cached_property
    def processes(self) -> tuple[int, ...]:
        """The processes that hold members, ascending."""
        return tuple(sorted({self.placement.process_of(rank) for rank in self.ranks}))

    def of(self, process: int) -> range:
        """Return the members that live in a process, as indices in the group."""
        ranks = self.placement.ranks(process)
        return range(bisect_left(self.ranks, ranks.start), bisect_left(self.ranks, ranks.stop))

    def process_of(self, index: int) -> int:
        """Return the process of a member."""
        return self.placement.process_of(self.ranks[index])

    def told(self, process: int) -> list[int]:
        """Return the members in a process by their ranks in the job, as errors name them."""
        return [self.ranks[index] for index in self.of(process)]


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
