"""Where the peers of a job live: peers are spread contiguously and evenly over the worker processes."""

import os
from dataclasses import dataclass

from .errors import BSPError


@dataclass(frozen=True)
class Placement:
    """`peers` threads over `processes` processes; process p holds the peers `ranks(p)`.

    Raises:
        BSPError: peers or processes below 1, or more processes than peers.
    """

    peers: int
    processes: int

    def __post_init__(self) -> None:
        if self.peers < 1:
            raise BSPError(f"a job needs at least 1 peer, got peers={self.peers}")
        if not 1 <= self.processes <= self.peers:
            raise BSPError(
                f"processes must be in [1, {self.peers}] for {self.peers} peers, got {self.processes}; "
                "a process without a peer would have nothing to do"
            )

    def ranks(self, process: int) -> range:
        """Return the peers of a process."""
        return range(process * self.peers // self.processes, (process + 1) * self.peers // self.processes)

    def bounds(self, process: int) -> tuple[int, int]:
        """Return the first and the last peer of a process."""
        ranks = self.ranks(process)
        return ranks[0], ranks[-1]

    def process_of(self, peer: int) -> int:
        """Return the process of a peer: the inverse of `ranks`."""
        return ((peer + 1) * self.processes - 1) // self.peers


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
