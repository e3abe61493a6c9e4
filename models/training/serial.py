"""Training in the calling process."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from ..peers.crew import muster
from ..peers.holder import Holder
from ..peers.hooks import Hooks
from ..peers.lockstep import Lockstep
from ..peers.watch import Watch
from ..plans.outcome import Outcome
from ..plans.plan import Plan
from ..plans.workspace import Workspace
from ..strategies import Alone
from ..threads import blas_threads
from ..watching.progress import Monitor
from ..watching.recorder import Recorder
from .interrupts import first_interrupt_calls


def train_here(plan: Plan, workspace: Workspace, monitor: Monitor, threads: int) -> Outcome:
    """Run the plan of a job with one worker; its parameters lie in the workspace afterwards.

    Args:
        plan: what to do.
        workspace: the arrays.
        monitor: is told how far training is.
        threads: of the BLAS.
    """
    team = Alone(monitor)
    crew = muster(team, plan.topology)
    assert crew is not None  # there is no server
    # what overflows ends in a loss that is not finite
    with blas_threads(threads), np.errstate(over="ignore", invalid="ignore"):
        hooks = Hooks(plan, workspace.places, 0, lambda: team.waited)
        with closing(Holder(0, crew, hooks, plan, workspace)) as replica, first_interrupt_calls(team.stop):
            watch = Watch(plan.own(0), 0, hooks, lambda: team.waited, None)
            outcome = Lockstep(team, Recorder(team, plan.first_step), replica, plan, workspace, watch).run()
        replica.hand_in(workspace)
    outcome.history.workers = [watch.history()]
    return outcome
