"""The servers, as a worker sees them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Rates

from ..batches import bounds
from ..mail import Mail
from .letters import DONE, PARAMETERS, PART, PULL, PUSH, TAKE


class Servers:
    """Those who hold the parameters that this worker trains.

    Args:
        mail: the worker's.
        peers: the servers of this worker's task, in the order of their shards.
        first: the server that hands out the shared work.
        size: how many parameters there are.

    Attributes:
        num_servers: how many servers hold them.
        pushes: how many times this worker has pushed: its clock.
    """

    def __init__(self, mail: Mail, peers: Sequence[int], first: int, size: int) -> None:
        self.num_servers = len(peers)
        self.pushes = 0
        self._mail = mail
        self._peers = peers
        self._first = first
        self._shards = dict(zip(peers, (slice(*pair) for pair in pairwise(bounds(size, len(peers)))), strict=True))
        self._rates = Rates(0, 0.0, 0.0)

    def push(self, update: NDArray[np.floating]) -> None:
        """Send an update of all parameters; each server hands its shard of it to the strategy's `serve`.

        Does not wait for what becomes of it, but for room where much lies unread. Each push is served once.

        Args:
            update: flat, one number for each parameter.

        Cost: h·g, h = bytes of the update.
        """
        rates = self._rates
        for peer, shard in self._shards.items():
            self._mail.send(peer, PUSH, rates.step, rates.learning_rate, rates.momentum, update[shard])
        self.pushes += 1

    def pull(self, out: NDArray[np.floating], clock: int | None = None) -> None:
        """Fetch the parameters.

        Args:
            out: flat, overwritten.
            clock: None takes them as they are. A number waits until every worker that still trains has pushed so often,
                and every one of these pushes has been served.

        Cost: h·g, h = bytes of the parameters, and a round trip.
        """
        for peer in self._peers:
            self._mail.send(peer, PULL, clock)
        for _ in self._peers:
            letter = self._mail.receive(PARAMETERS)
            (shard,) = letter.fields
            out[self._shards[letter.sender]] = shard

    def take(self) -> tuple[int, int] | None:
        """Ask for a part of the job's work: iteration and part; None when all is handed out. The framework asks."""
        self._mail.send(self._first, TAKE)
        iteration, part = self._mail.receive(PART).fields
        return None if iteration < 0 else (iteration, part)

    def begin(self, rates: Rates) -> None:
        """A step begins. Called by the framework."""
        self._rates = rates

    def leave(self) -> None:
        """Tell all servers of the job's that they need not wait for this worker. Called by the framework."""
        for peer in {self._first, *self._peers}:
            self._mail.send(peer, DONE)
