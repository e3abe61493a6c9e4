"""From what a user adds to the chain of layers that the engines run."""

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import (
    CategoricalCrossEntropy,
    CrossEntropy,
    Dense,
    DropoutNeuron,
    FunctionInterlayer,
    Identity,
    Interlayer,
    NeuronError,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    StandardNeuron,
)


def share(output):
    return output / output.sum()


class Sharing(StandardNeuron):
    scale = 2.0

    def interlayer(self, output):
        return output / (self.scale * output.sum())


def network():
    return NeuralNetwork(engine="interpreter")


def test_the_paper_s_network():
    nn = network()
    nn.input_layer(784, keep=0.8)
    nn.addLayer(512, ReLU, DropoutNeuron)
    nn.add_layer(512, ReLU, DropoutNeuron, keep=0.4)
    nn.output_layer(10, Softmax, StandardNeuron, cost=CrossEntropy)
    layers = nn.spec.layers
    assert [layer.units for layer in layers] == [784, 512, 512, 10, 10]
    assert [layer.neuron for layer in layers] == [DropoutNeuron] * 3 + [StandardNeuron] * 2
    assert [layer.hyperparameters.get("keep") for layer in layers] == [0.8, 0.5, 0.4, None, None]
    assert layers[0].incoming is None
    assert layers[1].incoming == Dense(bias=True)
    assert isinstance(layers[4].incoming, Interlayer)
    assert isinstance(layers[4].activation, Identity)
    assert isinstance(nn.spec.cost, CategoricalCrossEntropy)
    assert [w.shape for w in nn.weights] == [(784, 512), (512, 512), (512, 10)]
    assert [b.shape for b in nn.biases] == [(512,), (512,), (10,)]


def test_cross_entropy_stays_where_outputs_are_no_distribution():
    nn = network()
    nn.input_layer(2)
    nn.output_layer(1, Sigmoid, cost=CrossEntropy)
    assert type(nn.spec.cost) is CrossEntropy
    assert len(nn.spec.layers) == 2


@pytest.mark.parametrize("given", [share, FunctionInterlayer(share)])
def test_an_interlayer_function_is_a_layer_of_its_own(given):
    nn = network()
    nn.input_layer(3)
    nn.add_layer(4, Sigmoid, interlayer=given, interlayer_neuron=DropoutNeuron)
    nn.output_layer(2, cost=SquaredError)
    layer = nn.spec.layers[2]
    assert layer.units == 4
    assert layer.neuron is DropoutNeuron
    assert np.allclose(layer.incoming.apply(np.array([1.0, 3.0])), [0.25, 0.75])


def test_a_neuron_class_brings_its_interlayer_function_and_its_numbers():
    nn = network()
    nn.input_layer(3)
    nn.add_layer(4, Sigmoid, Sharing, scale=4.0)
    nn.output_layer(2, cost=SquaredError)
    assert np.allclose(nn.spec.layers[2].incoming.apply(np.array([1.0, 3.0])), [1 / 16, 3 / 16])
    assert nn.predict(np.ones((2, 3), np.float32)).shape == (2, 2)


def test_two_normalizations_are_refused():
    nn = network()
    nn.input_layer(3)
    with pytest.raises(NeuronError, match=r"one normalization.*Sharing.interlayer, Softmax"):
        nn.add_layer(4, Softmax, Sharing)


def test_a_layer_without_bias_has_none():
    nn = network()
    nn.input_layer(3)
    nn.add_layer(4, ReLU, bias=False)
    nn.output_layer(2, cost=SquaredError)
    assert nn.biases[0] is None
    assert nn.biases[1].shape == (2,)
    assert nn.spec.size == 3 * 4 + 5 * 2


def test_initial_weights_are_those_of_the_seed_and_of_their_variance():
    def weights(seed):
        nn = NeuralNetwork(seed=seed, engine="interpreter")
        nn.input_layer(200)
        nn.output_layer(100, Sigmoid, cost=SquaredError)
        assert not np.any(nn.biases[0])
        return nn.weights[0]

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))
    assert abs(weights(1)).max() <= np.sqrt(6 / 300)
    assert weights(1).var() == pytest.approx(2 / 300, rel=0.05)


def test_layers_of_one_network_begin_with_different_weights():
    nn = network()
    nn.input_layer(8)
    nn.add_layer(8, ReLU)
    nn.output_layer(8, ReLU, cost=SquaredError)
    assert not np.array_equal(nn.weights[0], nn.weights[1])


def test_a_network_is_shown_in_a_line(build):
    nn = NeuralNetwork()
    nn.input_layer(4)
    assert repr(nn) == "<NeuralNetwork: 1 layers, no output layer yet>"
    assert repr(build()) == "<NeuralNetwork: 6-5-3, 53 parameters, 0 steps made>"


def test_summary_tells_layers_and_parameters(build):
    text = build().summary()
    assert "DropoutNeuron(keep=0.5)" in text
    assert "53 parameters, cost CategoricalCrossEntropy" in text


def test_weights_can_be_assigned_whole_and_one_by_one(build):
    nn, other = build(), build(seed=4)
    nn.weights = list(other.weights)
    assert all(np.array_equal(a, b) for a, b in zip(nn.weights, other.weights, strict=True))
    nn.weights[0] = np.zeros((6, 5))
    nn.weights[1][2, 1] = 7.0
    nn.biases = [np.ones(5), [1, 2, 3]]
    assert not nn.weights[0].any()
    assert nn.weights[1][2, 1] == 7.0
    assert nn.biases[1].tolist() == [1.0, 2.0, 3.0]


def test_what_does_not_fit_is_not_assigned(build):
    nn = build()
    before = [array.copy() for array in nn.weights]
    for values in (
        [np.zeros((6, 5))],
        [np.zeros((6, 5)), np.zeros((3, 5))],
        [np.zeros((6, 5)), np.full((5, 3), np.nan)],
    ):
        with pytest.raises(ValueError, match="weights"):
            nn.weights = values
    assert all(np.array_equal(a, b) for a, b in zip(before, nn.weights, strict=True))


def test_a_missing_bias_takes_only_none():
    nn = network()
    nn.input_layer(3)
    nn.output_layer(2, bias=False, cost=SquaredError)
    nn.biases = [None]
    with pytest.raises(ValueError, match="no bias"):
        nn.biases[0] = np.zeros(2)


def test_predictions_come_in_blocks_of_any_size(build, task):
    nn = build()
    assert np.array_equal(nn.predict(task[0], batch_size=7), nn.predict(task[0]))
    assert nn.predict(task[0]).dtype == np.float32


def test_the_engine_may_be_changed(build, task):
    nn = build(engine="compiled")
    compiled = nn.predict(task[0])
    nn.engine = "interpreter"
    assert np.allclose(nn.predict(task[0]), compiled, atol=1e-6)
    with pytest.raises(ValueError, match="engine must be one of"):
        nn.engine = "fast"


def test_predictions_follow_the_weights(build, task):
    nn = build()
    before = nn.predict(task[0])
    nn.weights[1][:] = 0
    assert np.allclose(nn.predict(task[0]), 1 / 3)
    assert not np.allclose(before, 1 / 3)
