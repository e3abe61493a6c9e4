"""The language in which a user writes one neuron (Horn paper, sections 2.1 and 3).

A `Neuron` is a class with two methods. `forward(messages)` gets one `ForwardMessage` for every incoming synapse and
calls `feedforward(output)` once. `backward(messages)` gets one `BackwardMessage` for every OUTGOING synapse, calls
`push(update)` at most once for each, and `backpropagate(delta)` once. Everything else here is what the two may use.

The class is never run one object at a time when it trains: the compiler reads the source of its methods and emits
kernels. Only the interpreter makes objects of it; the methods below then speak to the object's `_host`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from .errors import NeuronError, definition, meant
from .state import Declared, declared_states, finite


class ForwardMessage(Protocol):
    """What arrives over one incoming synapse. All numbers are float32."""

    @property
    def input(self) -> float:
        """The sender's output; 1 for the bias."""

    @property
    def weight(self) -> float:
        """The weight of the synapse."""

    @property
    def sender(self) -> int:
        """The sender's index in its layer, from 0; -1 for the bias."""

    @property
    def is_bias(self) -> bool:
        """True for the bias, which comes first."""

    def binomial(self, n: int, p: float) -> float:
        """The synapse's draw: number of successes in `n` trials of probability `p`; asked again, the same draw.

        One for each example, or with sub-models for each worker. For the bias, and where the connection has no
        weights, every trial succeeds.
        """


class BackwardMessage(Protocol):
    """What comes back over one outgoing synapse. All numbers are float32."""

    @property
    def delta(self) -> float:
        """What the receiver gave to `backpropagate`."""

    @property
    def weight(self) -> float:
        """The weight of the synapse; 1 where the connection has no weights."""

    @property
    def prev_weight(self) -> float:
        """The change that a training step last made to the weight."""

    @property
    def receiver(self) -> int:
        """The receiver's index in its layer, from 0."""

    @property
    def is_bias(self) -> bool:
        """True where the sender of this synapse is the bias."""

    @property
    def input_gradient(self) -> float:
        """∂cost/∂(this neuron's output) through this synapse: ``delta * weight`` before a weighted sum."""

    @property
    def weight_gradient(self) -> float:
        """∂cost/∂weight: ``output * delta`` before a weighted sum."""


M_co = TypeVar("M_co", ForwardMessage, BackwardMessage, covariant=True)


class Messages(Protocol[M_co]):
    """The messages of a neuron, in the order of the synapses."""

    def __iter__(self) -> Iterator[M_co]: ...

    def __len__(self) -> int: ...


class BoundActivation(Protocol):
    """The layer's activation as a neuron sees it: it remembers, per example, the point where it was applied."""

    def __call__(self, x: float) -> float:
        """Apply the activation to `x` and remember the point."""

    def derivative(self, y: float = ...) -> float:
        """The slope at the remembered point, 0 if there is none; with `y`, the slope as a function of the output."""


class Host(Protocol):
    """Who runs a neuron object: the interpreter. It receives what the neuron says."""

    def feedforward(self, output: float) -> None: ...
    def backpropagate(self, delta: float) -> None: ...
    def push(self, update: float) -> None: ...
    def binomial(self, n: int, p: float) -> float: ...
    def uniform(self, a: float, b: float) -> float: ...
    def normal(self, mu: float, sigma: float) -> float: ...


