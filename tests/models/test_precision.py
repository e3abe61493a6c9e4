"""Networks in float64: trained alone and in processes, kept in files, and begun where float32 networks begin."""

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.models.structure.modelfile import read_model, write_model
from horn.neurons import CategoricalCrossEntropy, Softmax, StandardNeuron, Tanh


@pytest.mark.parametrize("arguments", [{}, {"workers": 6, "processes": 2, "submodels": True}], ids=str)
def test_both_engines_make_the_same_steps_to_float64s_rounding(build, task, same_weights, arguments):
    engines = ("interpreter", "compiled")
    networks = [build(engine=it, regularization=0.01, max_norm=2.0, precision="float64") for it in engines]
    for nn in networks:
        nn.fit(*task, iterations=4, batch_size=12, validation=task, **arguments)
        assert {array.dtype for array in [*nn.weights, *nn.biases, nn.predict(task[0])]} == {np.dtype(np.float64)}
    assert same_weights(*networks, atol=1e-13)
    assert networks[0].history.loss == pytest.approx(networks[1].history.loss, rel=1e-13)


def test_a_step_is_the_slope_of_the_loss(task):
    x, labels = task
    nn = NeuralNetwork(learning_rate=1.0, momentum=0.0, precision="float64")
    nn.input_layer(x.shape[1])
    nn.add_layer(4, Tanh, StandardNeuron)
    nn.output_layer(3, Softmax, StandardNeuron, cost=CategoricalCrossEntropy)
    before = [array.copy() for array in nn.weights]
    slopes = [np.empty_like(array) for array in before]
    for weights, found in zip(nn.weights, slopes, strict=True):
        for place in np.ndindex(weights.shape):
            value = weights[place]
            losses = []
            for step in (1e-5, -1e-5):
                weights[place] = value + step
                losses.append(nn.evaluate(x, labels).loss)
            weights[place] = value
            found[place] = (losses[0] - losses[1]) / 2e-5
    nn.fit(x, labels, iterations=1, batch_size=len(x), verbose=0)
    for after, start, slope in zip(nn.weights, before, slopes, strict=True):
        np.testing.assert_allclose(start - after, slope, rtol=1e-7, atol=1e-9)


def test_both_precisions_begin_with_the_same_weights(build, same_weights):
    single, double = build(), build(precision="float64")
    assert same_weights(single, double)
    assert (single.precision, double.precision) == ("float32", "float64")


def test_the_precision_is_kept_in_the_file(build, task, same_weights, tmp_path):
    nn = build(precision="float64")
    nn.fit(*task, iterations=3, batch_size=10)
    nn.save(tmp_path / "model.safetensors")
    again = NeuralNetwork.load(tmp_path / "model.safetensors")
    assert again.precision == "float64"
    assert same_weights(nn, again)
    for one in (nn, again):
        one.fit(*task, iterations=2, batch_size=10)
    assert same_weights(nn, again)


def test_a_file_that_tells_no_precision_holds_float32(build, same_weights, tmp_path):
    nn, path = build(), tmp_path / "model.safetensors"
    nn.save(path)
    description, tensors = read_model(path)
    del description["precision"]
    write_model(path, description, tensors)
    again = NeuralNetwork.load(path)
    assert again.precision == "float32"
    assert same_weights(nn, again)


def test_there_are_two_precisions():
    with pytest.raises(ValueError, match="precision must be one of 'float32', 'float64', got 'double'"):
        NeuralNetwork(precision="double")
