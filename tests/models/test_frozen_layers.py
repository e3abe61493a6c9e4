"""Rate factors and frozen layers, as a user sets them."""

import numpy as np
import pytest

from horn.models import LBFGS, Adam, NeuralNetwork, StaleSynchronous, SyncStrategy
from horn.neurons import Identity, SquaredError, StandardNeuron


def parameters(nn):
    """Copies of a network's weights and biases, layer by layer."""
    return [(w.copy(), b.copy()) for w, b in zip(nn.weights, nn.biases, strict=True)]


class Averaging(SyncStrategy):
    def after_step(self, ctx):
        ctx.params[:] = ctx.replicas.allreduce(ctx.params, op="mean")


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": Adam(clip_norm=0.1)}, {"optimizer": LBFGS(2)}],
    ids=["momentum", "Adam", "LBFGS"],
)
def test_a_layer_stays_as_it_is_and_trains_again(engine, options, build, task):
    nn = build(engine=engine, regularization=0.1, max_norm=1.0, **options)
    nn.fit(*task, iterations=3, batch_size=8)
    nn.freeze(1)
    before = parameters(nn)
    nn.fit(*task, iterations=3, batch_size=8)
    after = parameters(nn)
    assert all(np.array_equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))
    nn.unfreeze(1)
    nn.fit(*task, iterations=1, batch_size=8)
    assert not any(np.array_equal(a, b) for a, b in zip(after[0], parameters(nn)[0], strict=True))


@pytest.mark.parametrize(
    "arguments",
    [{"submodels": True}, {"sync": Averaging()}, {"sync": StaleSynchronous(1)}],
    ids=["sub-models", "averaging", "servers"],
)
def test_no_worker_moves_a_frozen_layer(arguments, build, task):
    nn = build()
    nn.freeze(2)
    before = parameters(nn)
    nn.fit(*task, iterations=2, batch_size=8, workers=2, **arguments)
    after = parameters(nn)
    assert all(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))
    assert not np.array_equal(before[0][0], after[0][0])


def test_the_bound_of_the_direction_counts_trained_layers_only(build, task):
    """A network with a frozen layer and a bound takes the step of one whose other layer is all there is to bound."""
    nn = build(optimizer=Adam(epsilon=1.0, clip_norm=1e-3), learning_rate=1.0)
    nn.freeze(1)
    before = parameters(nn)
    nn.fit(*task, iterations=1, batch_size=40)
    # a first step of Adam is d / (|d| + ε)
    moved = np.concatenate([(a - b).ravel() for a, b in zip(parameters(nn)[1], before[1], strict=True)])
    direction = moved / (1 - np.abs(moved))
    assert np.linalg.norm(direction) == pytest.approx(1e-3, rel=1e-3)


def test_momentum_goes_on_where_freezing_stopped_it(task):
    """The previous change is kept too: with a rate of 0 it is all that moves the weights afterwards."""
    nn = NeuralNetwork(learning_rate=0.1, momentum=0.5, engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    first = nn.weights[0].copy()
    nn.fit(*task, iterations=1, batch_size=40)
    second = nn.weights[0].copy()
    nn.freeze(1)
    nn.fit(*task, iterations=3, batch_size=40)
    nn.unfreeze(1)
    nn.learning_rate = 0.0
    nn.fit(*task, iterations=1, batch_size=40)
    assert np.allclose(nn.weights[0] - second, 0.5 * (second - first), atol=1e-6)


class Pushy(StandardNeuron):
    """Pushes whatever the learning rate."""

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(0.125)
        self.backpropagate(gradient * self.activation.derivative())


def test_whatever_neurons_push(task):
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(6, neuron=Pushy)
    nn.add_layer(4, Identity, Pushy, rate_factor=0.0)
    nn.output_layer(3, Identity, cost=SquaredError)
    before = parameters(nn)
    nn.fit(*task, iterations=2, batch_size=40)
    after = parameters(nn)
    assert np.array_equal(before[0][0], after[0][0])
    assert np.allclose(after[1][0] - before[1][0], 0.25)


def test_factors_are_told_and_kept(build, task, tmp_path, same_weights):
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(6)
    nn.add_layer(5, rate_factor=0.0)
    nn.add_layer(4)
    nn.freeze(2)  # before the network is complete, too
    nn.output_layer(3, cost=SquaredError, rate_factor=0.5)
    assert nn.rate_factors == {1: 0.0, 2: 0.0, 3: 0.5}
    nn.unfreeze(1, 2, rate_factor=0.25)
    nn.freeze(2)
    assert nn.rate_factors == {1: 0.25, 2: 0.0, 3: 0.5}
    told = [line.split("  ")[-1].strip() for line in nn.summary().splitlines()[3:6]]
    assert told == ["rate × 0.25 35", "frozen 24", "rate × 0.5 15"]
    nn.save(tmp_path / "model.safetensors")
    loaded = NeuralNetwork.load(tmp_path / "model.safetensors")
    assert loaded.rate_factors == nn.rate_factors
    for network in (nn, loaded):
        network.fit(*task, iterations=2, batch_size=8)
    assert same_weights(nn, loaded)


def test_layers_that_cannot_be_frozen(build):
    nn = build()
    for layer in (0, 3, 9):
        with pytest.raises(ValueError, match=f"layer {layer} has no incoming weights: those that have are 1, 2"):
            nn.freeze(1, layer)
    assert nn.rate_factors == {1: 1.0, 2: 1.0}
    with pytest.raises(TypeError, match="layer must be a whole number, got 'last'"):
        nn.freeze("last")
    with pytest.raises(ValueError, match="rate_factor must be a finite number of at least 0, got -1"):
        nn.unfreeze(1, rate_factor=-1)
    network = NeuralNetwork()
    network.input_layer(2)
    with pytest.raises(ValueError, match="rate_factor of layer 1 must be a finite number of at least 0"):
        network.add_layer(2, rate_factor=float("inf"))
