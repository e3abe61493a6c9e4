"""The class `Neuron` itself: hyperparameters, and errors that travel between processes."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

from horn.neurons import DropoutNeuron, Identity, NetworkSpec, NeuronError, SquaredError, StandardNeuron
from horn.neurons.errors import SourceLine, definition
from horn.neurons.neuron import hyperparameters


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
