"""Which message loops are sums of matrix products.

A loop is hoisted where all that it does is to add up terms ``coefficient · left · right`` (see `terms`) in variables
that nothing else in it reads, and to push such a sum. It is then replaced by statements that read the sums, which are
formed for all neurons and examples at once; all around it stays as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..capture.keeping import synapse_states
from ..nir.algebra import add, depends_on_message
from ..nir.expressions import ONE, ZERO, Binary, Count, Expr, Gemm, Local, Select, Type, Unary
from ..nir.statements import Assign, Body, MessageLoop, PushFactor, Stmt
from ..nir.trees import plain, subexpressions
from .guards import choose, scaled, straighten
from .products import Terms, apart, grouped
from .reports import Kept, Match, NoProductError
from .sides import always_a_number
from .terms import expand


@dataclass(frozen=True)
class Hoisted:
    """A message loop as matrix products.

    Args:
        statements: what replaces the loop.
        sums: accumulator → the terms of its sum.
        push: the terms of the push; none without a push.
    """

    statements: Body
    sums: dict[str, Terms]
    push: Terms

    @property
    def matched(self) -> tuple[Match, ...]:
        """The terms, for those who ask."""
        sums = [(plain(name), term) for name, terms in self.sums.items() for term in terms]
        return tuple(
            Match(target, term.coefficient, term.left, term.right)
            for target, term in [*sums, *(("push", term) for term in self.push)]
        )


def classify(loop: MessageLoop, read_elsewhere: set[str], types: Mapping[str, Type], always: bool) -> Hoisted | Kept:
    """Hoist a message loop, or say why not.

    Args:
        loop: the loop.
        read_elsewhere: locals that are read outside of the loop.
        types: those of the method's locals.
        always: True where every run of the method comes to the loop.
    """
    kept_by_synapses = sorted(synapse_states(loop.body))
    if kept_by_synapses:
        return Kept(f"m.{kept_by_synapses[0]} is a number of each synapse (SynapseState)", loop.where)
    try:
        return _hoisted(loop, read_elsewhere, types, always)
    except NoProductError as found:
        return Kept(found.reason, found.where or loop.where, found.cure)


def _hoisted(loop: MessageLoop, read_elsewhere: set[str], types: Mapping[str, Type], always: bool) -> Hoisted:
    run = straighten(loop.body)
    carried = set(run.values)
    sums: dict[str, Terms] = {}
    for name, value in run.values.items():
        if name not in read_elsewhere:
            continue
        rest = _minus_entry(name, value)
        if rest is None:
            raise NoProductError(
                f"{plain(name)} is carried from one message to the next",
                "let each message only add to it: total += ...",
            )
        _check_independent(rest, carried, f"{plain(name)} depends on another running value")
        sums[name] = _sum(plain(name), rest, types.get(name))
    statements: list[Stmt] = [
        Assign(name, _value(Local(name), terms), where=loop.where) for name, terms in sums.items() if terms
    ]
    push: Terms = []
    if run.push is not None:
        _check_independent(run.push, carried, "the push depends on a running value")
        push = _push(run.push, always)
        statements += [PushFactor(term.coefficient, term.left, term.right, where=loop.where) for term in push]
    return Hoisted(tuple(statements), sums, push)


def _check_independent(value: Expr, carried: set[str], reason: str) -> None:
    if _mentions(value, carried):
        raise NoProductError(reason, "use what the loop adds up after the loop only")


def _sum(name: str, value: Expr, kind: Type | None) -> Terms:
    try:
        terms = expand(value)
        terms = grouped(terms) if len(terms) > 1 else terms
    except NoProductError as found:
        raise NoProductError(f"{name} sums what is no product: {found.reason}", found.cure) from found
    if kind is not Type.FLOAT and any(depends_on_message(part) for term in terms for part in term.product):
        raise NoProductError(f"{name} counts in whole numbers", f"start with {name} = 0.0")
    return terms


def _value(total: Expr, terms: Terms) -> Expr:
    for term in terms:
        product: Expr = Count() if term.product == (ONE, ONE) else Gemm(*term.product)
        total = add(total, scaled(term.coefficient, product))
    return total


def _push(value: Expr, always: bool) -> Terms:
    try:
        terms = apart(expand(value))
    except NoProductError as found:
        raise NoProductError(f"the push is no product: {found.reason}", found.cure) from found
    for term in terms:
        guarded = not always or any(isinstance(part, Select) for part in subexpressions(term.coefficient))
        for part in term.product:
            if guarded and not always_a_number(part):
                raise NoProductError(
                    f"a condition excludes {part} from the push, which may have no value there",
                    "make sure of its value in an expression of its own, such as max(...)",
                )
    return terms


def _minus_entry(name: str, value: Expr) -> Expr | None:
    """`value` without its one summand ``name``, None where it is no running sum."""
    match value:
        case Local(found) if found == name:
            return ZERO
        case Binary("+", left, right):
            inner = _minus_entry(name, left)
            if inner is not None and not _mentions(right, {name}):
                return add(inner, right)
            inner = _minus_entry(name, right)
            if inner is not None and not _mentions(left, {name}):
                return add(inner, left)
        case Binary("-", left, right):
            inner = _minus_entry(name, left)
            if inner is not None and not _mentions(right, {name}):
                return add(inner, Unary("-", right))
        case Select(condition, then, otherwise) if not _mentions(condition, {name}):
            first, second = _minus_entry(name, then), _minus_entry(name, otherwise)
            return None if first is None or second is None else choose(condition, first, second)
    return None


def _mentions(value: Expr, names: set[str]) -> bool:
    return any(isinstance(part, Local) and part.name in names for part in subexpressions(value))
