"""The neuron class that is being compiled: its attributes, found as Python would find them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from functools import cached_property
from types import CellType, FunctionType
from typing import Any

from ...activations.base import Activation
from ...errors import NeuronError, definition
from ...neuron import Neuron, states
from ...state import Declared
from ..nir.expressions import Type
from .source import MISSING, Source, read_source
from .tables import Tables


@dataclass(frozen=True)
class Subject:
    """A neuron class and the activation that it is used with.

    Args:
        cls: the class.
        activation: the activation of its layer.
        types: types of the hyperparameters, by name; a layer may override an integer by a float.
    """

    cls: type[Neuron]
    activation: Activation
    types: tuple[tuple[str, Type], ...]

    @property
    def name(self) -> str:
        return self.cls.__name__

    @cached_property
    def hyperparameters(self) -> dict[str, Type]:
        """Names and types; the values are arguments of the kernels."""
        return dict(self.types)

    def of_activation(self, name: str) -> FunctionType:
        """The activation's `apply` or `derivative`.

        Raises:
            NeuronError: it is not written in Python.
        """
        cls = type(self.activation)
        found = getattr(cls, name, None)
        if not isinstance(found, FunctionType):
            raise NeuronError(f"{cls.__name__}.{name} cannot be compiled: it is not a method written in Python")
        return found

    def find(self, name: str, after: type | None = None) -> Any:
        """An attribute as the class's MRO gives it, unbound; with `after`, from behind that class (``super()``)."""
        mro = self.cls.__mro__
        for base in mro[mro.index(after) + 1 if after else 0 :]:
            if name in vars(base):
                return vars(base)[name]
        return MISSING

    def method(self, name: str) -> FunctionType | None:
        """A method that the user wrote; None where the language's own default stands."""
        found = self.find(name)
        return found if isinstance(found, FunctionType) and found is not vars(Neuron).get(name) else None

    def owner(self, function: FunctionType) -> type | None:
        """The class of the MRO whose body holds `function`; None for plain functions."""
        for base in self.cls.__mro__:
            for member in vars(base).values():
                inner = member.fget if isinstance(member, property) else member
                if inner is function:
                    return base
        return None

    @cached_property
    def tables(self) -> Tables:
        """The arrays that its methods read, as far as they have been lowered."""
        return Tables()

    @cached_property
    def state(self) -> frozenset[str]:
        """Names that any method assigns as ``self.x = ...``."""
        found: set[str] = set()
        for source in self.sources():
            arguments = [*source.tree.args.posonlyargs, *source.tree.args.args]
            if arguments:
                found |= _attributes_stored(source.tree, arguments[0].arg)
        return frozenset(found)

    @cached_property
    def kept(self) -> dict[str, Declared]:
        """What its neurons and synapses keep from batch to batch, by name."""
        return states(self.cls)

    def sources(self) -> list[Source]:
        """The methods that the user wrote, bases first; with the functions that decorators have put wrappers around."""
        functions = [
            member
            for base in reversed(self.cls.__mro__)
            if base not in (Neuron, object)
            for name, member in vars(base).items()
            if isinstance(member, FunctionType) and name != "interlayer"
        ]
        return [read_source(inner) for function in functions for inner in _with_wrapped(function)]

    def check(self) -> None:
        """Refuse what no engine supports.

        Raises:
            NeuronError: its methods have the wrong parameters.
        """
        for name in ("forward", "backward"):
            function = self.method(name)
            if function is not None and len(inspect.signature(function).parameters) != 2:
                raise NeuronError(
                    f"{self.name}.{name} must take (self, messages), it takes {inspect.signature(function)}",
                    definition(function),
                )


def _with_wrapped(function: FunctionType) -> list[FunctionType]:
    """A function and the functions in its closure, which it may call with the neuron."""
    cells = function.__closure__ or ()
    inner = [cell.cell_contents for cell in cells if cell != CellType()]
    return [function, *(it for it in inner if isinstance(it, FunctionType))]


def _attributes_stored(tree: ast.AST, name: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }
