"""`nn.weights` and `nn.biases`: a network's parameters as arrays that can be read, changed and assigned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from horn.neurons import NetworkSpec

from ..checks import require_like

View: TypeAlias = NDArray[np.floating] | None


class ParameterList(Sequence[Any]):
    """Views of a network's flat parameter array, one for each connection with weights; what is assigned is copied in.

    Args:
        name: what the list is called in errors.
        views: arrays that share the network's memory; None where there is nothing (a connection without bias).
    """

    def __init__(self, name: str, views: Sequence[View]) -> None:
        self._name = name
        self._views = tuple(views)

    def __len__(self) -> int:
        return len(self._views)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """The array of connection `index`: a view, writable; None where it has no bias."""
        return self._views[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._views)

    def __setitem__(self, index: int, value: ArrayLike | None) -> None:
        """Copy `value` into the array of connection `index`.

        Raises:
            ValueError: of another shape, or not finite.
        """
        self._write(index, self._checked(index, value))

    def __repr__(self) -> str:
        shapes = ", ".join("none" if view is None else str(view.shape) for view in self._views)
        return f"<{self._name}: {shapes}>"

    def assign(self, values: Sequence[ArrayLike | None]) -> None:
        """Copy an array into each connection; none of them, if one does not fit.

        Raises:
            ValueError: another number of arrays than there are, or an array of another shape, or not finite.
        """
        if len(values) != len(self):
            raise ValueError(f"{self._name} has {len(self)} arrays, got {len(values)}: assign one for each connection")
        checked = [self._checked(index, value) for index, value in enumerate(values)]
        for index, value in enumerate(checked):
            self._write(index, value)

    def _checked(self, index: int, value: ArrayLike | None) -> View:
        view = self._views[index]
        if view is None or value is None:
            if view is None and value is None:
                return None
            reason = "this connection has no bias: assign None" if view is None else f"its shape is {view.shape}"
            raise ValueError(f"{self._name}[{index}] cannot be set to {value!r}: {reason}")
        return require_like(f"{self._name}[{index}]", value, view)

    def _write(self, index: int, value: View) -> None:
        view = self._views[index]
        if view is not None and value is not None:
            view[...] = value


def weight_list(spec: NetworkSpec, parameters: NDArray[np.floating]) -> ParameterList:
    """The weights of each dense connection, views of shape (senders, receivers), biases left out."""
    return ParameterList("weights", [block.weights(parameters) for block in spec.blocks])


def bias_list(spec: NetworkSpec, parameters: NDArray[np.floating]) -> ParameterList:
    """The biases of each dense connection, views of shape (receivers,); None where there is none."""
    return ParameterList("biases", [block.matrix(parameters)[0] if block.bias else None for block in spec.blocks])
