"""Optimizers against formulas in float64: whole fits, any division of the parameters, workers, interruptions."""

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from safetensors.numpy import load_file

from horn.models import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Downpour,
    LinearSchedule,
    ModelFileError,
    Nesterov,
    NeuralNetwork,
    Optimizer,
    ParameterServer,
    RMSProp,
    SyncStrategy,
    Topology,
)
from horn.models.plans.updating import Updater, seen_spec
from horn.neurons import Identity, Interpreter, Rates, SquaredError, StandardNeuron, State, Tanh

STEPS, LAMBDA = 6, 0.02


def sgd(d, w, kept, t, rate, bias):
    kept["v"] = 0.8 * kept.get("v", 0) + rate * d
    return kept["v"]


def nesterov(d, w, kept, t, rate, bias):
    kept["v"] = 0.8 * kept.get("v", 0) + rate * d
    return 0.8 * kept["v"] + rate * d


def adagrad(d, w, kept, t, rate, bias):
    kept["s"] = kept.get("s", 0) + d**2
    return rate * d / (np.sqrt(kept["s"]) + 1e-3)


def rmsprop(d, w, kept, t, rate, bias):
    kept["s"] = 0.7 * kept.get("s", 0) + 0.3 * d**2
    kept["v"] = 0.5 * kept.get("v", 0) + rate * d / (np.sqrt(kept["s"]) + 1e-3)
    return kept["v"]


def adam(d, w, kept, t, rate, bias):
    kept["m"] = 0.8 * kept.get("m", 0) + 0.2 * d
    kept["s"] = 0.95 * kept.get("s", 0) + 0.05 * d**2
    return rate * (kept["m"] / (1 - 0.8**t)) / (np.sqrt(kept["s"] / (1 - 0.95**t)) + 1e-3)


def adamw(d, w, kept, t, rate, bias):
    return adam(d, w, kept, t, rate, bias) - (0 if bias else rate * 0.3 * w)


RULES = {
    "SGD": (SGD(0.8), sgd),
    "Nesterov": (Nesterov(0.8), nesterov),
    "AdaGrad": (AdaGrad(1e-3), adagrad),
    "RMSProp": (RMSProp(0.7, 0.5, 1e-3), rmsprop),
    "Adam": (Adam(0.8, 0.95, 1e-3), adam),
    "AdamW": (AdamW(0.8, 0.95, 1e-3, 0.3), adamw),
}
OPTIMIZERS = [optimizer for optimizer, _ in RULES.values()]


def linear(optimizer, **arguments):
    """A network of two linear layers, whose gradients are short formulas."""
    settings = {"learning_rate": LinearSchedule(0.1, 0.02), "regularization": LAMBDA, "engine": "interpreter"}
    nn = NeuralNetwork(optimizer=optimizer, **{**settings, **arguments})
    nn.input_layer(6)
    nn.add_layer(4, Identity, rate_factor=0.5)
    nn.output_layer(3, Identity, cost=SquaredError)
    return nn


def train_by_formulas(nn, rule, x, y, steps, clip=lambda d: d):
    """What `steps` steps on all of the examples make of a `linear` network: weights and biases, in float64."""
    factors = (0.5, 0.5, 1.0, 1.0)
    w1, w2, b1, b2 = (array.astype(np.float64) for array in (*nn.weights, *nn.biases))
    kept = [{} for _ in factors]
    for step in range(steps):
        hidden = x @ w1 + b1
        error = (hidden @ w2 + b2 - y) / len(x)
        gradients = (
            x.T @ (error @ w2.T) + LAMBDA * w1,
            (error @ w2.T).sum(axis=0),
            hidden.T @ error + LAMBDA * w2,
            error.sum(axis=0),
        )
        rate = 0.1 + (0.02 - 0.1) * step / steps
        parameters = [w1, b1, w2, b2]
        directions = clip([-gradient for gradient in gradients])
        for i, (d, p) in enumerate(zip(directions, parameters, strict=True)):
            parameters[i] = p + rule(d, p, kept[i], step + 1, factors[i] * rate, p.ndim == 1)
        w1, b1, w2, b2 = parameters
    return [w1, w2], [b1, b2]


