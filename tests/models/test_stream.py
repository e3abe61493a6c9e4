"""Training data that come in chunks: their order, and that it is the same however they and the work are cut."""

import threading

import numpy as np
import pytest

from horn.bsp import PeerFailed
from horn.models import Downpour, ScaledArray, Stream
from horn.models.feeding.batches import START, Order, Place
from horn.models.feeding.streamed import Streamed
from horn.models.feeding.streaming import StreamFeed
from horn.models.parts import Share


def cut(*arrays, sizes):
    """The arrays as chunks of these sizes, again and again."""
    start, chunks = 0, []
    while start < len(arrays[0]):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(tuple(array[start : start + size] for array in arrays))
        start += size
    return chunks


def numbered(count, epoch=0):
    """Examples that hold their number, from 100 times the pass on."""
    numbers = np.arange(count) + 100 * epoch
    return numbers[:, None].astype(np.float32), numbers[:, None].astype(np.float32)


def taken(source, batches, *, batch_size=4, buffer=6, shuffle=True, seed=1, share=None, place=START):
    """Numbers of the examples of each batch of a stream, and the places after them."""
    streamed = Streamed(Stream(source, buffer=buffer), 1, 1)
    feed = StreamFeed(streamed, Order(0, batch_size, seed, shuffle), share or Share(1, range(1)), None, 1)
    found, places = [], []
    for step in range(batches):
        batch = feed.batch(place, step)
        assert np.array_equal(batch.inputs, batch.targets)
        place = feed.after(place)
        found.append(batch.targets[:, 0].astype(int).tolist())
        places.append((place.epoch, place.offset))
    feed.close()
    return found, places


def joined(batches):
    return [number for batch in batches for number in batch]


def test_without_shuffling_examples_come_as_they_are():
    found, places = taken(lambda epoch: cut(*numbered(10, epoch), sizes=[3]), 6, shuffle=False)
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [100, 101, 102, 103], [104, 105, 106, 107], [108, 109]]
    assert places == [(0, 4), (0, 8), (1, 0), (1, 4), (1, 8), (2, 0)]


def test_windows_of_the_buffer_are_shuffled_one_after_the_other():
    found, _ = taken(lambda epoch: cut(*numbered(20, epoch), sizes=[7, 2]), 10)
    first, second = joined(found[:5]), joined(found[5:])
    for order, base in ((first, 0), (second, 100)):
        for start in range(0, 20, 6):
            window = order[start : start + 6]
            assert sorted(window) == list(range(base + start, base + min(start + 6, 20)))
    assert first != sorted(first)
    assert [number - 100 for number in second] != first


def test_the_order_does_not_depend_on_chunks_batches_and_workers():
    whole = joined(taken(cut(*numbered(23), sizes=[23]), 6)[0])
    for sizes in ([1], [0, 5, 2], [11]):
        assert joined(taken(cut(*numbered(23), sizes=sizes), 6)[0]) == whole
    for batch_size in (1, 7, 23):
        found, _ = taken(cut(*numbered(23), sizes=[5]), -(-23 // batch_size), batch_size=batch_size)
        assert joined(found) == whole
    shares = [Share(3, range(2)), Share(3, range(2, 3))]
    parts = [taken(cut(*numbered(23), sizes=[5]), 6, share=share)[0] for share in shares]
    assert [joined(part) for part in zip(*parts, strict=True)] == taken(cut(*numbered(23), sizes=[5]), 6)[0]
    assert taken(cut(*numbered(23), sizes=[5]), 6, seed=2)[0] != taken(cut(*numbered(23), sizes=[5]), 6)[0]


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 7])
def test_it_goes_on_in_the_middle_of_a_pass(steps):
    def source(epoch):
        return cut(*numbered(17, epoch), sizes=[4, 3])

    found, places = taken(source, 12)
    rest, _ = taken(source, 12 - steps, place=Place(*places[steps - 1]))
    assert found[steps:] == rest


def test_it_goes_on_with_a_new_pass_where_the_stream_is_shorter_than_before():
    found, places = taken(lambda epoch: cut(*numbered(6, epoch), sizes=[4]), 2, shuffle=False, place=Place(3, 50))
    assert found == [[400, 401, 402, 403], [404, 405]]
    assert places == [(4, 4), (5, 0)]


