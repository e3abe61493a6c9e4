"""A server at work: it serves pushes and pulls until every worker is done."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from horn.bsp import BSPError
from horn.bsp.errors import format_ranks
from horn.neurons import Rates

from .letters import DONE, PARAMETERS, PART, PULL, PUSH, TAKE
from .mail import Poster
from .pushes import Pushes
from .store import Store


class _Push(NamedTuple):
    """What there is to be served: rates of the step, share of a batch, the update of the shard."""

    rates: Rates
    share: float
    update: Any


class Server:
    """One server of a job.

    Pushes of a synchronous strategy are served clock by clock, and in the order of the workers: the same bits in every
    run. Those of others are served as they come.

    Args:
        peer: the peer that it is.
        serve: the strategy's hook: store, index of the worker, what it pushed.
        store: the shard.
        pushes: finds the updates.
        workers: the peers that push and pull here, and say when they are done.
        work: what to hand out: iterations, and parts of each; nobody asks for it where every worker has its share.
        synchronous: whether the strategy is.
    """

    def __init__(
        self,
        peer: Poster,
        serve: Callable[[Store, int, Any], None],
        store: Store,
        pushes: Pushes,
        workers: Sequence[int],
        work: tuple[int, int],
        synchronous: bool,
    ) -> None:
        self._peer, self._hook, self._store, self._synchronous = peer, serve, store, synchronous
        self._pushes = pushes
        self._sources = {pusher: source for source, pusher in enumerate(workers)}
        self._running = set(workers)
        self._served = dict.fromkeys(workers, 0)
        self._held: dict[int, deque[_Push]] = {pusher: deque() for pusher in workers}
        self._pulls: list[tuple[int, int]] = []
        self._iterations, self._parts = work
        self._next = 0

    def run(self) -> None:
        """Serve until all are done."""
        while self._running:
            self._peer.wait()
            for post in self._peer.inbox():
                self._handle(post.sender, *post.value)

    def _handle(self, sender: int, kind: str, *fields: Any) -> None:
        if kind == PUSH:
            self._push(sender, *fields)
        elif kind == PULL:
            self._pull(sender, *fields)
        elif kind == TAKE:
            self._take(sender)
        elif kind == DONE:
            self._done(sender)
        else:
            raise BSPError(f"peer {sender} posted {kind!r} to a parameter server: post to peers that train")

    def _push(
        self,
        sender: int,
        step: int,
        rate: float,
        momentum: float,
        share: float,
        packed: NDArray[np.uint8] | None,
        update: Any,
    ) -> None:
        update = self._pushes.of_shard(self._sources[sender], packed, update)
        push = _Push(Rates(step, rate, momentum), share, update)
        if not self._synchronous:
            self._serve(sender, push)
        else:
            self._held[sender].append(push)
            self._serve_held()
        self._answer()

    def _serve_held(self) -> None:
        """Serve a push of every worker that still trains, for as long as there is one."""
        while (due := self._due()) and all(self._held[pusher] for pusher in due):
            for pusher in due:
                self._serve(pusher, self._held[pusher].popleft())

    def _due(self) -> list[int]:
        """Whose pushes make up the next clock: those of workers that are done count as long as there are some."""
        return [pusher for pusher in self._sources if pusher in self._running or self._held[pusher]]

    def _serve(self, sender: int, push: _Push) -> None:
        self._store.rates, self._store.share = push.rates, push.share
        self._hook(self._store, self._sources[sender], push.update)
        self._served[sender] += 1

    def _pull(self, sender: int, clock: int | None) -> None:
        if clock is None:
            self._tell(sender)
        else:
            self._pulls.append((sender, clock))
            self._answer()

    def _slowest(self) -> int | None:
        """The clock of the slowest worker that still trains: its pushes that are served."""
        return min((self._served[pusher] for pusher in self._sources if pusher in self._running), default=None)

    def _answer(self) -> None:
        """Answer the pulls whose clock has come."""
        slowest = self._slowest()
        waiting, self._pulls = self._pulls, []
        for sender, clock in waiting:
            if slowest is None or slowest >= clock:
                self._tell(sender)
            else:
                self._pulls.append((sender, clock))
        self._refuse_deadlock(slowest)

    def _refuse_deadlock(self, slowest: int | None) -> None:
        """Whoever waits here cannot push."""
        training = {pusher for pusher in self._sources if pusher in self._running}
        if training and training <= {sender for sender, _ in self._pulls}:
            clocks = ", ".join(f"{format_ranks([sender])} for {clock}" for sender, clock in sorted(self._pulls))
            raise BSPError(
                f"all workers wait for pushes, and none is left to push: {clocks} of every worker, and the slowest has "
                f"pushed {slowest} times that were served; pull(clock=) must ask for no more than all will have pushed "
                "before they pull",
                sorted(training),
            )

    def _tell(self, sender: int) -> None:
        held = self._held[sender]  # what lies in the worker's row it may overwrite from now on
        for place, push in enumerate(held):
            held[place] = push._replace(update=copy.copy(push.update))
        self._peer.post(sender, [PARAMETERS, self._slowest(), self._store.steps])

    def _take(self, sender: int) -> None:
        iteration, part = divmod(self._next, self._parts)
        if iteration == self._iterations:
            self._peer.post(sender, [PART, -1, 0])
        elif self._peer.stop_requested:
            self._peer.post(sender, [PART, -1, 1])
        else:
            self._next += 1
            self._peer.post(sender, [PART, iteration, part])

    def _done(self, sender: int) -> None:
        self._running.discard(sender)
        self._serve_held()
        self._answer()
