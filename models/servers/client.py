"""The servers, as a worker sees them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from horn.neurons import Part, Rates

from ..parts import bounds
from .letters import DONE, PARAMETERS, PART, PULL, PUSH, TAKE
from .mail import Mail

#: Seconds of a step that is short.
SHORT = 0.1

Encode: TypeAlias = Callable[[NDArray[np.floating], Sequence[slice]], Sequence[Any]]


def _size(value: Any) -> int:
    """Bytes of arrays, in lists or not."""
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return value.nbytes if isinstance(value, np.ndarray) else 0


def _as_they_are(update: NDArray[np.floating], shards: Sequence[slice]) -> list[NDArray[np.floating]]:
    return [update[shard] for shard in shards]


class Servers:
    """Those who hold the parameters that this worker trains.

    Args:
        mail: the worker's.
        peers: the servers of this worker's task, in the order of their shards.
        first: the server that hands out the shared work.
        parameters: all of them, flat, in the memory that the servers work on.
        synchronous: whether the strategy is.
        row: where the servers read what this worker computes there; None: what is pushed travels.

    Attributes:
        num_servers: how many servers hold them.
        pushes: how many times this worker has pushed: its clock.
        staleness: how many steps of others, at most, the servers had made since the last `pull` but one, at the last.
        slowest: the clock of the slowest worker that still trains, as the last `pull` found it.
        shards: the range of the parameters that each server holds: of those of the sub-model, where one is borrowed.
        bytes: of this worker's updates that servers have read, and of their parameters that it has, so far.
    """

    def __init__(
        self,
        mail: Mail,
        peers: Sequence[int],
        first: int,
        parameters: NDArray[np.floating],
        synchronous: bool,
        row: NDArray[np.floating] | None = None,
    ) -> None:
        self.num_servers = len(peers)
        self.pushes = self.slowest = self.staleness = 0
        self.shards = [slice(*pair) for pair in pairwise(bounds(len(parameters), len(peers)))]
        self.bytes = 0
        self._mail = mail
        self._synchronous = synchronous
        self._parameters, self._row = parameters, row
        self._row_read = False  # whether the servers may still read what is in the row
        self._whole = self.shards
        self._part: Part | None = None
        self._peers = peers
        self._first = first
        self._rates = Rates(0, 0.0, 0.0)
        self._share = 0.0
        self._pulled: tuple[int, int] | None = None  # the servers' steps and the own pushes at the last pull
        self._encode: Encode = _as_they_are
        self._asked = False  # for a part of the work that has not been taken yet
        self._taken = -math.inf  # when the last one was

    def push(self, update: NDArray[np.floating], share: float | None = None) -> None:
        """Send an update of all parameters; each server hands its shard of it to the strategy's `serve`.

        Does not wait for what becomes of it, but for room where much lies unread. Each push is served once. D of a
        strategy that declares `borrows` is the servers' once it is pushed: it can be read here, and not be written.

        Args:
            update: flat, one number for each parameter; with `borrows`, of ``ctx.params``.
            share: of a batch of the job that the update stands for; None: what this worker has computed since its last
                push.

        Raises:
            ValueError: of another shape.

        Cost: h·g, h = bytes of the update.
        """
        if np.shape(update) != (self.shards[-1].stop,):
            raise ValueError(
                f"servers.push takes an update of all parameters, shape ({self.shards[-1].stop},): got shape "
                f"{np.shape(update)}"
            )
        rates = self._rates
        stands_for = float(self._share if share is None else share)
        packed = None if self._part is None else self._part.packed
        lies_there = self._lies_in_row(update)
        if lies_there:
            update.flags.writeable, self._row_read = False, True
        for peer, part in zip(self._peers, self._encode(update, self.shards), strict=True):
            told = rates.step, rates.learning_rate, rates.momentum, stands_for, packed, None if lies_there else part
            self._mail.send(peer, PUSH, *told)
            self.bytes += _size([packed, part])
        self.pushes += 1
        self._share = 0.0

    def room_for(self, update: NDArray[np.floating]) -> NDArray[np.floating]:
        """Where to compute D: in the row if the servers are done with it, else in `update`. Called by the framework."""
        return update if self._row is None or self._row_read else self._row[:]

    def _lies_in_row(self, update: NDArray[np.floating]) -> bool:
        """Whether the servers find an update where it is."""
        if self._row is None or self._row_read or self._encode is not _as_they_are:
            return False
        one, other = ((it.ctypes.data, it.shape, it.strides, it.dtype) for it in (np.asanyarray(update), self._row))
        return one == other

    @contextmanager
    def encoding(self, encode: Encode) -> Iterator[None]:
        """While inside, `push` sends the updates in another form, in which `serve` gets them: for compression.

        Args:
            encode: from an update, and the ranges of it that the servers hold, to what is sent to each: arrays, or
                lists of such.
        """
        self._encode = encode
        try:
            yield
        finally:
            self._encode = _as_they_are

    def pull(self, out: NDArray[np.floating], clock: int | None = None) -> None:
        """Read the parameters, once the servers have served what this worker has pushed, and what it waits for.

        Where others may push meanwhile, some numbers can be from before a step that is just made, and some from after
        it, as in B. Recht et al., "Hogwild!", 2011.

        Args:
            out: flat, overwritten.
            clock: None takes them as they are. A number waits until every worker that still trains has pushed so often,
                and every one of these pushes has been served.

        Raises:
            BarrierTimeout: no answer within the `timeout` of `fit`.
            BSPError: all workers wait for clocks, so that nobody is left to push.

        Cost: h·g, h = bytes of the parameters, and a round trip.
        """
        for peer in self._peers:
            self._mail.send(peer, PULL, clock)
        clocks, made = [self.pushes], 0
        for _ in self._peers:
            slowest, steps = self._mail.receive(PARAMETERS, self._peers).fields
            made = max(made, steps)
            if slowest is not None:
                clocks.append(slowest)
        self._row_read = False
        if self._part is None:
            np.copyto(out, self._parameters)
        else:
            self._part.gather(self._parameters, out)
        self.bytes += out.nbytes
        self.slowest = min(clocks)
        steps_before, pushes_before = self._pulled or (made, self.pushes)
        self.staleness = max(made - steps_before - (self.pushes - pushes_before), 0)
        self._pulled = made, self.pushes

    def pull_latest(self, out: NDArray[np.floating]) -> None:
        """Fetch all parameters, with all that this worker has pushed, for a look. Called by the framework."""
        part, self._part = self._part, None
        state = self._pulled, self.staleness, self.slowest
        self.pull(out, self.pushes if self._synchronous else None)
        self._pulled, self.staleness, self.slowest = state
        self._part = part

    def borrow(self, part: Part) -> None:
        """From now on, push and pull those of a sub-model, in its compact form. Called by the framework."""
        self._part = None if part.whole else part
        self.shards = [slice(*part.span(shard.start, shard.stop)) for shard in self._whole]

    def take(self) -> tuple[int, int]:
        """The next part of the job's work, iteration and part: see `letters.PART`. Called by the framework.

        Where steps are short the one after it is asked for at once: while it is on its way this worker computes. Where
        they are long, a part that lies here could wait while others have nothing to do, or the job is to stop.
        """
        if not self._asked:
            self._mail.send(self._first, TAKE)
        iteration, part = self._mail.receive(PART, [self._first]).fields
        before, self._taken = self._taken, time.monotonic()
        self._asked = iteration >= 0 and self._taken - before < SHORT
        if self._asked:
            self._mail.send(self._first, TAKE)
        return iteration, part

    def begin(self, rates: Rates, share: float) -> None:
        """A step begins, in which this worker computes a share of a batch. Called by the framework."""
        self._rates = rates
        self._share += share

    def leave(self) -> None:
        """Tell all servers of the job's that they need not wait for this worker. Called by the framework."""
        for peer in {self._first, *self._peers}:
            self._mail.send(peer, DONE)
