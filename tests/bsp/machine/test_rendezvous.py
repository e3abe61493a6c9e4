"""The barrier by nodes, one participant's side; the interplay of several is walked through in test_model.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp import BSPError
from horn.bsp.machine import Announce, Clear, Gather, Mark, Mismatch, Open, Proceed, Read, Rendezvous, Told

SYNC = (7, b"sync()")


def told(process: int, flags: int = 0, call: tuple[int, bytes] = SYNC) -> Told:
    return flags, ((*call, 1 << process),)


def marks(*flags: int) -> list[Mark]:
    return [Mark(index, SYNC[0], brought) for index, brought in enumerate(flags)]


ALL: Told = (6, ((*SYNC, 7),))


def test_who_sees_all_sets_the_gate_where_they_agree() -> None:
    machine = Rendezvous(3, 1)
    assert machine.arrive(*SYNC, 2) == [Announce(0, Mark(1, 7, 2), b"sync()")]
    assert machine.counted(0, marks(2, 2)) == []
    assert machine.counted(0, [*marks(2, 2), Mark(0, 9, 2)]) == [], "not everybody's"
    assert machine.counted(0, marks(2, 2, 2)[::-1]) == [Open(0, None)]
    assert machine.created(0) == [Proceed(0, 2)]


def test_who_sees_all_tells_them_the_union_where_they_do_not() -> None:
    machine = Rendezvous(3, 1)
    machine.arrive(*SYNC, 2)
    assert machine.counted(0, marks(4, 2, 0)) == [Open(0, ALL)]
    assert machine.created(0) == [Proceed(0, 6)]


def test_who_has_seen_all_clears_the_generation_when_everybody_has_left_it() -> None:
    machine = Rendezvous(3, 1)
    for brought in ([2, 2, 2], [4, 2, 0]):
        machine.arrive(*SYNC, 2)
        machine.counted(machine.generation, marks(*brought))
        machine.created(machine.generation)
    machine.arrive(*SYNC, 2)
    assert machine.opened(2) == [Proceed(2, 2), Clear(1, tuple(marks(4, 2, 0)), False)]
    machine.arrive(*SYNC, 2)
    assert machine.opened(3) == [Proceed(3, 2)], "another has seen all of generation 2"


def test_who_saw_all_and_heard_of_it_otherwise_clears_the_generation_too() -> None:
    machine = Rendezvous(3, 1)
    machine.arrive(*SYNC, 2)
    machine.counted(0, marks(2, 2, 2))
    machine.reconnected()
    assert machine.opened(0) == [Proceed(0, 2)]
    machine.arrive(*SYNC, 2)
    assert machine.opened(1) == [Proceed(1, 2), Clear(0, tuple(marks(2, 2, 2)), True)]


def test_the_others_know_or_read_the_verdict() -> None:
    machine = Rendezvous(3, 2)
    machine.arrive(*SYNC, 4)
    assert machine.opened(0) == [Proceed(0, 4)]
    machine.arrive(*SYNC, 0)
    assert machine.parted(1) == [Read(1)]
    assert machine.verdict(1, ALL) == [Proceed(1, 6)]


def test_late_answers_change_nothing() -> None:
    machine = Rendezvous(2, 0)
    for _ in range(2):
        machine.arrive(*SYNC, 0)
        machine.verdict(machine.generation, told(0))
        assert machine.counted(0, marks(0, 0)) == machine.opened(0) == machine.parted(0) == []
        assert machine.verdict(0, ALL) == machine.created(0) == machine.gathered(0, []) == []


def test_after_a_broken_connection_it_announces_itself_again() -> None:
    machine = Rendezvous(2, 0)
    assert machine.reconnected() == []
    announce = machine.arrive(*SYNC, 5)
    assert machine.reconnected() == announce
    machine.verdict(0, ALL)
    assert machine.reconnected() == []


def test_different_calls_are_everyones_mismatch() -> None:
    both: Told = (0, ((7, b"sync()", 5), (9, b"allreduce(sum)", 2)))
    expected = [Mismatch(0, ((b"sync()", (0, 2)), (b"allreduce(sum)", (1,))))]
    opener, reader = Rendezvous(3, 0), Rendezvous(3, 1)
    opener.arrive(*SYNC, 0)
    seen = [Mark(0, 7, 0), Mark(1, 9, 0), Mark(2, 7, 0)]
    assert opener.counted(0, seen) == [Gather(0, tuple(seen))]
    opened = opener.gathered(0, [told(0), told(1, call=(9, b"allreduce(sum)")), told(2)])
    assert opened == [Open(0, both)]
    assert opener.created(0) == expected
    reader.arrive(9, b"allreduce(sum)", 0)
    assert reader.verdict(0, both) == expected


def test_one_barrier_at_a_time() -> None:
    machine = Rendezvous(2, 0)
    machine.arrive(*SYNC, 0)
    with pytest.raises(BSPError, match="process 0 came to barrier 1 before it left the one before"):
        machine.arrive(*SYNC, 0)


EVENTS = st.one_of(
    st.tuples(st.just("arrive")),
    st.tuples(st.just("counted"), st.integers(0, 4), st.sampled_from([marks(0, 0), marks(0, 0, 0), marks(0, 4, 2)])),
    st.tuples(st.just("gathered"), st.integers(0, 4), st.just([told(0), told(1), told(2)])),
    st.tuples(st.sampled_from(["created", "opened", "parted"]), st.integers(0, 4)),
    st.tuples(st.just("verdict"), st.integers(0, 4), st.just(ALL)),
    st.tuples(st.sampled_from(["reconnected", "end"])),
)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_comes_in_whatever_order_each_generation_has_one_verdict(events: list[tuple[object, ...]]) -> None:
    machine = Rendezvous(3, 0)
    arrived = passed = 0
    ended = False
    for name, *arguments in events:
        if name == "arrive":
            if arrived > passed and not ended:
                continue
            arrived += not ended
            actions = machine.arrive(*SYNC, 0)
        else:
            actions = getattr(machine, str(name))(*arguments) or []
        if ended:
            assert actions == []
        ended = ended or name == "end"
        for action in actions:
            if isinstance(action, Clear):
                assert action.generation == arrived - 2, "only what all have left is cleared"
            else:
                assert action.generation == arrived - 1
            passed += isinstance(action, Proceed)
        assert passed <= arrived <= passed + 1
