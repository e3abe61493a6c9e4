"""Workers with sub-models under parameter servers: they hold and exchange no more than their sub-model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from horn.bsp import PeerFailed
from horn.models import (
    AllReduce,
    Compressed,
    Context,
    EightBit,
    NeuralNetwork,
    ParameterServer,
    Properties,
    StaleSynchronous,
    SyncStrategy,
    Topology,
)
from horn.neurons import CrossEntropy, DropoutNeuron, NeuronError, ReLU, Softmax

FEATURES, CLASSES, SIZE = 30, 3, 31 * 24 + 25 * 20 + 21 * 3


@pytest.fixture
def task() -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(50, FEATURES)).astype(np.float32), rng.integers(0, CLASSES, 50)


def build(engine: str = "interpreter", neuron: type = DropoutNeuron, **arguments: Any) -> NeuralNetwork:
    nn = NeuralNetwork(**{"learning_rate": 0.1, "momentum": 0.9, "seed": 2, "engine": engine, **arguments})
    nn.input_layer(FEATURES, keep=0.8)
    nn.add_layer(24, ReLU, neuron)
    nn.add_layer(20, ReLU, neuron)
    nn.output_layer(CLASSES, Softmax, cost=CrossEntropy)
    return nn


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
@pytest.mark.parametrize("submodels", [True, "nested"])
@pytest.mark.parametrize("servers", [1, 3])
def test_borrowed_sub_models_train_as_shared_memory_does(engine: str, submodels: Any, servers: int, task: Any) -> None:
    """Also where the last batch of a pass, of 2 examples, leaves a worker without any."""
    options = {"iterations": 6, "batch_size": 12, "submodels": submodels, "validation": task, "verbose": 0}
    expected, nn = build(engine, regularization=0.01), build(engine, regularization=0.01)
    shared = expected.fit(*task, workers=3, validate_every=2, **options)
    topology = Topology(replicas=3, servers=servers)
    borrowed = nn.fit(*task, topology=topology, sync=ParameterServer(), validate_every=2, **options)
    for one, other in zip(nn.weights, expected.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    np.testing.assert_allclose(borrowed.loss, shared.loss, rtol=1e-5)
    looks = [[look.loss for look in history.validation] for history in (borrowed, shared)]
    np.testing.assert_allclose(*looks, rtol=1e-5)


class Noting(ParameterServer):
    """Tells how many parameters each worker has, and pushes."""

    def on_update(self, ctx: Context, update: Any) -> None:
        assert len(update) == len(ctx.params)
        assert ctx.shard == (0, len(update))
        ctx.metrics["held"] = len(ctx.params)
        super().on_update(ctx, update)


def test_workers_hold_and_exchange_their_sub_model_alone(task: Any) -> None:
    histories = {}
    for submodels in (False, True):
        options = {"iterations": 8, "batch_size": 10, "workers": 2, "sync": Noting(), "verbose": 0}
        histories[submodels] = build().fit(*task, submodels=submodels, **options)
    whole, part = histories[False], histories[True]
    assert [held for _, held in whole.metrics["held"]] == [SIZE] * 8
    held = np.array([held for _, held in part.metrics["held"]])
    assert (held < 0.7 * SIZE).all()
    assert len(set(held.tolist())) > 1
    # parameters there; D back, and one bit for each neuron
    mask = -(-(FEATURES + 24 + 20 + CLASSES) // 8)
    assert part.workers[0].bytes.tolist() == (2 * 4 * held + mask).tolist()
    assert whole.workers[0].bytes.tolist() == [2 * 4 * SIZE] * 8


def test_with_the_network_of_the_paper_a_third_travels() -> None:
    """784-512-512-10, dropout 0.8 and 0.5: 0.34 of the weights."""
    rng = np.random.default_rng(1)
    x, y = rng.random((40, 784), np.float32), rng.integers(0, 10, 40)
    sent = {}
    for submodels in (False, True):
        nn = NeuralNetwork(learning_rate=0.01, seed=1)
        nn.input_layer(784, keep=0.8)
        nn.add_layer(512, ReLU, DropoutNeuron)
        nn.add_layer(512, ReLU, DropoutNeuron)
        nn.output_layer(10, Softmax, cost=CrossEntropy)
        options = {"iterations": 3, "batch_size": 10, "workers": 2, "sync": ParameterServer(), "verbose": 0}
        history = nn.fit(x, y, submodels=submodels, **options)
        sent[submodels] = np.mean([worker.bytes for worker in history.workers])
    assert 0.3 < sent[True] / sent[False] < 0.38


def test_stale_workers_borrow_too(task: Any) -> None:
    nn = build("compiled")
    before = nn.evaluate(*task).loss
    history = nn.fit(
        *task, iterations=40, batch_size=10, workers=2, submodels=True, sync=StaleSynchronous(2), verbose=0
    )
    assert (history.workers[0].bytes < 0.7 * 2 * 4 * SIZE).all()
    assert nn.evaluate(*task).loss < before


def test_what_is_compressed_is_the_whole_network(task: Any) -> None:
    sync = Compressed(ParameterServer(), EightBit())
    assert not sync.properties.borrows
    build().fit(*task, iterations=2, batch_size=10, workers=2, submodels=True, sync=sync, verbose=0)


class Returning(SyncStrategy):
    properties = Properties(servers=True, borrows=True)

    def before_step(self, ctx: Context) -> None:
        ctx.servers.pull(ctx.params)

    def on_update(self, ctx: Context, update: Any) -> Any:
        ctx.servers.push(update)
        return update


def test_a_worker_without_parameters_applies_nothing(task: Any) -> None:
    with pytest.raises(PeerFailed, match=r"Returning.on_update returned an array to apply.*do not declare borrows"):
        build().fit(*task, iterations=2, batch_size=10, workers=2, submodels=True, sync=Returning(), verbose=0)


class Asking(ParameterServer):
    def on_update(self, ctx: Context, update: Any) -> None:
        ctx.gradient(ctx.params)


def test_a_worker_without_parameters_has_no_gradient_at_others(task: Any) -> None:
    with pytest.raises(PeerFailed, match="this worker has no copy of its own"):
        build().fit(*task, iterations=2, batch_size=10, workers=2, submodels=True, sync=Asking(), verbose=0)


class Accelerating(DropoutNeuron):
    """Pushes more where a weight has just moved far, which a borrower does not know."""

    def backward(self, messages: Any) -> None:
        gradient = 0.0
        for m in messages:
            gradient += m.delta * m.weight
            self.push(-self.learning_rate * self.output * m.delta * abs(m.prev_weight))
        self.backpropagate(gradient * self.activation.derivative())


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_neurons_that_need_what_a_borrower_lacks_are_refused_before_anything_starts(engine: str, task: Any) -> None:
    nn = build(engine, Accelerating)
    with pytest.raises(NeuronError, match=r"Accelerating.*uses m.prev_weight"):
        nn.fit(*task, iterations=2, batch_size=10, workers=2, submodels=True, sync=ParameterServer(), verbose=0)


def test_not_finite_parts_are_left_out_of_borrowed_steps(task: Any) -> None:
    x, y = task
    x = x.copy()
    x[::10] = 1e30  # the outputs overflow
    nn, other = build(), build()
    options = {"iterations": 5, "batch_size": 10, "submodels": True, "shuffle": False, "on_nonfinite": "skip"}
    expected = other.fit(x, y, workers=2, verbose=0, processes=2, **options)
    history = nn.fit(x, y, workers=2, verbose=0, sync=ParameterServer(), **options)
    assert history.metrics["skipped"] == expected.metrics["skipped"]
    for one, others in zip(nn.weights, other.weights, strict=True):
        np.testing.assert_allclose(one, others, rtol=0, atol=1e-6)
    assert (history.loss[0] > 0, AllReduce.properties.borrows) == (True, False)
