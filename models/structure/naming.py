"""What a network is made of, as names and numbers that a file can hold, and back.

A class or function is written down as its name, an object as its class's name and its numbers. Reading looks names up
among Horn's own and those that the caller of `load` gives: a file cannot make anything else be imported or run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

import horn.neurons
import horn.neurons.library
from horn.neurons import FunctionInterlayer

from .. import optimizers, schedules
from ..errors import ModelFileError

Description = dict[str, Any]


def describe(thing: object) -> Description:
    """An object or function as names and numbers.

    Raises:
        ModelFileError: it has no name of its own, or holds something that is no number.
    """
    if isinstance(thing, FunctionInterlayer):
        jacobian = thing.jacobian and _name(thing.jacobian)
        return {"interlayer": _name(thing.function), "backward": jacobian}
    if isinstance(thing, FunctionType):
        return {"function": _name(thing)}
    numbers = dict(vars(thing))
    for name, value in numbers.items():
        if not isinstance(value, bool | int | float | None):
            raise ModelFileError(
                f"{type(thing).__name__} cannot be written to a model file: its attribute {name} is {value!r}; "
                "objects in a network may hold numbers only"
            )
    return {"class": type(thing).__name__, "numbers": numbers}


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "<lambda>")
    if name == "<lambda>":
        raise ModelFileError(f"{function!r} has no name to be found by in a model file: write it with def")
    return str(name)


class Names:
    """Where the names in a file are looked up: what the caller gave first, then Horn's own.

    Args:
        path: the file, for errors.
        given: classes and functions.
    """

    def __init__(self, path: str, given: Iterable[Any]) -> None:
        packages = (horn.neurons, horn.neurons.library)
        own = [getattr(package, name) for package in packages for name in package.__all__]
        models = (*vars(schedules).values(), *vars(optimizers).values())
        known = [thing for thing in (*own, *models) if isinstance(thing, type)]
        self._path = path
        self._known = {thing.__name__: thing for thing in [*known, *given]}

    def find(self, name: str, *kinds: type) -> Any:
        """The class that is called `name`, a subclass of one of `kinds`.

        Raises:
            ModelFileError: there is none.
        """
        found = self._find(name)
        if not (isinstance(found, type) and issubclass(found, kinds)):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise ModelFileError(f"{self._path} uses {name!r} as a {wanted}, which it is not: {found!r}")
        return found

    def function(self, name: str) -> Any:
        """The function that is called `name`.

        Raises:
            ModelFileError: there is none.
        """
        found = self._find(name)
        if not isinstance(found, FunctionType):
            raise ModelFileError(f"{self._path} uses {name!r} as a function, which it is not: {found!r}")
        return found

    def make(self, description: Mapping[str, Any], *kinds: type) -> Any:
        """The object, of one of `kinds`, that `describe` wrote down; its constructor is not called.

        Raises:
            ModelFileError: of an unknown class, or of none of those kinds, or with something that is no number.
        """
        cls = self.find(description["class"], *kinds)
        numbers = description["numbers"]
        if not all(isinstance(value, bool | int | float | None) for value in numbers.values()):
            raise ModelFileError(f"{self._path} gives {cls.__name__} something that is no number: {numbers!r}")
        made = cls.__new__(cls)
        vars(made).update(numbers)
        return made

    def _find(self, name: str) -> Any:
        if name not in self._known:
            raise ModelFileError(
                f"{self._path} is made of {name!r}, which is not Horn's: pass the class or function of that name, "
                f"NeuralNetwork.load(path, classes=[{name}])"
            )
        return self._known[name]
