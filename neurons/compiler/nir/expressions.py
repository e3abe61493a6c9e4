"""NIR: one neuron's method as a small typed tree, between the user's source and the emitted kernel.

Values are scalars of three types and vary over a set of axes: nothing (one value for the layer), the neuron, the
example, the message. Expressions have no effects: random draws and helper functions have been lifted into statements
of their own. Names of locals are unique within a method, since everything that it calls is inlined into it.

Printed, a node reads as Python: ``str(node)``. `trees` walks bodies and prints them, one statement per line.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...errors import SourceLine


class Type(enum.IntEnum):
    """Scalar types, ordered: a value that is sometimes the one and sometimes the other has the greater."""

    BOOL = 0
    INT = 1
    FLOAT = 2


class Axes(enum.Flag):
    """What a value varies over."""

    NONE = 0
    NEURON = enum.auto()
    EXAMPLE = enum.auto()
    MESSAGE = enum.auto()


def type_of_number(value: float | int | bool) -> Type:
    """The type of a Python or NumPy number."""
    if isinstance(value, (bool, np.bool_)):
        return Type.BOOL
    return Type.INT if isinstance(value, (int, np.integer)) else Type.FLOAT


_NAMES: dict[type, tuple[str, ...]] = {}


def names_of_parts(node: Any) -> tuple[str, ...]:
    """The fields of a node, in their order."""
    known = _NAMES.get(type(node))
    if known is None:
        known = _NAMES[type(node)] = tuple(item.name for item in fields(node))
    return known


@dataclass(frozen=True)
class Expr:
    """A scalar value."""

    @property
    def children(self) -> tuple[Expr, ...]:
        found: list[Expr] = []
        for name in names_of_parts(self):
            value = getattr(self, name)
            if isinstance(value, Expr):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(part for part in value if isinstance(part, Expr))
        return tuple(found)


@dataclass(frozen=True)
class Const(Expr):
    value: float | int | bool

    def __str__(self) -> str:
        return repr(self.value)


ZERO = Const(0.0)
ONE = Const(1.0)


@dataclass(frozen=True)
class Local(Expr):
    """A local variable, or an attribute of the neuron while its method runs (``self.x``)."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Hyper(Expr):
    """A hyperparameter: a run-time argument of the kernel. `sample` has its type, not its value."""

    name: str
    type: Type

    def __str__(self) -> str:
        return f"self.{self.name}"


#: What the training loop sets, the same for the whole layer: name → type.
UNIFORMS = {
    "learning_rate": Type.FLOAT,
    "momentum": Type.FLOAT,
    "training": Type.BOOL,
    "iteration": Type.INT,
    "layer": Type.INT,
}


@dataclass(frozen=True)
class Uniform(Expr):
    name: str

    def __str__(self) -> str:
        return f"self.{self.name}"


@dataclass(frozen=True)
class Index(Expr):
    """The neuron's index in its layer; -1 for the bias sender."""

    def __str__(self) -> str:
        return "self.index"


@dataclass(frozen=True)
class Output(Expr):
    """What the neuron fed forward for this example."""

    def __str__(self) -> str:
        return "self.output"


@dataclass(frozen=True)
class Slope(Expr):
    """The slope of the activation at the point where `forward` applied it; 0 where it did not."""

    def __str__(self) -> str:
        return "self.activation.derivative()"


#: Fields of messages: name → (type, axes). In `backward`, `is_bias` tells of the neuron itself: `hoist` says it so.
FIELDS = {
    "input": (Type.FLOAT, Axes.EXAMPLE | Axes.MESSAGE),
    "weight": (Type.FLOAT, Axes.NEURON | Axes.MESSAGE),
    "prev_weight": (Type.FLOAT, Axes.NEURON | Axes.MESSAGE),
    "delta": (Type.FLOAT, Axes.EXAMPLE | Axes.MESSAGE),
    "input_gradient": (Type.FLOAT, Axes.NEURON | Axes.EXAMPLE | Axes.MESSAGE),
    "weight_gradient": (Type.FLOAT, Axes.NEURON | Axes.EXAMPLE | Axes.MESSAGE),
    "sender": (Type.INT, Axes.MESSAGE),
    "receiver": (Type.INT, Axes.MESSAGE),
    "is_bias": (Type.BOOL, Axes.MESSAGE),
}


