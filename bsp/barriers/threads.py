"""The barrier between the peers of one process: the last thread to arrive crosses the process barrier for all.

Each thread sleeps on a lock of its own, which costs one wake-up per thread and nothing while it sleeps.
"""

import threading
from collections.abc import Callable

from ..errors import BSPError
from .base import Arrival, Verdict
from .patience import Patience
from .processes import explain_mismatch

# How often a waiting thread looks whether the job was aborted.
SLICE = 0.05


class ThreadBarrier:
    """Joins `len(ranks)` threads.

    Args:
        ranks: the peers of this process.
        cross: called by the last thread with what all came for; its verdict, or its error, is everyone's.
        check: called by waiting threads every 50 ms; may raise to end the wait.
        timeout: seconds to wait for peers of this process, or None for as long as it takes.
    """

    def __init__(
        self, ranks: range, cross: Callable[[Arrival], Verdict], check: Callable[[], None], timeout: float | None = None
    ) -> None:
        self._ranks = ranks
        self._cross = cross
        self._check = check
        self._timeout = timeout
        self._mutex = threading.Lock()
        self._gates = [threading.Lock() for _ in ranks]
        for gate in self._gates:
            gate.acquire()
        self._calls: dict[int, int] = {}
        self._verdict = Verdict(0)
        self._error: BaseException | None = None

    def wait(self, rank: int, call: int) -> Verdict:
        """Wait for all peers of the job; raises what the barrier between the processes raised."""
        if len(self._ranks) == 1:
            return self._cross(Arrival(call))
        with self._mutex:
            self._calls[rank] = call
            last = len(self._calls) == len(self._ranks)
        if last:
            self._go_first(rank, call)
        else:
            self._sleep(self._gates[rank - self._ranks.start])
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
        return [rank for rank in self._ranks if rank not in self._calls] if self._calls else []

    def _go_first(self, rank: int, call: int) -> None:
        try:
            self._verdict = self._cross(Arrival(self._agreed(call)))
        except BaseException as error:
            self._error = error
        self._calls.clear()
        for peer, gate in zip(self._ranks, self._gates, strict=True):
            if peer != rank:
                gate.release()

    def _agreed(self, call: int) -> int:
        if any(other != call for other in self._calls.values()):
            calls: dict[int, list[int]] = {}
            for peer, theirs in self._calls.items():
                calls.setdefault(theirs, []).append(peer)
            raise BSPError(explain_mismatch(calls), self._ranks)
        return call
