"""Three processes, one crash, a change of attempt: all orders of events are walked through, and nothing goes wrong.

And the same walk finds what is wrong with machines that are: so it can fail. Turned around the ring a job is the same,
so that it is enough for process 0 to crash.
"""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp.machine import (
    Clear,
    Declare,
    Dissemination,
    End,
    Look,
    Mark,
    Open,
    Participant,
    Rendezvous,
    Resign,
    Sight,
)
from horn.bsp.machine.rendezvous import Action
from horn.bsp.testing.simulation import (
    TIMEOUT,
    Cluster,
    Counterexample,
    Faults,
    Scenario,
    check,
    check_end,
    explore,
    unfenced,
)

CRASH = Faults(crashes=1, victim=0)
RESTART = Faults(crashes=1, victim=0, restarts=1, sweep=False)
SWEPT = Faults(crashes=1, victim=0, restarts=1)


def other_calls(rank: int) -> tuple[int, bytes]:
    return (1, b"sync()") if rank != 1 else (2, b"allreduce(sum)")


def other_flags(rank: int) -> int:
    return rank % 2


def walk(scenario: Scenario, limit: int) -> int:
    """Explore, say how much there was, and return the number of states."""
    found = explore(scenario, limit)
    print(f"{found.states} states, {found.steps} steps, {found.ends} ends, {len(found.outcomes)} outcomes")
    if scenario.faults.crashes == 0 and not scenario.mixed:
        assert found.outcomes == {((scenario.generations, "done"),) * scenario.processes}
    return found.states


@pytest.mark.parametrize(
    ("scenario", "states"),
    [
        pytest.param(Scenario(3, 3), 10_000, id="nodes"),
        pytest.param(Scenario(3, 1, faults=CRASH), 25_000, id="nodes, a crash"),
        pytest.param(Scenario(3, 1, faults=RESTART, leave=False), 20_000, id="nodes, a new attempt"),
        pytest.param(Scenario(2, 1, faults=SWEPT), 8_000, id="nodes, a new attempt that removes the old one's"),
        pytest.param(Scenario(2, 1, calls=other_calls), 5_000, id="nodes, different calls"),
        pytest.param(Scenario(3, 1, flags=other_flags), 1_000, id="nodes, different flags"),
        pytest.param(Scenario(2, 2, flags=other_flags, faults=CRASH), 1_000, id="nodes, different flags, a crash"),
        pytest.param(Scenario(3, 3, direct=True), 2_000, id="direct"),
        pytest.param(Scenario(3, 2, direct=True, faults=CRASH), 20_000, id="direct, a crash"),
        pytest.param(Scenario(2, 2, direct=True, faults=SWEPT), 7_000, id="direct, a new attempt"),
        pytest.param(Scenario(2, 1, direct=True, calls=other_calls), 5_000, id="direct, different calls"),
    ],
)
def test_all_orders_of_events_end_well(scenario: Scenario, states: int) -> None:
    assert walk(scenario, 100_000) > states


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("scenario", "states"),
    [
        pytest.param(Scenario(3, 2, faults=CRASH, leave=False), 15_000, id="nodes, a crash at two barriers"),
        pytest.param(Scenario(3, 3, faults=CRASH), 80_000, id="nodes, a crash at three"),
        pytest.param(Scenario(3, 2, faults=SWEPT, leave=False), 500_000, id="nodes, a new attempt"),
        pytest.param(Scenario(3, 1, direct=True, faults=RESTART, leave=False), 50_000, id="direct, a new attempt"),
    ],
)
def test_all_orders_of_events_of_longer_jobs_end_well(scenario: Scenario, states: int) -> None:
    assert walk(scenario, 1_000_000) > states


@pytest.mark.parametrize("direct", [False, True])
def test_orders_that_are_left_out_lead_to_nothing_else(direct: bool) -> None:
    scenario = Scenario(processes=2, generations=2, direct=direct, faults=Faults(crashes=1))
    fewer, every = explore(scenario), explore(scenario, every=True)
    assert fewer.outcomes == every.outcomes
    assert fewer.states < every.states


class ClearsTooEarly(Rendezvous):
    """Removes a barrier that it has opened: a double barrier's fast process, which leaves before a slow one looks."""

    def created(self, generation: int) -> list[Action]:
        return [*super().created(generation), Clear(generation, self._seen, True)]


