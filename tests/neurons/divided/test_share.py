"""Which task holds what, and the way of flat arrays to the tasks and back."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons import (
    CategoricalCrossEntropy,
    Identity,
    ReLU,
    Softmax,
    SquaredError,
    StandardNeuron,
    State,
    SynapseState,
    divide,
)


class Keeping(StandardNeuron):
    level = State(1.5)
    trace = SynapseState(0.5)


@pytest.fixture
def spec(network):
    return network(
        (7, Keeping, Identity()),
        (5, Keeping, ReLU()),
        (4, StandardNeuron, Softmax()),
        cost=CategoricalCrossEntropy(),
    )


@pytest.mark.parametrize("tasks", [1, 2, 3, 4])
def test_every_number_belongs_to_one_task_and_comes_back(spec, tasks):
    shares = divide(spec, tasks)
    whole = np.arange(spec.size, dtype=np.float32)
    parts = [share.take(whole) for share in shares]
    assert [len(part) for part in parts] == [share.size for share in shares]
    assert sorted(np.concatenate(parts)) == list(whole)
    back = np.full(spec.size, np.nan, np.float32)
    for share, part in zip(shares, parts, strict=True):
        share.put(part, back)
    np.testing.assert_array_equal(back, whole)


def test_neurons_are_split_contiguously_and_evenly(spec):
    for index, layer in enumerate(spec.layers):
        ranges = [share.neurons[index] for share in divide(spec, 3)]
        assert [number for own in ranges for number in own] == list(range(layer.units))
        sizes = [len(own) for own in ranges]
        assert max(sizes) - min(sizes) <= 1


def test_a_task_holds_the_weights_into_its_neurons_and_what_they_keep(spec):
    whole = np.arange(spec.size, dtype=np.float32)
    share = divide(spec, 2)[1]
    own = share.take(whole)
    into = share.block_into(1)
    np.testing.assert_array_equal(into.matrix(own), spec.block_into(1).matrix(whole)[:, 2:])
    assert share.block_into(3) is None  # a normalization
    for here, there in zip(share.states, spec.states, strict=True):
        columns = share.neurons[there.layer + 1] if there.of_synapses else share.neurons[there.layer]
        expected = there.matrix(whole)[:, columns.start : columns.stop]
        np.testing.assert_array_equal(here.matrix(own), expected)
        assert (here.name, here.reduce, here.initial) == (there.name, there.reduce, there.initial)


def test_the_weights_of_a_task_are_its_part_of_the_whole(network):
    spec = network(*((64, StandardNeuron, ReLU()) for _ in range(4)), cost=SquaredError())
    for share in divide(spec, 2):
        assert share.size == spec.size / 2


def test_layers_with_fewer_neurons_than_tasks_are_refused(spec):
    with pytest.raises(ValueError, match=r"layer 2 \(StandardNeuron\) has 4 neurons.*tasks=5.*at most 4"):
        divide(spec, 5)


def test_no_tasks_are_refused(spec):
    with pytest.raises(ValueError, match="one task or more, got tasks=0"):
        divide(spec, 0)


def test_arrays_of_another_length_are_refused(spec):
    share = divide(spec, 2)[0]
    with pytest.raises(ValueError, match=rf"the network's flat array has the shape \({spec.size},\)"):
        share.take(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=rf"task 0's flat array has the shape \({share.size},\)"):
        share.put(np.zeros(3, np.float32), np.zeros(spec.size, np.float32))
