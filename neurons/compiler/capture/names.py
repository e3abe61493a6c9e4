"""What names and attributes in the user's source denote: locals, globals, ``self.x``, the fields of a message."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ...errors import meant
from ...neuron import RESERVED
from ...state import SynapseState
from ..nir.expressions import FIELDS, UNIFORMS, Field, Hyper, Index, Local, Output, SynapseField, Uniform
from .frames import Captured, Scope
from .source import MISSING
from .subject import Subject
from .tables import Table
from .values import (
    ActivationRef,
    MessageRef,
    Method,
    Object,
    SelfRef,
    TableRef,
    TupleValue,
    Value,
    cure_of,
    describe,
    known,
)

#: (function, first arguments, call node, keyword arguments) → the value it returns, its body lowered in place.
Inline = Callable[[FunctionType, list[Value], ast.expr, dict[str, Value]], Value]

#: (method, field) → where to find what its messages lack.
_ELSEWHERE = {
    ("backward", "input"): "; the input that this neuron sent is self.output",
    ("backward", "push"): "; write self.push(...)",
    ("backward", "binomial"): "; the receiver's draw is part of m.input_gradient, m.weight_gradient",
    ("forward", "delta"): "; deltas come back in backward",
}
_OF_FORWARD = frozenset({"input", "weight", "sender", "is_bias"})
_OF_BACKWARD = frozenset(FIELDS) - {"input", "sender"}


class Names:
    """Resolves names and attributes.

    Args:
        subject: the neuron class.
        scope: frames and statements.
        method: "forward" or "backward".
        inline: lowers the body of a called function in place: a property's.
    """

    def __init__(self, subject: Subject, scope: Scope, method: str, inline: Inline) -> None:
        self.subject = subject
        self.scope = scope
        self.fields = _OF_FORWARD if method == "forward" else _OF_BACKWARD
        self.method = method
        self.inline = inline

    def name(self, name: str, node: ast.expr) -> Value:
        """What a name denotes where the lowering stands.

        Raises:
            NeuronError: nothing is known by that name.
        """
        frame = self.scope.frame
        if name in frame.names:
            value = frame.names[name]
            if isinstance(value, MessageRef) and value.loop not in self.scope.loops:
                raise self.scope.error(f"message {name!r} is used after its loop: use it inside only", node)
            return value
        if name in frame.assigned:
            raise self.scope.error(
                f"local variable {name!r} is read before anything is assigned to it: begin with a number, {name} = 0.0",
                node,
            )
        found = self.known(lambda: frame.source.lookup(name), name)
        if found == Object(MISSING):
            raise self.scope.error(f"name {name!r} is not defined", node)
        return found

    def attribute(self, owner: Value, name: str, node: ast.expr) -> Value:
        """What ``owner.name`` denotes.

        Raises:
            NeuronError: the owner has no such attribute.
        """
        match owner:
            case SelfRef(after):
                return self._of_self(after, name, node)
            case MessageRef():
                if isinstance(self.subject.kept.get(name), SynapseState):
                    return self._of_synapse(name, node)
                if name == "binomial" and self.method == "forward":
                    return Method(owner, name)
                if name not in self.fields:
                    has = ", ".join(field for field in FIELDS if field in self.fields)
                    cure = _ELSEWHERE.get((self.method, name), "")
                    raise self.scope.error(f"a {self.method} message has no {name!r}; it has {has}{cure}", node)
                return Field(name)
            case ActivationRef():
                return Method(owner, name)
            case Object(value) if hasattr(value, name):
                return self.known(lambda: getattr(value, name, MISSING), name)
            case TableRef(table, ()) if name == "shape":
                return TupleValue(tuple(self.length(table, axis) for axis in range(table.dimensions)))
        raise self.scope.error(f"{describe(owner)} has no attribute {name!r}{cure_of(owner)}", node)

    def _attributes(self) -> set[str]:
        """What a neuron has, as it is written."""
        own = {name for cls in self.subject.cls.__mro__ for name in vars(cls) if not name.startswith("_")}
        return {f"self.{name}" for name in own | RESERVED | self.subject.state if not name.startswith("_")}

    def _of_synapse(self, name: str, node: ast.expr) -> SynapseField:
        if self.method != "backward":
            raise self.scope.error(
                f"m.{name} is a SynapseState of {self.subject.name}: it belongs to the synapses that lead OUT of the "
                "neuron; read and write it in the loop over backward's messages",
                node,
            )
        return SynapseField(name)

    def item(self, items: Any, key: Any) -> Value:
        """What ``items[key]`` denotes, both known.

        Raises:
            LookupError: there is no such item.
            TypeError: there are no items by such keys.
        """
        return self.known(lambda: items[key])

    def length(self, table: Table, axis: int = 0) -> Value:
        """The size of an axis of an array: part of the code."""
        return self.known(lambda: np.shape(table.look())[axis])

    def table(self, items: Any) -> TableRef | None:
        """A list or tuple of numbers as an array; None for anything else."""
        table = self.subject.tables.of("items", items, lambda: items)
        return TableRef(table) if table is not None else None

    def known(self, look: Callable[[], Any], name: str = "items") -> Value:
        """What is found outside, by the name that the user has for it: part of the code, but for arrays."""
        found = self._captured(look)
        table = self.subject.tables.of(name, found, look) if isinstance(found, np.ndarray) else None
        return TableRef(table) if table is not None else known(found)

    def _captured(self, look: Callable[[], Any]) -> Any:
        value = look()
        self.scope.captured.append(Captured(look, value))
        return value

    def _of_self(self, after: type | None, name: str, node: ast.expr) -> Value:
        declared = self.subject.kept.get(name) if after is None else None
        if isinstance(declared, SynapseState):
            raise self.scope.error(
                f"self.{name} is a SynapseState, a number of each synapse: write m.{name} in the loop over backward's "
                "messages",
                node,
            )
        if after is None and (name in self.subject.state or declared is not None):
            return Local(f"self.{name}")
        set_by_horn: dict[str, Value] = {"index": Index(), "output": Output(), "activation": ActivationRef()}
        if name in UNIFORMS:
            return Uniform(name)
        if name in set_by_horn:
            return set_by_horn[name]
        if name in self.subject.hyperparameters and after is None:
            return Hyper(name, self.subject.hyperparameters[name])
        found = self.subject.find(name, after)
        if isinstance(found, property) and isinstance(found.fget, FunctionType):
            return self.inline(found.fget, [SelfRef()], node, {})
        if isinstance(found, staticmethod):
            return known(found.__func__)
        if isinstance(found, FunctionType) or name in RESERVED:
            return Method(SelfRef(after), name)
        if found is not MISSING and not isinstance(found, type):
            return self.known(lambda: self.subject.find(name, after), name)
        raise self.scope.error(
            f"self.{name} is read, but {self.subject.name} never sets it: "
            f"{meant(f'self.{name}', self._attributes())}assign it in forward, or declare it as a class attribute, "
            f"{name} = ...",
            node,
        )
