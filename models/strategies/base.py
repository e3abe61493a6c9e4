"""What a synchronization strategy is: hooks around a training step, and what they may use.

Every step, each replica of the network computes D on its own part of the job's batch: the part of the neurons' pushes
that depends on the examples, summed over its part and divided by the examples of the JOB's batch. So the sum of all
replicas' D is the batch's mean. What becomes of them is the strategy's business:

    before_step → (forward, backward) → on_update → (apply: momentum, decay) → after_step → on_epoch, after a pass

Before the first step `setup` runs, after the last one `finish`. A strategy runs in every peer, on an object of its own;
what it keeps on `self` is that peer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .replicas import Replicas

if TYPE_CHECKING:
    from ..servers.client import Servers
    from ..servers.store import Store
    from .objective import Objective


class Properties(NamedTuple):
    """What a strategy promises.

    Attributes:
        synchronous: all replicas are at the same step between steps.
        serial_equivalent: the same weights, to rounding, as one worker with the whole batch.
        elastic: goes on when workers are lost.
        servers: needs parameter servers; where `fit` is given only `workers=`, there is one.
        shared_budget: each group of workers takes the next part of the job's work when it is ready for it, so that fast
            ones do more; else each has its share of every batch. For strategies that are not synchronous.
        local_steps: replicas train by themselves: `on_update` exchanges nothing, and its step is one of the replica's
            own. In jobs with servers it has momentum and decay then; else these are the servers', and a worker only
            adds what `on_update` returns.
        borrows: in every step `before_step` pulls all that it computes with from servers, `on_update` pushes D, leaves
            it as it is and returns None, and nothing of the parameters' shape is kept, nor by `serve` of an update.
            Then workers with sub-models hold and exchange no more than these, and servers read D of a whole network
            where it was computed.
        one_copy: after every step all replicas are equal AND `on_update` returns only ``ctx.shard`` of the change. Then
            the peers of a host share one copy of the parameters, each applies its shard, and a peer may compute the
            parts of several workers as one batch.
    """

    synchronous: bool = True
    serial_equivalent: bool = False
    elastic: bool = False
    servers: bool = False
    shared_budget: bool = False
    local_steps: bool = False
    borrows: bool = False
    one_copy: bool = False


@dataclass
class Context:
    """What a strategy sees of the training. The framework sets the fields; hooks read them.

    Attributes:
        params: the parameters that this replica holds, flat, writable, float32. With ``one_copy``, all peers' one copy.
        previous: the change that the last step made to each of them, same shape.
        shard: the range of `params` that this peer applies updates to: ``(start, stop)``.
        replicas: collectives among those of this peer's group that hold the same parameters.
        group: collectives among all peers of this peer's group.
        world: collectives among all peers of the job that train.
        weight: examples of the batch that this replica computes.
        total: examples of the job's whole batch.
        step: number of the training step, from 0, over all fits.
        epoch: number of the pass over the data, from 0, over all fits.
        lr: learning rate of the step.
        rng: random numbers of this replica; the same in every run.
        slots: what the network's optimizer keeps for each parameter, by name (see `Optimizer.slots`).
        metrics: put numbers here by name, for this step; replica 0's end up in ``history.metrics``.
    """

    params: NDArray[np.float32]
    previous: NDArray[np.float32]
    shard: tuple[int, int]
    replicas: Replicas
    group: Replicas
    world: Replicas
    rng: np.random.Generator
    weight: int = 0
    total: int = 0
    step: int = 0
    epoch: int = 0
    lr: float = 0.0
    slots: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    _servers: Servers | None = None
    _objective: Objective | None = None

    @property
    def carried(self) -> list[NDArray[np.float32]]:
        """All that goes from step to step beside the parameters, flat: `previous`, and what the optimizer keeps."""
        return [self.previous, *self.slots.values()]

    def loss(self, params: NDArray[np.floating]) -> float:
        """Cost of this replica's part of the batch at any parameters, with the batch's own random draws.

        Args:
            params: flat, the shape of ``ctx.params``; not changed.

        Returns:
            The part's share of the mean cost of the job's batch, regularization included: summed over all replicas it
            is the mean. Cost: a forward and a backward pass; nothing where `gradient` was asked for last.

        Raises:
            ValueError: of another shape, or the peers share one copy of the parameters.
        """
        return self._at().loss(params)

    def gradient(self, params: NDArray[np.floating]) -> NDArray[np.float32]:
        """The gradient of `loss` at any parameters; its sum over all replicas is that of the batch's mean cost.

        Args:
            params: flat, the shape of ``ctx.params``; not changed.

        Returns:
            A new array of that shape: minus what the neurons push at rate 1, so for neurons that push something else
            than gradients it is that. 0 for what neurons keep from batch to batch. Cost and errors: as `loss`.
        """
        return self._at().gradient(params)

    def own_mean(self, update: NDArray[np.float32]) -> NDArray[np.float32]:
        """D as the mean over this replica's own examples: the step of a replica that trains by itself.

        Args:
            update: D, as `on_update` is given it: divided by the examples of the job's batch. Overwritten.
        """
        update *= self.total / max(self.weight, 1)
        return update

    def _at(self) -> Objective:
        if self._objective is None:
            raise ValueError(
                "ctx.loss and ctx.gradient compute at other parameters, and this worker has no copy of its own: a "
                "strategy that uses them declares neither one_copy nor borrows in its properties"
            )
        return self._objective

    @property
    def servers(self) -> Servers:
        """Those who hold the parameters: `push`, `pull` and clocks.

        Raises:
            ValueError: the job has none.
        """
        if self._servers is None:
            raise ValueError(
                "ctx.servers: this job has no parameter servers; a strategy that uses them declares servers=True "
                "in its properties"
            )
        return self._servers


class SyncStrategy:
    """How replicas of a network are kept together. Override the hooks that you need; each is a no-op otherwise.

    Collectives are supersteps: all replicas must call the same ones in the same order. Where the replicas differ in the
    end, the network takes the parameters of replica 0; a look at validation examples scores each replica's share by it.
    """

    properties: Properties = Properties()

    def setup(self, ctx: Context) -> None:
        """Run before the first step, in every peer: allocate here."""

    def before_step(self, ctx: Context) -> None:
        """Run before a batch is computed: wait for others, fetch parameters."""

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Run when D of this replica's part is there.

        Args:
            ctx: the step's context.
            update: D, flat float32 of all parameters; may be overwritten.

        Returns:
            What to apply here instead, for the range ``ctx.shard``; may be overwritten. None applies nothing, neither
            momentum nor decay.
        """
        return update

    def after_step(self, ctx: Context) -> None:
        """Run after the update is applied: average models, exchange with neighbours."""

    def on_epoch(self, ctx: Context) -> None:
        """Run after each pass over the data, after `after_step`."""

    def finish(self, ctx: Context) -> None:
        """Run after the last step of a `fit`, also of one that was asked to stop: bring the replicas together."""

    def serve(self, store: Store, source: int, update: NDArray[np.float32]) -> None:
        """Run on a parameter server for each update that a worker pushes; in jobs with servers only.

        Where the strategy is synchronous, a push of every worker is served in the order of the workers, and then the
        next of each; else pushes are served as they come. By default each is a step of its own, with as much decay as
        its share of a batch.

        Args:
            store: the server's shard of the parameters.
            source: index of the worker, in [0, store.sources).
            update: what it pushed of the shard, shape of ``store.params``. With `borrows` it may lie where the worker
                computes its next one soon: copy what is to be kept.
        """
        store.apply(update, store.share)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """What this peer's strategy must not lose when the job is interrupted: arrays by name, none by default."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `state` gave. Run after `setup`."""
