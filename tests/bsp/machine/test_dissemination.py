"""The direct barrier: several machines joined by channels that are first in, first out, in any order of delivery."""

import itertools
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp import BSPError
from horn.bsp.encoding import decode, encode
from horn.bsp.machine import PRESENCE, Dissemination, Mismatch, Proceed, Signal, Violation

SYNC = (7, b"sync()")
REDUCE = (9, b"allreduce(sum) of float32 (3,)")


class Network:
    """Processes and the channels between them; `deliver` hands over the oldest signal of one channel."""

    def __init__(self, processes: int) -> None:
        self.machines = [Dissemination(processes, index) for index in range(processes)]
        self.channels: dict[tuple[int, int], deque[Signal]] = {}
        self.verdicts: list[list[Proceed | Mismatch]] = [[] for _ in range(processes)]

    def arrive(self, index: int, call: tuple[int, bytes] = SYNC, flags: int = 0) -> None:
        self._carry_out(index, self.machines[index].arrive(*call, flags))

    def overdue(self, index: int) -> None:
        self._carry_out(index, self.machines[index].overdue())

    def waiting(self) -> list[tuple[int, int]]:
        return sorted(pair for pair, channel in self.channels.items() if channel)

    def deliver(self, pair: tuple[int, int]) -> None:
        source, to = pair
        signal = self.channels[pair].popleft()
        told = decode(encode(signal.told))
        self._carry_out(to, self.machines[to].signal(source, signal.generation, signal.round, told))

    def deliver_all(self) -> None:
        while waiting := self.waiting():
            self.deliver(waiting[0])

    def _carry_out(self, index: int, actions: Sequence[Signal | Proceed | Mismatch | Violation]) -> None:
        for action in actions:
            if isinstance(action, Signal):
                self.channels.setdefault((index, action.to), deque()).append(action)
            else:
                assert not isinstance(action, Violation), action
                self.verdicts[index].append(action)


@given(st.data(), st.integers(1, 9))
def test_all_proceed_with_the_union_of_the_flags_in_any_order_of_delivery(data: st.DataObject, processes: int) -> None:
    network, generations = Network(processes), 3
    arrived = [0] * processes
    while min(map(len, network.verdicts)) < generations:
        ready = [p for p in range(processes) if arrived[p] == len(network.verdicts[p]) < generations]
        choices: list[object] = [*ready, *network.waiting()]
        choice = data.draw(st.sampled_from(choices))
        if isinstance(choice, int):
            network.arrive(choice, flags=1 << (choice + arrived[choice]))
            arrived[choice] += 1
        else:
            assert isinstance(choice, tuple)
            network.deliver(choice)
        passed = list(map(len, network.verdicts))
        assert max(arrived) - min(arrived) <= 1
        # Nobody passes before all have come.
        assert max(passed) <= min(arrived)
    for generation in range(generations):
        expected = Proceed(generation, sum(1 << (p + generation) for p in range(processes)))
        assert [verdicts[generation] for verdicts in network.verdicts] == [expected] * processes
    assert not network.waiting()


@given(st.data(), st.integers(2, 9))
def test_different_calls_are_seen_by_all(data: st.DataObject, processes: int) -> None:
    calls = data.draw(st.lists(st.sampled_from([SYNC, REDUCE]), min_size=processes, max_size=processes))
    network = Network(processes)
    for index in data.draw(st.permutations(range(processes))):
        network.arrive(index, calls[index])
    while waiting := network.waiting():
        network.deliver(data.draw(st.sampled_from(waiting)))
    made = [(call[1], tuple(p for p in range(processes) if calls[p] == call)) for call in (SYNC, REDUCE)]
    made = [(text, those) for text, those in made if those]
    expected = Proceed(0, 0) if len(made) == 1 else Mismatch(0, tuple(made))
    assert network.verdicts == [[expected]] * processes


def test_signals_and_rounds_are_what_the_algorithm_says() -> None:
    for processes, rounds in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (64, 6), (100, 7)]:
        network = Network(processes)
        sent = 0
        for index in range(processes):
            network.arrive(index)
        while waiting := network.waiting():
            sent += 1
            network.deliver(waiting[0])
        assert sent == processes * rounds
        assert network.machines[0].rounds == rounds
        assert network.verdicts == [[Proceed(0, 0)]] * processes


def test_a_signal_is_small() -> None:
    (signal,) = Dissemination(16, 3).arrive(*SYNC, 1)
    assert isinstance(signal, Signal)
    assert len(encode(signal.told)) <= 70


