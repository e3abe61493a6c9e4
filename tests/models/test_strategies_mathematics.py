"""Strategies against oracles: networks that are trained alone and averaged by hand."""

import numpy as np
import pytest

from horn.models import (
    AllReduce,
    Downpour,
    ElasticAveraging,
    Gossip,
    Hybrid,
    LocalSGD,
    ModelAveraging,
    NeuralNetwork,
    ParameterServer,
    SandblasterLBFGS,
    StaleSynchronous,
    SyncStrategy,
    Topology,
)
from horn.neurons import CrossEntropy, Softmax, Tanh

BATCH = 10


def network(**arguments):
    nn = NeuralNetwork(**{"learning_rate": 0.3, "momentum": 0.0, "seed": 3, "engine": "interpreter", **arguments})
    nn.input_layer(6)
    nn.add_layer(3, Tanh)
    nn.output_layer(3, Softmax, cost=CrossEntropy)
    return nn


def flat(nn):
    return np.concatenate([array.ravel() for pair in zip(nn.weights, nn.biases, strict=True) for array in pair])


def assign(nn, values):
    """The inverse of `flat`."""
    for weights, biases in zip(nn.weights, nn.biases, strict=True):
        weights[...] = values[: weights.size].reshape(weights.shape)
        biases[...] = values[weights.size : weights.size + biases.size]
        values = values[weights.size + biases.size :]


class Alone:
    """Networks that train alone, each on its rows of every batch of 10: 0 to 5, and 6 to 9.

    Args:
        task: all examples.
        parts: where the parts of a batch begin and end.
    """

    def __init__(self, task, parts=((0, 5), (5, 10))):
        self.task, self.parts = task, parts
        self.networks = [network() for _ in parts]

    def step(self, number):
        for nn, (start, stop) in zip(self.networks, self.parts, strict=True):
            rows = slice(number * BATCH + start, number * BATCH + stop)
            nn.fit(self.task[0][rows], self.task[1][rows], iterations=1, batch_size=stop - start, shuffle=False)

    @property
    def values(self):
        return [flat(nn).astype(np.float64) for nn in self.networks]

    def become(self, values):
        for nn in self.networks:
            assign(nn, values.astype(np.float32))


def trained(task, strategy, iterations=4, **who):
    nn = network()
    who = who or {"workers": 2, "processes": 1}
    nn.fit(*task, iterations=iterations, batch_size=BATCH, shuffle=False, sync=strategy, **who)
    return flat(nn)


def test_model_averaging(task):
    alone = Alone(task)
    for number in range(4):
        alone.step(number)
        if number in (2, 3):  # after three steps, and at the end
            alone.become(np.mean(alone.values, axis=0))
    assert np.allclose(trained(task, ModelAveraging(3, "steps")), alone.values[0], atol=1e-6)


def test_model_averaging_weighs_by_examples(task):
    """Batches of 5: one worker has three examples of each, the other two."""
    alone = Alone(task, parts=((0, 3), (3, 5)))
    alone.step(0)
    average = 0.6 * alone.values[0] + 0.4 * alone.values[1]
    nn = network()
    nn.fit(*task, iterations=1, batch_size=5, shuffle=False, workers=2, processes=1, sync=ModelAveraging())
    assert np.allclose(flat(nn), average, atol=1e-6)


class Velocities(ModelAveraging):
    """Looks at the previous updates after an average, and before."""

    def _average(self, ctx):
        mine = ctx.previous.copy()
        super()._average(ctx)
        mean = ctx.replicas.allreduce(mine, op="mean")
        ctx.metrics["off"] = float(np.abs(ctx.previous - mean).max())
        ctx.metrics["apart"] = float(np.abs(mine - mean).max())


