"""Three processes, one crash, a change of attempt: all orders of events are walked through, and nothing goes wrong.

And the same walk finds what is wrong with machines that are: so it can fail. Turned around the ring a job is the same,
so that it is enough for process 0 to crash.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp.machine import Clear, Declare, Dissemination, End, Look, Participant, Rendezvous, Resign, Sight
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


def other_calls(rank: int) -> tuple[int, bytes]:
    return (1, b"sync()") if rank != 1 else (2, b"allreduce(sum)")


@pytest.mark.parametrize(
    ("scenario", "states"),
    [
        pytest.param(Scenario(generations=3), 10_000, id="barrier by nodes"),
        pytest.param(Scenario(generations=2, faults=CRASH), 50_000, id="barrier by nodes, a crash"),
        pytest.param(
            Scenario(generations=1, leave=False, faults=Faults(crashes=1, victim=0, restarts=1)),
            50_000,
            id="barrier by nodes, a crash and a change of attempt",
        ),
        pytest.param(Scenario(2, 1, calls=other_calls), 500, id="barrier by nodes, different calls"),
        pytest.param(Scenario(generations=3, direct=True), 2_000, id="direct barrier"),
        pytest.param(Scenario(generations=2, direct=True, faults=CRASH), 20_000, id="direct barrier, a crash"),
        pytest.param(
            Scenario(processes=2, generations=2, direct=True, faults=Faults(crashes=1, restarts=1)),
            10_000,
            id="direct barrier, a crash and a change of attempt",
        ),
        pytest.param(Scenario(2, 1, direct=True, calls=other_calls), 500, id="direct barrier, different calls"),
    ],
)
def test_all_orders_of_events_end_well(scenario: Scenario, states: int) -> None:
    exploration = explore(scenario)
    print(
        f"{exploration.states} states, {exploration.steps} steps, {exploration.ends} ends, "
        f"{len(exploration.outcomes)} outcomes"
    )
    assert exploration.states > states
    if scenario.faults.crashes == 0 and not scenario.mixed:
        assert exploration.outcomes == {((scenario.generations, "done"),) * scenario.processes}


@pytest.mark.parametrize("direct", [False, True])
def test_orders_that_are_left_out_lead_to_nothing_else(direct: bool) -> None:
    scenario = Scenario(processes=2, generations=2, direct=direct, faults=Faults(crashes=1))
    fewer, every = explore(scenario), explore(scenario, every=True)
    assert fewer.outcomes == every.outcomes
    assert fewer.states < every.states


class ClearsTooEarly(Rendezvous):
    """Removes a barrier that it has opened: a double barrier's fast process, which leaves before a slow one looks."""

    def created(self, generation: int) -> list[Action]:
        return [*super().created(generation), Clear(generation)]


class CountsTooFew(Rendezvous):
    """Takes all but one for all."""

    def counted(self, generation: int, count: int) -> list[Action]:
        return super().counted(generation, self.participants if count == self.participants - 1 else count)


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


RESTART = Faults(crashes=1, victim=0, restarts=1)


@pytest.mark.parametrize(
    ("scenario", "finding"),
    [
        pytest.param(Scenario(rendezvous=ClearsTooEarly), "no reason to say the service has forgotten", id="clears"),
        pytest.param(Scenario(rendezvous=CountsTooFew), "no reason to say the service has forgotten", id="counts"),
        pytest.param(Scenario(3, 1, participant=OverlooksWhoLeft), "an innocent is blamed", id="left"),
        pytest.param(Scenario(3, 1, participant=OverlooksAborts, faults=CRASH), "goes round in circles", id="aborts"),
        pytest.param(Scenario(3, 1, participant=OverlooksAttempts, faults=RESTART), "no reason to say", id="attempts"),
        pytest.param(Scenario(3, 1, layout=unfenced, faults=RESTART), "an innocent is blamed", id="fence"),
        pytest.param(
            Scenario(direct=True, dissemination=SavesARound), "left a barrier before all had come", id="rounds"
        ),
        pytest.param(Scenario(3, 1, direct=True, settle=False, faults=CRASH), "waits for ever", id="settle"),
    ],
)
def test_the_walk_finds_what_is_wrong(scenario: Scenario, finding: str) -> None:
    with pytest.raises(Counterexample, match=finding) as caught:
        explore(scenario)
    # It tells how to get there.
    cluster = Cluster(scenario)
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
