"""Compression: what codecs give back, that nothing is lost for good, and that little is sent."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from horn.bsp.encoding import Encoded
from horn.models import (
    AllReduce,
    Compressed,
    Context,
    Downpour,
    EightBit,
    ModelAveraging,
    ParameterServer,
    Replicas,
    Servers,
    Store,
    SyncStrategy,
    TopK,
)
from horn.models.servers.mail import Mail
from horn.models.strategies import Alone
from horn.models.strategies.compression.feedback import Feedback, decode

values = arrays(np.float32, st.integers(1, 600), elements=st.floats(-100, 100, width=32))


@given(values, st.floats(0.01, 1.0))
def test_top_k_keeps_the_largest(x, share):
    codec = TopK(share)
    found = codec.decode(codec.encode(x), len(x))
    kept = max(1, round(share * len(x)))
    assert np.count_nonzero(found) <= kept
    assert np.array_equal(found[found != 0], x[found != 0])
    left = np.abs(np.where(found == 0, x, 0))
    assert left.max() <= np.sort(np.abs(x))[-kept]


@given(values)
def test_eight_bits_are_off_by_half_a_unit_of_the_block_at_most(x):
    codec = EightBit()
    elements, scales = codec.encode(x)
    assert elements.dtype == np.int8
    found = codec.decode([elements, scales], len(x))
    for start in range(0, len(x), 256):
        block = slice(start, start + 256)
        unit = np.abs(x[block]).max() / 127
        assert np.abs(found[block] - x[block]).max() <= unit * 0.5001 + 1e-30


CODECS = {"top-k": TopK(0.1), "8 bit": EightBit()}


@pytest.mark.parametrize("name", CODECS)
def test_what_is_left_out_of_one_update_comes_with_the_next(name):
    """After any number of updates: all that was sent, and the error, are all that was given."""
    codec, rng = CODECS[name], np.random.default_rng(1)
    memory, ranges = Feedback(codec, 300), [slice(0, 100), slice(100, 100), slice(100, 300)]
    given_, sent_ = np.zeros(300), np.zeros(300)
    for _ in range(20):
        x = rng.normal(size=300).astype(np.float32)
        parts = memory.encode(x, ranges)
        given_ += x
        sent_ += np.concatenate(
            [decode(codec, part, each.stop - each.start) for part, each in zip(parts, ranges, strict=True)]
        )
        assert np.allclose(sent_ + memory.error, given_, atol=1e-4)
    assert np.abs(memory.error).max() < np.abs(given_).max()


class Team:
    """Two replicas in one place, one after the other: what both give is weighed, as it would travel."""

    num_peers = 2

    def __init__(self, index, given, sizes):
        self.index, self._given, self._sizes = index, given, sizes

    def _exchange(self, kind, values):
        self._sizes.append(sum(Encoded(value).size for value in values))
        return self._given(kind, self.index, values)

    def alltoall(self, values):
        return self._exchange("alltoall", values)

    def allgather(self, value):
        return self._exchange("allgather", [value])

    def allreduce(self, x, op="sum"):
        raise AssertionError("an update went uncompressed")


def context(team, size):
    params = np.zeros(size, np.float32)
    replicas = Replicas(team, np.zeros((0, size), np.float32), (0, size))
    return Context(params, params.copy(), (0, size), replicas, replicas, replicas, np.random.default_rng(1))


@pytest.mark.parametrize(("name", "share"), [("top-k", 0.21), ("8 bit", 0.27)])
def test_few_bytes_travel_and_all_replicas_find_the_same_sum(name, share):
    """Two replicas as threads that meet where they exchange."""
    size, sizes = 10_000, []
    meeting, brought, out = threading.Barrier(2, timeout=30), {}, {}

    def exchange(kind, index, values):
        brought[kind, index] = values
        meeting.wait()
        found = [brought[kind, other][index if kind == "alltoall" else 0] for other in range(2)]
        meeting.wait()
        return found

    updates = np.random.default_rng(2).normal(size=(2, size)).astype(np.float32)

    def replica(index):
        strategy = Compressed(AllReduce(), CODECS[name])
        ctx = context(Team(index, exchange, sizes), size)
        strategy.setup(ctx)
        out[index] = strategy.on_update(ctx, updates[index].copy())

    threads = [threading.Thread(target=replica, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(out[0], out[1])
    assert len(sizes) == 4
    assert sum(sizes) / 2 < share * 2 * updates[0].nbytes  # of the two ways that a sum takes
    kept = out[0] != 0
    assert np.corrcoef(out[0][kept], updates.sum(axis=0)[kept])[0, 1] > 0.7


class Letters:
    """A peer whose posts are weighed."""

    def __init__(self):
        self.sizes, self.last = [], None

    def post(self, to, value, timeout=None):
        self.sizes.append(Encoded(value).size)
        self.last = value[-1]


@pytest.mark.parametrize(("name", "share"), [("top-k", 0.21), ("8 bit", 0.27)])
def test_pushes_are_small_and_servers_get_the_update_back(name, share):
    peer, size = Letters(), 10_000
    strategy = Compressed(Downpour(), CODECS[name])
    ctx = context(Alone(), size)
    ctx._servers = Servers(Mail(peer), [1, 2], 1, np.zeros(size, np.float32), synchronous=False)
    strategy.setup(ctx)
    update = np.random.default_rng(2).normal(size=size).astype(np.float32)
    strategy.on_update(ctx, update.copy())
    assert len(peer.sizes) == 2
    assert sum(peer.sizes) < share * update.nbytes
    served = []
    store = Store(np.zeros(size, np.float32), None, size // 2, size, 1)
    strategy.strategy.serve = lambda store, source, update: served.append(update)
    strategy.serve(store, 0, peer.last)
    assert np.abs(served[0]).max() == pytest.approx(np.abs(update[size // 2 :]).max())


@pytest.mark.parametrize("strategy", [Compressed(AllReduce(), TopK(1.0)), Compressed(ParameterServer(), TopK(1.0))])
def test_all_elements_are_the_whole_update(build, task, same_weights, strategy):
    compressed, plain = build(), build()
    compressed.fit(*task, iterations=5, batch_size=15, workers=3, processes=1, sync=strategy)
    plain.fit(*task, iterations=5, batch_size=15)
    assert same_weights(compressed, plain, atol=1e-6)


def test_a_strategy_that_exchanges_no_updates_is_told_of(build, task, caplog):
    strategy = Compressed(ModelAveraging(), EightBit())
    build().fit(*task, iterations=3, batch_size=15, sync=strategy)
    assert "ModelAveraging exchanged no update in on_update: nothing was compressed" in caplog.text


BAD = {
    "a class": (lambda: Compressed(AllReduce, TopK()), TypeError, r"a strategy object such as AllReduce\(\)"),
    "no codec": (lambda: Compressed(AllReduce(), 8), TypeError, r"a codec such as TopK\(0.01\)"),
    "nothing": (lambda: Compressed(SyncStrategy(), TopK()), ValueError, "exchanges no updates"),
    "share": (lambda: TopK(0.0), ValueError, r"share must be in \(0, 1\], got 0.0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    make, kind, text = BAD[case]
    with pytest.raises(kind, match=text):
        make()
