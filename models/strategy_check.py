"""`check_strategy`: whether a synchronization strategy keeps what it declares."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from horn.bsp import PeerFailed
from horn.neurons import CrossEntropy, Softmax, Tanh

from .checks import require_count
from .network import NeuralNetwork
from .strategies import AllReduce, Context, SyncStrategy
from .topology import Topology

if TYPE_CHECKING:
    from .servers import Store

#: Batches of 21, 21 and 2: 5 workers cannot share them evenly, and the last one leaves some without an example.
EXAMPLES, BATCH_SIZE = 44, 21
FEATURES, CLASSES = 6, 3
#: The step of each worker before which its strategy's state is taken: in the middle of a pass.
RESUMED_AT = 6


class StrategyCheckFailed(AssertionError):
    """A strategy does not keep what it declares; the message names the property."""


def check_strategy(
    strategy: SyncStrategy,
    *,
    workers: int = 5,
    topology: Topology | None = None,
    epochs: int = 4,
    learning_rate: float = 0.1,
    momentum: float = 0.5,
    engine: str = "interpreter",
    processes: int | None = None,
    timeout: float = 60.0,
) -> None:
    """Check a synchronization strategy, such as one of your own, against its `properties`.

    It trains a small network on 44 examples, in batches that cannot be divided by 5 workers, the last of which has
    fewer examples than there are workers, and looks whether

    - training ends, with many workers and with one, and the loss is lower than before: it learns;
    - ``synchronous``: the same run gives the same bits;
    - ``serial_equivalent``: the weights are those of one worker with the whole batch, to rounding;
    - `state` gives arrays, and a fresh object that is given them by `restore` in the middle of training goes on as if
      nothing had happened: to the same bits if the strategy is synchronous.

    Processes that die, and a number of workers that changes, are left out: they are checked with checkpoints.

    Args:
        strategy: the strategy, with its settings; it is copied.
        workers: how many.
        topology: groups, replicas and servers; None as `fit` makes it of `workers`.
        epochs: passes over the data per run, of 3 steps each, at least 3.
        learning_rate: of the network.
        momentum: of the network.
        engine: of the network.
        processes: of the workers; None as `fit` chooses.
        timeout: seconds that a worker waits for others before a run is given up as a deadlock.

    Raises:
        StrategyCheckFailed: a property does not hold.
        ValueError: too few epochs.
        Exception: what the strategy, or the engine on its behalf, raises; a deadlock is a `horn.bsp.BSPError` that
            names hooks and ranks.
    """
    task = _task()
    if 3 * require_count("epochs", epochs) <= RESUMED_AT:
        raise ValueError(f"epochs must be at least 3, got {epochs}: the state is taken at step {RESUMED_AT}")

    def train(strategy: SyncStrategy, **who: Any) -> NeuralNetwork:
        nn = _network(learning_rate=learning_rate, momentum=momentum, engine=engine)
        try:
            nn.fit(*task, epochs=epochs, batch_size=BATCH_SIZE, sync=strategy, verbose=0, timeout=timeout, **who)
        except PeerFailed as failed:
            if isinstance(failed.exception, StrategyCheckFailed):
                raise failed.exception from failed
            raise
        return nn

    properties = strategy.properties
    before = _network(engine=engine).evaluate(*task).loss
    many: dict[str, Any] = {"topology": topology} if topology else {"workers": workers}
    many["processes"] = processes
    resumed = train(Resumed(strategy), **many)
    _require_learned(strategy, resumed, before, task, "with many workers")
    if properties.synchronous:
        nn = train(strategy, **many)
        _require_same_bits(strategy, nn, resumed, partial(train, strategy, **many))
        if properties.serial_equivalent:
            _require_close(strategy, nn, train(AllReduce()))
    _require_learned(strategy, train(strategy), before, task, "with one worker")


class Resumed(SyncStrategy):
    """A strategy whose state is taken in the middle of training, and given to a fresh object, which goes on.

    Args:
        strategy: the strategy; this one gets a copy of it.
    """

    def __init__(self, strategy: SyncStrategy) -> None:
        self._fresh, self._strategy = copy.deepcopy(strategy), copy.deepcopy(strategy)
        self.properties = strategy.properties
        self._steps = 0

    def setup(self, ctx: Context) -> None:
        self._strategy.setup(ctx)

    def before_step(self, ctx: Context) -> None:
        self._steps += 1
        if self._steps == RESUMED_AT:
            self._resume(ctx)
        self._strategy.before_step(ctx)

    def on_update(self, ctx: Context, update: NDArray[np.float32]) -> NDArray[np.float32] | None:
        return self._strategy.on_update(ctx, update)

    def after_step(self, ctx: Context) -> None:
        self._strategy.after_step(ctx)

    def on_epoch(self, ctx: Context) -> None:
        self._strategy.on_epoch(ctx)

    def finish(self, ctx: Context) -> None:
        self._strategy.finish(ctx)

    def serve(self, store: Store, source: int, update: Any) -> None:
        self._strategy.serve(store, source, update)

    def _resume(self, ctx: Context) -> None:
        kept = _copied(self._strategy)
        self._fresh.setup(ctx)
        self._fresh.restore({name: array.copy() for name, array in kept.items()})
        again = _copied(self._fresh)
        if kept.keys() != again.keys() or not all(np.array_equal(kept[name], again[name]) for name in kept):
            raise StrategyCheckFailed(
                f"{type(self._strategy).__name__}: state() after setup() and restore(state) is another state: restore "
                f"must take back all that state() gave ({', '.join(kept) or 'nothing'})"
            )
        self._strategy = self._fresh


def _copied(strategy: SyncStrategy) -> Mapping[str, NDArray[Any]]:
    """The state as it is now, of a user's strategy, which may have given anything."""
    state: Mapping[str, Any] = strategy.state()
    for name, array in state.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise StrategyCheckFailed(
                f"{type(strategy).__name__}.state() has {name!r}: {array!r}; it must give arrays of numbers by name"
            )
    return {name: array.copy() for name, array in state.items()}


