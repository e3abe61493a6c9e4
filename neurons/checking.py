"""Whether a neuron's `backward` is right: what is written, what `forward` defines, and central differences, compared.

The class is put into a small network, between neurons of weighted sums, and computed in float64 by the interpreter,
training, its random draws the same for every evaluation. Its delta is checked by the gradients of the weights that
lead to it, its push by those of the weights that lead from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations.base import Activation, as_activation
from .activations.identity import Identity
from .activations.tanh import Tanh
from .compiler.analysis.analysis import analyse
from .compiler.analysis.compatibility import is_weighted_sum
from .compiler.capture.lower import lower_method
from .compiler.derivatives.complete import Completion
from .compiler.derivatives.derive import Derivation
from .compiler.nir.statements import Backpropagate, Push, Stmt
from .compiler.nir.trees import walk
from .costs.squared_error import SquaredError
from .engine import Batch, Rates
from .errors import NeuronError, SourceLine
from .interpreter import Interpreter
from .neuron import Neuron, hyperparameters
from .spec import Dense, Layer, NetworkSpec
from .standard import StandardNeuron

#: Float64.
Vector = NDArray[Any]

#: Senders, neurons of the class, receivers.
_UNITS = 4, 3, 2
_EXAMPLES = 3
_STEP = 1e-6
#: One-sided differences that are further apart than this, relative to the gradient, stand at a kink.
_KINK = 1e-3


@dataclass(frozen=True)
class Comparison:
    """One kind of weights: the largest deviation among them.

    Args:
        what: "delta" or "push".
        written: the gradient by the class's own `backward`; NaN where Horn completes that part.
        derived: the gradient derived from `forward`; NaN where its derivative cannot be taken.
        difference: the central difference of the cost.
        deviation: the largest deviation of written or derived from the differences, relative to the largest of these.
        steps: True where the cost does not change with any of these weights, but for steps.
        where: the line of what is written.
    """

    what: str
    written: float
    derived: float
    difference: float
    deviation: float
    steps: bool
    where: SourceLine | None

    def __str__(self) -> str:
        own = "left to Horn" if np.isnan(self.written) else f"backward {self.written:.6g}"
        derived = "no derivative" if np.isnan(self.derived) else f"derived {self.derived:.6g}"
        return (
            f"{self.what}: {own}, {derived}, differences {self.difference:.6g} (largest deviation {self.deviation:.1e})"
        )


@dataclass(frozen=True)
class BackwardReport:
    """What `check_backward` has compared; printed, a line for each term.

    Args:
        name: of the class.
        points: number of points at which it was checked.
        comparisons: of the delta and of the push.
    """

    name: str
    points: int
    comparisons: tuple[Comparison, ...]

    def __str__(self) -> str:
        lines = [f"{self.name}: backward agrees with forward at {self.points} points", *map(str, self.comparisons)]
        return "\n    ".join(lines)


def check_backward(
    cls: type[Neuron],
    *,
    activation: Activation | type[Activation] = Tanh,
    points: int = 5,
    tolerance: float = 1e-5,
    seed: int = 0,
    **overrides: float | int | bool,
) -> BackwardReport:
    """Check a class's `backward` against its `forward`.

    Where the derivative of `forward` cannot be taken, what is written is checked against differences alone.

    Args:
        cls: the class.
        activation: of its layer.
        points: random weights, inputs and targets at which to check; points at a kink are drawn again.
        tolerance: the largest deviation allowed, relative to the largest gradient of its kind.
        seed: of the points and of the neurons' draws.
        **overrides: hyperparameters.

    Raises:
        NeuronError: `backward` is not the gradient: with the term, the numbers and the line; or the class cannot be
            trained at all.
    """
    activation = as_activation(activation)
    if cls.learning_rule == "local":
        raise NeuronError(f'{cls.__name__} is marked learning_rule = "local": its rule is no gradient to be checked')
    numbers = hyperparameters(cls, overrides)
    written = _network(cls, activation, numbers)
    analysis = analyse(cls, activation, numbers)
    derived = None
    if analysis.backward is None or isinstance(analysis.derivation, Derivation):
        derived = _network(type(cls.__name__, (cls,), {"backward": Neuron.backward}), activation, numbers)
    found = [list(_compared(written, derived, point)) for point in _smooth(written, points, seed)]
    worst = tuple(max(of_kind, key=lambda item: item.deviation) for of_kind in zip(*found, strict=True))
    for comparison in worst:
        if not comparison.deviation <= tolerance:
            raise NeuronError(_message(cls, comparison), comparison.where)
    return BackwardReport(cls.__name__, points, worst)


#: What is wrong → what the gradient would be.
_CURES = {
    "delta": "delta is the sum of m.input_gradient, times self.activation.derivative() where the activation is applied "
    "last (help(Neuron.backpropagate)); or leave it out: of a backward that only pushes Horn derives it",
    "push": "gradient descent pushes -self.learning_rate * m.weight_gradient; a rule that is to be none is marked "
    'learning_rule = "local", and not checked',
}


def _message(cls: type[Neuron], found: Comparison) -> str:
    name = cls.__name__
    if abs(found.derived - found.difference) > abs(np.nan_to_num(found.written) - found.difference):
        return f"the derivative of {name}.forward is {found.derived:.6g}, differences of the cost give {found}"
    owner = next(base for base in cls.__mro__ if "backward" in vars(base))
    written = f"{name}.backward" + (f", inherited from {owner.__name__}," if owner is not cls else "")
    weights = {
        "delta": f"what {written} gives to backpropagate makes ∂cost/∂weight of an incoming synapse",
        "push": f"what {written} pushes makes ∂cost/∂weight of an outgoing synapse",
    }
    said = f"{weights[found.what]} = {found.written:.6g}, forward gives {found.difference:.6g}"
    if not found.steps:
        return f"{said}; {_CURES[found.what]}"
    return (
        f"{said}: its output changes in steps or not at all, and its derivative is 0 almost everywhere. A slope that "
        "stands for it (a surrogate) can teach nevertheless, but it is no gradient to be checked"
    )


# The network ---------------------------------------------------------------------------------------------------------


def _network(cls: type[Neuron], activation: Activation, numbers: dict[str, float | int | bool]) -> NetworkSpec:
    senders, units, receivers = _UNITS
    own = hyperparameters(StandardNeuron)
    layers = (
        Layer(senders, StandardNeuron, Identity(), own, None),
        Layer(units, cls, activation, numbers, Dense(is_weighted_sum(cls, activation))),
        Layer(receivers, StandardNeuron, Identity(), own, Dense(True)),
    )
    return NetworkSpec(layers, SquaredError(), precision=np.float64)


@dataclass(frozen=True)
class _Point:
    parameters: Vector
    batch: Batch
    seed: int
    slopes: Vector


def _smooth(spec: NetworkSpec, points: int, seed: int) -> Iterator[_Point]:
    """Points at which differences from both sides agree."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(20 * points):
        parameters: Vector = random.normal(size=spec.size) * 0.7
        inputs = random.normal(size=(_EXAMPLES, _UNITS[0]))
        for state in spec.states:
            state.matrix(parameters)[:] = state.initial
        targets: Vector = random.normal(size=(_EXAMPLES, _UNITS[2]))
        places = np.arange(_EXAMPLES, dtype=np.uint32)
        batch = Batch(inputs.astype(np.float32), targets, places, places, _EXAMPLES)
        slopes = _differences(spec, parameters, batch, seed)
        if slopes is not None:
            found += 1
            yield _Point(parameters, batch, seed, slopes)
        if found == points:
            return
    raise NeuronError(
        f"{spec.layers[1].neuron.__name__}: no point was found at which the cost has a derivative: differences from "
        "both sides never agree"
    )


