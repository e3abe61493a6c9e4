"""Steps of several evaluations: the objective, known minima, workers together and each for itself."""

import threading

import numpy as np
import pytest

from horn.models import (
    LBFGS,
    AllReduce,
    ConjugateGradients,
    GradientDescent,
    Minimizer,
    NeuralNetwork,
    ParameterServer,
    Properties,
    SyncStrategy,
)
from horn.neurons import Identity, SquaredError, StandardNeuron, State
from horn.neurons.library import HebbNeuron

LAMBDA = 0.05


@pytest.fixture
def regression():
    """Forty examples and targets, in float32 numbers."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(40, 6)).astype(np.float32)
    return x, (x @ rng.normal(size=(6, 3)) + 0.5).astype(np.float32)


def linear(optimizer, **arguments):
    """A linear network, whose cost is convex."""
    settings = {"regularization": LAMBDA, "precision": "float64"}
    nn = NeuralNetwork(optimizer=optimizer, **{**settings, **arguments})
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    return nn


def minimum(x, y):
    """Weights and biases of least ½·mean Σ(xw + b - y)² + λ/2·Σw²."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    ones = np.column_stack([np.ones(len(x)), x])
    decay = LAMBDA * np.diag([0.0] + [1.0] * x.shape[1])
    solved = np.linalg.solve(ones.T @ ones / len(x) + decay, ones.T @ y / len(x))
    return solved[1:], solved[0]


@pytest.mark.parametrize(
    ("minimizer", "tolerance"),
    [
        (ConjugateGradients(40), 1e-5),
        (LBFGS(40), 1e-5),
        (LBFGS(60, history=3), 1e-5),
        (GradientDescent(60), 1e-5),
        (GradientDescent(60, curvature=0.5), 1e-5),
    ],
    ids=str,
)
def test_one_step_reaches_the_known_minimum(minimizer, tolerance, regression):
    nn = linear(minimizer, learning_rate=1.0)
    nn.fit(*regression, iterations=1, batch_size=40)
    weights, biases = minimum(*regression)
    assert np.allclose(nn.weights[0], weights, atol=tolerance)
    assert np.allclose(nn.biases[0], biases, atol=tolerance)


@pytest.mark.parametrize("minimizer", [ConjugateGradients(3), LBFGS(3), GradientDescent(3)], ids=str)
def test_a_network_with_dropout_learns(minimizer, build, task):
    nn = build(optimizer=minimizer, learning_rate=1.0, engine="compiled")
    before = nn.evaluate(*task).loss
    history = nn.fit(*task, iterations=15, batch_size=40)
    assert nn.evaluate(*task).loss < 0.7 * before
    assert len(history) == nn.step == 15


class Probe(Minimizer):
    """Compares the objective's gradient with central differences, and moves to a fixed place."""

    def minimize(self, objective, start, rate):
        loss, gradient = objective(start)
        found = np.empty_like(start)
        for i in range(len(start)):
            step = 1e-6 * (np.arange(len(start)) == i)
            found[i] = (objective(start + step)[0] - objective(start - step)[0]) / 2e-6
        assert np.allclose(found, gradient, rtol=1e-6, atol=1e-8)
        again, gradient_again = objective(start)
        assert again == loss  # the same dropout masks as before
        assert np.array_equal(gradient_again, gradient)
        SEEN.append((loss, gradient))
        return start + rate


SEEN = []


def test_the_gradient_is_that_of_the_loss_in_compiled_code_too(regression):
    linear(Probe()).fit(*regression, iterations=1, batch_size=40)


def test_the_gradient_is_that_of_the_loss(build, task):
    SEEN.clear()
    nn = build(precision="float64", regularization=0.1, optimizer=Probe(), learning_rate=0.25)
    x, y = task[0][:3], task[1][:3]
    before = nn.weights[0].copy()
    history = nn.fit(x, y, iterations=2, batch_size=3)
    (first, _), (second, _) = SEEN
    assert np.allclose(nn.weights[0], before + 0.5, rtol=1e-12)
    decay = 0.1 / 2 * sum((w**2).sum() for w in build(precision="float64").weights)
    assert history.loss[0] == pytest.approx(first - decay, rel=1e-12)  # reported without regularization, before
    assert second != first


