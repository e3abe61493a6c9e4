"""What the compiler's tests share: classes from source text, and the comparison of the two engines."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from horn.neurons import (
    Activation,
    Batch,
    Compiled,
    Cost,
    Dense,
    Engine,
    Identity,
    Interpreter,
    Layer,
    NetworkSpec,
    Neuron,
    Rates,
    SquaredError,
    StandardNeuron,
)
from horn.neurons.neuron import hyperparameters

Arrays = dict[str, np.ndarray]

_PREAMBLE = """\
import math

import numpy as np

from horn.neurons import Activation, Cost, DropoutNeuron, Neuron, StandardNeuron, State, SynapseState

"""


@pytest.fixture(scope="session")
def define(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    """``define(text)`` → the module with this text, imported from a file, so that its source can be read.

    `math`, `np`, and the bases of the language are imported; the first line of the text is line ``define.first``.
    """
    folder, numbers = tmp_path_factory.mktemp("sources"), count()

    def build(text: str) -> ModuleType:
        path = folder / f"user_{next(numbers)}.py"
        path.write_text(_PREAMBLE + text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return build


@pytest.fixture(scope="session")
def first_line() -> int:
    """The line of a defined module's file on which its text begins."""
    return _PREAMBLE.count("\n") + 1


_COST = SquaredError()


@dataclass(frozen=True)
class Case:
    """A network, and what is done with it."""

    spec: NetworkSpec
    seed: int
    examples: int
    exact: bool
    compact: bool = True
    train: bool = True

    def numbers(self, size: tuple[int, ...] | int, which: int) -> np.ndarray:
        """Random float32 numbers; for exact comparisons quarters between -1 and 1, whose sums of products are exact."""
        rng = np.random.default_rng([self.seed, which])
        if self.exact:
            return (rng.integers(-4, 5, size) / 4).astype(np.float32)
        return rng.normal(scale=0.6, size=size).astype(np.float32)

    def batch(self, step: int) -> Batch:
        """Lanes differ from step to step: one for each example, one for all, two workers' in one batch."""
        units = self.spec.layers
        inputs = self.numbers((self.examples, units[0].units), 10 + step)
        targets = self.numbers((self.examples, units[-1].units), 20 + step)
        positions = np.arange(3, 3 + self.examples, dtype=np.uint32)
        lanes = [positions, np.full_like(positions, 7), positions // 2][step % 3]
        total = 2 * self.examples if step % 2 else self.examples
        return Batch(inputs, targets, positions, lanes, total)

    def run(self, kind: type[Engine]) -> Arrays:
        """Everything that an engine computes of it, by name."""
        engine = self.engine(kind)
        inputs, targets = self.batch(0).inputs, self.batch(0).targets
        score = engine.score(inputs, targets)
        found: Arrays = {"predict": engine.predict(inputs, first=5), "score": np.array([score.loss, score.correct])}
        if not self.train:
            return found
        # The learning rate and the momentum are powers of two: products with them are exact.
        out = np.full(self.spec.size, np.nan, self.spec.precision)
        for step in range(3):
            loss = engine.gradient(self.batch(step), Rates(step, 0.5, 0.25), out).loss
            found |= {f"gradient {step}": out.copy(), f"loss {step}": np.array(loss)}
        found["completed"] = out.copy()
        for start in range(0, self.spec.size, 5):  # pieces that respect neither blocks nor rows
            stop = min(start + 5, self.spec.size)
            engine.complete(found["completed"][start:stop], Rates(2, 0.5, 0.25), start, stop)
            engine.apply(out[start:stop], Rates(2, 0.5, 0.25), start, stop)
        found |= {"parameters applied": engine.parameters, "previous applied": engine.previous}
        engine = self.engine(kind)
        for step in range(1 if self.exact else 2):  # a second step's products need more digits than there are
            engine.step(self.batch(step), Rates(step + 3, 0.5, 0.25))
            found |= {f"parameters {step}": engine.parameters.copy(), f"previous {step}": engine.previous.copy()}
        return found

    def engine(self, kind: type[Engine]) -> Engine:
        """An engine on parameters of its own, which computes sub-models compactly wherever it can."""
        parameters, previous = (self.numbers(self.spec.size, which).astype(self.spec.precision) for which in (1, 2))
        engine = kind(self.spec, parameters, previous, seed=self.seed, training=self.train)
        if isinstance(engine, Compiled) and self.compact:
            engine.submodels.worthwhile = lambda examples, weights, kept: True
        return engine


def _compare(
    spec: NetworkSpec, *, seed: int = 0, examples: int = 4, exact: bool = False, tolerance: float = 2e-5, **options: Any
) -> Arrays:
    assert not exact or examples in (1, 2, 4), "a mean over other numbers of examples is not exact"
    case = Case(spec, seed, examples, exact, **options)
    expected, found = case.run(Interpreter), case.run(Compiled)
    for name, right in expected.items():
        if exact:
            np.testing.assert_array_equal(found[name], right, name)
        else:
            # float32 sums in another order, and libm against NumPy: a few units in the last place, more where large
            # terms cancel, which atol is for.
            scale = 1.0 + np.nanmax(np.abs(right), initial=0.0, where=np.isfinite(right))
            np.testing.assert_allclose(found[name], right, rtol=tolerance, atol=tolerance / 10 * scale, err_msg=name)
    return found


@pytest.fixture(scope="session")
def compare() -> Callable[..., Arrays]:
    """``compare(spec, seed=, examples=, exact=, tolerance=, compact=, train=)``: both engines do all, and agree.

    Bitwise with ``exact``: small dyadic rationals, whose sums are exact in any order. Returns what they computed.
    """
    return _compare


def _chain(
    *layers: tuple[int, type[Neuron]] | tuple[int, type[Neuron], Activation],
    bias: bool = True,
    cost: Cost = _COST,
    numbers: dict[str, Any] | None = None,
    **options: Any,
) -> NetworkSpec:
    found: list[Layer] = []
    for units, cls, *activation in layers:
        known = hyperparameters(cls)
        own = {name: value for name, value in (numbers or {}).items() if name in known}
        shape = activation[0] if activation else Identity()
        found.append(Layer(units, cls, shape, hyperparameters(cls, own), Dense(bias) if found else None))
    return NetworkSpec(tuple(found), cost, **options)


@pytest.fixture(scope="session")
def chain() -> Callable[..., NetworkSpec]:
    """``chain((units, cls[, activation]), ..., bias=, cost=, numbers=)`` → a dense network, by default SquaredError."""
    return _chain


@pytest.fixture(scope="session")
def around(chain: Callable[..., NetworkSpec]) -> Callable[..., NetworkSpec]:
    """``around(cls, activation)`` → 3 inputs, 4 neurons of the class, 2 outputs."""

    def build(cls: type[Neuron], activation: Activation | None = None, **options: Any) -> NetworkSpec:
        return chain((3, StandardNeuron), (4, cls, activation or Identity()), (2, StandardNeuron), **options)

    return build
