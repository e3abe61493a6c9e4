"""The order of the examples, and who computes which of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horn.models.feeding.batches import START, Feed, Order, Place
from horn.models.feeding.examples import Examples
from horn.models.feeding.features import Features
from horn.models.parts import bounds

N, FEATURES = 23, 3


def examples(bytes_=True):
    labels = np.arange(N)
    x = np.repeat(labels[:, None], FEATURES, axis=1)
    features = Features(x.astype(np.uint8), 0.5) if bytes_ else Features(x.astype(np.float32))
    return Examples(features, labels)


def batches(order, count, workers=1, own=range(1), submodels=False, place=START):
    """Labels, positions, lanes of one peer's parts, copied."""
    feed = Feed(examples(), order, workers, own, submodels)
    for step in range(count):
        batch = feed.batch(place, step)
        yield batch.targets.copy(), batch.positions.copy(), batch.lanes.copy(), batch.total
        place = order.after(place)


@given(total=st.integers(0, 1000), parts=st.integers(1, 50))
def test_parts_are_those_of_array_split(total, parts):
    cuts = bounds(total, parts)
    assert np.diff(cuts).tolist() == [len(part) for part in np.array_split(np.arange(total), parts)]
    assert cuts[0] == 0


def test_an_epoch_takes_each_example_once_in_an_order_of_its_own():
    order = Order(N, 5, seed=1)
    assert order.batches == 5
    taken = [labels for labels, *_ in batches(order, 10)]
    assert [len(labels) for labels in taken] == [5, 5, 5, 5, 3] * 2
    first, second = np.concatenate(taken[:5]), np.concatenate(taken[5:])
    assert sorted(first) == sorted(second) == list(range(N))
    assert first.tolist() != second.tolist()
    assert first.tolist() != sorted(first)


def test_without_shuffling_examples_come_as_they_are():
    taken = [labels for labels, *_ in batches(Order(N, 10, seed=1, shuffle=False), 3)]
    assert np.concatenate(taken).tolist() == list(range(N))


def test_with_replacement_every_batch_is_full_and_drawn_from_all():
    order = Order(N, 10, seed=1, sampling="replacement")
    taken = [labels for labels, *_ in batches(order, 60)]
    assert all(len(labels) == 10 for labels in taken)
    counts = np.bincount(np.concatenate(taken), minlength=N)
    assert counts.min() > 0
    assert any(len(set(labels)) < 10 for labels in taken)
    assert not np.array_equal(taken[0], taken[1])
    assert order.after(Place(0, 10)) == Place(0, 20)
    assert order.after(Place(0, 20)) == Place(1, 0)


@given(batch=st.integers(1, 30), workers=st.integers(1, 12), peers=st.integers(1, 12), submodels=st.booleans())
def test_the_parts_of_all_peers_are_the_batch(batch, workers, peers, submodels):
    workers = min(workers, batch)
    cuts = bounds(workers, min(peers, workers))
    order = Order(N, batch, seed=2)
    whole = list(batches(order, 4))
    parts = [
        list(batches(order, 4, workers, range(*cuts[peer : peer + 2]), submodels)) for peer in range(len(cuts) - 1)
    ]
    for step, (labels, positions, _, total) in enumerate(whole):
        mine = [part[step] for part in parts]
        assert np.concatenate([m[0] for m in mine]).tolist() == labels.tolist()
        assert np.concatenate([m[1] for m in mine]).tolist() == positions.tolist()
        assert {m[3] for m in mine} == {total} == {len(labels)}
        lanes = np.concatenate([m[2] for m in mine])
        if submodels:
            sizes = np.diff(bounds(total, workers))
            assert lanes.tolist() == np.repeat(np.arange(workers), sizes).tolist()
        else:
            assert lanes.tolist() == positions.tolist()


@pytest.mark.parametrize(("submodels", "nested"), [(False, False), (True, False), ("nested", True)])
def test_batches_say_whether_masks_are_nested(submodels, nested):
    batch = Feed(examples(), Order(N, 8, seed=1), 2, range(2), submodels).batch(START, 0)
    assert batch.nested is nested
    assert (batch.lanes.tolist() == batch.positions.tolist()) is not bool(submodels)


@pytest.mark.parametrize("bytes_", [True, False])
def test_a_batch_holds_the_rows_of_its_labels(bytes_):
    feed = Feed(examples(bytes_), Order(N, 8, seed=1), 1, range(1), False)
    batch = feed.batch(START, 0)
    assert batch.inputs.dtype == np.float32
    assert np.array_equal(batch.inputs[:, 0], batch.targets * (0.5 if bytes_ else 1.0))
