"""The part of a network that a mask keeps: what lies where in the compact array, whole or by shards."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.neurons import Dense, DropoutNeuron, Identity, Layer, NetworkSpec, Part, SquaredError, State
from horn.neurons.neuron import hyperparameters


class Counting(DropoutNeuron):
    seen = State(0.0)


def network(units, bias=True, neuron=DropoutNeuron):
    layers = [
        Layer(count, neuron, Identity(), hyperparameters(neuron), Dense(bias) if index else None)
        for index, count in enumerate(units)
    ]
    return NetworkSpec(tuple(layers), SquaredError())


@st.composite
def parts(draw):
    spec = network(
        draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)),
        draw(st.booleans()),
        draw(st.sampled_from([DropoutNeuron, Counting])),
    )
    kept = [
        np.array(sorted(draw(st.sets(st.integers(0, layer.units - 1), min_size=1))), np.intp) for layer in spec.layers
    ]
    return Part(spec, tuple(kept))


def places(part):
    """The oracle: where each element of the compact array lies in the flat one."""
    found = []
    for block in part.spec.blocks:
        for row in range(block.rows):
            for column in range(block.columns):
                sender = row - int(block.bias)
                if (sender < 0 or sender in part.kept[block.layer - 1]) and column in part.kept[block.layer]:
                    found.append(block.offset + row * block.columns + column)
    return np.array([*found, *range(part.spec.parameter_count, part.spec.size)], int)


@settings(deadline=None)
@given(part=parts(), cuts=st.lists(st.floats(0, 1), max_size=4))
def test_shards_hold_stretches_of_the_compact_array(part, cuts):
    size, where = part.spec.size, places(part)
    assert part.size == len(where)
    flat = np.arange(size, dtype=np.float32)
    np.testing.assert_array_equal(part.gather(flat), where)
    bounds = sorted({0, size, *(int(cut * size) for cut in cuts)})
    for start, stop in pairwise(bounds):
        low, high = part.span(start, stop)
        own = where[low:high]
        assert ((own >= start) & (own < stop)).all()
        assert high - low == np.sum((where >= start) & (where < stop))
        np.testing.assert_array_equal(part.gather(flat[start:stop], start=start), own)
        held = np.ones(stop - start, np.float32)
        part.add(own.astype(np.float32), held, start=start)
        expected = np.ones(stop - start, np.float32)
        expected[own - start] += own
        np.testing.assert_array_equal(held, expected)


@given(part=parts())
def test_a_part_is_told_by_a_bit_for_each_neuron(part):
    assert len(part.packed) == -(-sum(layer.units for layer in part.spec.layers) // 8)
    found = Part.unpacked(part.spec, part.packed)
    assert all(np.array_equal(one, other) for one, other in zip(found.kept, part.kept, strict=True))
    assert found.whole == part.whole == (part.size == part.spec.size)


def test_the_matrices_are_views_one_behind_the_other():
    spec = network([3, 4, 2], neuron=Counting)
    part = Part(spec, (np.array([0, 2]), np.array([1]), np.arange(2)))
    compact = np.arange(part.size, dtype=np.float32)
    shapes = [matrix.shape for matrix in part.matrices(compact).values()]
    assert shapes == [(3, 1), (2, 2), (1, 3), (1, 4), (1, 2)]
    joined = np.concatenate([matrix.ravel() for matrix in part.matrices(compact).values()])
    np.testing.assert_array_equal(joined, compact)


def test_arrays_of_other_parts_are_refused():
    spec = network([3, 4, 2])
    part = Part.of_all(spec)
    with pytest.raises(ValueError, match=r"has the shape \(26,\), got \(25,\)"):
        part.matrices(np.zeros(25, np.float32))
    with pytest.raises(ValueError, match=r"holds 10 elements of the part, got an array of shape \(9,\)"):
        part.add(np.zeros(9, np.float32), np.zeros(10, np.float32))
    with pytest.raises(ValueError, match="a network of 9 neurons"):
        Part.unpacked(spec, np.zeros(1, np.uint8))