def test_model_averaging_averages_previous_updates(task):
    nn = network(momentum=0.9)
    nn.fit(*task, iterations=3, batch_size=10, workers=2, processes=1, sync=Velocities(2, "steps"))
    metrics = {name: [value for _, value in pairs] for name, pairs in nn.history.metrics.items()}
    assert max(metrics["off"]) < 1e-6 < 1e-4 < min(metrics["apart"])


def test_gossip_of_two_is_their_average(task):
    alone = Alone(task)
    for number in range(4):
        alone.step(number)
        alone.become(np.mean(alone.values, axis=0))
    assert np.allclose(trained(task, Gossip()), alone.values[0], atol=1e-6)


class Matchings(Gossip):
    def after_step(self, ctx):
        partner = self._partner(ctx)
        partners = [int(value) for value in ctx.replicas.allgather(partner)]
        mutual = all(partners[partners[index]] == index for index in range(len(partners)))
        ctx.metrics["mutual"] = mutual and sum(partners[index] == index for index in range(len(partners))) <= 1
        ctx.metrics["partner"] = partner


def test_gossips_partners_name_each_other_and_change(task):
    nn = network()
    nn.fit(*task, iterations=12, batch_size=10, workers=5, processes=1, sync=Matchings())
    assert all(value for _, value in nn.history.metrics["mutual"])
    assert len({value for _, value in nn.history.metrics["partner"]}) > 2


@pytest.mark.parametrize("outer", [(1.0, 0.0), (0.7, 0.9)])
def test_local_sgd(task, outer):
    rate, momentum = outer
    alone = Alone(task)
    begin, velocity = alone.values[0], 0.0
    for number in range(4):
        alone.step(number)
        if number in (1, 3):
            found = begin - np.mean(alone.values, axis=0)
            velocity = momentum * velocity + found
            begin = begin - rate * (found + momentum * velocity)
            alone.become(begin)
    assert np.allclose(trained(task, LocalSGD(2, rate, momentum)), begin, atol=1e-6)


def test_elastic_averaging_of_one(task):
    alone = Alone(task, parts=((0, 10),))
    center = alone.values[0]
    for number in range(4):
        alone.step(number)
        if number in (2, 3):
            elastic = 0.25 * (alone.values[0] - center)
            alone.become(alone.values[0] - elastic)
            center = center + elastic
    assert np.allclose(trained(task, ElasticAveraging(3, 0.25), workers=1), center, atol=1e-6)


ONE = {
    "StaleSynchronous": (StaleSynchronous(0), {"workers": 1}),
    "Downpour": (Downpour(), {"workers": 1}),
    "ParameterServer": (ParameterServer(), {"topology": Topology(replicas=3, servers=2), "processes": 1}),
    "Hybrid": (Hybrid(), {"topology": Topology(replicas=3, servers=1), "processes": 1}),
}


@pytest.mark.parametrize("name", ONE)
def test_what_is_sequential_on_a_server_is_serial_training(task, same_weights, name):
    strategy, who = ONE[name]
    served, serial = network(momentum=0.9, regularization=0.01), network(momentum=0.9, regularization=0.01)
    served.fit(*task, iterations=4, batch_size=15, sync=strategy, **who)
    serial.fit(*task, iterations=4, batch_size=15)
    assert same_weights(served, serial, atol=1e-6)
    assert served.history.loss == pytest.approx(serial.history.loss, rel=1e-5)


def test_pushes_of_parts_decay_as_a_batch_does(task):
    """Nothing but decay: λ = 1, and a cost without a slope at rate 1e-3."""

    class Nothing(StaleSynchronous):
        def on_update(self, ctx, update):
            super().on_update(ctx, np.zeros_like(update))

    nn = network(regularization=1.0, learning_rate=0.01)
    before = nn.weights[0].copy()
    nn.fit(*task, iterations=5, batch_size=10, workers=2, processes=1, sync=Nothing(1))
    assert np.allclose(nn.weights[0], before * 0.99**5, rtol=1e-3)