@pytest.fixture
def regression():
    """Forty examples and targets, in float32 numbers."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(40, 6)).astype(np.float32)
    return x, (x @ rng.normal(size=(6, 3))).astype(np.float32)


def assert_trained_as(nn, expected, **tolerance):
    weights, biases = expected
    for mine, oracle in zip([*nn.weights, *nn.biases], [*weights, *biases], strict=True):
        assert np.allclose(mine, oracle, **tolerance)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_fit_is_what_the_formulas_say(name, precision, regression):
    optimizer, rule = RULES[name]
    nn = linear(optimizer, precision=precision)
    expected = train_by_formulas(nn, rule, *(it.astype(np.float64) for it in regression), STEPS)
    nn.fit(*regression, iterations=STEPS, batch_size=40, shuffle=False)
    assert_trained_as(nn, expected, **({"atol": 3e-5} if precision == "float32" else {"rtol": 1e-9, "atol": 1e-12}))


def by_value(directions):
    return [np.clip(d, -0.3, 0.3) for d in directions]


def by_norm(directions):
    norm = np.sqrt(sum((d**2).sum() for d in directions))
    return [d * min(1.0, 0.5 / norm) for d in directions]


@pytest.mark.parametrize(
    ("bounds", "clip"),
    [
        ({"clip_value": 0.3}, by_value),
        ({"clip_norm": 0.5}, by_norm),
        ({"clip_value": 0.3, "clip_norm": 0.5}, lambda directions: by_norm(by_value(directions))),
        ({"clip_norm": 1e6}, lambda directions: directions),
    ],
    ids=["value", "norm", "both", "loose"],
)
def test_the_direction_is_bounded(bounds, clip, regression):
    nn = linear(SGD(0.8, **bounds), precision="float64")
    x, y = (it.astype(np.float64) for it in regression)
    expected = train_by_formulas(nn, sgd, x, y, STEPS, clip)
    nn.fit(*regression, iterations=STEPS, batch_size=40, shuffle=False)
    assert_trained_as(nn, expected, rtol=1e-9)


class Counting(StandardNeuron):
    """Counts its examples."""

    count = State(0.0, "sum")

    def forward(self, messages):
        self.count += 1.0
        super().forward(messages)


def with_states(optimizer):
    nn = NeuralNetwork(optimizer=optimizer, regularization=LAMBDA, engine="interpreter")
    nn.input_layer(6)
    nn.add_layer(5, Tanh, Counting, rate_factor=0.25)
    nn.output_layer(3, Identity, cost=SquaredError)
    return nn


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, None], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_any_division_of_the_parameters_makes_the_same_step(optimizer, real):
    spec = with_states(optimizer).spec
    rng = np.random.default_rng(1)
    flat, previous = rng.normal(size=spec.size).astype(np.float32), rng.normal(size=spec.size).astype(np.float32)

    def run(cuts):
        engine = Interpreter(seen_spec(optimizer, spec), flat.copy(), previous.copy(), seed=1)
        slots = {name: np.zeros(spec.parameter_count, np.float32) for name in optimizer.slots} if optimizer else {}
        updater = Updater(spec, spec, engine, optimizer, slots, began=3)
        draws = np.random.default_rng(2)
        for step in range(3, 6):
            update = draws.normal(size=spec.size).astype(np.float32)
            for start, stop in itertools.pairwise([0, *cuts, spec.size]):
                updater.apply(update[start:stop].copy(), Rates(step, 0.1, 0.5), start, stop)
        return engine.parameters, engine.previous, *slots.values()

    whole = run([])
    assert not np.array_equal(whole[0], flat)
    for cuts in ([1, 7, 20, 52], [spec.parameter_count], [spec.parameter_count + 2], sorted(rng.integers(0, 50, 9))):
        for mine, expected in zip(run(cuts), whole, strict=True):
            assert np.array_equal(mine, expected)


def test_what_neurons_keep_is_not_the_optimizers(task):
    x, y = task
    nn = with_states(Adam())
    nn.fit(x, np.eye(3)[y], iterations=3, batch_size=10)
    assert (nn.states[1]["count"] == 30).all()


def test_workers_make_the_step_of_one(build, task, same_weights):
    alone, together = (build(optimizer=Adam(epsilon=1e-3, clip_norm=0.2), regularization=0.01) for _ in range(2))
    for number in (3, 2):  # what the workers' optimizers keep comes back, and goes on
        alone.fit(*task, iterations=number, batch_size=12)
        together.fit(*task, iterations=number, batch_size=12, workers=3, processes=2)
    assert same_weights(alone, together, atol=1e-6)


class PlainSum(SyncStrategy):
    """AllReduce with parameters, and an optimizer, of each replica's own; looks at what that keeps."""

    def on_update(self, ctx, update):
        return ctx.replicas.allreduce(update)

    def after_step(self, ctx):
        moments = ctx.slots["first_moment"]
        ctx.metrics["apart"] = np.abs(ctx.replicas.allreduce(moments, op="max") - moments).max()
        ctx.metrics["kept"] = np.abs(moments).max()


