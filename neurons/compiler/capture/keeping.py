"""What a class keeps from batch to batch, in its methods: where values come in, and where they are left.

A `State` is a local of a method, like all that is assigned to ``self.x``. It begins as the value from before the batch;
what `forward` has written goes on to `backward` per example; and what the last of them that writes it leaves is kept
per example, for the engine to reduce (see `states`). A `SynapseState` is a field of the messages, which can be set.
"""

from __future__ import annotations

from ...errors import NeuronError
from ...state import State
from ..nir.expressions import Local, Stored, SynapseField
from ..nir.statements import Assign, Body, Keep, MessageLoop, SetField
from ..nir.trees import LOOPS, all_expressions, bodies, reads, walk, writes
from .subject import Subject


def states_in(subject: Subject, names: set[str]) -> set[str]:
    """Those of some locals that are a `State`, ``self.`` included."""
    return {f"self.{name}" for name, declared in subject.kept.items() if isinstance(declared, State)} & names


def forward_keeping(subject: Subject, body: Body) -> Body:
    """`forward`, its states read where it begins."""
    return (*_stored(states_in(subject, reads(body) | writes(body))), *body)


def backward_keeping(subject: Subject, body: Body, left_by_forward: set[str]) -> Body:
    """`backward`, its states read where it begins, what it writes of them kept where it ends.

    Args:
        subject: the class.
        body: its `backward`.
        left_by_forward: states that `forward` writes: they are what it left.
    """
    used = states_in(subject, reads(body) | writes(body))
    kept = [Keep(name.removeprefix("self."), Local(name)) for name in sorted(used & writes(body))]
    return (*_stored(used - left_by_forward), *body, *kept)


def _stored(names: set[str]) -> list[Assign]:
    return [Assign(name, Stored(name.removeprefix("self."))) for name in sorted(names)]


def synapse_states(body: Body) -> set[str]:
    """Names of the synapses' states that a body reads or sets."""
    read = {part.name for part in all_expressions(body) if isinstance(part, SynapseField)}
    return read | {statement.name for statement in walk(body) if isinstance(statement, SetField)}


def check_synapse_states(name: str, body: Body) -> None:
    """Refuse a `backward` in which one loop would have to see what another has written of a synapse.

    Args:
        name: of the neuron class.
        body: its `backward`.

    Raises:
        NeuronError: it does, with the line that writes.
    """
    loops = [statement for statement in walk(body) if isinstance(statement, MessageLoop)]
    again = [loop for outer in walk(body) if isinstance(outer, LOOPS) for loop in _message_loops(bodies(outer)[0])]
    for loop in loops:
        for statement in walk(loop.body):
            if not isinstance(statement, SetField):
                continue
            others = [other for other in loops if other is not loop and statement.name in synapse_states(other.body)]
            if others or any(loop is repeated for repeated in again):
                raise NeuronError(
                    f"{name}.backward sets m.{statement.name} in one loop over the messages and uses it in another run "
                    "of such a loop: read and write it in one loop, which runs once",
                    statement.where,
                )


def _message_loops(body: Body) -> list[MessageLoop]:
    return [statement for statement in walk(body) if isinstance(statement, MessageLoop)]