class CountsTooFew(Rendezvous):
    """Takes all but one for all."""

    def counted(self, generation: int, marks: Sequence[Mark]) -> list[Action]:
        absent = set(range(self.participants)).difference(mark.place for mark in marks)
        stranger = [marks[0]._replace(place=place) for place in absent] if len(absent) == 1 else []
        return super().counted(generation, [*marks, *stranger])


class BelievesInAgreement(Rendezvous):
    """Sets the gate though not all have told the same."""

    def counted(self, generation: int, marks: Sequence[Mark]) -> list[Action]:
        told = super().counted(generation, marks)
        return [Open(generation, None) if isinstance(action, Open) else action for action in told]


class OverlooksWhoLeft(Participant):
    """Takes everybody who is gone for lost."""

    def saw(self, sight: Sight) -> list[Look | Declare | Resign | End]:
        return super().saw(Sight(sight.neighbour, sight.present, False, sight.abort, sight.attempt))


class OverlooksAborts(Participant):
    """Believes only what it sees itself."""

    def saw(self, sight: Sight) -> list[Look | Declare | Resign | End]:
        return super().saw(Sight(sight.neighbour, sight.present, sight.left, None, sight.attempt))


class OverlooksAttempts(Participant):
    """Does not ask which attempt is the present one."""

    def saw(self, sight: Sight) -> list[Look | Declare | Resign | End]:
        return super().saw(Sight(sight.neighbour, sight.present, sight.left, sight.abort, self.attempt))


class SavesARound(Dissemination):
    """Goes on before it has heard of everybody."""

    @property
    def rounds(self) -> int:
        return (self.processes - 1).bit_length() - 1


FORGOTTEN = "no reason to say the service has forgotten"


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (Scenario(rendezvous=ClearsTooEarly), FORGOTTEN),
        (Scenario(rendezvous=CountsTooFew), "left a barrier before all had come"),
        (Scenario(rendezvous=BelievesInAgreement, flags=other_flags), "was told"),
        (Scenario(3, 1, participant=OverlooksWhoLeft), "an innocent is blamed"),
        (Scenario(3, 1, participant=OverlooksAborts, faults=CRASH, leave=False), "goes round in circles"),
        (Scenario(3, 1, participant=OverlooksAttempts, faults=SWEPT, leave=False), FORGOTTEN),
        (Scenario(3, 1, layout=unfenced, faults=RESTART, leave=False), "an innocent is blamed"),
        (Scenario(direct=True, dissemination=SavesARound), "left a barrier before all had come"),
        (Scenario(2, 1, direct=True, settle=False, faults=Faults(crashes=1)), "waits for ever"),
    ],
    ids=["clears", "counts", "agreement", "left", "aborts", "attempts", "fence", "rounds", "settle"],
)
def test_the_walk_finds_what_is_wrong(wrong: Scenario, finding: str) -> None:
    with pytest.raises(Counterexample, match=finding) as caught:
        explore(wrong)
    # It tells how to get there.
    cluster = Cluster(wrong)
    for choice in caught.value.choices:
        assert choice in cluster.choices()
        cluster = cluster.after(choice)


@given(
    scenario=st.builds(
        Scenario,
        processes=st.integers(2, 5),
        generations=st.integers(1, 4),
        direct=st.booleans(),
        faults=st.builds(Faults, crashes=st.integers(0, 2), restarts=st.integers(0, 2), breaks=st.integers(0, 3)),
        calls=st.just(Scenario().calls) | st.just(other_calls),
        flags=st.just(Scenario().flags) | st.just(other_flags),
    ),
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 400),
)
def test_random_orders_with_broken_connections_end_well_too(scenario: Scenario, seed: int, steps: int) -> None:
    """Larger jobs than can be walked through, several faults, and the clock goes on."""
    chosen = random.Random(seed)
    cluster = Cluster(scenario)
    for step in range(steps):
        choices = [*cluster.choices(), ("tick", TIMEOUT / 3)]
        # Faults are rare, or there would be nothing else.
        progress = cluster.progress()
        cluster = cluster.after(chosen.choice(progress if progress and step % 8 else choices))
        check(cluster)
    for _ in range(20):
        while progress := cluster.progress():
            cluster = cluster.after(chosen.choice(progress))
            check(cluster)
        cluster = cluster.after(("tick", TIMEOUT / 3))
    for attempt in range(1, cluster.attempt + 1):
        check_end(cluster, attempt)