def test_replicas_with_a_copy_each_keep_an_optimizer_each(build, task, same_weights):
    alone, copies = build(optimizer=Adam(epsilon=1e-3)), build(optimizer=Adam(epsilon=1e-3))
    alone.fit(*task, iterations=3, batch_size=12)
    history = copies.fit(*task, iterations=2, batch_size=12, workers=2, sync=PlainSum())
    copies.fit(*task, iterations=1, batch_size=12)  # what replica 0 kept has come back
    assert same_weights(alone, copies, atol=1e-6)
    assert [value for _, value in history.metrics["apart"]] == [0.0, 0.0]
    assert all(value > 0 for _, value in history.metrics["kept"])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda it: type(it).__name__)
def test_two_fits_are_one_and_so_is_a_file_between_them(optimizer, build, task, same_weights, tmp_path):
    whole, parts = build(optimizer=optimizer), build(optimizer=optimizer)
    whole.fit(*task, iterations=7, batch_size=9)
    parts.fit(*task, iterations=4, batch_size=9)
    parts.save(tmp_path / "model.safetensors")
    loaded = NeuralNetwork.load(tmp_path / "model.safetensors")
    assert loaded.optimizer == optimizer
    for network in (parts, loaded):
        network.fit(*task, iterations=3, batch_size=9)
        assert same_weights(network, whole)


def test_setting_the_optimizer_forgets_what_the_last_one_kept(regression):
    """A first step of Adam is as long as the rate, whatever came before."""
    nn = linear(Adam(epsilon=1e-12), learning_rate=0.125)
    for _ in range(2):
        nn.fit(*regression, iterations=3, batch_size=40)
        nn.optimizer = Adam(epsilon=1e-12)
        before = nn.weights[1].copy()
        nn.fit(*regression, iterations=1, batch_size=40)
        assert np.allclose(np.abs(nn.weights[1] - before), 0.125, rtol=1e-4)


def test_a_fit_that_fails_leaves_the_optimizer_as_it_was(build, task, same_weights):
    whole, failing = build(optimizer=Adam()), build(optimizer=Adam())
    for network in (whole, failing):
        network.fit(*task, iterations=3, batch_size=8)
    failing.learning_rate = lambda progress, step: 0.1 if step < 5 else -1.0
    with pytest.raises(ValueError, match="learning_rate at progress"):
        failing.fit(*task, iterations=4, batch_size=8)
    failing.learning_rate = 0.1
    whole.fit(*task, iterations=2, batch_size=8)
    failing.fit(*task, iterations=2, batch_size=8)
    assert same_weights(whole, failing)


class SignDescent(Optimizer):
    """Every parameter moves by the rate, along the sign of a running mean."""

    slots = ("mean",)
    decay = 0.5

    def step(self, stretch):
        (mean,) = stretch.slots
        mean *= self.decay
        mean += stretch.direction
        stretch.previous[:] = stretch.rate * np.sign(mean)
        stretch.parameters += stretch.previous


