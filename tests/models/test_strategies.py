"""Strategies: what the hooks see, and that a user's own trains as promised."""

import numpy as np
import pytest

from horn.models import AllReduce, SyncStrategy


class SignMajority(SyncStrategy):
    """Each worker votes on each weight's direction (signSGD with majority vote)."""

    def __init__(self, step=1e-3):
        self.step = step

    def on_update(self, ctx, update):
        return self.step * np.sign(ctx.replicas.allreduce(np.sign(update)))


class PlainSum(SyncStrategy):
    """AllReduce, as a user would write it: every replica with parameters of its own."""

    def on_update(self, ctx, update):
        return ctx.replicas.allreduce(update)


class Averaging(SyncStrategy):
    """Local steps; models and previous updates are averaged after each pass."""

    def on_epoch(self, ctx):
        ctx.params[:] = ctx.replicas.allreduce(ctx.params, op="mean")
        ctx.previous[:] = ctx.replicas.allreduce(ctx.previous, op="mean")


class Scattered(SyncStrategy):
    """Where every replica has a copy of its own, its shard is all of it."""

    def on_update(self, ctx, update):
        return ctx.replicas.reduce_scatter(update)


def test_a_sum_by_hand_is_allreduce(build, task, same_weights):
    by_hand, built_in = build(max_norm=1.0), build(max_norm=1.0)
    by_hand.fit(*task, epochs=2, batch_size=12, workers=3, processes=2, sync=PlainSum(), validation=task)
    built_in.fit(*task, epochs=2, batch_size=12, workers=3, sync=AllReduce(), validation=task)
    assert same_weights(by_hand, built_in, atol=1e-6)
    assert by_hand.history.loss == pytest.approx(built_in.history.loss, rel=1e-5)
    assert by_hand.history.validation[-1].accuracy == built_in.history.validation[-1].accuracy


def test_reduce_scatter_of_copies_is_allreduce(build, task, same_weights):
    scattered, built_in = build(), build()
    scattered.fit(*task, iterations=3, batch_size=12, workers=3, processes=1, sync=Scattered())
    built_in.fit(*task, iterations=3, batch_size=12)
    assert same_weights(scattered, built_in, atol=1e-6)


def test_sign_majority_moves_every_weight_by_its_step(build, task):
    nn = build(momentum=0.0)
    before = [weights.copy() for weights in nn.weights]
    nn.fit(*task, iterations=1, batch_size=40, workers=3, processes=2, sync=SignMajority(0.01))
    moved = np.concatenate([(a - b).ravel() for a, b in zip(nn.weights, before, strict=True)])
    assert np.allclose(np.abs(moved)[np.abs(moved) > 1e-7], 0.01, atol=1e-6)
    assert np.abs(moved).max() > 0


@pytest.mark.parametrize("strategy", [SignMajority(), Averaging(), AllReduce(), SyncStrategy()])
def test_every_strategy_trains_alone_in_the_calling_process(build, task, strategy):
    nn = build()
    before = nn.evaluate(*task).loss
    nn.fit(*task, epochs=10, batch_size=8, sync=strategy)
    assert nn.evaluate(*task).loss < before


class Halved(AllReduce):
    def on_update(self, ctx, update):
        return super().on_update(ctx, update) / 2


def test_a_strategy_derived_from_allreduce_is_asked_by_one_worker_too(build, task, same_weights):
    halved, slow = build(), build(learning_rate=0.05)
    halved.fit(*task, iterations=3, batch_size=8, sync=Halved())
    slow.fit(*task, iterations=3, batch_size=8)
    assert same_weights(halved, slow, atol=1e-6)


def test_local_steps_without_a_strategy_are_those_of_one_worker(build, task, same_weights):
    local, alone = build(), build()
    local.fit(*task, iterations=4, batch_size=8, sync=SyncStrategy())
    alone.fit(*task, iterations=4, batch_size=8)
    assert same_weights(local, alone, atol=1e-6)


def test_averaged_models_learn(build, task):
    nn = build(learning_rate=0.3)
    before = nn.evaluate(*task).loss
    nn.fit(*task, epochs=10, batch_size=8, workers=2, sync=Averaging())
    assert nn.evaluate(*task).loss < before


class Watching(SyncStrategy):
    """Writes down what the hooks see; replica 0's metrics reach the history."""

    def setup(self, ctx):
        self.order = ["setup"]

    def before_step(self, ctx):
        self.order.append("before_step")

    def on_update(self, ctx, update):
        self.order.append("on_update")
        total = ctx.world.allreduce(np.float64(ctx.weight))
        ctx.metrics["examples"] = total
        ctx.metrics["rate"] = ctx.lr
        ctx.metrics["step"] = ctx.step
        ctx.metrics["epoch"] = ctx.epoch
        ctx.metrics["draw"] = ctx.replicas.broadcast(ctx.rng.random(), root=1)
        ctx.metrics["shape"] = float(update.shape == ctx.params.shape and ctx.shard == (0, len(update)))
        ctx.metrics["replicas"] = 10 * ctx.replicas.num_peers + ctx.replicas.index

    def after_step(self, ctx):
        self.order.append("after_step")
        ctx.metrics["in order"] = float(self.order[-3:] == ["before_step", "on_update", "after_step"])

    def on_epoch(self, ctx):
        self.order.append("on_epoch")
        ctx.metrics["passes"] = self.order.count("on_epoch")


def test_what_the_hooks_see(build, task, same_weights):
    nn = build()
    nn.fit(*task, epochs=2, batch_size=15, workers=2, sync=Watching())
    metrics = {name: [value for _, value in pairs] for name, pairs in nn.history.metrics.items()}
    assert metrics["examples"] == [15, 15, 10] * 2
    assert metrics["rate"] == [0.1] * 6
    assert metrics["step"] == list(range(6))
    assert metrics["epoch"] == [0, 0, 0, 1, 1, 1]
    assert metrics["shape"] == [1.0] * 6
    assert metrics["in order"] == [1.0] * 6
    assert metrics["replicas"] == [20] * 6
    assert len(set(metrics["draw"])) == 6
    assert nn.history.metrics["passes"] == [(3, 1), (6, 2)]
    assert same_weights(nn, build())  # on_update returned None: nothing was applied


class Misused(AllReduce):
    def on_update(self, ctx, update):
        return ctx.replicas.reduce_scatter(update * 2)


class Whole(AllReduce):
    def on_update(self, ctx, update):
        super().on_update(ctx, update)
        return update


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Misused(), "in place: got another"),
        (Whole(), r"Whole.on_update returned shape \(53,\)"),
    ],
)
def test_reduce_scatter_says_what_it_needs(build, task, strategy, text):
    with pytest.raises(Exception, match=text):
        build().fit(*task, iterations=1, batch_size=8, workers=2, sync=strategy)
