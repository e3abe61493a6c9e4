"""What the machine under a group costs, in the numbers of the BSP model: r, g and l."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .collectives import Collectives

_ROUNDS = 20
_ORDER = 256  # of the matrices that are multiplied
_BYTES = 1 << 20  # that a member sends


@dataclass(frozen=True)
class Machine:
    """What a group's members have to compute and to communicate with, as `Group.probe` finds it.

    Attributes:
        rate: r, floating-point operations per second of one member, in matrix products, while all compute.
        gap: g, seconds per byte that a member sends, and receives, while all do.
        latency: l, seconds per barrier.
    """

    rate: float
    gap: float
    latency: float

    def predict(self, operations: float = 0.0, volume: float = 0.0, barriers: float = 0.0) -> float:
        """Return the seconds that a program takes, w + h·g + l added up over its supersteps.

        Args:
            operations: floating-point operations of the busiest member.
            volume: bytes that the busiest member sends or receives, whichever is more.
            barriers: how many the program comes to.
        """
        return operations / self.rate + volume * self.gap + barriers * self.latency


def measure(group: Collectives, barrier: Callable[[], object]) -> Machine:
    """Measure, together with all other members.

    Args:
        group: whose members communicate.
        barrier: waits for all of them.
    """
    matrix = np.ones((_ORDER, _ORDER))
    share = np.zeros(_BYTES // group.num_peers, np.uint8)
    product = _median(lambda: matrix @ matrix, barrier)
    empty = _median(lambda: group.alltoall([share[:0]] * group.num_peers), barrier)
    full = _median(lambda: group.alltoall([share] * group.num_peers), barrier)
    meeting = _median(barrier, barrier)
    volume = len(share) * group.num_peers
    # All get the same numbers: those of the slowest member.
    product, exchange, meeting = np.max(group.allgather((product, max(full - empty, 0.0), meeting)), axis=0).tolist()
    return Machine(2 * _ORDER**3 / product, exchange / volume, meeting)


def _median(action: Callable[[], object], barrier: Callable[[], object]) -> float:
    """Return the median time of an action that all begin together."""
    times = []
    for _ in range(_ROUNDS):
        barrier()
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
