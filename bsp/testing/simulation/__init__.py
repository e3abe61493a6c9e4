"""An in-process cluster for the engine's machines: a simulated coordination service and network, a virtual clock.

Nothing happens by itself: whatever could happen next is a choice, so that a test draws one order of events, or walks
through all of them.
"""

from .cluster import TIMEOUT, Choice, Cluster
from .exploration import Counterexample, Exploration, explore
from .invariants import Broken, check, check_end
from .layout import Layout, unfenced
from .scenario import Faults, Scenario

__all__ = [
    "TIMEOUT",
    "Broken",
    "Choice",
    "Cluster",
    "Counterexample",
    "Exploration",
    "Faults",
    "Layout",
    "Scenario",
    "check",
    "check_end",
    "explore",
    "unfenced",
]
