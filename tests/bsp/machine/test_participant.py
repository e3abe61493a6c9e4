"""A process's life in an attempt: single cases by name, then every invariant under generated orders of events."""

from hypothesis import given
from hypothesis import strategies as st

from horn.bsp import BSPError, CoordinatorLost, JobAborted, PeerLost
from horn.bsp.machine import Cause, Declare, End, Look, Participant, Resign, Sight
from horn.bsp.machine.participant import ABORTED, CUT_OFF, LOST, SUPERSEDED
from horn.bsp.placement import Placement

PLACEMENT = Placement(peers=6, processes=3)
TIMEOUT = 3.0
ABORT = Cause(ABORTED, "peer 4 raised ValueError: x", (4,))


def participant(rank: int = 0, attempt: int = 1) -> Participant:
    """Return one that has connected, joined and met all others."""
    made = Participant(PLACEMENT, rank, attempt, "ZooKeeper at test:1", TIMEOUT, now=0.0)
    assert made.connected(0.0) == []
    assert made.joined(0.0) == [Look((rank + 1) % 3)]
    made.assembled()
    return made


def sight(
    neighbour: int | None = 1,
    *,
    present: bool = True,
    left: bool = False,
    abort: Cause | None = None,
    attempt: int | None = 1,
) -> Sight:
    return Sight(neighbour, present, left, abort, attempt)


def ended(actions: list[Look | Declare | Resign | End]) -> Cause:
    (end,) = actions
    assert isinstance(end, End)
    return end.cause


def test_a_neighbour_that_vanishes_is_declared_lost_and_what_stands_then_is_believed() -> None:
    machine = participant()
    (declare,) = machine.saw(sight(present=False))
    assert isinstance(declare, Declare)
    assert declare.cause.ranks == (2, 3)
    assert declare.cause.kind == LOST
    assert machine.declared() == [Look(1)]
    # Another one was faster with another cause.
    error = ended(machine.saw(sight(present=False, abort=ABORT))).error()
    assert isinstance(error, JobAborted)
    assert error.ranks == (4,)


def test_a_loss_names_the_peers_of_the_process() -> None:
    machine = participant(rank=1)
    (declare,) = machine.saw(sight(2, present=False))
    assert isinstance(declare, Declare)
    error = ended(machine.saw(sight(2, present=False, abort=declare.cause))).error()
    assert isinstance(error, PeerLost)
    assert error.ranks == (4, 5)
    assert "peers 4-5 (process 2) vanished from ZooKeeper at test:1" in str(error)


def test_who_leaves_in_good_order_is_no_loss_and_its_own_neighbour_is_watched_then() -> None:
    machine = participant()
    assert machine.saw(sight(present=False, left=True)) == [Look(2)]
    assert machine.saw(sight(1, present=False)) == []  # an answer to the look before
    (declare,) = machine.saw(sight(2, present=False))
    assert isinstance(declare, Declare)
    assert declare.cause.ranks == (4, 5)


def test_the_last_one_watches_nobody_and_still_learns_of_an_abort() -> None:
    machine = participant()
    machine.saw(sight(1, present=False, left=True))
    assert machine.saw(sight(2, present=False, left=True)) == [Look(None)]
    assert machine.neighbour is None
    assert machine.saw(sight(None, present=False)) == []
    assert ended(machine.saw(sight(None, present=False, abort=ABORT))) == ABORT


def test_who_has_not_joined_yet_is_not_lost() -> None:
    machine = Participant(PLACEMENT, 0, 1, "test", TIMEOUT, now=0.0)
    machine.connected(0.0)
    assert machine.joined(0.0) == [Look(1)]
    assert machine.saw(sight(present=False)) == []
    assert machine.saw(sight(present=True)) == []
    assert isinstance(machine.saw(sight(present=False))[0], Declare)


def test_an_interruption_of_four_thirds_of_the_session_ends_it_and_a_shorter_one_does_not() -> None:
    machine = participant()
    machine.suspended(10.0)
    machine.suspended(13.0)  # told again: it counts from the first
    assert machine.tick(14.0) == []
    assert machine.connected(14.0) == [Look(1)]
    machine.suspended(20.0)
    assert machine.tick(24.0) == []
    error = ended(machine.tick(24.1)).error()
    assert isinstance(error, CoordinatorLost)
    assert "no server has answered for 4.1 s (session timeout 3.0 s)" in str(error)


def test_a_service_that_never_answers_is_lost_too() -> None:
    machine = Participant(PLACEMENT, 0, 1, "test", TIMEOUT, now=100.0)
    assert machine.tick(104.0) == []
    assert ended(machine.tick(104.1)).kind == CUT_OFF


