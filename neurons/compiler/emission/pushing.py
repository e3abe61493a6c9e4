"""How the pushes of a layer are formed once its methods have run: products of factors with what the receivers said.

A push is a sum of value · left · right. The values go into arrays of factors (A, A1, …), one for each pair (left,
right); Σ over examples of value · left is a matrix product, or a sum of columns where value or left is the same for
all. Where no right differs from 1, that is D. Elsewhere one pass over the weights puts D together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..analysis.sides import Sides, sides
from ..nir.expressions import ONE, Expr, Field, Type
from ..nir.statements import Body, PushFactor
from ..nir.trees import walk
from ..operations.buffers import PER_SENDER, Array
from ..operations.operation import Operation
from ..operations.work import total, work_of
from .emitted import EmittedPass
from .hazards import Hazards
from .signatures import SCALARS, hypers, mentioned
from .spelling import Spelling
from .sums import Sums, filler


@dataclass(frozen=True)
class PushTerm:
    """One product of a push: factorsᵀ · left, summed over the examples.

    Args:
        factors: name of the array of factors, (b, 1 + n), the bias sender's first.
        left: name of the array of what differs between receivers, (b, r).
        out: name of the array that the product is put into; "U": it is added to D.
    """

    factors: str
    left: str
    out: str = "U"


#: What a push multiplies its values with: (left, right).
Key = tuple[Expr, Expr]

_PLACES = {
    "weight": "W[row, s]", "prev_weight": "P[row, s]", "receiver": "(int64(s) + foremost)",
    "index": "(int64(row) - bias)", "count": "int64(outgoing)",
}  # fmt: skip


@dataclass
class Pushing:
    """The pushes of a layer's `backward`.

    Args:
        sums: declares the arrays.
        body: `backward` without what this takes care of.
        factors: the arrays that the kernels write their values to.
        terms: the products.
        fills: arrays that the pass over the weights reads, beside them.
        rows: arrays of factors that it sums over the examples.
        gradients: the array of the factors of weight_gradient, where receivers are no weighted sums; None where
            nothing is pushed by them.
        summands: what it adds to D for each weight, as text.
        expressions: what it computes.
    """

    sums: Sums
    body: Body
    factors: dict[Key, str] = field(default_factory=dict)
    terms: list[PushTerm] = field(default_factory=list)
    fills: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    gradients: str | None = None
    summands: list[str] = field(default_factory=list)
    expressions: list[Expr] = field(default_factory=list)

    def maps(self, kernels: Mapping[str, Operation]) -> tuple[Operation, ...]:
        """What fills the arrays that the products take."""
        lefts = dict.fromkeys(term.left for term in self.terms if term.left in self.sums.arrays)
        return tuple(kernels[filler(name)] for name in lefts)

    def update(self, kernels: Mapping[str, Operation]) -> tuple[Operation, ...]:
        """The pass over the weights; nothing where there is none."""
        names = [*self.fills, "U"] if self.summands else []
        return tuple(kernels[filler(name)] for name in names)


def plan_pushes(body: Body, sums: Sums) -> Pushing:
    """How the pushes of a `backward` are formed.

    Args:
        body: before receivers that are known, its loops hoisted, its carry taken.
        sums: those of the method.
    """
    plan = Pushing(sums, ())
    rest = []
    for statement in body:
        if isinstance(statement, PushFactor) and _of_receivers_only(statement):
            _same_for_all(statement, plan)
        else:
            rest.append(statement)
    plan.body = tuple(rest)
    for statement in walk(plan.body):
        if isinstance(statement, PushFactor):
            _factors((statement.left, statement.right), plan)
    if plan.summands:
        sums.kernels[filler("U")] = _pass(plan)
    return plan


def _of_receivers_only(statement: PushFactor) -> bool:
    return statement.left != ONE and statement.right != ONE and sides(statement.value) is Sides.NONE


def _same_for_all(statement: PushFactor, plan: Pushing) -> None:
    name = plan.sums.over_examples(statement.left)
    plan.fills.append(name)
    value = Spelling({}, {}, Hazards()).typed(statement.value, Type.FLOAT)
    plan.expressions.append(statement.value)
    plan.summands.append(f"share * {value} * {name}[s] * {_right(statement.right, plan)}")


def _factors(key: Key, plan: Pushing) -> None:
    if key in plan.factors:
        return
    left, right = key
    name = plan.factors[key] = f"A{len(plan.factors) or ''}"
    plan.sums.arrays[name] = Array(PER_SENDER)
    if left == Field("weight_gradient"):
        plan.gradients = name
    elif left == ONE:
        plan.rows.append(name)
        plan.summands.append(f"total_{name} * {_right(right, plan)}")
    elif right == ONE:
        plan.terms.append(PushTerm(name, plan.sums.left(left)))
    else:
        product = f"T{len(plan.terms) + 1}"
        plan.sums.arrays[product] = Array(("columns", "receivers"))
        plan.terms.append(PushTerm(name, plan.sums.left(left), product))
        plan.summands.append(f"{product}[row, s] * {_right(right, plan)}")


def _right(right: Expr, plan: Pushing) -> str:
    plan.expressions.append(right)
    return Spelling({}, _PLACES, Hazards()).typed(right, Type.FLOAT)


def _pass(plan: Pushing) -> EmittedPass:
    lines = ["    for row in range(U.shape[0]):"]
    for name in plan.rows:
        lines += [
            f"        total_{name} = ZERO",
            f"        for e in range({name}.shape[0]):",
            f"            total_{name} += {name}[e, row + 1 - bias]",
            f"        total_{name} *= share",
        ]
    lines.append("        for s in range(U.shape[1]):")
    lines += [f"            U[row, s] += {summand}" for summand in plan.summands]
    text = "\n".join(lines)
    arrays = mentioned(text, ("U", "W", "P", *plan.sums.arrays))
    arguments = (*arrays, *mentioned(text, SCALARS), *hypers(*plan.expressions))
    whole = f"@kernel\ndef {filler('U')}({', '.join(arguments)}):\n{text}"
    return EmittedPass(filler("U"), whole, arguments, "U", "U", total(map(work_of, plan.expressions)))
