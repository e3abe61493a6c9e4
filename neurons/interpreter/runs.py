"""The other side of what a neuron says, while one of its methods runs for one example."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from ..activations.base import Activation
from ..errors import NeuronError, definition
from ..neuron import Neuron
from .blame import blaming, calling_line
from .draws import Draws
from .messages import Backward, Forward, Messages
from .numbers import Numbers


class AppliedActivation:
    """The layer's activation for one neuron and example (see `neuron.BoundActivation`)."""

    def __init__(self, activation: Activation, numbers: Numbers) -> None:
        self._activation = activation
        self._numbers = numbers
        self._point: tuple[float, float] | None = None  # x and y

    def __call__(self, x: float) -> float:
        number = self._numbers.number
        point = number(x, "self.activation(x)")
        output = number(self._activation.apply(point), f"{type(self._activation).__name__}.apply: its result")
        self._point = point, output
        return output

    @property
    def point(self) -> float | None:
        """Where it was last applied; None if it never was."""
        return self._point[0] if self._point is not None else None

    def derivative(self, y: float | None = None) -> float:
        """The slope at the remembered point, 0 if there is none; with `y`, the slope as a function of the output."""
        needs_point = self._activation.needs_point()
        if y is not None:
            if needs_point:
                raise NeuronError(
                    f"the slope of {type(self._activation).__name__} is no function of the output y alone: "
                    "call self.activation.derivative() without an argument",
                    calling_line(),
                )
            return self._slope(self._numbers.number(y, "derivative(y)"))
        if self._point is None:
            return self._numbers.zero
        x, output = self._point
        return self._slope(output, x) if needs_point else self._slope(output)

    def _slope(self, *arguments: float) -> float:
        slope = self._activation.derivative(*arguments)
        return self._numbers.number(slope, f"{type(self._activation).__name__}.derivative: its result")


class Run:
    """One run of one method of one neuron. What the method may not call is refused here.

    Args:
        neuron: the object whose method runs.
        draws: its random numbers.
    """

    def __init__(self, neuron: Neuron, draws: Draws) -> None:
        self.neuron = neuron
        self.name = type(neuron).__name__
        self.numbers = draws.numbers
        self.binomial = draws.binomial
        self.uniform = draws.uniform
        self.normal = draws.normal
        neuron._host = self

    def feedforward(self, output: float) -> None:
        raise self.misuse("calls feedforward in backward: it belongs in forward")

    def push(self, update: float) -> None:
        raise self.misuse("calls push in forward: it belongs in the loop over backward's messages")

    def backpropagate(self, delta: float) -> None:
        raise self.misuse("calls backpropagate in forward: it belongs in backward")

    def misuse(self, what: str) -> NeuronError:
        """The error for a call that the user's code is making now."""
        return NeuronError(f"{self.name} {what}", calling_line())

    def blaming(self, method: str) -> AbstractContextManager[None]:
        """Exceptions of the method named, told with the neuron that raised them."""
        return blaming(f"{self.name}.{method} (neuron {self.neuron.index} of layer {self.neuron.layer})")


class ForwardRun(Run):
    """A run of `forward`; its `output` is what the neuron fed forward."""

    output: float | None = None

    def execute(self, messages: Messages[Forward]) -> float:
        """Run it, and return the output."""
        with self.blaming("forward"):
            self.neuron.forward(messages)
        if self.output is None:
            raise NeuronError(
                f"{self.name}.forward returned without calling feedforward: call self.feedforward(output) exactly once",
                definition(type(self.neuron).forward),
            )
        return self.output

    def feedforward(self, output: float) -> None:
        if self.output is not None:
            raise self.misuse("calls feedforward twice in one forward: call it exactly once")
        self.output = self.numbers.number(output, "feedforward(output)")
        self.neuron.output = self.output


class BiasForwardRun(Run):
    """A run of the bias's `forward`, on no messages: whatever it feeds forward, its output is 1."""

    def execute(self) -> None:
        """Run it."""
        self.neuron.output = self.numbers.one
        # Over no messages, 1 / (their number) fails. Nothing uses what it was to become: the output is 1 all the same.
        with self.blaming("forward"), suppress(ArithmeticError, ValueError):
            self.neuron.forward(Messages([]))

    def feedforward(self, output: float) -> None:
        self.numbers.number(output, "feedforward(output)")


class BackwardRun(Run):
    """A run of `backward`; its `updates` are what the neuron pushed, by receiver.

    Args:
        neuron: the object whose method runs.
        draws: its random numbers.
        output_slope: gives ∂output/∂cut, for a `backward` that Horn completes.
    """

    def __init__(self, neuron: Neuron, draws: Draws, output_slope: Callable[[], float]) -> None:
        super().__init__(neuron, draws)
        self.output_slope = output_slope
        self.updates: dict[int, float] = {}
        self.delta: float | None = None
        self.messages: Messages[Backward] = Messages([])

    def execute(self, messages: Messages[Backward]) -> float:
        """Run it, and return the delta."""
        self.messages = messages
        with self.blaming("backward"):
            self.neuron.backward(messages)
        if self.delta is None:
            raise NeuronError(
                f"{self.name}.backward returned without calling backpropagate: "
                "call self.backpropagate(delta) exactly once",
                definition(type(self.neuron).backward),
            )
        return self.delta

    def push(self, update: float) -> None:
        message = self.messages.current
        if message is None:
            raise self.misuse("calls push outside of the loop over backward's messages: which weight is meant?")
        if message.receiver in self.updates:
            raise self.misuse("calls push twice for one message: add the updates up and push their sum")
        self.updates[message.receiver] = self.numbers.number(update, "push(update)")

    def backpropagate(self, delta: float) -> None:
        if self.delta is not None:
            raise self.misuse("calls backpropagate twice in one backward: call it exactly once")
        self.delta = self.numbers.number(delta, "backpropagate(delta)")
