"""Parameter servers and their letters: what is pushed is served in order, clocks hold, and nobody waits for ever."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.bsp import BarrierTimeout, BSPError
from horn.models import Servers, Store
from horn.models.servers import Pushes, Server
from horn.models.servers import client as client_module
from horn.models.servers.mail import Mail
from horn.neurons import NetworkSpec, Rates, SquaredError


class Office:
    """Posts between peers, without processes: each is delivered when a test says so."""

    def __init__(self):
        self.boxes = {}
        self.stop_requested = False

    def peer(self, index):
        return Desk(self, index)


class Desk:
    def __init__(self, office, index):
        self.office, self.index = office, index
        self.box = office.boxes.setdefault(index, deque())

    @property
    def stop_requested(self):
        return self.office.stop_requested

    def post(self, to, value, timeout=None):
        self.office.boxes.setdefault(to, deque()).append(SimpleNamespace(sender=self.index, value=value))

    def inbox(self):
        found = list(self.box)
        self.box.clear()
        return found

    def wait(self, timeout=None):
        return bool(self.box)


class Adding:
    """Makes the step of an update by adding it, and remembers the rates."""

    def __init__(self, parameters):
        self.parameters, self.rates = parameters, []

    def apply(self, update, rates, start, stop, share):
        self.parameters[start:stop] += update
        self.rates.append((rates, share))


def served(workers, synchronous=False, work=(0, 0), size=4, rows=None):
    """A server, peer `workers`, of as many workers; its office, its parameters, and what was served."""
    office, log = Office(), []
    parameters = np.zeros(size, np.float32)
    store = Store(parameters, Adding(parameters), 0, size, workers)

    def serve(store, source, update):
        log.append((source, float(update[0])))
        store.apply(update, store.share)

    # nobody borrows a part of the network
    pushes = Pushes(NetworkSpec((), SquaredError()), 0, size, np.zeros((0, size)) if rows is None else rows)
    server = Server(office.peer(workers), serve, store, pushes, range(workers), work, synchronous)
    return server, office, parameters, log


def client(office, index, workers, size=4, row=None):
    parameters = np.zeros(size, np.float32)
    servers = Servers(Mail(office.peer(index), 1.0), [workers], workers, parameters, False, row)
    servers.begin(Rates(0, 0.1, 0.9), 1.0)
    return servers


def deliver(server):
    for post in server._peer.inbox():
        server._handle(post.sender, *post.value)


def test_pushes_of_an_asynchronous_strategy_are_served_as_they_come():
    server, office, parameters, log = served(2)
    workers = [client(office, index, 2) for index in range(2)]
    for index, value in ((1, 1.0), (1, 2.0), (0, 4.0)):
        workers[index].push(np.full(4, value, np.float32))
    deliver(server)
    assert log == [(1, 1.0), (1, 2.0), (0, 4.0)]
    assert parameters.tolist() == [7.0] * 4


def test_pushes_of_a_synchronous_strategy_are_served_clock_by_clock_in_the_order_of_workers():
    server, office, _, log = served(3, synchronous=True)
    workers = [client(office, index, 3) for index in range(3)]
    for index, value in ((2, 20), (2, 21), (0, 0), (1, 10), (1, 11), (0, 1)):
        workers[index].push(np.full(4, value, np.float32))
    deliver(server)
    assert log == [(0, 0), (1, 10), (2, 20), (0, 1), (1, 11), (2, 21)]


def test_a_worker_that_is_done_holds_nobody_up():
    """One has pushed once and left; another has pushed twice and waits for its second push to be served."""
    server, office, _, log = served(2, synchronous=True)
    left, stays = (client(office, index, 2) for index in range(2))
    left.push(np.full(4, 1, np.float32))
    left.leave()
    stays.push(np.full(4, 2, np.float32))
    stays.push(np.full(4, 3, np.float32))
    stays._mail.send(2, "pull", 2)
    deliver(server)
    assert log == [(0, 1.0), (1, 2.0), (1, 3.0)]
    (answer,) = office.boxes[1]
    assert answer.value == ["parameters", 2, 3]


@pytest.mark.parametrize("clock", [None, 1])
def test_an_update_is_read_where_it_was_computed(clock):
    """Until the worker's next pull is answered: from then on it computes the next one there."""
    rows = np.zeros((2, 4), np.float32)
    server, office, _, log = served(2, synchronous=True, rows=rows)
    workers = [client(office, index, 2, row=rows[index]) for index in range(2)]
    first = workers[0].room_for(np.zeros(4, np.float32))
    first[:] = 1.0
    workers[0].push(first)
    assert server._peer.box[-1].value[-1] is None
    workers[0]._mail.send(2, "pull", clock)
    deliver(server)
    if clock is None:
        assert office.boxes.pop(0)
        rows[0] = 7.0
    rows[1] = 2.0
    workers[1].push(rows[1])
    deliver(server)
    assert log == [(0, 1.0), (1, 2.0)]
    with pytest.raises(ValueError, match="read-only"):
        first += 1.0


def test_what_lies_elsewhere_travels():
    rows = np.zeros((1, 4), np.float32)
    server, office, _, _ = served(1, rows=rows)
    worker = client(office, 0, 1, row=rows[0])
    own = np.zeros(4, np.float32)
    assert np.shares_memory(worker.room_for(own), rows)
    for update in (rows[0] + 1.0, rows[0].astype(np.float64), rows[0][::-1]):
        worker.push(update)
        assert np.array_equal(server._peer.box.pop().value[-1], update)
    pushed = worker.room_for(own)
    worker.push(pushed)
    assert worker.room_for(own) is own  # as long as the servers may read the row
    worker.push(pushed)
    assert np.array_equal(server._peer.box[-1].value[-1], pushed)
    deliver(server)
    worker._mail._peer.wait = lambda timeout=None: deliver(server) or True
    worker.pull(own)
    assert np.shares_memory(worker.room_for(own), rows)


