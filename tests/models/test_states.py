"""What neurons keep, through training, files and prediction: the same for any number of workers."""

from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file

from horn.models import ModelFileError, NeuralNetwork, ParameterServer
from horn.neurons import (
    CrossEntropy,
    Identity,
    NeuronError,
    Softmax,
    SquaredError,
    StandardNeuron,
    State,
    SynapseState,
    Tanh,
)


class Homeostatic(StandardNeuron):
    """A threshold that rises while a neuron is more active than it should be."""

    threshold = State(0.0)
    rate = 0.125
    target = 0.25

    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        y = self.activation(total - self.threshold)
        if self.training:
            self.threshold += self.rate * (y - self.target)
        self.feedforward(y)


class Scaled(StandardNeuron):
    """Each synapse divides its step by the root of its gradient's second moment (RMSProp)."""

    moment = SynapseState(1.0)
    decay = 0.875

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            slope = m.weight_gradient
            self.push(-self.learning_rate * slope / (m.moment**0.5 + 0.01))
            m.moment = self.decay * m.moment + (1.0 - self.decay) * slope * slope
        self.backpropagate(gradient * self.activation.derivative())


class Counting(StandardNeuron):
    """Counts examples; keeps the last one's first feature."""

    count = State(0.0, "sum")
    latest = State(-1.0, "last")

    def backward(self, messages):
        self.count += 1.0
        self.latest = self.output
        super().backward(messages)


@pytest.fixture
def keeping() -> Callable[..., NeuralNetwork]:
    """Build a network of 6-5-3 of neurons that keep something."""

    def network(engine: str = "compiled", **arguments: float) -> NeuralNetwork:
        nn = NeuralNetwork(learning_rate=0.0625, momentum=0.5, seed=3, engine=engine)
        nn.input_layer(6, neuron=Counting)
        nn.add_layer(5, Tanh, Homeostatic, **arguments)
        nn.add_layer(4, Tanh, Scaled)
        nn.output_layer(3, Softmax, StandardNeuron, cost=CrossEntropy)
        return nn

    return network


def flat(nn: NeuralNetwork) -> np.ndarray:
    """Everything that a network keeps, weights first."""
    kept = [array.ravel() for states in nn.states.values() for array in states.values()]
    return np.concatenate([*(weights.ravel() for weights in nn.weights), *kept])


@pytest.mark.parametrize(("processes", "sync"), [(3, None), (2, None), (2, ParameterServer())])
def test_any_number_of_workers_keeps_the_same(keeping, task, processes, sync):
    alone, together = keeping(), keeping()
    alone.fit(*task, epochs=2, batch_size=22, verbose=0)
    together.fit(*task, epochs=2, batch_size=22, workers=3, processes=processes, sync=sync, verbose=0)
    np.testing.assert_allclose(flat(together), flat(alone), rtol=0, atol=2e-6)
    np.testing.assert_array_equal(together.states[0]["count"], np.full(6, 80.0))
    assert np.abs(alone.states[1]["threshold"]).min() > 0.0
    assert np.abs(alone.states[2]["moment"] - 1.0).min() > 0.0


def test_both_engines_keep_the_same(keeping, task):
    compiled, interpreted = keeping(), keeping("interpreter")
    for nn in (compiled, interpreted):
        nn.fit(*task, iterations=3, batch_size=10, shuffle=False, verbose=0)
    np.testing.assert_allclose(flat(compiled), flat(interpreted), rtol=0, atol=2e-6)
    np.testing.assert_allclose(compiled.states[0]["latest"], task[0][29], rtol=1e-6)


def test_a_running_mean_follows_numpy(task):
    class Mean(StandardNeuron):
        mean = State(2.0)

        def forward(self, messages):
            for m in messages:
                self.feedforward(m.input - self.mean)
                self.mean += 0.25 * (m.input - self.mean)

    nn = NeuralNetwork(learning_rate=0.0, engine="interpreter")
    nn.input_layer(6, neuron=Mean)
    nn.output_layer(1, Identity, StandardNeuron, cost=SquaredError)
    x = task[0]
    nn.fit(x, np.zeros((40, 1)), iterations=7, batch_size=8, shuffle=False, verbose=0)
    expected = np.full(6, 2.0)
    for start in (0, 8, 16, 24, 32, 0, 8):
        expected += 0.25 * (x[start : start + 8].mean(axis=0) - expected)
    np.testing.assert_allclose(nn.states[0]["mean"], expected, rtol=1e-5, atol=1e-6)


