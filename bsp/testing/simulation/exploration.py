"""All orders of events, breadth first: every state that can be reached is looked at once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from .cluster import Choice, Cluster
from .invariants import Broken, check, check_end, outcome
from .reduction import is_decided, urgent
from .scenario import Scenario

DECIDED = "decided"
BLOWS = ("crash", "break", "restart")
"""What need never happen."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was looked at.

    Attributes:
        states: how many states.
        steps: how many steps from one to another.
        ends: in how many of them nothing happens by itself any more.
        depth: how many steps the longest of the shortest ways to a state has.
        outcomes: what may become of the processes, see `Cluster.outcome`.
    """

    states: int
    steps: int
    ends: int
    depth: int
    outcomes: frozenset[Hashable]


class Counterexample(AssertionError):
    """A shortest order of events after which something does not hold.

    Attributes:
        choices: the events.
    """

    def __init__(self, error: Broken, choices: list[Choice]) -> None:
        told = "\n".join(f"  {' '.join(map(str, choice))}" for choice in choices)
        super().__init__(f"{error}, after\n{told}")
        self.choices = choices


def explore(scenario: Scenario, limit: int = 1_000_000, *, every: bool = False) -> Exploration:
    """Walk through all orders of events.

    States are told apart by 64-bit hashes: two of a million coincide with a probability of 3e-8.

    Args:
        scenario: what is simulated.
        limit: of the number of states.
        every: also the orders that lead to nothing else, see `reduction`.

    Raises:
        Counterexample: something does not hold, or there is no way to an end.
        ValueError: there are more states than the limit.
    """
    start = Cluster(scenario)
    came: dict[int, tuple[int, Choice] | None] = {hash(start.key()): None}
    frontier = {hash(start.key()): start}
    steps = depth = 0
    outcomes: set[Hashable] = set()
    quiet: list[int] = []
    before: dict[int, list[int]] = {}  # whence a state comes by itself
    while frontier:
        following: dict[int, Cluster] = {}
        for key, cluster in frontier.items():
            try:
                if end := _check(cluster, every):
                    quiet.append(key)
                    outcomes.add(outcome(cluster))
                for choice in [] if end == DECIDED else (not every and urgent(cluster)) or cluster.choices():
                    steps += 1
                    after = cluster.after(choice)
                    then = hash(after.key())
                    if choice[0] not in BLOWS:
                        before.setdefault(then, []).append(key)
                    if then not in came:
                        came[then] = key, choice
                        following[then] = after
            except Broken as error:
                raise Counterexample(error, _way(came, key)) from error
        if len(came) > limit:
            raise ValueError(f"there are more than {limit} states")
        frontier = following
        depth += bool(frontier)
    restless = came.keys() - _whence(quiet, before)
    if restless:
        key = next(key for key in came if key in restless)
        raise Counterexample(Broken("it goes round in circles"), _way(came, key))
    return Exploration(len(came), steps, len(quiet), depth, frozenset(outcomes))


def _check(cluster: Cluster, every: bool) -> str:
    """Look at a state; return whether nothing happens by itself any more, or nothing that is not known."""
    check(cluster)
    progress = cluster.progress()
    for attempt in range(1, cluster.attempt + 1):
        members = cluster.of(attempt)
        if not any(choice[-1] in members for choice in progress):
            check_end(cluster, attempt)
    return DECIDED if not every and is_decided(cluster) else "" if progress else "quiet"


def _whence(ends: list[int], before: dict[int, list[int]]) -> set[int]:
    """Return the states from which one comes to an end by itself."""
    found, left = set(ends), list(ends)
    while left:
        new = [key for key in before.get(left.pop(), ()) if key not in found]
        found.update(new)
        left += new
    return found


def _way(came: dict[int, tuple[int, Choice] | None], key: int) -> list[Choice]:
    choices: list[Choice] = []
    while (step := came[key]) is not None:
        key, choice = step
        choices.append(choice)
    return choices[::-1]
