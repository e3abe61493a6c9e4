"""Which counter a draw has: neuron, position or lane, step, method and number; key of seed and phase."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from horn.neurons import (
    DropoutNeuron,
    Identity,
    Interpreter,
    NetworkSpec,
    Rates,
    SquaredError,
    StandardNeuron,
    random,
)

SEED = 21
drawn: dict[tuple[str, int, int], list] = {}
U32 = np.uint32


class Gambler(StandardNeuron):
    def forward(self, messages):
        drawn["forward", self.layer, self.index] = [
            self.uniform(),
            self.binomial(3, 0.5),
            self.normal(1.0, 2.0),
            self.uniform(-1.0, 1.0),
        ]
        super().forward(messages)

    def backward(self, messages):
        drawn["backward", self.layer, self.index] = [self.uniform(), self.binomial(3, 0.5)]
        super().backward(messages)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    drawn.clear()
    yield
    drawn.clear()


@pytest.fixture
def spec(network) -> NetworkSpec:
    return network(
        (2, StandardNeuron, Identity()), (2, Gambler, Identity()), (1, Gambler, Identity()), cost=SquaredError()
    )


@pytest.fixture
def engine(spec, parameters) -> Interpreter:
    flat = parameters(spec)
    return Interpreter(spec, flat, np.zeros_like(flat), seed=SEED)


def expected(identity: int, position: int, lane: int, step: int, phase: int, method: int) -> list:
    key = random.key(SEED, phase)
    words = [(U32(identity), U32(at), U32(step), U32(method + i), *key) for i, at in enumerate((position, lane) * 2)]
    half = np.float32(0.5)
    zero, one, two = (np.float32(x) for x in (0, 1, 2))
    if method == random.BACKWARD:
        return [random.uniform(*words[0], zero, one), random.binomial_of(random.word(*words[1]), 3, half)]
    place = (U32(identity), U32(position), U32(step))
    return [
        random.uniform(*words[0], zero, one),
        random.binomial_of(random.word(*words[1]), 3, half),
        random.normal(*place, U32(method + 2), *key, one, two),
        random.uniform(*place, U32(method + 3), *key, -one, one),
    ]


@pytest.mark.parametrize("lane", [None, 6])
def test_draws_of_a_training_step(engine, batch, lane, spec) -> None:
    out = np.empty(spec.size, np.float32)
    engine.gradient(batch([[1, 2]], np.zeros((1, 1)), first=9, lane=lane), Rates(5, 0.1, 0.0), out)
    at = 9 if lane is None else lane
    for layer, index, identity in [(1, 0, 4), (1, 1, 5), (2, 0, 7)]:
        assert spec.first_id(layer) + 1 + index == identity
        assert drawn["forward", layer, index] == expected(identity, 9, at, 5, random.TRAIN, random.FORWARD)
        assert drawn["backward", layer, index] == expected(identity, 9, at, 5, random.TRAIN, random.BACKWARD)


def test_the_bias_draws_as_the_rest_but_is_never_dropped(engine, batch, spec) -> None:
    out = np.empty(spec.size, np.float32)
    engine.gradient(batch([[1, 2]], np.zeros((1, 1)), first=9), Rates(5, 0.1, 0.0), out)
    wanted = expected(3, 9, 9, 5, random.TRAIN, random.FORWARD)
    assert drawn["forward", 1, -1] == [wanted[0], 3, wanted[2], wanted[3]]


def test_draws_of_prediction(engine) -> None:
    engine.predict(np.ones((2, 2), np.float32), first=30)
    assert drawn["forward", 1, 1] == expected(5, 31, 31, 0, random.PREDICT, random.FORWARD)


def test_draws_are_float32(engine) -> None:
    engine.predict(np.ones((1, 2), np.float32))
    assert {type(value) for values in drawn.values() for value in values} == {np.float32}


def test_a_dropped_neuron_gets_no_delta_and_a_kept_one_does(network, batch) -> None:
    spec = network(
        (1, StandardNeuron, Identity()),
        (40, DropoutNeuron, Identity()),
        (1, StandardNeuron, Identity()),
        cost=SquaredError(),
    )
    flat = np.ones(spec.size, np.float32)
    out = np.empty(spec.size, np.float32)
    Interpreter(spec, flat, flat.copy(), seed=3).gradient(batch([[1]], np.zeros((1, 1))), Rates(0, 1.0, 0.0), out)
    first, second = spec.blocks
    into, out_of = second.weights(out)[:, 0] != 0, first.weights(out)[0] != 0
    np.testing.assert_array_equal(into, out_of)
    assert 5 < into.sum() < 35
    assert second.matrix(out)[0, 0] != 0  # the bias is exempt