def _differences(spec: NetworkSpec, parameters: Vector, batch: Batch, seed: int) -> Vector | None:
    """Central differences of the mean cost; None at a kink."""
    here = _cost(spec, parameters, batch, seed)
    ahead, behind = np.empty((2, spec.parameter_count))
    for place in range(spec.parameter_count):
        moved = parameters.copy()
        moved[place] += _STEP
        ahead[place] = _cost(spec, moved, batch, seed)
        moved[place] = parameters[place] - _STEP
        behind[place] = _cost(spec, moved, batch, seed)
    central: Vector = (ahead - behind) / (2 * _STEP)
    jump = np.abs(ahead - 2 * here + behind) / _STEP
    return None if (jump > _KINK * max(1.0, np.abs(central).max())).any() else central


def _cost(spec: NetworkSpec, parameters: Vector, batch: Batch, seed: int) -> float:
    return _step(spec, parameters, batch, seed)[0]


def _step(spec: NetworkSpec, parameters: Vector, batch: Batch, seed: int) -> tuple[float, Vector]:
    """The mean cost, and the gradient that the neurons push."""
    engine = Interpreter(spec, parameters, np.zeros_like(parameters), seed=seed)
    pushed: Vector = np.zeros(spec.size)
    score = engine.gradient(batch, Rates(0, 1.0, 0.0), pushed)
    return score.loss / len(batch.inputs), -pushed


# The comparison ------------------------------------------------------------------------------------------------------


def _compared(written: NetworkSpec, derived: NetworkSpec | None, point: _Point) -> Iterator[Comparison]:
    layer = written.layers[1]
    completion = analyse(layer.neuron, layer.activation, layer.hyperparameters).completion
    own = _step(written, point.parameters, point.batch, point.seed)[1]
    other = None if derived is None else _step(derived, point.parameters, point.batch, point.seed)[1]
    into, out = written.blocks
    lines: list[tuple[str, Any, type[Stmt], bool]] = [
        ("delta", into, Backpropagate, completion is not Completion.NOTHING),
        ("push", out, Push, completion is Completion.ALL),
    ]
    for what, block, kind, left_out in lines:
        part = slice(block.offset, block.stop)
        wanted = point.slopes[part]
        deviations = np.abs(own[part] - wanted)
        if other is not None:
            deviations = np.maximum(deviations, np.abs(other[part] - wanted))
        place = int(deviations.argmax())
        scale = max(float(np.abs(wanted).max()), 1e-3)
        said = float("nan") if left_out else float(own[part][place])
        found = float("nan") if other is None else float(other[part][place])
        where = None if left_out else _line(layer, kind)
        deviation = float(deviations[place]) / scale
        steps = not wanted.any() and (other is None or not other[part].any())
        yield Comparison(what, said, found, float(wanted[place]), deviation, steps, where)


def _line(layer: Layer, kind: type[Stmt]) -> SourceLine | None:
    subject = analyse(layer.neuron, layer.activation, layer.hyperparameters).subject
    body = lower_method(subject, "backward").body
    return next((statement.where for statement in walk(body) if isinstance(statement, kind)), None)
