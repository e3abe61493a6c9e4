"""The barrier between the peers of one process: the last thread to arrive crosses the process barrier for all.

Each thread sleeps on a lock of its own, which costs one wake-up per thread and nothing while it sleeps.
"""

import threading
from collections.abc import Callable, Sequence

from .base import Arrival, Call, Verdict, mismatch
from .patience import Patience

# How often a waiting thread looks whether the job was aborted.
SLICE = 0.05


class ThreadBarrier:
    """Joins the threads of a group that live in this process.

    Args:
        ranks: the peers, by their ranks in the job.
        check: called by waiting threads every 50 ms; may raise to end the wait.
        timeout: seconds to wait for peers of this process, or None for as long as it takes.
    """

    def __init__(
        self,
        ranks: Sequence[int],
        check: Callable[[], None],
        timeout: float | None = None,
    ) -> None:
        self._ranks = ranks
        self._check = check
        self._timeout = timeout
        self._mutex = threading.Lock()
        self._gates = {rank: threading.Lock() for rank in ranks}
        for gate in self._gates.values():
            gate.acquire()
        self._arrivals: dict[int, Arrival] = {}
        self._verdict = Verdict(0)
        self._error: BaseException | None = None

    def wait(self, rank: int, arrival: Arrival, cross: Callable[[Arrival], Verdict]) -> Verdict:
        """Wait for all peers of the group.

        Args:
            rank: the peer.
            arrival: what it comes for.
            cross: called by the last thread, with what all came for; its verdict, or its error, is everyone's.
        """
        if len(self._ranks) == 1:
            return cross(arrival)
        with self._mutex:
            self._arrivals[rank] = arrival
            last = len(self._arrivals) == len(self._ranks)
        if last:
            self._go_first(rank, arrival, cross)
        else:
            self._sleep(self._gates[rank])
        if self._error is not None:
            raise self._error
        return self._verdict

    def _sleep(self, gate: threading.Lock) -> None:
        patience: Patience | None = None
        while not gate.acquire(timeout=SLICE):
            self._check()
            patience = patience or Patience(self._timeout, self._missing)
            patience.check()

    def _missing(self) -> list[int]:
        """Return the peers of this process that are still computing: none while the last one is crossing."""
        arrived = set(self._arrivals)  # the crossing thread may clear them meanwhile
        return [rank for rank in self._ranks if rank not in arrived] if arrived else []

    def _go_first(self, rank: int, arrival: Arrival, cross: Callable[[Arrival], Verdict]) -> None:
        try:
            self._verdict = cross(self._joined(arrival))
        except BaseException as error:
            self._error = error
        self._arrivals.clear()
        for peer, gate in self._gates.items():
            if peer != rank:
                gate.release()

    def _joined(self, arrival: Arrival) -> Arrival:
        calls: dict[Call, list[int]] = {}
        flags = 0
        for rank, theirs in self._arrivals.items():
            calls.setdefault(theirs.call, []).append(rank)
            flags |= theirs.flags
        if len(calls) > 1:
            raise mismatch({call.told: sorted(ranks) for call, ranks in calls.items()})
        return Arrival(arrival.call, flags)
