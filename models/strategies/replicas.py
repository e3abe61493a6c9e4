"""Collectives among the replicas of a network, for strategies.

`Team` is what training needs of a BSP peer; a `horn.bsp.Peer` is one, and so is `Alone`, the only worker of a job that
runs in the calling process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from horn.bsp.collectives import tree_reduce

Total: TypeAlias = Callable[[NDArray[np.floating]], NDArray[np.floating]]


class Team(Protocol):
    """The peers of a job, as one of them sees it. See `horn.bsp.Peer`."""

    @property
    def index(self) -> int: ...
    @property
    def num_peers(self) -> int: ...
    @property
    def stopping(self) -> bool: ...
    @property
    def waited(self) -> float: ...
    def sync(self) -> object: ...
    def send(self, to: int, value: Any, /) -> None: ...
    def messages(self) -> list[Any]: ...
    def allreduce(self, x: Any, /, op: str = "sum") -> Any: ...
    def broadcast(self, x: Any, /, root: int = 0) -> Any: ...
    def allgather(self, x: Any, /) -> Any: ...
    def alltoall(self, values: Any, /) -> Any: ...
    def split(self, color: int, /) -> Team: ...


class Replicas:
    """Collectives among those who hold the same parameters.

    Args:
        team: the peers.
        buffers: one row for each peer, in shared memory where there are several; row i is where peer i's D is computed.
            No rows, of the update's length, where each peer has memory of its own.
        shard: the range of the parameters that this peer applies updates to.
    """

    def __init__(self, team: Team, buffers: NDArray[np.float32], shard: tuple[int, int]) -> None:
        self._team = team
        self._buffers = buffers
        self._shares = [buffer[slice(*shard)] for buffer in buffers]
        self._total: Total | None = None

    @property
    def index(self) -> int:
        """This replica's index, from 0."""
        return self._team.index

    @property
    def num_peers(self) -> int:
        """Number of replicas."""
        return self._team.num_peers

    def sync(self) -> None:
        """Wait until all replicas are here. Cost: l."""
        self._team.sync()

    def allreduce(self, x: Any, op: str = "sum") -> Any:
        """Combine an array over all replicas.

        Args:
            x: array, the same shape everywhere.
            op: "sum", "mean", "max" or "min".

        Returns:
            The combination, a new array, the same bits everywhere. Cost: as `horn.bsp.Peer.allreduce`.
        """
        if self._total is None or np.shape(x) != self._buffers.shape[1:] or op not in ("sum", "mean"):
            return self._team.allreduce(x, op=op)
        total = self._total(x)
        return total / self.num_peers if op == "mean" else total

    @contextmanager
    def summing(self, total: Total) -> Iterator[None]:
        """While inside, `allreduce` sums arrays of the update's shape in another way: for compression and the like.

        Args:
            total: from an array to its sum over all replicas, the same everywhere.
        """
        self._total = total
        try:
            yield
        finally:
            self._total = None

    def swap(self, partner: int, x: Any) -> Any:
        """Exchange a value with another replica, which names this one as its partner.

        Args:
            partner: index of a replica; this one's own gets `x` back.
            x: array or number.

        Returns:
            The value that `partner` gave. Cost: h·g + l, h = bytes of the value. All replicas must call it.

        Raises:
            ValueError: the partner swaps with another replica.
        """
        self._team.send(partner, x)
        self._team.sync()
        found = self._team.messages()
        if len(found) != 1:
            raise ValueError(
                f"replica {self.index} swaps with replica {partner}, and {len(found)} replicas swap with it: partners "
                "must name each other; draw them from numbers that all replicas share"
            )
        return found[0]

    def broadcast(self, x: Any, root: int = 0) -> Any:
        """The value that replica `root` gave. Cost: as `horn.bsp.Peer.broadcast`."""
        return self._team.broadcast(x, root=root)

    def allgather(self, x: Any) -> list[Any]:
        """The values of all replicas, in their order.

        Args:
            x: array, number, or a list of such; of any size on each.

        Returns:
            Copies, writable. Cost: n·g for n bytes of all values, and l.
        """
        return list(self._team.allgather(x))

    def alltoall(self, values: Sequence[Any]) -> list[Any]:
        """Give each replica a value; return what each gives this one, in their order.

        Args:
            values: one for each replica: arrays, numbers, or lists of such.

        Cost: h·g + l, h = bytes of the values.
        """
        return list(self._team.alltoall(values))

    def reduce_scatter(self, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum `update` over all replicas, and keep this replica's shard of the sum.

        The peers of a host compute D in shared memory: each adds up its own shard, in place, along one binary tree over
        the replicas' indices, and nothing is copied. Once per step, on what `on_update` was given.

        Args:
            update: D, flat float32 of all parameters.

        Returns:
            The sum over ``ctx.shard``; valid until the step ends. Cost: one superstep, reads (replicas − 1)/replicas
            of `update` from the others' memory. Where each peer has a copy of the parameters, as `allreduce`.

        Raises:
            ValueError: the peers share memory, and `update` is another array than `on_update` was given.
        """
        if not len(self._shares):  # a replica with a copy of its own applies updates to all of it
            whole: NDArray[np.float32] = self.allreduce(update)
            return whole
        if not np.may_share_memory(update, self._buffers[self.index]):
            raise ValueError("reduce_scatter sums the update that on_update was given, in place: got another array")
        self.sync()
        tree_reduce(self._shares, np.add, out=self._shares[0])
        total: NDArray[np.float32] = self._shares[0]
        return total