def test_what_a_source_overwrites_later_is_kept():
    def source():
        room = np.zeros((2, 1), np.float32)
        for number in range(5):
            room[:] = number
            yield room, room

    class Source:
        def __iter__(self):
            return source()

    assert taken(Source(), 3, shuffle=False)[0] == [[0, 0, 1, 1], [2, 2, 3, 3], [4, 4]]


def test_a_source_is_closed(build, task):
    open_, most = [], []

    def source(epoch):
        open_.append(epoch)
        most.append(len(open_))
        try:
            while True:
                yield task
        finally:
            open_.remove(epoch)

    build().fit(Stream(source, buffer=50), iterations=3, batch_size=9)
    assert (open_, most) == ([], [1])


def test_with_a_buffer_for_a_pass_it_is_training_on_arrays_to_the_bit(build, task, same_weights):
    x, y = task
    bytes_, weights = (np.abs(x) * 50).astype(np.uint8), np.random.default_rng(3).random(40).astype(np.float32)
    one, other = build(), build()
    arguments = {"epochs": 2, "batch_size": 11, "validation": task}
    chunks = [(ScaledArray(a, 1 / 255), b, c) for a, b, c in cut(bytes_, y, weights, sizes=[16, 3])]
    streamed = one.fit(Stream(chunks, examples=40), **arguments)
    whole = other.fit(ScaledArray(bytes_, 1 / 255), y, sample_weight=weights, **arguments)
    assert same_weights(one, other)
    assert streamed.loss == whole.loss
    assert [v.iteration for v in streamed.validation] == [v.iteration for v in whole.validation]
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]


def test_fits_alone_and_in_processes_follow_each_other(build, task, same_weights):
    def source(epoch):
        yield from cut(*(np.roll(part, epoch, axis=0) for part in task), sizes=[9, 4])

    alone, mixed = build(), build()
    alone.fit(Stream(source, buffer=15), iterations=9, batch_size=7)
    for iterations, workers in ((2, 1), (4, 3), (3, 1)):
        mixed.fit(Stream(source, buffer=15), iterations=iterations, batch_size=7, workers=workers)
    assert same_weights(alone, mixed, atol=1e-6)


def test_a_stream_of_numbers_takes_any(build, task, same_weights):
    x, y = np.round(task[0] * 3), task[1]
    kinds = [np.float64, np.int8, np.float32]
    chunks = [(a.astype(kinds[n % 3]), b) for n, (a, b) in enumerate(cut(x, y, sizes=[10]))]
    one, other = build(), build()
    one.fit(Stream(chunks), iterations=8, batch_size=10)
    other.fit(x, y, iterations=8, batch_size=10)
    assert same_weights(one, other)


def test_the_same_batch_may_be_asked_for_again():
    """As by a worker that trains asynchronously and is given two parts of one batch, the next one later."""
    streamed = Streamed(Stream(cut(*numbered(23), sizes=[5]), buffer=6), 1, 1)
    feed, order = StreamFeed(streamed, Order(23, 4, seed=1), Share(2, range(1)), None, 1), Order(23, 4, seed=1)
    expected, _ = taken(cut(*numbered(23), sizes=[5]), 6)
    place = START
    for step in range(6):
        parts = [feed.batch(place, step, range(part, part + 1)).targets[:, 0].tolist() for part in (0, 1, 0)]
        assert parts[0] + parts[1] == expected[step]
        assert parts[2] == parts[0]
        place = order.after(place)


def test_asynchronous_training_reads_streams_whose_length_is_known(build, task):
    nn, chunks = build(), cut(*task, sizes=[9])
    history = nn.fit(Stream(chunks, examples=40), epochs=3, batch_size=8, workers=2, sync=Downpour(), prefetch=True)
    assert len(history) == nn.step == 15
    with pytest.raises(ValueError, match=r"with Downpour workers are at different places .* examples=...\)"):
        nn.fit(Stream(chunks), iterations=3, batch_size=8, workers=2, sync=Downpour())


