"""Training in the calling process: what it learns, remembers and goes on from."""

import copy
import json
import math
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl

from horn.models import History, NeuralNetwork, TrainingDiverged
from horn.neurons import CrossEntropy, Identity, Softmax, SquaredError, StandardNeuron, Tanh
from horn.neurons.blas import is_numpys


class Dividing(StandardNeuron):
    def forward(self, messages):
        total = sum(m.input * m.weight for m in messages)
        self.feedforward(self.activation(total / (self.index - self.index)))


def test_it_learns(build, task):
    nn = build()
    before = nn.evaluate(*task)
    history = nn.fit(*task, epochs=20, batch_size=8)
    after = nn.evaluate(*task)
    assert after.loss < before.loss
    assert after.accuracy > 0.7
    assert len(history) == nn.step == 100
    assert nn.history is history


def test_history_tells_the_course(build, task):
    assert repr(History()) == "<History: completed after 0 iterations>"
    history = build().fit(*task, epochs=2, batch_size=15, validation=task)
    assert re.fullmatch(
        r"<History: completed after 6 iterations in \d+\.\d s, loss 1\.\d{4} to 1\.\d{4}>", repr(history)
    )
    assert len(history) == 6  # 15, 15, 10
    assert history.stopped == "completed"
    assert len(history.accuracy) == len(history.learning_rate) == 6
    assert history.time == sorted(history.time)
    assert [record.iteration for record in history.validation] == [3, 6]
    assert all(0 <= accuracy <= 1 for accuracy in history.accuracy)
    assert json.loads(json.dumps(history.to_dict()))["validation"][1]["iteration"] == 6


def test_the_reported_loss_is_the_mean_over_the_batch(task):
    def network():
        nn = NeuralNetwork(engine="interpreter", seed=2)
        nn.input_layer(6)
        nn.output_layer(3, Tanh, cost=SquaredError)
        return nn

    history = network().fit(*task, iterations=1, batch_size=40)
    loss, accuracy = network().evaluate(*task)
    assert history.loss[0] == pytest.approx(loss, rel=1e-6)
    assert history.accuracy[0] == accuracy


def test_the_last_look_at_validation_is_the_evaluation(build, task):
    nn = build()
    history = nn.fit(*task, iterations=7, batch_size=8, validation=task, validate_every=3)
    assert [record.iteration for record in history.validation] == [3, 6, 7]
    assert history.validation[-1].loss == pytest.approx(nn.evaluate(*task).loss, rel=1e-6)


def test_the_same_seed_gives_the_same_bits(build, task, same_weights):
    one, two, other = build(), build(), build(seed=4)
    for nn in (one, two, other):
        nn.fit(*task, iterations=6, batch_size=8)
    assert same_weights(one, two)
    assert not same_weights(one, other)


@pytest.mark.parametrize("sampling", ["epoch", "replacement"])
def test_a_second_fit_goes_on_where_the_first_ended(build, task, same_weights, sampling):
    whole, parts = build(), build()
    whole.fit(*task, iterations=12, batch_size=9, sampling=sampling)
    for iterations in (2, 7, 3):
        history = parts.fit(*task, iterations=iterations, batch_size=9, sampling=sampling)
    assert same_weights(whole, parts)
    assert history.first_step == 9
    assert parts.step == 12


def test_epochs_end_where_they_began(build, task):
    nn = build()
    nn.fit(*task, iterations=2, batch_size=9)
    assert len(nn.fit(*task, epochs=2, batch_size=9)) == 10


def test_other_data_begin_a_new_pass(build, task):
    nn = build()
    nn.fit(*task, iterations=4, batch_size=9)
    history = nn.fit(task[0][:30], task[1][:30], epochs=1, batch_size=30, shuffle=False, validation=task)
    assert [record.iteration for record in history.validation] == [1]


def test_one_step_is_gradient_descent_with_momentum(task):
    """Against formulas in float64: a linear layer under the squared error."""
    x, y = task[0].astype(np.float64), np.eye(3)[task[1]]
    nn = NeuralNetwork(learning_rate=0.05, momentum=0.8, engine="interpreter", regularization=0.01)
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    w, b = nn.weights[0].astype(np.float64), nn.biases[0].astype(np.float64)
    dw, db = np.zeros_like(w), np.zeros_like(b)
    nn.fit(*task, iterations=5, batch_size=40, shuffle=False)
    for _ in range(5):
        error = x @ w + b - y
        dw = 0.8 * dw - 0.05 * (x.T @ error / 40 + 0.01 * w)
        db = 0.8 * db - 0.05 * error.mean(axis=0)
        w, b = w + dw, b + db
    assert np.allclose(nn.weights[0], w, atol=1e-5)
    assert np.allclose(nn.biases[0], b, atol=1e-5)


def test_max_norm_bounds_the_incoming_weights(build, task):
    nn = build(max_norm=0.5, learning_rate=0.5)
    nn.fit(*task, iterations=5, batch_size=8)
    assert all(np.linalg.norm(weights, axis=0).max() <= 0.5 * (1 + 1e-6) for weights in nn.weights)


