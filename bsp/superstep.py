"""A program as a chain of supersteps, each a class of its own, in the manner of Hama's."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from .peer import Peer


class Superstep(ABC):
    """One superstep of a program that is a chain of them: `BSPJob([First, Second], peers=4)`.

    The chain is run in turn, with a `sync()` after each superstep, and again from its first one, until all peers agree
    to halt, or the job is asked to stop. Each peer has instances of its own. An instance that is given to `BSPJob` may
    stand in the chain several times, and several instances may share objects.
    """

    def setup(self, peer: Peer) -> None:
        """Run once, before the chain."""
        return

    @abstractmethod
    def compute(self, peer: Peer) -> Any:
        """Do the work between two barriers.

        What it returns in the last superstep of the run is this peer's value of the job.
        """

    def halt(self, peer: Peer) -> bool:
        """Return whether this peer has come to its end; asked after `compute`. If all peers say so, the chain ends.

        What was sent in that superstep can still be read by `cleanup`. Cost: nothing, the barrier carries the answer.
        """
        return False

    def cleanup(self, peer: Peer) -> None:
        """Run once, after the chain, also when that or `setup` raised an exception; last instance first."""
        return


def run_chain(chain: Sequence[Superstep | type[Superstep]], peer: Peer) -> Any:
    """Run a chain on a peer and return its value."""
    steps = [step() if isinstance(step, type) else step for step in chain]
    with contextlib.ExitStack() as cleanups:
        for step in {id(step): step for step in steps}.values():
            cleanups.callback(step.cleanup, peer)
            step.setup(peer)
        while True:
            for step in steps:
                value = step.compute(peer)
                if peer.sync(halt=step.halt(peer)) or peer.stopping:
                    return value
