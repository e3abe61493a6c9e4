"""What `profile_network` measures: every operation of the step, on copies."""

from __future__ import annotations

import json

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    DropoutNeuron,
    Identity,
    ReLU,
    Softmax,
    StandardNeuron,
    profile_network,
)
from horn.neurons.compiler.operations.work import Work
from horn.neurons.compiler.report.machine import Machine
from horn.neurons.compiler.report.plan import training_step
from horn.neurons.engine import Rates

RATES = Rates(0, 0.1, 0.9)


@pytest.fixture
def spec(network):
    """6-5-3 with dropout and softmax."""
    return network(
        (6, DropoutNeuron, Identity()),
        (5, DropoutNeuron, ReLU()),
        (3, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
    )


def test_a_profile_has_the_operations_that_explain_tells_of(spec, batch, parameters) -> None:
    numbers, previous = parameters(spec), parameters(spec, seed=1)
    before = numbers.copy(), previous.copy()
    part = batch(np.ones((4, 6)), np.arange(4) % 3)
    profile = profile_network(spec, numbers, previous, lambda step: part, RATES, steps=7)
    np.testing.assert_array_equal((numbers, previous), before)
    assert tuple(timing.call for timing in profile.timings) == training_step(spec, 4, RATES)
    assert (profile.examples, profile.steps) == (4, 7)
    assert all(timing.seconds > 0 and timing.bound > 0 for timing in profile.timings)
    assert sum(timing.seconds for timing in profile.timings) + profile.outside == pytest.approx(profile.seconds)
    assert sum(timing.share for timing in profile.timings) + profile.outside / profile.seconds == pytest.approx(1.0)
    assert profile.machine.flops > 1e8
    assert json.loads(json.dumps(profile.as_dict()))["timings"][0]["call"]["name"] == "forward"
    text = str(profile)
    assert text.count("  GEMM  ") == len([timing for timing in profile.timings if timing.call.kind == "GEMM"])
    assert max(map(len, text.splitlines())) <= 120


def test_each_step_has_a_number_and_a_batch_of_its_own(spec, batch, parameters) -> None:
    asked: list[int] = []

    def batch_of(number: int):
        asked.append(number)
        return batch(np.full((2, 6), number / 10), np.arange(2))

    profile_network(spec, parameters(spec), parameters(spec, seed=1), batch_of, RATES, steps=3)
    assert asked == list(range(len(asked)))
    assert len(asked) > 3  # some to warm up


def test_bounds_are_what_arithmetic_and_bytes_take() -> None:
    machine = Machine(flops=100.0, bytes=10.0, call=0.5)
    assert machine.seconds(Work(flops=300, bytes=10)) == 3.5
    assert machine.seconds(Work(flops=300, bytes=50)) == 5.5
