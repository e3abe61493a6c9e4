"""Bad input gets an error before anything is started: it says what was seen, what is allowed, what to do."""

import numpy as np
import pytest

from horn.bsp import BSPJob
from horn.models import AllReduce, Convergence, ExponentialSchedule, LinearSchedule, NeuralNetwork, ScaledArray
from horn.neurons import CrossEntropy, Neuron, NeuronError, ReLU, Sigmoid, SquaredError, StandardNeuron


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch):
    """A job that is run although the input is bad would be an error of its own."""

    def refuse(self):
        raise AssertionError("a job was started")

    monkeypatch.setattr(BSPJob, "run", refuse)


def bad_row(x, value):
    x = x.copy()
    x[31, 4] = value
    return x


X_ERRORS = {
    "wider": (lambda x: np.zeros((40, 7), np.float32), ValueError, r"\(40, 7\).*6 units.*input_layer\(7\)"),
    "images": (lambda x: x.reshape(40, 2, 3), ValueError, r"\(40, 2, 3\).*reshape\(len\(x\), -1\)"),
    "flat": (lambda x: x[:, 0], ValueError, r"\(40,\).*6 units"),
    "empty": (lambda x: x[:0], ValueError, "x is empty"),
    "nan": (lambda x: bad_row(x, np.nan), ValueError, r"x\[31, 4\] is nan.*finite"),
    "infinite": (lambda x: bad_row(x, -np.inf), ValueError, r"x\[31, 4\] is -inf.*finite"),
    "too large": (lambda x: bad_row(x.astype(np.float64), 1e300), ValueError, r"x\[31, 4\] is inf.*float32"),
    "words": (lambda x: np.full((40, 6), "a"), TypeError, "x holds <U1.*real numbers"),
    "complex": (lambda x: x.astype(np.complex64), TypeError, "x holds complex64"),
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("case", X_ERRORS)
def test_inputs(build, task, case, workers):
    change, kind, text = X_ERRORS[case]
    with pytest.raises(kind, match=text):
        build().fit(change(task[0]), task[1], iterations=1, batch_size=4, workers=workers)


def test_inputs_of_predict_and_evaluate(build, task):
    with pytest.raises(ValueError, match="input layer has 6 units"):
        build().predict(task[0][:, :4])
    with pytest.raises(ValueError, match=r"needed is \(examples, 6\): one example is x\[np.newaxis\]"):
        build().predict(task[0][0])
    with pytest.raises(ValueError, match=r"x\[31, 4\] is nan"):
        build().evaluate(bad_row(task[0], np.nan), task[1])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        build().predict(task[0], batch_size=0)


Y_ERRORS = {
    "another length": (lambda y: y[:-1], ValueError, r"y has shape \(39,\) for 40 examples"),
    "too high": (lambda y: y + 1, ValueError, r"labels from 1 to 3.*3 units.*\[0, 3\).*from 0"),
    "negative": (lambda y: y - 1, ValueError, r"labels from -1 to 1"),
    "floats": (lambda y: y.astype(float), TypeError, r"labels must be integers.*astype"),
    "other units": (lambda y: np.eye(4)[y], ValueError, r"\(40, 4\).*3 units"),
    "words": (lambda y: np.array(["a"] * 40), TypeError, "y holds <U1"),
    "nan": (lambda y: np.full((40, 3), np.nan), ValueError, r"y\[0, 0\] is nan"),
    "three dimensions": (lambda y: np.zeros((40, 3, 1)), ValueError, r"\(40, 3, 1\)"),
}


@pytest.mark.parametrize("case", Y_ERRORS)
def test_labels_and_targets(build, task, case):
    change, kind, text = Y_ERRORS[case]
    with pytest.raises(kind, match=text):
        build().fit(task[0], change(task[1]), iterations=1, batch_size=4)


def test_validation_data_are_looked_at_before_training(build, task):
    x, y = task
    with pytest.raises(ValueError, match=r"validation y has shape \(39,\)"):
        build().fit(x, y, iterations=1, batch_size=4, validation=(x, y[:-1]))
    with pytest.raises(ValueError, match=r"validation x\[31, 4\] is inf"):
        build().fit(x, y, iterations=1, batch_size=4, validation=(bad_row(x, np.inf), y))


FIT_ERRORS = {
    "neither": ({}, ValueError, "exactly one of iterations .* and epochs.*iterations=None and epochs=None"),
    "both": ({"iterations": 3, "epochs": 2}, ValueError, "iterations=3 and epochs=2"),
    "no iterations": ({"iterations": 0}, ValueError, "iterations must be at least 1, got 0"),
    "half an epoch": ({"epochs": 0.5}, TypeError, "epochs must be a whole number, got 0.5"),
    "empty batches": ({"iterations": 1, "batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
    "no workers": ({"iterations": 1, "workers": 0}, ValueError, "workers must be at least 1"),
    "more workers than a batch": ({"iterations": 1, "workers": 9}, ValueError, "workers=9.*batch_size=8.*at most 8"),
    "more workers than examples": (
        {"iterations": 1, "workers": 50, "batch_size": 60},
        ValueError,
        "workers=50.*40 examples",
    ),
    "more processes than workers": (
        {"iterations": 1, "workers": 2, "processes": 3},
        ValueError,
        "processes=3.*workers=2",
    ),
    "sampling": ({"iterations": 1, "sampling": "random"}, ValueError, "'epoch', 'replacement', got 'random'"),
    "barrier": ({"iterations": 1, "barrier": "red"}, ValueError, "'auto', 'direct', 'zookeeper', got 'red'"),
    "nowhere": ({"iterations": 1, "barrier": "zookeeper"}, ValueError, 'barrier="zookeeper" needs zookeeper='),
    "shuffle": ({"iterations": 1, "shuffle": "no"}, TypeError, "shuffle must be True or False, got 'no'"),
    "sub-models": (
        {"iterations": 1, "submodels": "inner"},
        TypeError,
        "submodels must be True, False or \"nested\", got 'inner'",
    ),
    "timeout": ({"iterations": 1, "timeout": -1}, ValueError, "timeout must be a finite number above 0, or None"),
    "a strategy class": ({"iterations": 1, "sync": AllReduce}, TypeError, r"AllReduce\(\)"),
    "convergence": ({"iterations": 1, "convergence": 0.1}, TypeError, r"Convergence\(tol, window\)"),
    "no pair": ({"iterations": 1, "validation": np.zeros((2, 6))}, TypeError, r"pair \(x, y\) or None, got ndarray"),
    "never validated": ({"iterations": 1, "validate_every": 0}, ValueError, "validate_every must be at least 1"),
}


@pytest.mark.parametrize("case", FIT_ERRORS)
def test_arguments_of_fit(build, task, case):
    arguments, kind, text = FIT_ERRORS[case]
    with pytest.raises(kind, match=text):
        build().fit(*task, **{"batch_size": 8, **arguments})


NETWORK_ERRORS = {
    "negative rate": ({"learning_rate": -0.1}, ValueError, "learning_rate must be .* at least 0, got -0.1"),
    "no rate": ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got 'fast'"),
    "infinite rate": ({"learning_rate": float("inf")}, ValueError, "finite"),
    "negative schedule": (
        {"learning_rate": lambda progress, step: -1.0},
        ValueError,
        "at progress 0, step 0.*got -1.0",
    ),
    "momentum": ({"momentum": 1.0}, ValueError, r"momentum must be in \[0, 1\), got 1.0"),
    "regularization": ({"regularization": -1}, ValueError, "regularization must be"),
    "max_norm": ({"max_norm": 0}, ValueError, "max_norm must be .* above 0, or None"),
    "seed": ({"seed": 0.5}, TypeError, "seed must be a whole number"),
    "engine": ({"engine": "fast"}, ValueError, "'interpreter'.*got 'fast'"),
}


@pytest.mark.parametrize("case", NETWORK_ERRORS)
def test_arguments_of_the_network(case):
    arguments, kind, text = NETWORK_ERRORS[case]
    with pytest.raises(kind, match=text):
        NeuralNetwork(**arguments)


def test_schedules_and_convergence():
    with pytest.raises(ValueError, match=r"rate must be .* got -1"):
        LinearSchedule(-1)
    with pytest.raises(TypeError, match=r"a function of \(progress, step\).*too many positional arguments"):
        NeuralNetwork(learning_rate=lambda step: 0.1)
    with pytest.raises(ValueError, match="decay must be above 0, got 0"):
        ExponentialSchedule(0.1, decay=0)
    with pytest.raises(ValueError, match="window must be at least 1"):
        Convergence(window=0)
    with pytest.raises(ValueError, match="tol must be a finite number"):
        Convergence(tol=float("nan"))


def test_classes_of_load():
    with pytest.raises(
        TypeError, match=r"classes must be a list .* got <class .*StandardNeuron'>: write classes=\[...\]"
    ):
        NeuralNetwork.load("no such file", classes=StandardNeuron)


def test_a_schedule_that_turns_negative_stops_training_and_changes_nothing(build, task, same_weights):
    nn = build(learning_rate=lambda progress, step: 0.1 - progress)
    with pytest.raises(ValueError, match=r"learning_rate at progress 0.25, step 1, must be .* got -0.15"):
        nn.fit(*task, iterations=4, batch_size=8)
    assert same_weights(nn, build())
    assert nn.step == 0


def test_incomplete_networks(task):
    nn = NeuralNetwork(engine="interpreter")
    with pytest.raises(ValueError, match="no inputs yet: call input_layer"):
        nn.add_layer(3)
    nn.input_layer(6)
    for use in (lambda: nn.fit(*task, iterations=1, batch_size=4), lambda: nn.predict(task[0]), lambda: nn.weights):
        with pytest.raises(ValueError, match=r"no output layer: call output_layer\("):
            use()
    with pytest.raises(ValueError, match="its inputs already"):
        nn.input_layer(6)
    nn.output_layer(3, cost=SquaredError)
    with pytest.raises(ValueError, match="is complete"):
        nn.add_layer(3)


@pytest.mark.parametrize(("units", "kind"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("3", TypeError)])
def test_units(units, kind):
    nn = NeuralNetwork(engine="interpreter")
    with pytest.raises(kind, match="units of the input layer must be"):
        nn.input_layer(units)
    nn.input_layer(2)
    with pytest.raises(kind, match="units of layer 1 must be"):
        nn.add_layer(units, ReLU)


def test_what_is_no_neuron_activation_or_cost():
    nn = NeuralNetwork(engine="interpreter")
    with pytest.raises(ValueError, match=r"keep .* \(0, 1\], got 0"):
        nn.input_layer(2, keep=0)
    nn.input_layer(2)
    with pytest.raises(NeuronError, match="subclass of Neuron"):
        nn.add_layer(2, ReLU, StandardNeuron())
    with pytest.raises(NeuronError, match="activation"):
        nn.add_layer(2, "relu")
    with pytest.raises(NeuronError, match="no hyperparameter 'keep'"):
        nn.add_layer(2, ReLU, keep=0.5)
    with pytest.raises(NeuronError, match="interlayer must be a function"):
        nn.add_layer(2, ReLU, interlayer="softmax")
    with pytest.raises(NeuronError, match="cost"):
        nn.output_layer(2, cost="mse")


class Silent(Neuron):
    def forward(self, messages):
        pass

    def backward(self, messages):
        self.backpropagate(0.0)


class Pushy(StandardNeuron):
    def backward(self, messages):
        for m in messages:
            self.push(m.weight_gradient)
            self.push(m.weight_gradient)
        self.backpropagate(0.0)


@pytest.mark.parametrize(("neuron", "text"), [(Silent, "feedforward"), (Pushy, "push")])
def test_neurons_that_break_the_rules_are_named_with_their_line(task, neuron, text):
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(6, neuron=neuron)
    nn.output_layer(3, Sigmoid, cost=CrossEntropy)
    with pytest.raises(NeuronError, match=text) as caught:
        nn.fit(*task, iterations=1, batch_size=4)
    assert __file__ in str(caught.value)


CONVERTED = {
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int32": lambda x: (10 * x).astype(np.int32),
    "int8": lambda x: (10 * x).astype(np.int8),
    "bool": lambda x: x > 0,
    "list": lambda x: x.tolist(),
    "not contiguous": lambda x: np.asfortranarray(x)[::1],
}


@pytest.mark.parametrize("case", CONVERTED)
def test_other_numbers_are_converted_to_float32(build, task, case):
    x = CONVERTED[case](task[0])
    nn = build()
    assert np.array_equal(nn.predict(x), nn.predict(np.asarray(x, np.float32)))
    assert nn.fit(x, task[1], iterations=1, batch_size=4).loss[0] > 0


def test_bytes_keep_their_values_unless_scaled(build, task):
    pixels = np.random.default_rng(1).integers(0, 256, (40, 6), np.uint8)
    nn = build()
    assert np.array_equal(nn.predict(pixels), nn.predict(pixels.astype(np.float32)))
    scaled = ScaledArray(pixels, 1 / 255)
    assert np.array_equal(nn.predict(scaled), nn.predict(np.asarray(scaled)))
    wide = ScaledArray(pixels.astype(np.int16), 1 / 255)
    assert np.allclose(nn.predict(wide), nn.predict(scaled))


def test_bytes_that_nobody_scales_are_told_of(build, task, caplog):
    pixels = np.random.default_rng(1).integers(0, 256, (40, 6), np.uint8)
    build().fit(ScaledArray(pixels, 1 / 255), task[1], iterations=1, batch_size=4, verbose=0)
    build().fit(pixels // 200, task[1], iterations=1, batch_size=4, verbose=0)
    assert not caplog.records
    build(learning_rate=1e-6).fit(pixels, task[1], iterations=1, batch_size=4, verbose=0)
    assert "ScaledArray(x, 1 / 255)" in caplog.text


class Stored:
    """Like a data set in an HDF5 file: sliced like an array, and no array."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, key):
        return self.array[key]


def test_what_is_sliced_like_an_array_is_taken(build, task):
    nn = build()
    assert np.array_equal(nn.predict(Stored(task[0])), nn.predict(task[0]))
    assert nn.fit(Stored(task[0]), task[1].tolist(), iterations=1, batch_size=4).loss[0] > 0


def test_one_output_unit_takes_a_vector_of_targets(task):
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(1, Sigmoid, cost=CrossEntropy)
    labels = (task[0][:, 0] > 0).astype(int)
    assert nn.evaluate(task[0], labels) == nn.evaluate(task[0], labels[:, None].astype(float))