def test_lbfgs_finds_lower_cost_than_gradient_steps_and_the_same_with_many(task):
    alone, many, steps = (network(regularization=0.01) for _ in range(3))
    whole = {"iterations": 15, "batch_size": 40}
    alone.fit(*task, **whole, sync=SandblasterLBFGS())
    many.fit(*task, **whole, workers=3, processes=1, sync=SandblasterLBFGS())
    steps.fit(*task, **whole)
    assert alone.history.loss[-1] < 0.5 * steps.history.loss[-1]
    assert many.history.loss == pytest.approx(alone.history.loss, rel=0.02)
    assert min(value for _, value in many.history.metrics["evaluations"]) >= 2


class Probe(SyncStrategy):
    """Loss and gradient at a given point, and what `on_update` is given there."""

    def __init__(self, point):
        self.point = point

    def on_update(self, ctx, update):
        self.seen = ctx.loss(self.point), ctx.gradient(self.point)
        self.update, self.here = update.copy(), ctx.gradient(ctx.params)
        self.before = ctx.params.copy()


def test_the_gradient_is_that_of_the_loss(build, task):
    """Central differences in float64, dropout at work: each evaluation draws the same masks."""
    nn = build(precision="float64", regularization=0.1, learning_rate=0.25, momentum=0.0)
    size = nn.spec.size
    rng = np.random.default_rng(1)
    point, direction = rng.normal(size=size), rng.normal(size=size)

    def probe(at):
        strategy = Probe(at)
        build(precision="float64", regularization=0.1, learning_rate=0.25).fit(
            *task, iterations=1, batch_size=7, sync=strategy
        )
        return strategy

    step = 1e-5
    slope = (probe(point + step * direction).seen[0] - probe(point - step * direction).seen[0]) / (2 * step)
    found = probe(point)
    assert found.seen[1] @ direction == pytest.approx(slope, rel=1e-5)
    # without its share of the regularization, which is L's, the update is minus rate times gradient
    decay = np.zeros(size)
    for block in nn.spec.blocks:
        block.weights(decay)[...] = 0.1 * block.weights(found.before)
    assert np.allclose(found.update, -0.25 * (found.here - decay), atol=1e-12)


class Sums(SyncStrategy):
    def on_update(self, ctx, update):
        ctx.metrics["loss"] = ctx.replicas.allreduce(ctx.loss(ctx.params))
        ctx.metrics["norm"] = float(np.linalg.norm(ctx.replicas.allreduce(ctx.gradient(ctx.params))))
        return ctx.replicas.allreduce(update)


def test_losses_and_gradients_of_replicas_add_up_to_those_of_the_batch(build, task):
    one, three = build(regularization=0.1), build(regularization=0.1)
    one.fit(*task, epochs=1, batch_size=39, sync=Sums())
    three.fit(*task, epochs=1, batch_size=39, workers=3, processes=1, sync=Sums())  # the last batch has one example
    for name in ("loss", "norm"):
        values = [[value for _, value in nn.history.metrics[name]] for nn in (one, three)]
        assert values[1] == pytest.approx(values[0], rel=1e-5)


class Elsewhere(AllReduce):
    def on_update(self, ctx, update):
        ctx.loss(ctx.params)
        return super().on_update(ctx, update)


class Misshapen(SyncStrategy):
    def on_update(self, ctx, update):
        ctx.gradient(ctx.params[:-1])
        return update


class Early(SyncStrategy):
    def setup(self, ctx):
        ctx.loss(ctx.params)


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Elsewhere(), "declares neither one_copy nor borrows"),
        (Misshapen(), r"take parameters like ctx.params, \(53,\): got \(52,\)"),
        (Early(), "there is none before the first step"),
    ],
)
def test_what_loss_and_gradient_refuse(build, task, strategy, text):
    with pytest.raises(Exception, match=text):
        build().fit(*task, iterations=1, batch_size=8, sync=strategy)