def test_it_looks_from_time_to_time_in_case_that_a_watch_was_lost() -> None:
    machine = participant()
    assert machine.tick(1.5) == []
    assert machine.tick(1.6) == [Look(1)]
    assert machine.tick(1.7) == []
    assert machine.tick(3.2) == [Look(1)]


def test_a_later_attempt_explains_all_else() -> None:
    machine = participant(attempt=2)
    machine.vanished("/sync/2/world/7")
    cause = ended(machine.saw(sight(present=False, abort=ABORT, attempt=3)))
    assert cause.kind == SUPERSEDED
    assert "attempt 2 of the job was superseded by attempt 3" in str(cause.error())


def test_nodes_that_are_gone_mean_that_the_service_has_forgotten() -> None:
    assert ended(participant().saw(sight(present=False, attempt=None))).kind == CUT_OFF
    machine = participant()
    assert machine.vanished("/sync/1/world/7") == [Look(1)]
    error = ended(machine.saw(sight())).error()
    assert isinstance(error, CoordinatorLost)
    assert "there is no /sync/1/world/7" in str(error)


def test_a_declaration_and_a_resignation_are_made_again_after_a_broken_connection() -> None:
    machine = participant()
    (declare,) = machine.abort("peer 0 raised ValueError", (0,))
    assert machine.connected(1.0) == [declare, Look(1)]
    machine.declared()
    assert machine.connected(1.0) == [Look(1)]
    assert machine.leave() == [Resign()]
    assert machine.connected(2.0) == [Resign()]
    machine.left()
    assert machine.connected(3.0) == []


def test_a_resignation_that_nobody_answers_ends_in_time() -> None:
    machine = participant()
    machine.leave()
    machine.suspended(10.0)
    assert machine.tick(14.0) == []
    assert ended(machine.tick(14.1)).kind == CUT_OFF


def test_a_job_of_one_process_watches_nobody() -> None:
    machine = Participant(Placement(4, 1), 0, 1, "test", TIMEOUT, now=0.0)
    assert machine.joined(0.0) == [Look(None)]


SIGHTS = st.builds(
    Sight,
    neighbour=st.sampled_from([None, 0, 1, 2]),
    present=st.booleans(),
    left=st.booleans(),
    abort=st.sampled_from([None, None, None, ABORT, Cause(LOST, "peers 4-5 vanished", (4, 5))]),
    attempt=st.sampled_from([1, 1, 1, 1, 2, None]),
)
EVENTS = st.one_of(
    st.tuples(st.just("saw"), SIGHTS),
    st.tuples(st.sampled_from(["stirred", "declared", "expired", "leave", "left", "assembled"])),
    st.tuples(st.just("vanished"), st.just("/node")),
    st.tuples(st.just("abort"), st.just("reason"), st.just((0,))),
    st.tuples(st.sampled_from(["suspended", "connected", "tick"]), st.floats(0, TIMEOUT)),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_comes_in_whatever_order_the_first_cause_stands_and_is_the_last_action(
    events: list[tuple[object, ...]],
) -> None:
    machine = participant()
    now, first, down = 0.0, None, None
    leaving = left = False
    for name, *arguments in events:
        if name in ("suspended", "connected", "tick"):
            (seconds,) = arguments
            assert isinstance(seconds, float)
            now += seconds
            arguments = [now]
        if name == "left" and not leaving:
            continue  # it is the answer to a request that was not made
        actions = getattr(machine, str(name))(*arguments) or []
        if name == "suspended" and down is None:
            down = now
        if name == "connected":
            down = None
        if first is not None or left:
            assert actions == [], "nothing is done after the end"
        for action in actions:
            if isinstance(action, End):
                assert action is actions[-1]
                assert isinstance(action.cause.error(), BSPError)
                assert machine.ended == action.cause
                first = action.cause
                assert name in ("saw", "tick", "expired")
                assert not leaving or action.cause.kind == CUT_OFF
            if isinstance(action, Declare):
                assert not leaving
                assert machine.ended is None
                if name == "saw":
                    (seen,) = arguments
                    assert isinstance(seen, Sight)
                    assert not seen.present
                    assert not seen.left
            if isinstance(action, Resign):
                assert name in ("leave", "connected")
            if isinstance(action, Look):
                assert not leaving
                assert action.neighbour == machine.neighbour != 0
        assert machine.ended == first
        if name == "tick" and down is not None and first is None and not left:
            assert now - down <= TIMEOUT * 4 / 3
        leaving = leaving or (name == "leave" and first is None)
        left = left or name == "left"
