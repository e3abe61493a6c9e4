"""What a layer's method is made of when it runs: kernels, matrix products, passes over arrays, one after the other.

The names are those of `signatures`; `buffers` holds the arrays, `passes` fills in what differs from step to step. All
that a step computes on arrays is an operation, which knows how much it does: see `watching`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .gemm import gemm_for, push_product
from .work import NO_ARITHMETIC, NO_WORK, Arithmetic, Work, moved

#: Of a matrix product, for each message.
_MULTIPLY_ADD = Arithmetic(message=Work(2))
#: Arrays and numbers by name.
Values = Mapping[str, Any]


class Operation(ABC):
    """One call, in which a step spends its time."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What sort: "GEMM", "kernel" (of neurons and examples) or "pass" (over the elements of arrays)."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What it is, in a word or a formula."""

    @abstractmethod
    def run(self, values: Values) -> Any:
        """Make the call with the values that it names; returns what it returns."""

    @property
    @abstractmethod
    def each(self) -> Arithmetic:
        """What it does for one neuron and example."""

    @abstractmethod
    def work(self, values: Values) -> Work:
        """How much the call does."""

    @abstractmethod
    def sizes(self, values: Values) -> str:
        """The sizes that its work depends on, for the reader."""


@dataclass(frozen=True)
class Kernel(Operation):
    """One emitted function.

    Args:
        name: its name in the generated module.
        function: the compiled function.
        arguments: the names of its arguments, in order.
        each: what it does for one neuron and example.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    each: Arithmetic = NO_ARITHMETIC

    @property
    def kind(self) -> str:
        return "kernel"

    @property
    def label(self) -> str:
        return self.name

    def run(self, values: Values) -> Any:
        return self.function(*[values[name] for name in self.arguments])

    def work(self, values: Values) -> Work:
        examples, neurons, messages = self._extent(values)
        arrays = (values[name] for name in self.arguments if name in values)
        return self.each.work(examples * neurons, messages) + Work(bytes=moved(arrays))

    def sizes(self, values: Values) -> str:
        examples, neurons, messages = self._extent(values)
        looped = f"×{messages} messages" if self.each.message != NO_WORK else ""
        return f"{examples}×{neurons}{looped}"

    def _extent(self, values: Values) -> tuple[int, int, int]:
        """Examples, neurons, messages of each: as the loops of an emitted kernel run, see `writer`."""
        matrices = [values[name] for name in ("X", "D") if name in self.arguments]
        by_example = [values[name] for name in ("positions",) if name in self.arguments] or matrices
        messages = int(matrices[0].shape[1]) if matrices else 1
        return len(by_example[0]) if by_example else 1, len(values["ids"]), messages


@dataclass(frozen=True)
class Product(Operation):
    """Sums over the messages of all neurons and examples as one matrix product.

    Args:
        function: `gemm.forward_sums` or `gemm.backward_sums`.
        left: name of what differs between examples: the senders' outputs, the receivers' deltas, or a map of them.
        right: name of what differs between neurons: the weights, or a map of them.
        out: name of the sums.
    """

    function: Callable[..., None]
    left: str
    right: str
    out: str

    @property
    def kind(self) -> str:
        return "GEMM"

    @property
    def label(self) -> str:
        return f"{self.out} = {self.left}·{self.right}"

    @property
    def each(self) -> Arithmetic:
        return _MULTIPLY_ADD

    def run(self, values: Values) -> None:
        out = values[self.out]
        self.function(gemm_for(out), values[self.left], values[self.right], out)

    def work(self, values: Values) -> Work:
        left, out = values[self.left], values[self.out]
        return Work(2 * out.size * left.shape[1], bytes=moved((left, values[self.right], out)))

    def sizes(self, values: Values) -> str:
        (examples, terms), (_, neurons) = values[self.left].shape, values[self.out].shape
        return f"{examples}×{terms} · {terms}×{neurons}"


class PushProduct(Operation):
    """``update = alpha · factorsᵀ · deltas + beta · update``: one term of a push, all examples of a batch."""

    @property
    def kind(self) -> str:
        return "GEMM"

    @property
    def label(self) -> str:
        return "D = Aᵀ·deltas"

    @property
    def each(self) -> Arithmetic:
        return _MULTIPLY_ADD

    def run(self, values: Values) -> None:
        factors, deltas, update = values["factors"], values["deltas"], values["update"]
        push_product(gemm_for(update), values["alpha"], factors, deltas, values["beta"], update)

    def work(self, values: Values) -> Work:
        factors, update = values["factors"], values["update"]
        before = (update,) if values["beta"] else ()
        return Work(2 * update.size * len(factors), bytes=moved((factors, values["deltas"], *before, update)))

    def sizes(self, values: Values) -> str:
        examples, (senders, receivers) = len(values["factors"]), values["update"].shape
        return f"{senders}×{examples} · {examples}×{receivers}"


@dataclass(frozen=True)
class Pass(Operation):
    """One pass over arrays.

    Args:
        name: what it does.
        function: called with the arguments.
        arguments: their names, in order.
        over: name of the array whose elements are counted.
        element: what is done for each of them.
        read: names of the arrays that are read.
        written: names of the arrays that are written.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    over: str
    element: Work = NO_WORK
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "pass"

    @property
    def label(self) -> str:
        return self.name

    @property
    def each(self) -> Arithmetic:
        return Arithmetic(self.element)

    def run(self, values: Values) -> Any:
        return self.function(*[values[name] for name in self.arguments])

    def work(self, values: Values) -> Work:
        arrays = (values[name] for name in (*self.read, *self.written))
        return self.element.times(values[self.over].size) + Work(bytes=moved(arrays))

    def sizes(self, values: Values) -> str:
        return "×".join(map(str, np.shape(values[self.over])))


#: A method of a layer's neurons, all examples at once.
Method = tuple[Operation, ...]