def test_decay_is_that_of_the_share_of_a_batch():
    server, office, _, _ = served(1)
    worker = client(office, 0, 1)
    worker.begin(Rates(1, 0.1, 0.9), 0.25)
    worker.push(np.zeros(4, np.float32))  # 1 + 0.25 batches since the last push
    worker.begin(Rates(2, 0.1, 0.9), 0.25)
    worker.push(np.zeros(4, np.float32))
    worker.push(np.zeros(4, np.float32), share=0.5)
    deliver(server)
    rates = server._store._updater.rates
    assert [share for _, share in rates] == [1.25, 0.25, 0.5]
    assert [rate.step for rate, _ in rates] == [1, 2, 2]


def test_work_is_handed_out_once_and_a_stop_is_told_apart_from_the_end():
    server, office, _, _ = served(2, work=(2, 2))
    worker = client(office, 0, 2)
    answers = []
    for number in range(6):
        office.stop_requested = number == 5
        server._next = 2 if number == 5 else server._next
        worker._mail.send(2, "take")
        deliver(server)
        answers.append(worker._mail.receive("part", [2]).fields)
    assert answers == [[0, 0], [0, 1], [1, 0], [1, 1], [-1, 0], [-1, 1]]


@pytest.mark.parametrize("seconds", [0.01, 1.0])
def test_the_next_part_is_asked_for_ahead_where_steps_are_short(seconds, monkeypatch):
    server, office, _, _ = served(1, work=(3, 1))
    clock = iter(np.arange(10) * seconds)
    monkeypatch.setattr(client_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(Desk, "wait", lambda desk, timeout=None: deliver(server) or bool(desk.box))
    worker = client(office, 0, 1)
    taken = []
    while not taken or taken[-1][0] >= 0:
        taken.append(worker.take())
        deliver(server)
        waiting = [post.value for post in office.boxes[0]]
        # The first step's length nobody knows; and behind the end there is nothing to ask for.
        ahead = seconds < 0.1 and len(taken) > 1 and taken[-1][0] >= 0
        assert waiting == ([["part", -1, 0] if taken[-1] == (2, 0) else ["part", taken[-1][0] + 1, 0]] if ahead else [])
    assert taken == [(0, 0), (1, 0), (2, 0), (-1, 0)]


def test_workers_that_all_wait_are_an_error_that_names_them():
    server, office, _, _ = served(2)
    for index in range(2):
        worker = client(office, index, 2)
        worker.push(np.zeros(4, np.float32))
        worker._mail.send(2, "pull", 2 + index)
    with pytest.raises(
        BSPError, match="peer 0 for 2, peer 1 for 3 of every worker, and the slowest has pushed 1"
    ) as info:
        deliver(server)
    assert info.value.ranks == (0, 1)


def test_an_answer_that_does_not_come_in_time_names_the_server():
    _, office, _, _ = served(2)
    parameters, out = np.zeros((2, 4), np.float32)
    servers = Servers(Mail(office.peer(0), 0), [2], 2, parameters, synchronous=False)
    with pytest.raises(BarrierTimeout, match="peer 2 did not answer with parameters within 0 s") as info:
        servers.pull(out)
    assert info.value.ranks == (2,)


def test_a_stranger_is_refused():
    server, office, _, _ = served(1)
    office.peer(0).post(1, ["hello"])
    with pytest.raises(BSPError, match="peer 0 posted 'hello' to a parameter server"):
        deliver(server)


def test_a_shard_takes_updates_of_its_shape():
    server, _, _, _ = served(1)
    with pytest.raises(ValueError, match=r"shape \(4,\): got shape \(3,\)"):
        server._store.apply(np.zeros(3, np.float32))


@given(bound=st.integers(0, 4), workers=st.integers(1, 4), order=st.lists(st.integers(0, 99), max_size=200))
def test_no_worker_is_ever_more_than_the_bound_ahead(bound, workers, order):
    """Workers move in any order; each computes its next step only once its pull is answered. All come to the end."""
    steps = 6
    server, office, parameters, log = served(workers)
    crew = [client(office, index, workers) for index in range(workers)]
    running = [False] * workers

    def move(index):
        worker = crew[index]
        if running[index]:
            running[index] = False
            worker.push(np.ones(4, np.float32))
            if worker.pushes == steps:
                worker.leave()
        elif office.boxes.get(index):
            office.boxes[index].clear()
            running[index] = True
            begun = [other.pushes for other in crew]
            assert worker.pushes - min(begun) <= bound
        deliver(server)
        idle = not running[index] and not office.boxes.get(index) and index not in {pull[0] for pull in server._pulls}
        if idle and worker.pushes < steps:
            worker._mail.send(workers, "pull", worker.pushes - bound)
            deliver(server)

    for number in order:
        move(number % workers)
    for _ in range(3 * steps * workers):
        for index in range(workers):
            move(index)
    assert [worker.pushes for worker in crew] == [steps] * workers
    assert not server._running
    assert parameters.tolist() == [steps * workers] * 4
    assert len(log) == steps * workers