class Neuron:
    """Base of all neurons. Subclass it, write `forward` and `backward`; class attributes are hyperparameters.

    Attributes:
        activation: the layer's activation; call it in `forward`, ask for its `derivative()` in `backward`.
        output: what `feedforward` was given for this example.
        learning_rate: the rate of this step, after the schedule.
        momentum: the network's momentum.
        training: True while the network trains, False while it predicts.
        iteration: number of the training step, from 0.
        index: the neuron's index in its layer, from 0; -1 for the bias, which pushes by the same rule.
        layer: the layer's index in the network, from 0 for the inputs.

    What `forward` assigns to ``self.x`` and `backward` reads is kept per example. ``x = State(0.0)`` declares what a
    neuron keeps from batch to batch, ``x = SynapseState(0.0)`` what its outgoing synapses do. ``learning_rule =
    "local"`` marks a class whose push is a rule of its own and no gradient: then any receiver is allowed.
    """

    activation: BoundActivation
    output: float
    learning_rate: float
    momentum: float
    training: bool
    iteration: int
    index: int
    layer: int
    learning_rule: ClassVar[str] = "gradient"
    _host: Host

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__init__ is not object.__init__:
            raise NeuronError(
                f"{cls.__name__} overrides __init__, but neurons are not made one by one: write a hyperparameter as a "
                "class attribute (keep = 0.5), and assign in forward what belongs to an example",
                definition(cls.__init__),
            )
        for name, member in vars(cls).items():
            if callable(member) and name not in RESERVED and not name.startswith("_"):
                slip = meant(name, {"forward", "backward"} - vars(cls).keys())
                if slip:
                    raise NeuronError(
                        f"{cls.__name__}.{name} is no method that Horn calls: {slip}give it another name, or begin it "
                        "with _",
                        definition(member),
                    )
        states(cls)

    def forward(self, messages: Messages[ForwardMessage]) -> None:
        """Compute the output from the incoming messages and call `feedforward` once."""
        name = type(self).__name__
        raise NeuronError(f"{name} has no forward(self, messages): write one that calls feedforward once")

    def backward(self, messages: Messages[BackwardMessage]) -> None:
        """Compute the delta from the outgoing synapses' messages; `push` updates; call `backpropagate` once.

        Left out, it is derived from `forward`, and pushes
        ``-learning_rate * m.weight_gradient + momentum * m.prev_weight``; one that only pushes is completed.
        """
        raise NeuronError(f"{type(self).__name__} has no backward(self, messages): it predicts but cannot train")

    def feedforward(self, output: float) -> None:
        """Send `output` to all receivers. Exactly once in `forward`."""
        self._host.feedforward(output)

    def backpropagate(self, delta: float) -> None:
        """Send `delta` back to all senders. Exactly once in `backward`.

        `delta` is ∂cost/∂(the weighted sum) where `forward` is one weighted sum of its inputs; else ∂cost/∂(the
        activation's argument) where `forward` applies the activation once, and messages reach the output only through
        it; else ∂cost/∂output. So ``gradient * self.activation.derivative()`` is right in the first two, and
        ``gradient`` where no activation is applied; `check_backward` tells.
        """
        self._host.backpropagate(delta)

    def push(self, update: float) -> None:
        """Propose `update` for the weight of the message at hand. At most once per message of `backward`.

        The part that depends on the example is averaged over the job's batch; the rest (``momentum * m.prev_weight``,
        ``decay * m.weight``) is applied once per weight and batch.
        """
        self._host.push(update)

    def binomial(self, n: int, p: float) -> float:
        """Draw the number of successes in `n` trials of probability `p`; with sub-models, one draw per worker."""
        return self._host.binomial(n, p)

    def uniform(self, a: float = 0.0, b: float = 1.0) -> float:
        """Draw from the uniform distribution on [a, b)."""
        return self._host.uniform(a, b)

    def normal(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Draw from the normal distribution with mean `mu` and standard deviation `sigma`."""
        return self._host.normal(mu, sigma)


#: What Horn sets on a neuron or offers to it; not hyperparameters.
RESERVED = frozenset(
    {"activation", "output", "learning_rate", "momentum", "training", "iteration", "index", "layer", "learning_rule"}
) | {name for name in vars(Neuron) if not name.startswith("__")}

#: What messages have, of `forward` and of `backward`.
MESSAGE_FIELDS = frozenset(
    name for message in (ForwardMessage, BackwardMessage) for name in vars(message) if not name.startswith("_")
)


def states(cls: type[Neuron]) -> dict[str, Declared]:
    """What a class's neurons and their synapses keep from batch to batch, by name (see `state`).

    Raises:
        NeuronError: a state by a name that means something already.
    """
    return declared_states(cls, RESERVED, MESSAGE_FIELDS)


def hyperparameters(cls: type[Neuron], overrides: dict[str, Any] | None = None) -> dict[str, float | int | bool]:
    """The hyperparameters of a neuron class: its numeric class attributes, overridden by `overrides`.

    Args:
        cls: the neuron class.
        overrides: values by name, as given to ``add_layer``.

    Raises:
        NeuronError: an override that the class does not declare, or that is no number.
    """
    found: dict[str, float | int | bool] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if name.startswith("__") or name in RESERVED:
                continue
            if isinstance(value, (Real, np.bool_)):
                found[name] = _plain(value, f"{name} of {cls.__name__}")
            else:
                found.pop(name, None)
    for name, value in (overrides or {}).items():
        if name not in found:
            known = ", ".join(sorted(found)) or "none"
            raise NeuronError(
                f"{cls.__name__} has no hyperparameter {name!r} (it has: {known}); "
                f"declare it as a class attribute with a number, {name} = ..."
            )
        if not isinstance(value, (Real, np.bool_)):
            raise NeuronError(f"hyperparameter {name} of {cls.__name__} must be a number, got {value!r}")
        found[name] = _plain(value, f"{name} of {cls.__name__}")
    return found


def initial_values(cls: type[Neuron], overrides: Mapping[str, Any]) -> dict[str, float]:
    """Those of `overrides` that tell where a state of the class starts, by name.

    Raises:
        NeuronError: one that is no finite number.
    """
    declared = states(cls)
    return {
        name: finite(value, f"{name} of {cls.__name__}, where a {type(declared[name]).__name__} starts,")
        for name, value in overrides.items()
        if name in declared
    }


def _plain(value: Any, what: str) -> float | int | bool:
    """A number of any kind, NumPy's included, as Python's own."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if not isinstance(value, Integral):
        return float(value)
    whole = int(value)
    if not -(2**63) <= whole < 2**63:
        raise NeuronError(f"hyperparameter {what} is {whole}, and whole numbers have 64 bits: write {float(whole)!r}")
    return whole
