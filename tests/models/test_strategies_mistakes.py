"""Strategies that go wrong in one worker: who, in which hook, at which step; and parts that are not finite."""

import numpy as np
import pytest

from horn.bsp import BarrierTimeout, BSPError, PeerFailed
from horn.models import (
    AllReduce,
    Downpour,
    NeuralNetwork,
    ParameterServer,
    Properties,
    StaleSynchronous,
    SyncStrategy,
    Topology,
    TrainingDiverged,
)
from horn.neurons import Identity, SquaredError

TWO = {"batch_size": 8, "workers": 3, "processes": 1}


def told(error):
    """What a traceback shows of an error."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


class OneSided(SyncStrategy):
    def on_update(self, ctx, update):
        if ctx.step == 2 and ctx.replicas.index == 1:
            return ctx.replicas.allreduce(update)
        return update


def test_a_collective_that_only_one_calls_names_hook_and_ranks(build, task):
    with pytest.raises(BSPError) as caught:
        build().fit(*task, iterations=5, sync=OneSided(), **TWO)
    text = told(caught.value)
    assert "peer 1 came for allreduce(sum)" in text
    assert "OneSided.on_update of worker 1 (peer 1), step 2" in text
    assert "no hook of worker 0 (peer 0), step 2" in text


class Crossed(SyncStrategy):
    """A worker waits for a push that another makes only after it."""

    properties = Properties(synchronous=False, servers=True)

    def before_step(self, ctx):
        ctx.servers.pull(ctx.params, clock=ctx.step + 1)

    def on_update(self, ctx, update):
        ctx.servers.push(update)


def test_workers_that_wait_for_each_others_pushes_are_named_without_a_timeout(build, task):
    with pytest.raises(BSPError, match="all workers wait for pushes, and none is left to push") as caught:
        build().fit(*task, iterations=5, sync=Crossed(), **TWO)
    text = told(caught.value)
    assert "Crossed.before_step of worker 0 (peer 0), step 0; Crossed.before_step of worker 1 (peer 1), step 0" in text


class Waiting(SyncStrategy):
    """One worker waits for a server's answer that depends on those who wait for it at the barrier of all."""

    properties = Properties(synchronous=False, servers=True)

    def on_update(self, ctx, update):
        ctx.servers.push(update)
        if ctx.world.index == 0:
            ctx.servers.pull(ctx.params, clock=2)
        ctx.world.sync()


def test_a_deadlock_ends_within_the_timeout_and_names_hook_and_ranks(build, task):
    with pytest.raises(BarrierTimeout) as caught:
        build().fit(*task, iterations=5, sync=Waiting(), timeout=2, **TWO)
    assert "Waiting.on_update of worker 0 (peer 0), step 0" in told(caught.value)


class Raising(SyncStrategy):
    def after_step(self, ctx):
        if ctx.step == 1 and ctx.replicas.index == 2:
            raise ZeroDivisionError("by zero")


class RaisingServer(ParameterServer):
    def serve(self, store, source, update):
        raise ZeroDivisionError("by zero")


class Misshapen(SyncStrategy):
    def on_update(self, ctx, update):
        return update[:-1] if ctx.replicas.index == 1 else update


class MisshapenPush(ParameterServer):
    def on_update(self, ctx, update):
        ctx.servers.push(update[:-1] if ctx.world.index == 1 else update)


class Careless(ParameterServer):
    """Changes what it has pushed."""

    def on_update(self, ctx, update):
        super().on_update(ctx, update)
        if ctx.world.index == 1:
            update *= 0.5


