"""A strategy's hooks, as a peer calls them.

Each peer writes down, in memory that all share, in which hook it is. So an error tells not only in which hook it was
raised: where peers wait for each other, it tells where each of them is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from horn.bsp import BSPError

from ..plans.plan import Plan
from ..strategies import Context

if TYPE_CHECKING:
    from ..servers import Store

P = ParamSpec("P")
R = TypeVar("R")

#: In the order of a training; a peer that is in none of them is at the first.
_HOOKS = ("", "setup", "before_step", "on_update", "after_step", "on_epoch", "finish", "serve")


#: Why an array is read-only, most likely.
_PUSHED = (
    "D is the servers' once it is pushed, as the strategy declares borrows=True in its properties: change it before "
    "that, or change a copy; without borrows each push is a copy"
)


class Hooks:
    """One peer's calls of the hooks.

    Args:
        plan: what all do.
        places: int64 (peers, 2): the hook that each peer is in, and the step; shared by all.
        peer: this one.
        waited: seconds that this peer has waited for others so far.

    Attributes:
        step: number of the training step, for whoever reads an error.
        exchanged: seconds spent in hooks so far, without those that the peer waited in them.
    """

    def __init__(self, plan: Plan, places: NDArray[np.int64], peer: int, waited: Callable[[], float]) -> None:
        self.step = plan.first_step
        self.exchanged = 0.0
        self._waited = waited
        self._plan, self._places, self._peer = plan, places, peer
        self._strategy = plan.strategy

    def setup(self, ctx: Context) -> None:
        """See `SyncStrategy.setup`; and so on. What a hook raises has a note on where that was."""
        self._run("setup", self._strategy.setup, ctx)

    def before_step(self, ctx: Context) -> None:
        self._run("before_step", self._strategy.before_step, ctx)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32] | None:
        return self._run("on_update", self._change, ctx, update)

    def after_step(self, ctx: Context) -> None:
        self._run("after_step", self._strategy.after_step, ctx)

    def on_epoch(self, ctx: Context) -> None:
        self._run("on_epoch", self._strategy.on_epoch, ctx)

    def finish(self, ctx: Context) -> None:
        self._run("finish", self._strategy.finish, ctx)

    def serve(self, store: Store, source: int, update: Any) -> None:
        self.step = store.rates.step
        self._run("serve", self._strategy.serve, store, source, update)

    def explain(self, error: BSPError) -> None:
        """Note on an error of the engine where every peer is, if any of them is in a hook."""
        if self._places[:, 0].any():
            where = "; ".join(self._told(peer) for peer in range(len(self._places)))
            error.add_note(f"Where the peers were: {where}")

    def _change(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """What `on_update` returns, if it can be applied."""
        change, (start, stop) = self._strategy.on_update(ctx, update), ctx.shard
        if change is not None and np.shape(change) != (stop - start,):
            raise ValueError(
                f"{type(self._strategy).__name__}.on_update returned shape {np.shape(change)}: needed is what to "
                f"apply to ctx.shard, shape ({stop - start},), or None"
            )
        return change

    def _run(self, name: str, hook: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._places[self._peer] = _HOOKS.index(name), self.step
        start, waited = time.perf_counter(), self._waited()
        try:
            result = hook(*args, **kwargs)
        except BSPError:  # which may be about others: `explain` tells of all, this one included
            raise
        except Exception as error:
            error.add_note(f"In {self._told(self._peer)}")
            if self._strategy.properties.borrows and isinstance(error, ValueError) and "read-only" in str(error):
                error.add_note(_PUSHED)
            raise
        self.exchanged += time.perf_counter() - start - (self._waited() - waited)
        self._places[self._peer] = 0, self.step
        return result

    def _told(self, peer: int) -> str:
        code, step = self._places[peer].tolist()
        name = type(self._strategy).__name__
        hook = f"{name}.{_HOOKS[code]}" if code else "no hook"
        return f"{hook} of {self._plan.called(peer)} (peer {peer}), step {step}"