def test_a_homeostatic_threshold_brings_activity_to_its_target(task):
    nn = NeuralNetwork(learning_rate=0.0, seed=2)
    nn.input_layer(6)
    nn.add_layer(5, Tanh, Homeostatic, rate=0.5)
    nn.output_layer(3, Softmax, StandardNeuron, cost=CrossEntropy)
    nn.fit(*task, epochs=50, batch_size=40, verbose=0)
    hidden = np.tanh(task[0] @ nn.weights[0] + nn.biases[0] - nn.states[1]["threshold"])
    np.testing.assert_allclose(hidden.mean(axis=0), 0.25, atol=0.01)


def test_a_second_fit_goes_on(keeping, task):
    once, twice = keeping(), keeping()
    once.fit(*task, iterations=5, batch_size=10, verbose=0)
    for iterations in (2, 3):
        twice.fit(*task, iterations=iterations, batch_size=10, verbose=0)
    np.testing.assert_array_equal(flat(once), flat(twice))


def test_prediction_reads_and_changes_nothing(keeping, task):
    nn = keeping()
    nn.fit(*task, iterations=5, batch_size=10, verbose=0)
    before = flat(nn)
    outputs = nn.predict(task[0])
    nn.evaluate(*task)
    np.testing.assert_array_equal(flat(nn), before)
    nn.states[1]["threshold"] = 3.0
    assert np.abs(nn.predict(task[0]) - outputs).max() > 0.01


def test_a_file_keeps_it(keeping, task, tmp_path):
    path, nn = tmp_path / "model.safetensors", keeping(threshold=0.5)
    np.testing.assert_array_equal(nn.states[1]["threshold"], np.full(5, 0.5))
    nn.fit(*task, iterations=4, batch_size=10, verbose=0)
    nn.save(path)
    own = [Counting, Homeostatic, Scaled]
    again = NeuralNetwork.load(path, classes=own)
    np.testing.assert_array_equal(flat(again), flat(nn))
    assert [state.initial for state in again.spec.states] == [0.0, -1.0, 0.5, 1.0]
    for network in (nn, again):
        network.fit(*task, iterations=3, batch_size=10, verbose=0)
    np.testing.assert_array_equal(flat(again), flat(nn))


def test_a_file_of_neurons_that_keep_nothing_is_as_it_was(build, tmp_path):
    path = tmp_path / "model.safetensors"
    build().save(path)
    assert {name.partition(".")[0] for name in load_file(path)} == {
        "weights", "biases", "previous_weights", "previous_biases"
    }  # fmt: skip
    assert dict(NeuralNetwork.load(path).states) == {}


def test_a_file_without_what_a_class_now_keeps(tmp_path):
    def network(neuron):
        nn = NeuralNetwork()
        nn.input_layer(3)
        nn.output_layer(2, Tanh, neuron, cost=SquaredError)
        return nn

    class Plain(StandardNeuron):
        pass

    class Later(StandardNeuron):
        level = State(0.0)

    Later.__name__ = "Plain"
    path = tmp_path / "model.safetensors"
    network(Plain).save(path)
    with pytest.raises(ModelFileError, match="the file holds another number"):
        NeuralNetwork.load(path, classes=[Later])


def test_states_can_be_read_and_assigned(keeping):
    nn = keeping()
    assert {layer: list(states) for layer, states in nn.states.items()} == {
        0: ["count", "latest"], 1: ["threshold"], 2: ["moment"]
    }  # fmt: skip
    assert nn.states[2]["moment"].shape == (5, 3)
    assert repr(nn.states[0]) == "<states of layer 0: count: (6,), latest: (6,)>"
    nn.states[1]["threshold"] = np.arange(5)
    nn.states[1]["threshold"][0] = 9.0
    np.testing.assert_array_equal(nn.states[1]["threshold"], [9.0, 1.0, 2.0, 3.0, 4.0])
    with pytest.raises(KeyError, match="height"):
        nn.states[1]["height"] = 1.0
    with pytest.raises(ValueError, match=r"states\[1\]\['threshold'\] has shape \(5,\), got \(4,\)"):
        nn.states[1]["threshold"] = np.zeros(4)
    with pytest.raises(ValueError, match="NaN or infinity"):
        nn.states[1]["threshold"] = np.inf
    np.testing.assert_array_equal(nn.states[1]["threshold"], [9.0, 1.0, 2.0, 3.0, 4.0])


def test_states_are_no_parameters(keeping):
    nn = keeping()
    count = 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    assert f"{count} parameters" in nn.summary()
    assert f"{count} parameters" in repr(nn)
    assert sum(weights.size for weights in nn.weights) + sum(biases.size for biases in nn.biases) == count


def test_where_a_state_starts_must_be_a_number(keeping):
    with pytest.raises(NeuronError, match="threshold of Homeostatic, where a State starts, must be a finite number"):
        keeping(threshold=np.nan)
    with pytest.raises(NeuronError, match="Homeostatic has no hyperparameter 'height'"):
        keeping(height=1.0)
