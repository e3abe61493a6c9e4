"""A server at work: it serves pushes and pulls until every worker is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.bsp import BSPError
from horn.neurons import Rates

from ..mail import Poster
from ..strategies.base import SyncStrategy
from .letters import DONE, PARAMETERS, PART, PULL, PUSH, TAKE
from .store import Store


class Server:
    """One server of a job.

    Pushes of a synchronous strategy are served clock by clock, and in the order of the workers: the same bits in every
    run. Those of others are served as they come.

    Args:
        peer: the peer that it is.
        strategy: what becomes of pushes.
        store: the shard.
        pushers: the peers that push and pull here.
        askers: all peers that say when they are done: those, and with the first server all others that train.
        parts: the work to hand out: iterations, and parts of each; (0, 0) where every worker has its share.
    """

    def __init__(
        self,
        peer: Poster,
        strategy: SyncStrategy,
        store: Store,
        pushers: Sequence[int],
        askers: Sequence[int],
        parts: tuple[int, int],
    ) -> None:
        self._peer, self._strategy, self._store = peer, strategy, store
        self._sources = {pusher: source for source, pusher in enumerate(pushers)}
        self._running = set(askers)
        self._served = dict.fromkeys(pushers, 0)
        self._held: dict[int, deque[Sequence[Any]]] = {pusher: deque() for pusher in pushers}
        self._pulls: list[tuple[int, int]] = []
        self._iterations, self._parts = parts
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

    def _push(self, sender: int, *fields: Any) -> None:
        if not self._strategy.properties.synchronous:
            self._serve(sender, *fields)
        else:
            self._held[sender].append(fields)
            self._serve_held()
        self._answer()

    def _serve_held(self) -> None:
        """Serve a push of every worker that still trains, for as long as there is one."""
        training = [pusher for pusher in self._sources if pusher in self._running or self._held[pusher]]
        while training and all(self._held[pusher] for pusher in training):
            for pusher in training:
                self._serve(pusher, *self._held[pusher].popleft())

    def _serve(self, sender: int, step: int, rate: float, momentum: float, update: NDArray[np.floating]) -> None:
        self._store.rates = Rates(step, rate, momentum)
        self._strategy.serve(self._store, self._sources[sender], update)
        self._served[sender] += 1

    def _pull(self, sender: int, clock: int | None) -> None:
        if clock is None:
            self._give(sender)
        else:
            self._pulls.append((sender, clock))
            self._answer()

    def _answer(self) -> None:
        """Answer the pulls whose clock has come."""
        reached = min((self._served[pusher] for pusher in self._sources if pusher in self._running), default=None)
        waiting, self._pulls = self._pulls, []
        for sender, clock in waiting:
            if reached is None or reached >= clock:
                self._give(sender)
            else:
                self._pulls.append((sender, clock))

    def _give(self, sender: int) -> None:
        self._peer.post(sender, [PARAMETERS, self._store.params])

    def _take(self, sender: int) -> None:
        iteration, part = divmod(self._next, self._parts)
        if iteration < self._iterations and not self._peer.stop_requested:
            self._next += 1
            self._peer.post(sender, [PART, iteration, part])
        else:
            self._peer.post(sender, [PART, -1, -1])

    def _done(self, sender: int) -> None:
        self._running.discard(sender)
        self._serve_held()
        self._answer()