@pytest.mark.parametrize("processes", [2, 3, 5, 8])
def test_after_overdue_everybody_knows_who_is_missing(processes: int) -> None:
    for absent in range(processes):
        for late in range(processes):
            network = Network(processes)
            missing = sorted({absent, late})
            present = [index for index in range(processes) if index not in missing]
            for index in present:
                network.arrive(index)
            network.deliver_all()
            for index in present:
                assert set(missing) <= set(network.machines[index].missing())
                network.overdue(index)
            network.deliver_all()
            assert [list(network.machines[index].missing()) for index in present] == [missing] * len(present)
            assert all(machine.missing() == () for machine in (network.machines[index] for index in missing))
            for index in missing:
                network.arrive(index)
            network.deliver_all()
            assert network.verdicts == [[Proceed(0, 0)]] * processes
            assert not any(machine.missing() for machine in network.machines)


def test_who_has_come_to_the_next_barrier_has_come_to_this_one_with_all_others() -> None:
    network = Network(2)
    network.arrive(0)
    network.arrive(1)
    network.deliver((0, 1))
    network.arrive(1)
    early = network.channels[1, 0].pop()
    network.machines[0].signal(1, early.generation, early.round, early.told)
    assert network.machines[0].missing() == ()


def test_presences_may_be_old_or_one_ahead() -> None:
    network = Network(3)
    for index in range(3):
        network.arrive(index)
    network.overdue(0)
    late = network.channels[0, 2].pop()
    network.deliver_all()
    network.arrive(2)
    assert network.machines[2].signal(0, late.generation, PRESENCE, late.told) == []
    assert 0 in network.machines[2].missing()
    assert network.machines[2].signal(0, 1, PRESENCE, late.told) == []
    assert network.machines[2].missing() == (1,)


def of(source: int, call: tuple[int, bytes] = SYNC) -> object:
    return 0, ((*call, 1 << source),)


@pytest.mark.parametrize(
    ("source", "generation", "round", "told", "reason"),
    [
        (3, 0, 0, of(3), "is old: here it is generation 1"),
        (3, 3, 0, of(3), "is from the future: here it is generation 1"),
        (1, 1, 0, of(1), "is not for this process"),
        (2, 1, 7, of(2), "is not for this process"),
        (3, 1, -2, of(3), "is not for this process"),
        (3, 1, 0, of(2), "tells of processes (2,), not of (3,)"),
        (2, 1, 1, of(2), "tells of processes (2,), not of (1, 2)"),
        (3, 1, 0, (0, ()), "cannot be understood"),
        (3, 1, 0, (0, (("code", b"", 8),)), "cannot be understood"),
        (3, 1, 0, None, "cannot be understood"),
        (1, 3, PRESENCE, of(1), "said to be at generation 3, here it is 1"),
        (9, 1, PRESENCE, of(1), "said to be at generation 1"),
    ],
)
def test_what_cannot_be_is_an_error_that_names_the_source(
    source: int, generation: int, round: int, told: object, reason: str
) -> None:
    network = Network(4)
    for index in range(4):
        network.arrive(index)
    network.deliver_all()
    machine = network.machines[0]
    machine.arrive(*SYNC, 0)
    (violation,) = machine.signal(source, generation, round, told)
    assert isinstance(violation, Violation)
    assert violation.source == source
    assert reason in violation.reason
    assert machine.signal(3, 1, 0, of(3)) == machine.arrive(*SYNC, 0) == machine.overdue() == []


def test_a_signal_that_comes_twice_is_refused_used_up_or_not() -> None:
    for deliver_first, round in itertools.product([True, False], [0, 1]):
        machine = Dissemination(4, 0)
        if deliver_first:
            machine.arrive(*SYNC, 0)
        told = of(3) if round == 0 else (0, ((*SYNC, 0b0110),))
        source = 3 - round
        machine.signal(source, 0, round, told)
        (violation,) = machine.signal(source, 0, round, told)
        assert isinstance(violation, Violation)
        assert violation == Violation(source, f"signal of generation 0, round {round}, came twice")


def test_one_barrier_at_a_time() -> None:
    machine = Dissemination(2, 0)
    machine.arrive(*SYNC, 0)
    with pytest.raises(BSPError, match="process 0 came to barrier 1 before it left the one before"):
        machine.arrive(*SYNC, 0)


def test_nothing_comes_after_the_end() -> None:
    machine = Dissemination(2, 0)
    machine.arrive(*SYNC, 0)
    machine.end()
    assert machine.signal(1, 0, 0, of(1)) == machine.arrive(*SYNC, 0) == machine.overdue() == []
