"""Batches gathered ahead of time: the same ones, no more than are used, and no thread is left."""

import threading

import numpy as np
import pytest

from horn.models.feeding.batches import START, Feed, Order
from horn.models.feeding.examples import Examples
from horn.models.feeding.features import Features
from horn.models.feeding.prefetch import Prefetch
from horn.models.peers.supplies import pays

ORDER = Order(23, 5, seed=1)


class Watched:
    """A `Supply` that notes what it is asked for, and may fail."""

    def __init__(self, fails_at=None):
        x = np.repeat(np.arange(23, dtype=np.float32)[:, None], 3, axis=1)
        self.feed = Feed(Examples(Features(x), np.arange(23)), ORDER, 1, range(1), False, buffers=2)
        self.asked, self.threads, self.fails_at, self.closed = [], set(), fails_at, False
        self.gathered = [threading.Event() for _ in range(101)]

    def batch(self, place, step, own=None):
        self.asked.append(step)
        self.threads.add(threading.current_thread())
        if step == self.fails_at:
            raise RuntimeError(f"step {step}")
        batch = self.feed.batch(place, step)
        self.gathered[step].set()
        return batch

    def after(self, place):
        return self.feed.after(place)

    def close(self):
        self.closed = True


def test_the_batches_are_the_same_and_stay_while_the_next_is_gathered():
    watched, plain = Watched(), Watched()
    ahead, place = Prefetch(watched, stop=12), START
    for step in range(12):
        expected = plain.batch(place, step)
        batch = ahead.batch(place, step)
        assert step == 11 or watched.gathered[step + 1].wait(60)  # the next one lies beside it now
        assert np.array_equal(batch.inputs, expected.inputs)
        assert np.array_equal(batch.targets, expected.targets)
        assert ahead.after(place) == plain.after(place)
        place = ahead.after(place)
    ahead.close()
    assert watched.asked == list(range(12))
    assert watched.closed
    (own,) = watched.threads - {threading.current_thread()}
    assert not own.is_alive()


def test_another_batch_than_the_next_is_gathered_when_it_is_asked_for():
    watched = Watched(fails_at=1)
    ahead = Prefetch(watched, stop=100)
    ahead.batch(START, 0)
    place = ORDER.after(ORDER.after(START))
    batch = ahead.batch(place, 2)
    assert np.array_equal(batch.targets, Watched().batch(place, 2).targets)
    ahead.close()
    assert watched.asked[:3] == [0, 1, 2]


def test_a_failure_is_raised_where_its_batch_is_asked_for():
    watched = Watched(fails_at=2)
    ahead, place = Prefetch(watched, stop=100), START
    for step in range(2):
        ahead.batch(place, step)
        place = ahead.after(place)
    with pytest.raises(RuntimeError, match="step 2"):
        ahead.batch(place, 2)
    ahead.close()


def test_training_is_the_same_to_the_bit(build, task, same_weights):
    networks = [build(), build()]
    for nn, prefetch in zip(networks, (False, True), strict=True):
        nn.fit(*task, epochs=2, batch_size=7, prefetch=prefetch)
    assert same_weights(*networks)
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]


def test_it_is_left_out_where_gathering_is_only_copying(tmp_path):
    x, y = np.zeros((4, 3), np.float32), np.zeros(4, np.int64)
    assert not pays(Examples(Features(x), y), augmented=False)
    assert pays(Examples(Features(x), y), augmented=True)
    assert pays(Examples(Features(x, elsewhere=True), y), augmented=False)


def test_it_is_a_flag(build, task):
    with pytest.raises(TypeError, match="prefetch must be True or False, got 2"):
        build().fit(*task, iterations=1, batch_size=8, prefetch=2)
