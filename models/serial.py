"""Training in the calling process."""

from __future__ import annotations

from .interrupts import first_interrupt_calls
from .plan import Plan
from .progress import Monitor
from .strategies import Alone
from .threads import blas_threads
from .trainer import Outcome, Trainer
from .workspace import Workspace


def train_here(plan: Plan, workspace: Workspace, monitor: Monitor, threads: int) -> Outcome:
    """Run the plan of a job with one worker; its parameters lie in the workspace afterwards.

    Args:
        plan: what to do.
        workspace: the arrays.
        monitor: is told how far training is.
        threads: of the BLAS.
    """
    team = Alone(monitor)
    with blas_threads(threads):
        trainer = Trainer(team, plan, workspace)
        with first_interrupt_calls(team.stop):
            return trainer.run()