def test_a_frozen_layer_is_a_constant(build, task):
    SEEN.clear()
    nn = build(precision="float64", regularization=0.1, optimizer=Probe())
    nn.freeze(1)
    before = [weights.copy() for weights in nn.weights]
    nn.fit(task[0][:2], task[1][:2], iterations=1, batch_size=2)
    assert not SEEN[0][1][: nn.spec.blocks[0].stop].any()
    assert np.array_equal(nn.weights[0], before[0])
    assert np.allclose(nn.weights[1], before[1] + 0.1)


class Declared(SyncStrategy):
    """Every replica with parameters of its own, all the same."""

    properties = Properties(synchronous=True, serial_equivalent=True)


@pytest.mark.parametrize(
    ("minimizer", "arguments"),
    [(LBFGS(3), {"workers": 3, "processes": 2}), (ConjugateGradients(3), {"workers": 2, "sync": Declared()})],
    ids=["AllReduce", "a copy each"],
)
def test_workers_minimise_the_cost_of_the_whole_batch(minimizer, arguments, build, task, same_weights):
    settings = {"optimizer": minimizer, "precision": "float64", "regularization": 0.01, "max_norm": 2.0}
    alone, together = build(**settings), build(**settings)
    one = alone.fit(*task, epochs=1, batch_size=13)  # 13, 13, 13 and 1: not every worker has one of the last
    many = together.fit(*task, epochs=1, batch_size=13, **arguments)
    assert same_weights(alone, together, atol=1e-7)
    assert many.loss == pytest.approx(one.loss, rel=1e-7)


class Averaging(SyncStrategy):
    """Models are averaged after each step."""

    def after_step(self, ctx):
        ctx.params[:] = ctx.replicas.allreduce(ctx.params, op="mean")


def test_replicas_of_model_averaging_minimise_each_its_own_part(regression):
    x, y = regression
    nn = linear(LBFGS(60))
    nn.fit(x, y, iterations=1, batch_size=40, shuffle=False, workers=2, sync=Averaging())
    parts = [minimum(x[:25], y[:25]), minimum(x[25:], y[25:])]
    assert not np.allclose(nn.weights[0], (parts[0][0] + parts[1][0]) / 2, atol=1e-4)  # halves are of 20
    parts = [minimum(x[:20], y[:20]), minimum(x[20:], y[20:])]
    assert np.allclose(nn.weights[0], (parts[0][0] + parts[1][0]) / 2, atol=1e-5)
    assert np.allclose(nn.biases[0], (parts[0][1] + parts[1][1]) / 2, atol=1e-5)


class Counting(StandardNeuron):
    """Counts its examples."""

    count = State(0.0, "sum")

    def forward(self, messages):
        if self.training:
            self.count += 1.0
        super().forward(messages)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_neurons_keep_changes_once_per_step(workers, task):
    nn = NeuralNetwork(optimizer=ConjugateGradients(3), engine="interpreter")
    nn.input_layer(6)
    nn.add_layer(4, Identity, Counting)
    nn.output_layer(3, Identity, cost=SquaredError)
    nn.fit(*task, iterations=2, batch_size=10, workers=workers)
    assert (nn.states[1]["count"] == 20).all()


def test_the_step_is_the_previous_change(regression):
    nn = linear(LBFGS(2))
    before = nn.weights[0].copy()
    nn.fit(*regression, iterations=1, batch_size=40)
    moved = nn.weights[0] - before
    nn.optimizer, nn.learning_rate, nn.momentum = None, 0.0, 0.5
    middle = nn.weights[0].copy()
    nn.fit(*regression, iterations=1, batch_size=40)
    assert np.allclose(nn.weights[0] - middle, moved / 2, rtol=1e-9)


