"""Compressed: a strategy whose updates travel in few bytes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...parts import bounds
from ..base import Context, SyncStrategy
from ..replicas import Replicas
from .base import Codec
from .feedback import Feedback, decode

if TYPE_CHECKING:
    from ...servers.store import Store

log = logging.getLogger("horn.models")


class Compressed(SyncStrategy):
    """What a strategy's `on_update` exchanges in arrays of the update's shape is encoded, with error feedback.

    Sums over replicas go two ways, each compressed: replica i gets everybody's part i, adds them up, and sends the sum
    to all (H. Tang et al., "DoubleSqueeze: Parallel Stochastic Gradient Descent with Double-pass Error-Compensated
    Compression", 2019). What is pushed to servers is compressed, what is pulled from them is not.

    Args:
        strategy: one that exchanges updates in `on_update`: `AllReduce`, `ParameterServer`, `Downpour`,
            `StaleSynchronous`, `Hybrid`, or your own.
        codec: `TopK(share)`, `EightBit()`, or your own.

    Cost: of a sum 2c·g + 2·l instead of 2n·g + 2·l for c bytes encoded, of a push c·g instead of n·g; and the time to
    encode.

    Raises:
        TypeError, ValueError: no strategy, none that has an `on_update`, or no codec.
    """

    def __init__(self, strategy: SyncStrategy, codec: Codec) -> None:
        if not isinstance(strategy, SyncStrategy):
            raise TypeError(f"Compressed takes a strategy object such as AllReduce(), got {strategy!r}")
        if not isinstance(codec, Codec):
            raise TypeError(f"Compressed takes a codec such as TopK(0.01) or EightBit(), got {codec!r}")
        if type(strategy).on_update is SyncStrategy.on_update:
            raise ValueError(f"{type(strategy).__name__} has no on_update, and exchanges no updates to compress")
        self.strategy, self.codec = strategy, codec
        self.properties = strategy.properties._replace(serial_equivalent=False, one_copy=False, borrows=False)

    def setup(self, ctx: Context) -> None:
        """No error is made yet."""
        size, index = len(ctx.params), ctx.replicas.index
        self._chunks = [slice(*pair) for pair in pairwise(bounds(size, ctx.replicas.num_peers))]
        self._own = self._chunks[index].stop - self._chunks[index].start
        self._memories = {
            "there": Feedback(self.codec, size),
            "back": Feedback(self.codec, self._own),
            "pushed": Feedback(self.codec, size),
        }
        self._idle = True
        self.strategy.setup(ctx)

    def before_step(self, ctx: Context) -> None:
        """The strategy's."""
        self.strategy.before_step(ctx)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The strategy's, while what it exchanges is compressed."""
        with self._compressing(ctx):
            return self.strategy.on_update(ctx, update)

    def after_step(self, ctx: Context) -> None:
        """The strategy's."""
        self.strategy.after_step(ctx)

    def on_epoch(self, ctx: Context) -> None:
        """The strategy's."""
        self.strategy.on_epoch(ctx)

    def finish(self, ctx: Context) -> None:
        """The strategy's; says so where nothing was compressed."""
        with self._compressing(ctx):
            self.strategy.finish(ctx)
        if self._idle and ctx.world.index == 0:
            log.warning("%s exchanged no update in on_update: nothing was compressed", type(self.strategy).__name__)

    def serve(self, store: Store, source: int, update: Any) -> None:
        """The strategy's, for what was encoded; and for what other hooks have pushed as it is."""
        if not isinstance(update, np.ndarray):
            update = decode(self.codec, update, len(store.params))
        self.strategy.serve(store, source, update)

    def state(self) -> dict[str, NDArray[Any]]:
        """The errors, and the strategy's state."""
        kept = {f"strategy.{name}": array for name, array in self.strategy.state().items()}
        return kept | {f"error.{name}": memory.error for name, memory in self._memories.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Likewise."""
        for name, memory in self._memories.items():
            memory.error[:] = state[f"error.{name}"]
        prefix = "strategy."
        self.strategy.restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})

    @contextmanager
    def _compressing(self, ctx: Context) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(ctx.replicas.summing(partial(self._sum, ctx.replicas)))
            if self.properties.servers:
                stack.enter_context(ctx.servers.encoding(self._encode))
            yield

    def _sum(self, replicas: Replicas, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """The sum over all replicas, the same bits everywhere."""
        self._idle = False
        given = replicas.alltoall(self._memories["there"].encode(values, self._chunks))
        total = np.zeros(self._own, np.float32)
        for sent in given:
            total += decode(self.codec, sent, self._own)
        (mine,) = self._memories["back"].encode(total, [slice(None)])
        sums = zip(replicas.allgather(mine), self._chunks, strict=True)
        return np.concatenate([decode(self.codec, sent, chunk.stop - chunk.start) for sent, chunk in sums])

    def _encode(self, values: NDArray[np.floating], shards: Sequence[slice]) -> list[list[NDArray[Any]]]:
        """What is pushed to the servers of the shards."""
        self._idle = False
        return self._memories["pushed"].encode(values, shards)
