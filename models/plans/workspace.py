"""The arrays that a job trains on, and how they get into its processes without being copied once for each.

Parameters, updates and scores lie in shared memory that the job brings, and so do the examples; except examples in a
memory-mapped file, which each process maps for itself, and those in something else that is sliced like an array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..feeding.examples import Examples
from ..feeding.handles import ExampleHandles, StreamHandle, TrainingData, hand_over, hand_over_examples
from .plan import Plan

#: Rows of `Workspace.scores`: two that steps take in turn, so that a fast peer does not overwrite what a slow one
#: still reads, and one for validation.
STEP_SLOTS, VALIDATION_SLOT, SLOTS = 2, 2, 3


@dataclass(frozen=True)
class Workspace:
    """The arrays of a job.

    Args:
        examples: what is trained on: examples, or a stream of them.
        validation: what is looked at from time to time, or None.
        parameters: flat, in the network's precision; the job's result.
        previous: the last change of each parameter.
        slots: what the optimizer keeps, by name.
        updates: (peers, parameters): row i is where peer i computes D; no rows where it has memory of its own for that.
        scores: float64 (SLOTS, peers, 4): sum of losses, correct examples, examples, workers left out.
        places: int64 (all peers, 2): in which of the strategy's hooks each peer is, and the step.
    """

    examples: TrainingData
    validation: Examples | None
    parameters: NDArray[np.float32]
    previous: NDArray[np.float32]
    slots: dict[str, NDArray[np.float32]]
    updates: NDArray[np.float32]
    scores: NDArray[np.float64]
    places: NDArray[np.int64]


def new_workspace(
    plan: Plan,
    examples: TrainingData,
    validation: Examples | None,
    parameters: NDArray[np.float32],
    previous: NDArray[np.float32],
    slots: Mapping[str, NDArray[np.float32]],
) -> Workspace:
    """A workspace with copies of what a step changes: a `fit` that fails leaves the network as it was."""
    rows = plan.trainers if plan.shared_updates else 0
    return Workspace(
        examples,
        validation,
        parameters.copy(),
        previous.copy(),
        {name: slot.copy() for name, slot in slots.items()},
        np.zeros((rows, plan.spec.size), plan.spec.precision),
        np.zeros((SLOTS, plan.trainers, 4)),
        np.zeros((plan.peers, 2), np.int64),
    )


@dataclass(frozen=True)
class WorkspaceHandles:
    """A workspace, as it travels to a process."""

    examples: ExampleHandles | StreamHandle
    validation: ExampleHandles | None
    slots: tuple[str, ...]

    def open(self, shared: Mapping[str, NDArray[Any]]) -> Workspace:
        """The workspace, in the process that it came to."""
        validation = None if self.validation is None else self.validation.open(shared)
        parameters, previous, *others = (
            shared[name] for name in ("parameters", "previous", "updates", "scores", "places")
        )
        slots = {name: shared[slot_name(name)] for name in self.slots}
        return Workspace(self.examples.open(shared), validation, parameters, previous, slots, *others)


def slot_name(name: str) -> str:
    """What a slot of the optimizer is called in the job's shared memory."""
    return f"slot.{name}"


def share(workspace: Workspace) -> tuple[dict[str, NDArray[Any]], WorkspaceHandles]:
    """The arrays to put into shared memory, and the handles by which a process finds all."""
    shared: dict[str, NDArray[Any]] = {
        "parameters": workspace.parameters,
        "previous": workspace.previous,
        "updates": workspace.updates,
        "scores": workspace.scores,
        "places": workspace.places,
    }
    shared |= {slot_name(name): slot for name, slot in workspace.slots.items()}
    examples, validation = hand_over("train", workspace.examples, shared), None
    if workspace.validation is not None:
        validation = hand_over_examples("validation", workspace.validation, shared)
    return shared, WorkspaceHandles(examples, validation, tuple(workspace.slots))