@dataclass(frozen=True)
class Field(Expr):
    """A field of the message at hand."""

    name: str

    def __str__(self) -> str:
        return f"m.{self.name}"


@dataclass(frozen=True)
class Stored(Expr):
    """A `State` of the neuron: its value from before the batch."""

    name: str

    def __str__(self) -> str:
        return f"stored.{self.name}"


@dataclass(frozen=True)
class SynapseField(Expr):
    """A `SynapseState` of the synapse at hand."""

    name: str

    def __str__(self) -> str:
        return f"m.{self.name}"


@dataclass(frozen=True)
class SynapseDraw(Expr):
    """``m.binomial(trials, chance)``: a function of the random bits that the synapse at hand has for a batch.

    They are one word for each synapse, drawn for all of a layer before its neurons run, so that a pass draws nothing
    and may ask for it as often as it likes.
    """

    trials: Expr
    chance: Expr

    def __str__(self) -> str:
        return f"m.binomial({self.trials}, {self.chance})"


@dataclass(frozen=True)
class Count(Expr):
    """Number of messages."""

    def __str__(self) -> str:
        return "len(messages)"


@dataclass(frozen=True)
class Element(Expr):
    """An item of an array from outside of the class (see `tables`), one index for each of its axes.

    It varies over what its indices vary over. `type` is that of the items, `where` the user's line.
    """

    table: str
    type: Type
    indices: tuple[Expr, ...]
    where: SourceLine | None = field(default=None, compare=False)

    @property
    def spelled(self) -> str:
        """As the user wrote it."""
        return (self.where.marked if self.where else "") or str(self)

    def __str__(self) -> str:
        return f"{self.table}[{', '.join(map(str, self.indices))}]"


@dataclass(frozen=True)
class Unary(Expr):
    """``-x`` or ``not x``."""

    op: str
    operand: Expr

    def __str__(self) -> str:
        return f"({self.op}{' ' if self.op == 'not' else ''}{self.operand})"


@dataclass(frozen=True)
class Binary(Expr):
    """Arithmetic (+ - * / // % **), comparison (< <= > >= == !=) or logic (and, or) on two values."""

    op: str
    left: Expr
    right: Expr

    def __str__(self) -> str:
        return f"({self.left} {self.op} {self.right})"


@dataclass(frozen=True)
class Select(Expr):
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr

    def __str__(self) -> str:
        return f"({self.then} if {self.condition} else {self.otherwise})"


@dataclass(frozen=True)
class Call(Expr):
    """A mathematical function of `intrinsics.INTRINSICS`."""

    function: str
    arguments: tuple[Expr, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Draw(Expr):
    """A random draw (binomial, uniform, normal): only as the whole right-hand side of an `Assign`."""

    kind: str
    arguments: tuple[Expr, ...]

    def __str__(self) -> str:
        return f"self.{self.kind}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Gemm(Expr):
    """Σ left · right over the messages, formed for all neurons and examples at once: a matrix product.

    Args:
        left: what differs between examples, made of `input` or `delta`; or a gradient that the receiver decides.
        right: what differs between neurons, made of `weight`, `prev_weight`.

    Where one of them is 1, the sum is one of rows or columns. A leaf: what the factors read is no part of the method.
    """

    left: Expr
    right: Expr

    @property
    def children(self) -> tuple[Expr, ...]:
        return ()

    def __str__(self) -> str:
        return f"Σ({' * '.join(str(part) for part in (self.left, self.right) if part != ONE)})"