def test_servers_own_the_optimizer(build, task, same_weights):
    settings = {"optimizer": Adam(epsilon=1e-3, clip_value=0.05), "regularization": 0.01}
    alone, served = build(**settings), build(**settings)
    topology = Topology(replicas=2, servers=2)
    alone.fit(*task, iterations=5, batch_size=12)
    served.fit(*task, iterations=3, batch_size=12, topology=topology, sync=ParameterServer())
    served.fit(*task, iterations=2, batch_size=12)  # what the servers kept has come back
    assert same_weights(alone, served, atol=1e-6)


def test_the_tasks_of_a_network_own_a_share_of_the_optimizer_each(regression):
    whole, divided = (linear(Adam(epsilon=1e-3, clip_norm=0.2)) for _ in range(2))
    for network in (whole, divided):
        network.unfreeze(2, rate_factor=0.25)
    for number in (3, 2):
        whole.fit(*regression, iterations=number, batch_size=20)
        divided.fit(*regression, iterations=number, batch_size=20, topology=Topology(tasks=2))
    assert_trained_as(divided, (whole.weights, whole.biases), atol=1e-6)
    divided.freeze(1)
    before = divided.weights[0].copy()
    divided.fit(*regression, iterations=2, batch_size=20, topology=Topology(tasks=2))
    assert np.array_equal(divided.weights[0], before)


def test_downpour_with_adagrad_on_its_server_is_adagrad_for_one_worker(build, task, same_weights):
    """Each push is served before the pull that follows it: with nobody else, the steps are those of one worker."""
    settings = {"optimizer": AdaGrad(1e-3, clip_norm=0.1), "regularization": 0.01}
    alone, served = build(**settings), build(**settings)
    alone.fit(*task, iterations=4, batch_size=12)
    served.fit(*task, iterations=4, batch_size=12, sync=Downpour())
    assert same_weights(alone, served, atol=1e-6)


def test_a_norm_over_several_servers_is_refused(build, task):
    topology = Topology(replicas=2, servers=2)
    with pytest.raises(ValueError, match=r"clip_norm=1.0 bounds.*2 servers hold shards.*one server, or clip_value"):
        build(optimizer=SGD(clip_norm=1.0)).fit(
            *task, iterations=1, batch_size=8, topology=topology, sync=ParameterServer()
        )


def test_an_optimizer_of_the_users(regression, tmp_path):
    nn = linear(SignDescent(clip_value=1.0), learning_rate=0.125)
    before = [weights.copy() for weights in nn.weights]
    nn.fit(*regression, iterations=1, batch_size=40)
    assert np.allclose(np.abs(nn.weights[0] - before[0]), 0.0625)
    assert np.allclose(np.abs(nn.weights[1] - before[1]), 0.125)
    path = tmp_path / "model.safetensors"
    nn.save(path)
    assert {"optimizer.mean.weights.0", "optimizer.mean.biases.1"} <= set(load_file(path))
    assert NeuralNetwork.load(path, classes=[SignDescent]).optimizer.clip_value == 1.0
    with pytest.raises(ModelFileError, match="'SignDescent', which is not Horn's"):
        NeuralNetwork.load(path)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SGD(1.0), r"momentum must be in \[0, 1\), got 1.0"),
        (lambda: Nesterov(-0.1), r"momentum must be in \[0, 1\), got -0.1"),
        (lambda: RMSProp(decay=2), r"decay must be in \[0, 1\), got 2"),
        (lambda: Adam(beta2=1), r"beta2 must be in \[0, 1\), got 1"),
        (lambda: AdaGrad(0), "epsilon must be a finite number above 0, got 0"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be a finite number of at least 0, got -1"),
        (lambda: Adam(clip_norm=0), "clip_norm must be a finite number above 0, or None for no bound, got 0"),
        (lambda: SGD(clip_value=float("nan")), "clip_value must be a finite number above 0"),
    ],
)
def test_numbers_out_of_their_range(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_what_is_no_optimizer(build):
    for given in (Adam, "adam", 0.1):
        with pytest.raises(TypeError, match=r"such as Adam\(\) or LBFGS\(\).*got"):
            build(optimizer=given)
    with pytest.raises(TypeError, match="clip_norm must be a number, got 'tight'"):
        Adam(clip_norm="tight")
    with pytest.raises(FrozenInstanceError):
        Adam().beta1 = 0.5
