"""The class `Neuron` itself: hyperparameters, and errors that travel between processes."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

from horn.neurons import (
    DropoutNeuron,
    Identity,
    NetworkSpec,
    NeuronError,
    SquaredError,
    StandardNeuron,
    State,
    SynapseState,
)
from horn.neurons.errors import SourceLine, definition
from horn.neurons.neuron import hyperparameters, states


class Base(StandardNeuron):
    gain = 2
    slope = np.float32(0.25)
    bold = True
    label = "not a number"


class Derived(Base):
    gain = 3.5
    bold = None


def test_hyperparameters_are_the_numbers_of_the_class() -> None:
    assert hyperparameters(Base) == {"gain": 2, "slope": 0.25, "bold": True}
    assert [type(value) for value in hyperparameters(Base).values()] == [int, float, bool]
    assert hyperparameters(Derived) == {"gain": 3.5, "slope": 0.25}
    assert hyperparameters(StandardNeuron) == {}


def test_overrides_replace_them() -> None:
    assert hyperparameters(DropoutNeuron, {"keep": np.float64(0.8)}) == {"keep": 0.8}
    assert DropoutNeuron.keep == 0.5


def test_unknown_hyperparameters_and_other_values_are_refused() -> None:
    with pytest.raises(NeuronError, match=r"DropoutNeuron has no hyperparameter 'kep' \(it has: keep\)"):
        hyperparameters(DropoutNeuron, {"kep": 0.8})
    with pytest.raises(NeuronError, match="hyperparameter keep of DropoutNeuron must be a number, got 'most'"):
        hyperparameters(DropoutNeuron, {"keep": "most"})
    with pytest.raises(NeuronError, match=r"gain of Base is 1000\d*, and whole numbers have 64 bits: write 1e\+20"):
        hyperparameters(Base, {"gain": 10**20})


def test_a_truth_value_of_numpy_is_one() -> None:
    assert hyperparameters(Base, {"bold": np.bool_(False)})["bold"] is False


def test_an_error_survives_its_way_between_processes() -> None:
    error = NeuronError("push twice", SourceLine("model.py", 7, "    self.push(x)\n", 4))
    again = copy.copy(error)  # by __reduce__, as a pickle would
    assert str(again) == str(error) == 'push twice\n  File "model.py", line 7\n    self.push(x)\n    ^'


def test_a_definition_is_the_line_of_its_def() -> None:
    place = definition(hyperparameters)
    assert place is not None
    assert place.text.startswith("def hyperparameters(")
    assert definition(len) is None


def test_blocks_lie_one_after_another(network) -> None:
    layers = (2, StandardNeuron, Identity()), (3, StandardNeuron, Identity()), (1, StandardNeuron, Identity())
    spec: NetworkSpec = network(*layers, cost=SquaredError())
    flat = np.arange(spec.size, dtype=np.float32)
    one, two = spec.blocks
    assert (one.offset, one.stop, two.stop, spec.size) == (0, 9, 13, 13)
    np.testing.assert_array_equal(one.matrix(flat)[0], [0, 1, 2])
    np.testing.assert_array_equal(one.weights(flat), [[3, 4, 5], [6, 7, 8]])
    assert np.shares_memory(two.weights(flat), flat)
    assert [spec.first_id(layer) for layer in range(3)] == [0, 3, 7]
    assert spec.block_into(0) is None
    assert spec.block_into(2) == two


def test_the_language_starts_without_numba() -> None:
    program = "import sys, horn.neurons; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_state_says_what_it_is() -> None:
    class Keeping(StandardNeuron):
        level = State(0.5, "sum")
        trace = SynapseState(1)

    assert (Keeping.level.initial, Keeping.level.reduce) == (0.5, "sum")
    assert repr(Keeping.trace) == "SynapseState(1, 'mean')"
    assert hyperparameters(Keeping) == {}
    neuron = Keeping()
    assert neuron.level == 0.5
    neuron.level = 2.0
    assert (neuron.level, Keeping().level) == (2.0, 0.5)
    with pytest.raises(AttributeError, match=r"write m.trace in the loop over backward's messages"):
        _ = neuron.trace


def test_a_subclass_may_replace_a_state() -> None:
    class Keeping(StandardNeuron):
        level = State(0.5)
        other = State(1.0)

    class Fixed(Keeping):
        level = 0.25

    assert hyperparameters(Fixed) == {"level": 0.25}
    assert list(states(Fixed)) == ["other"]
    assert list(states(Keeping)) == ["level", "other"]


@pytest.mark.parametrize("initial", ["much", None, np.inf, np.nan, 1j])
def test_a_state_starts_at_a_finite_number(initial) -> None:
    with pytest.raises(NeuronError, match=r"State\(initial\) must be a finite number, got"):
        State(initial)


def test_a_state_is_reduced_in_one_of_three_ways() -> None:
    with pytest.raises(NeuronError, match='must say "mean", "sum" or "last", got reduce=\'max\''):
        SynapseState(0.0, "max")


@pytest.mark.parametrize(("kind", "name"), [(State, "output"), (State, "push"), (SynapseState, "weight")])
def test_a_state_has_a_name_of_its_own(kind, name) -> None:
    with pytest.raises(NeuronError, match=rf"Unit\.{name} is set by Horn and cannot be a {kind.__name__}"):
        type("Unit", (StandardNeuron,), {name: kind(0.0)})
    one = kind(0.0)
    with pytest.raises(NeuronError, match=r"Unit\.a is the .*State that is also named 'b'"):
        type("Unit", (StandardNeuron,), {"a": one, "b": one})