def _task() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Which of the first three features is the largest."""
    x = np.random.default_rng(5).normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
    return x, x[:, :CLASSES].argmax(axis=1)


def _network(**arguments: Any) -> NeuralNetwork:
    nn = NeuralNetwork(seed=3, **arguments)
    nn.input_layer(FEATURES)
    nn.add_layer(4, Tanh)
    nn.output_layer(CLASSES, Softmax, cost=CrossEntropy)
    return nn


def _distance(one: NeuralNetwork, other: NeuralNetwork) -> float:
    """The largest difference of any weight or bias."""
    pairs = [*zip(one.weights, other.weights, strict=True), *zip(one.biases, other.biases, strict=True)]
    return max(float(np.abs(a - b).max()) for a, b in pairs if a is not None and b is not None)


def _require_learned(
    strategy: SyncStrategy, nn: NeuralNetwork, before: float, task: tuple[Any, Any], told: str
) -> None:
    after = nn.evaluate(*task).loss
    if not after < before:
        raise StrategyCheckFailed(
            f"{type(strategy).__name__} does not learn: the loss was {before:.4f} before training and is {after:.4f} "
            f"after it ({told}); does on_update return what to apply, and is its size right for learning_rate and "
            "momentum of check_strategy?"
        )


def _require_same_bits(
    strategy: SyncStrategy, nn: NeuralNetwork, resumed: NeuralNetwork, repeat: Callable[[], NeuralNetwork]
) -> None:
    apart = _distance(nn, resumed)
    if not apart:
        return
    name, again = type(strategy).__name__, _distance(nn, repeat())
    if again:
        raise StrategyCheckFailed(
            f"{name} declares synchronous, and two runs of the same training end {again:.3g} apart: use ctx.rng for "
            "random numbers, or seeds that all runs share, and let nothing depend on who comes first"
        )
    raise StrategyCheckFailed(
        f"{name} goes on elsewhere, {apart:.3g} apart, after its state() was given to a fresh object by restore(): "
        "what it keeps on self from step to step must be in state()"
    )


def _require_close(strategy: SyncStrategy, nn: NeuralNetwork, serial: NeuralNetwork) -> None:
    apart = _distance(nn, serial)
    if apart > 1e-4:
        raise StrategyCheckFailed(
            f"{type(strategy).__name__} declares serial_equivalent, and its weights end {apart:.3g} from those of one "
            "worker with the whole batch: the sum of all replicas' updates is the update of the whole batch"
        )