MISTAKES = {
    "worker": (Raising(), r"by zero[\s\S]*In Raising.after_step of worker 2 \(peer 2\), step 1"),
    "server": (RaisingServer(), r"by zero[\s\S]*In RaisingServer.serve of server 0 \(peer 3\), step 0"),
    "shape": (
        Misshapen(),
        r"Misshapen.on_update returned shape \(52,\): .* \(53,\)[\s\S]*In Misshapen.on_update of worker 1 \(peer 1\)",
    ),
    "push": (
        MisshapenPush(),
        r"servers.push takes .* shape \(53,\): got shape \(52,\)[\s\S]*In MisshapenPush.on_update of worker 1",
    ),
    "pushed": (
        Careless(),
        r"read-only[\s\S]*In Careless.on_update of worker 1 \(peer 1\), step 0\n.*change it before that, or",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_one_peer_does_wrong_is_named(build, task, same_weights, mistake):
    strategy, text = MISTAKES[mistake]
    nn = build()
    with pytest.raises(PeerFailed, match=text):
        nn.fit(*task, iterations=5, sync=strategy, **TWO)
    assert same_weights(nn, build())


def test_what_a_hook_raises_in_the_calling_process_is_noted_too(build, task):
    class Here(Raising):
        def after_step(self, ctx):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        build().fit(*task, iterations=5, batch_size=8, sync=Here())
    assert "In Here.after_step of worker 0 (peer 0), step 0" in told(caught.value)


class Nothing(SyncStrategy):
    def on_update(self, ctx, update):
        return None


def test_a_strategy_that_applies_nothing_is_told_of(build, task, caplog):
    build().fit(*task, iterations=3, sync=Nothing(), **TWO)
    assert "no parameter has changed in 3 iterations: Nothing.on_update must return what to apply" in caplog.text


class Idle(ParameterServer):
    def serve(self, store, source, update):
        pass


def test_servers_that_change_nothing_are_told_of(build, task, caplog):
    build().fit(*task, iterations=3, sync=Idle(), **TWO)
    assert "3 iterations: Idle must push to ctx.servers, and its serve call store.apply or change" in caplog.text


class Assigning(StaleSynchronous):
    def serve(self, store, source, update):
        store.params = store.params + 1.0


def test_what_is_assigned_to_the_parameters_of_a_server_is_copied_in(build, task):
    nn, before = build(), build()
    nn.fit(*task, iterations=3, batch_size=8, topology=Topology(servers=2), sync=Assigning())
    for one, other in zip(nn.weights, before.weights, strict=True):
        np.testing.assert_allclose(one, other + 3.0, atol=1e-5)


# Parts that are not finite


@pytest.fixture
def unbounded():
    """Build a network whose cost overflows where an input is large; arguments are the network's."""

    def network(**arguments):
        nn = NeuralNetwork(**{"learning_rate": 0.01, "seed": 3, "engine": "interpreter", **arguments})
        nn.input_layer(6)
        nn.output_layer(3, Identity, cost=SquaredError)
        return nn

    return network


@pytest.fixture
def poisoned(task):
    """Of five batches of 8 as they come, in the second the example in the middle overflows: worker 1's of three."""
    x = task[0].copy()
    x[8 + 4] = 1e38
    return x, task[1]


EVERY = {
    "one copy": AllReduce(),
    "a copy each": SyncStrategy(),
    "servers": ParameterServer(),
    "asynchronous": Downpour(),
}


@pytest.mark.parametrize(
    ("name", "processes"), [("one copy", 1), ("one copy", 2), ("a copy each", 1), ("servers", 1), ("asynchronous", 1)]
)
def test_a_worker_whose_loss_is_not_finite_is_named(unbounded, poisoned, same_weights, name, processes):
    nn = unbounded()
    who = "worker 1"
    if name == "asynchronous":  # whoever has taken that part
        who = "worker [012]"
    elif name == "one copy" and processes == 1:  # one batch, and its step is made in the same passes
        who = "workers 0, 1, 2"
    with pytest.raises(TrainingDiverged, match=f"loss of iteration 1 is not finite in {who}, at learning rate"):
        nn.fit(*poisoned, iterations=5, shuffle=False, sync=EVERY[name], **TWO | {"processes": processes})
    assert same_weights(nn, unbounded())


@pytest.mark.parametrize("name", ["one copy", "asynchronous"])
def test_or_left_out_and_counted(unbounded, poisoned, name):
    nn = unbounded()
    history = nn.fit(*poisoned, iterations=5, shuffle=False, sync=EVERY[name], on_nonfinite="skip", **TWO)
    assert history.metrics["skipped"] == [(2, 1.0)]
    assert np.isfinite(history.loss).all()
    assert all(np.isfinite(weights).all() for weights in nn.weights)


def test_the_others_make_the_step_without_it(unbounded, poisoned, same_weights):
    """Zero is what a part adds that is left out: as if its examples had no say, in the mean over all eight."""
    skipping, summing = unbounded(momentum=0.0), unbounded(momentum=0.0)
    skipping.fit(*poisoned, iterations=2, shuffle=False, on_nonfinite="skip", **TWO)

    class WithoutOne(SyncStrategy):
        def on_update(self, ctx, update):
            left_out = ctx.step == 1 and ctx.replicas.index == 1
            return ctx.replicas.allreduce(np.zeros_like(update) if left_out else update)

    clean = poisoned[0].copy()
    clean[8 + 4] = 0.0
    summing.fit(clean, poisoned[1], iterations=2, shuffle=False, sync=WithoutOne(), **TWO)
    assert same_weights(skipping, summing, atol=1e-6)


def test_alone_the_step_is_left_out(unbounded, poisoned, same_weights):
    nn, whole = unbounded(momentum=0.0), unbounded(momentum=0.0)
    history = nn.fit(*poisoned, iterations=2, batch_size=8, shuffle=False, on_nonfinite="skip")
    whole.fit(*poisoned, iterations=1, batch_size=8, shuffle=False)
    assert history.metrics["skipped"] == [(2, 1.0)]
    assert np.isnan(history.loss[1])
    assert same_weights(nn, whole)


def test_what_to_do_is_one_of_two(build, task):
    with pytest.raises(ValueError, match="on_nonfinite must be one of 'stop', 'skip', got 'ignore'"):
        build().fit(*task, iterations=1, batch_size=8, on_nonfinite="ignore")
