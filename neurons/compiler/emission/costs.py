"""The kernels of a cost."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType

from ...activations.identity import Identity
from ...costs.base import Cost
from ...errors import NeuronError
from ...neuron import Neuron
from ..capture.lower import lower_scalar_function
from ..capture.subject import Subject
from ..capture.values import Object
from ..nir.expressions import Expr, Local, Type
from ..nir.statements import Assign, Body
from ..operations.faults import guarded
from ..operations.operation import Operation, Pass
from ..operations.work import Work, arithmetic, total
from . import cache
from .crossing import whole_method
from .hazards import Hazards
from .headers import header
from .writer import Writer


@dataclass(frozen=True)
class CostCode:
    """A cost's kernels: ``loss(O, T, W) → Σ``, and ``gradient(O, T, W, G) → Σ`` which also writes ∂cost/∂output.

    An example's cost is multiplied by its weight in W (b,).
    """

    loss: Operation
    gradient: Operation


def cost_code(cost: Cost, precision: str = "float32") -> CostCode:
    """The kernels of a cost, computing in `precision` (NumPy's name).

    Raises:
        NeuronError: `apply` or `derivative` cannot be compiled.
    """
    name = type(cost).__name__
    subject = Subject(Neuron, Identity(), ())
    parts: list[str] = []
    works: list[Work] = []
    for method in ("apply", "derivative"):
        function = getattr(type(cost), method)
        if not isinstance(function, FunctionType):
            raise NeuronError(f"cost {name}.{method} cannot be compiled: it is not a method written in Python")
        try:
            body, value = lower_scalar_function(subject, function, [Object(cost), Local("output"), Local("target")])
            if subject.tables:
                raise NeuronError(f"a cost is the same for all units and reads no array ({min(subject.tables)})")
        except NeuronError as error:
            raise NeuronError(f"cost {name}.{method}: {error.message}", error.where) from error
        parts.append(_scalar_lines(body, value))
        works.append(arithmetic((*body, Assign("result", value))).once)
    apply, derivative = parts
    text = f"""{header(f"The cost {name}.", "A term per output unit.", precision)}
@kernel
def loss(O, T, W):
    total = 0.0
    for e in range(T.shape[0]):
        weight = W[e]
        for i in range(T.shape[1]):
            v_output, v_target = O[e, i + 1], T[e, i]
{apply.format(target="result")}
            total += weight * result
    return total


@kernel
def gradient(O, T, W, G):
    total = 0.0
    for e in range(T.shape[0]):
        weight = W[e]
        for i in range(T.shape[1]):
            v_output, v_target = O[e, i + 1], T[e, i]
{apply.format(target="result")}
            total += weight * result
{derivative.format(target="slope")}
            G[e, i] = weight * slope
    return total
"""
    module = cache.load(text, cache.word(name).lower())
    what, path = f"cost {name}", str(module.__file__)
    read = ("O", "T", "W")
    gradient = guarded(module.gradient, what, path)
    return CostCode(
        Pass("loss", guarded(module.loss, what, path), read, "T", works[0] + Work(2), read),
        Pass("gradient", gradient, (*read, "G"), "T", total((*works, Work(3))), read, ("G",)),
    )


def _scalar_lines(body: Body, value: Expr) -> str:
    # The two parameters are locals that come from outside, like what `forward` leaves for `backward`.
    given = {"output": Type.FLOAT, "target": Type.FLOAT}
    crossing = whole_method(body, "backward", given, keep_slope=False)
    return Writer("scalar", body, "backward", "single", crossing, hazards=Hazards()).scalar_lines(value)