def once(task):
    return (chunk for chunk in [task])


BAD_STREAMS = {
    "a generator": (lambda task: Stream(once(task)), TypeError, r"generator can be read only once.*lambda epoch"),
    "a number": (lambda task: Stream(3), TypeError, "something to iterate over, or a function of the pass, got int"),
    "no buffer": (lambda task: Stream([task], buffer=0), ValueError, "buffer must be at least 1, got 0"),
    "no examples": (lambda task: Stream([task], examples=0), ValueError, "examples must be at least 1, got 0"),
}


@pytest.mark.parametrize("case", BAD_STREAMS)
def test_bad_streams(task, case):
    make, kind, text = BAD_STREAMS[case]
    with pytest.raises(kind, match=text):
        make(task)


BAD_FITS = {
    "labels beside it": ({"y": np.zeros(40)}, TypeError, r"y cannot be given beside a Stream.*\(x, y, weights\)"),
    "weights beside it": ({"sample_weight": np.ones(40)}, TypeError, "sample_weight cannot be given beside a Stream"),
    "passes of unknown length": ({"epochs": 1, "iterations": None}, ValueError, r"Stream\(source, examples=...\)"),
    "drawing": ({"sampling": "replacement"}, ValueError, 'sampling="replacement" needs arrays'),
}


@pytest.mark.parametrize("case", BAD_FITS)
def test_bad_arguments_beside_a_stream(build, task, case):
    arguments, kind, text = BAD_FITS[case]
    with pytest.raises(kind, match=text):
        build().fit(Stream([task]), **{"iterations": 1, "batch_size": 8, **arguments})


def test_labels_are_missing(build, task):
    with pytest.raises(TypeError, match="fit needs y"):
        build().fit(task[0], iterations=1, batch_size=8)


BAD_CHUNKS = {
    "one thing": (lambda x, y: [x], TypeError, r"pass 0, chunk 0 is a ndarray: needed is \(x, y\) or"),
    "four things": (lambda x, y: [(x, y, y, y)], TypeError, "pass 0, chunk 0 is 4 things"),
    "another width": (lambda x, y: [(x, y), (x[:, 1:], y)], ValueError, r"pass 0, chunk 1: x has shape \(40, 5\)"),
    "labels out of range": (lambda x, y: [(x, y + 1)], ValueError, "pass 0, chunk 0: y holds labels from 1 to 3"),
    "nan": (lambda x, y: [(x, y), (x * np.nan, y)], ValueError, r"pass 0, chunk 1: x\[0, 0\] is nan"),
    "bad weights": (lambda x, y: [(x, y, -np.ones(40))], ValueError, r"pass 0, chunk 0: weights\[0\] is -1.0"),
    "weights now and then": (lambda x, y: [(x, y), (x, y, np.ones(40))], TypeError, "pass 0 has numbers, labels, weig"),
    "bytes, then numbers": (
        lambda x, y: [(np.abs(x).astype(np.uint8), y), (x, y)],
        TypeError,
        r"began with bytes × 1, labels, no weights, pass 0 has numbers, .* after 40 examples",
    ),
    "nothing": (lambda x, y: [], ValueError, "the stream gave no examples in pass 0"),
    "fewer than said": (lambda x, y: [(x[1:], y[1:])], ValueError, "gave 39 examples in pass 0, examples=40 were ann"),
}


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_bad_chunks(build, task, case):
    make, kind, text = BAD_CHUNKS[case]
    with pytest.raises(kind, match=text):
        build().fit(Stream(make(*task), examples=40, buffer=30), iterations=12, batch_size=8)


def broken(epoch):
    yield np.zeros((4, 6), np.float32), np.zeros(4, int)
    raise OSError("the tape is torn")


def test_what_a_source_raises_is_told_with_its_line(build):
    with pytest.raises(OSError, match="the tape is torn") as caught:
        build().fit(Stream(broken), iterations=5, batch_size=2)
    assert caught.traceback[-1].name == "broken"
    with pytest.raises(PeerFailed, match="the tape is torn") as caught:
        build().fit(Stream(broken), iterations=5, batch_size=2, workers=2)
    assert "in broken" in caught.value.traceback