def test_a_file_keeps_the_minimizer(build, tmp_path):
    for minimizer in (LBFGS(7, history=4), ConjugateGradients(2), GradientDescent(3, curvature=0.5)):
        build(optimizer=minimizer).save(tmp_path / "model.safetensors")
        assert NeuralNetwork.load(tmp_path / "model.safetensors").optimizer == minimizer


def test_where_no_step_lowers_the_cost_nothing_moves(regression):
    """At the minimum: the gradient is 0, and neither search finds a step down."""
    for minimizer in (GradientDescent(2), GradientDescent(2, curvature=0.9), ConjugateGradients(), LBFGS()):
        nn = linear(minimizer, regularization=0.0)
        x = regression[0]
        y = nn.predict(x)
        before = nn.weights[0].copy()
        nn.fit(x, y, iterations=1, batch_size=40)
        assert np.allclose(nn.weights[0], before, rtol=0, atol=1e-6)


def test_a_search_that_finds_no_end_does_not_warn():
    """A cost that falls for ever, on which SciPy's search gives up. Warnings are errors here."""
    minimizer = GradientDescent(2, curvature=0.9)
    found = minimizer.minimize(lambda w: (-float(w.sum()), np.full(3, -1.0)), np.ones(3), 1.0)
    assert np.isfinite(found).all()


def test_threads_do_not_share_a_search():
    """Peers may be threads of one process."""
    results = []

    def run(scale):
        def objective(w):
            return scale * float(((w - scale) ** 2).sum()), 2 * scale * (w - scale)

        results.append((scale, LBFGS(20).minimize(objective, np.zeros(50), 1.0)))

    threads = [threading.Thread(target=run, args=(scale,)) for scale in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert all(np.allclose(found, scale) for scale, found in results)


class Signs(SyncStrategy):
    def on_update(self, ctx, update):
        return 1e-3 * np.sign(ctx.replicas.allreduce(np.sign(update)))


class Wrong(Minimizer):
    def minimize(self, objective, start, rate):
        return start[:3]


def test_what_cannot_be_minimised(build, task):
    with pytest.raises(ValueError, match=r"Signs exchanges the workers' updates, and LBFGS makes none: use AllReduce"):
        build(optimizer=LBFGS()).fit(*task, iterations=1, batch_size=8, sync=Signs())
    with pytest.raises(ValueError, match=r"LBFGS evaluates.*ParameterServer keeps them on servers: use AllReduce"):
        build(optimizer=LBFGS()).fit(*task, iterations=1, batch_size=8, sync=ParameterServer())
    nn = build(optimizer=LBFGS())
    nn.unfreeze(1, rate_factor=0.5)
    with pytest.raises(ValueError, match=r"layer 1 has rate_factor=0.5: set it to 1, or freeze"):
        nn.fit(*task, iterations=1, batch_size=8, sync=AllReduce())
    nn = NeuralNetwork(optimizer=ConjugateGradients())
    nn.input_layer(6, neuron=HebbNeuron)
    nn.output_layer(3, cost=SquaredError)
    with pytest.raises(ValueError, match=r"ConjugateGradients follows the gradient.*layer 0 \(HebbNeuron\) pushes by"):
        nn.fit(*task, iterations=1, batch_size=8)
    with pytest.raises(ValueError, match=r"Wrong.minimize returned shape \(3,\): needed.*shape \(53,\)"):
        build(optimizer=Wrong()).fit(*task, iterations=1, batch_size=8)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LBFGS(0), "iterations must be at least 1, got 0"),
        (lambda: LBFGS(history=0), "history must be at least 1, got 0"),
        (lambda: ConjugateGradients(tolerance=-1), "tolerance must be a finite number of at least 0"),
        (lambda: GradientDescent(decrease=1), r"decrease must be in \[0, 1\)"),
        (lambda: GradientDescent(decrease=0.5, curvature=0.4), "curvature must lie between decrease=0.5 and 1"),
    ],
)
def test_numbers_out_of_their_range(make, text):
    with pytest.raises(ValueError, match=text):
        make()