def test_a_loss_that_is_no_number_ends_training_and_changes_nothing(task):
    nn = NeuralNetwork(learning_rate=1e30, engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    before = nn.weights[0].copy()
    with pytest.raises(TrainingDiverged, match=r"iteration \d+ is not finite.*1e\+30.*tenth"):
        nn.fit(*task, iterations=50, batch_size=8)
    assert np.array_equal(nn.weights[0], before)


def test_weights_that_the_last_step_made_infinite_are_not_kept(task):
    x, y = task
    nn = NeuralNetwork(learning_rate=1e35, engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    before = nn.weights[0].copy()
    with pytest.raises(TrainingDiverged, match=r"weights are not finite after iteration 0, at learning rate 1e\+35"):
        nn.fit(1e6 * x, y, iterations=1, batch_size=8)  # the loss before that step is finite
    assert np.array_equal(nn.weights[0], before)


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_a_copy_is_a_network_of_its_own(build, task, engine):
    nn = build(engine=engine)
    before = nn.predict(task[0])
    copied = copy.deepcopy(nn)
    assert np.array_equal(copied.predict(task[0]), before)
    copied.fit(*task, iterations=2, batch_size=8)
    assert not np.array_equal(copied.predict(task[0]), before)
    assert np.array_equal(nn.predict(task[0]), before)
    assert nn.step == 0


GAINS = np.ones(3)


class Gained(StandardNeuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(self.activation(total) * GAINS[self.index])


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_a_fit_looks_anew_at_what_neurons_see(task, engine, monkeypatch):
    nn = NeuralNetwork(learning_rate=0.0, engine=engine)
    nn.input_layer(6)
    nn.output_layer(3, Identity, Gained, cost=SquaredError)
    before = nn.predict(task[0])
    monkeypatch.setitem(globals(), "GAINS", np.full(3, 2.0))
    nn.fit(*task, iterations=1, batch_size=8)
    assert np.array_equal(nn.predict(task[0]), 2.0 * before)


def test_threads_may_ask_one_network(build, task):
    nn = build(engine="compiled")
    x, y = task
    sizes = [1 + number % len(x) for number in range(400)]
    alone = {size: (nn.predict(x[:size]), nn.evaluate(x[:size], y[:size])) for size in range(1, len(x) + 1)}

    def differs(size):
        outputs, score = alone[size]
        return not np.array_equal(nn.predict(x[:size]), outputs) or nn.evaluate(x[:size], y[:size]) != score

    with ThreadPoolExecutor(4) as threads:
        assert not any(threads.map(differs, sizes, timeout=60))


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_a_loss_that_is_no_number_from_the_start_is_no_fault_of_the_rate(task, engine):
    nn = NeuralNetwork(engine=engine)
    nn.input_layer(6)
    nn.output_layer(3, Softmax, Dividing, cost=CrossEntropy)
    with pytest.raises(TrainingDiverged, match=r"iteration 0 is not finite, before this fit .* division by 0"):
        nn.fit(*task, iterations=5, batch_size=8)


def test_submodels_draw_one_mask_per_batch(task):
    """With one worker, an input that is dropped is dropped for the whole batch: its weights get no update."""
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.0, engine="interpreter")
    nn.input_layer(6, keep=0.5)
    nn.output_layer(3, Identity, cost=SquaredError)
    rested = []
    for _ in range(6):
        before = nn.weights[0].copy()
        nn.fit(*task, iterations=1, batch_size=40, submodels=True)
        rested.append(~(nn.weights[0] != before).any(axis=1))
    assert 0 < np.mean(rested) < 1


@pytest.mark.parametrize("engine", ["compiled", "interpreter"])
def test_submodels_of_a_network_that_never_drops_are_told_of(engine, build, task, caplog):
    build(engine=engine).fit(*task, iterations=1, batch_size=4, submodels=True, verbose=0)
    nn = NeuralNetwork(engine=engine)
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    nn.fit(*task, iterations=1, batch_size=4, verbose=0)
    assert not caplog.records
    nn.fit(*task, iterations=1, batch_size=4, submodels=True, verbose=0)
    assert "no layer draws with self.binomial" in caplog.text


def test_the_blas_is_limited_while_training_and_free_again_after(build, task):
    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    seen = []

    def rate(progress, step):
        seen.append(threads())
        return 0.1

    before = threads()
    nn = build(learning_rate=rate)
    seen.clear()
    nn.fit(*task, iterations=1, batch_size=8)
    assert set(seen[0]) == {1}
    seen.clear()
    nn.fit(*task, iterations=1, batch_size=8, blas_threads=2)
    numpys = [is_numpys(pool["filepath"]) for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    assert seen[0] == [1 if own else 2 for own in numpys]
    assert not all(numpys)
    assert [count for count in threads() if count != 1][: len(before)] == [count for count in before if count != 1]


def test_memory_mapped_files_train_like_arrays(build, task, same_weights, tmp_path):
    np.save(tmp_path / "x.npy", task[0])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    nn, other = build(), build()
    nn.fit(mapped, task[1], iterations=4, batch_size=8)
    other.fit(*task, iterations=4, batch_size=8)
    assert same_weights(nn, other)
    assert math.isfinite(nn.evaluate(mapped, task[1]).loss)
