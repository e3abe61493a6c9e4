"""From a plan to the trained network."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing

import numpy as np

from horn.neurons import engine_named

from ..errors import TrainingDiverged
from ..feeding.examples import Examples
from ..feeding.handles import TrainingData
from ..peers.soundness import advice
from ..plans.outcome import Outcome
from ..plans.plan import Plan
from ..plans.training_state import TrainingState
from ..plans.updating import seen_spec
from ..plans.workspace import Workspace, new_workspace
from ..watching.history import History
from ..watching.progress import Monitor
from ..watching.tensorboard import TensorBoard
from .options import FitOptions
from .parallel import train_in_processes
from .serial import train_here

log = logging.getLogger("horn.models")


def run_fit(
    plan: Plan, options: FitOptions, state: TrainingState, examples: TrainingData, validation: Examples | None
) -> History:
    """Train as planned, and take what came of it into `state`: all of it, or after an error nothing.

    Raises:
        TrainingDiverged: the loss of a step is not finite, or a weight after the last one.
        NeuronError, WorkerLost, BSPError, KeyboardInterrupt: as `NeuralNetwork.fit`.
    """
    workspace = new_workspace(plan, examples, validation, state.parameters, state.previous, state.slots)
    with ExitStack() as stack:
        board = None
        if options.tensorboard is not None:
            board = stack.enter_context(closing(TensorBoard(options.tensorboard, plan.first_step)))
        monitor = stack.enter_context(Monitor(plan.iterations, options.verbose, board))
        outcome = _train(plan, options, workspace, monitor)
        if board is not None:
            board.finish(outcome.history)
    history = outcome.history
    if not np.isfinite(workspace.parameters).all():  # no loss has told of the last step
        last = len(history) - 1
        raise TrainingDiverged(f"the weights are not finite after iteration {last}{advice(plan, plan.rates(last))}")
    if np.array_equal(state.parameters, workspace.parameters) and any(history.learning_rate):
        name = type(plan.strategy).__name__
        needed = f"{name}.on_update must return what to apply (None applies nothing)"
        if plan.topology.servers:
            needed = f"{name} must push to ctx.servers, and its serve call store.apply or change store.params"
        log.warning(
            "no parameter has changed in %d iterations: %s, or neurons must push, and the cost have a slope",
            len(history),
            needed,
        )
    np.copyto(state.parameters, workspace.parameters)
    np.copyto(state.previous, workspace.previous)
    state.slots = workspace.slots
    state.step += len(history)
    state.place, state.examples = outcome.place, len(examples)
    return history


def _train(plan: Plan, options: FitOptions, workspace: Workspace, monitor: Monitor) -> Outcome:
    # what is wrong with a neuron is found before any process starts; and what they then load is compiled here, once
    engine = engine_named(plan.engine)
    engine.prepare(plan.spec)
    if plan.borrows:
        engine.of_parts(seen_spec(plan.optimizer, plan.spec), seed=plan.seed)  # refuses what cannot be trained so
    monitor.training()
    if plan.peers == 1 and options.zookeeper is None:
        return train_here(plan, workspace, monitor, options.blas_threads)
    return train_in_processes(
        plan,
        workspace,
        monitor,
        threads=options.blas_threads,
        zookeeper=options.zookeeper,
        barrier=options.barrier,
        timeout=options.timeout,
    )
