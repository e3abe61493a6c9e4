"""The 5,000 digits, and data sets divided anew."""

import numpy as np
import pytest

from horn.models.data import Dataset, ScaledArray, digits5000, excerpt


@pytest.fixture
def whole(monkeypatch):
    """A set of 28 × 28 images in the place of MNIST; an image holds its number and its row of pixels."""
    labels = np.tile(np.arange(10), 600)
    images = np.zeros((6000, 28, 28), np.uint8)
    images[:, :4] = images[:, -4:] = images[:, :, :4] = images[:, :, -4:] = 255
    images[:, 4:24, 4:24] = np.arange(20, dtype=np.uint8)
    images[:, 4, 4], images[:, 4, 5] = np.arange(6000) // 256, np.arange(6000) % 256
    train = ScaledArray(images.reshape(6000, -1), 1 / 255)
    found = Dataset("MNIST", train, labels, ScaledArray(train.array[:10], 1 / 255), labels[:10], 10)
    monkeypatch.setattr(excerpt, "mnist", lambda folder, **options: found)
    return found


def numbers(x, at=0):
    return x.array[:, at].astype(int) * 256 + x.array[:, at + 1]


def test_they_are_the_first_500_of_each_class_without_the_margin(whole):
    data = digits5000()
    assert (data.x_train.shape, data.x_test.shape, data.classes) == ((3500, 400), (1500, 400), 10)
    found = np.concatenate([numbers(data.x_train), numbers(data.x_test)])
    assert sorted(found) == list(range(5000))
    labels = np.concatenate([data.y_train, data.y_test])
    assert np.array_equal(labels, whole.y_train[found])
    assert np.bincount(labels).tolist() == [500] * 10
    assert np.array_equal(data.x_train.array[7, 20:].reshape(19, 20), np.tile(np.arange(20), (19, 1)))
    assert data.x_train.scale == 1 / 255


def test_a_seed_is_a_split(whole):
    first, again, second = digits5000(seed=1), digits5000(seed=1), digits5000(seed=2, train=0.5)
    assert np.array_equal(numbers(first.x_train), numbers(again.x_train))
    assert not np.array_equal(numbers(first.x_train)[:100], numbers(second.x_train)[:100])
    assert len(second.y_train) == 2500


def test_a_set_is_divided_anew(whole):
    data = whole.split(0.6, seed=3)
    assert (len(data.y_train), len(data.y_test)) == (3606, 2404)
    corner = 4 * 28 + 4
    train, test = numbers(data.x_train, corner), numbers(data.x_test, corner)
    assert sorted([*train, *test]) == sorted([*range(6000), *range(10)])
    assert np.array_equal(data.y_train, train % 10)
    assert np.array_equal(data.y_test, test % 10)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"train": 1.0}, ValueError, "train must be between 0 and 1, got 1.0"),
        ({"train": "most"}, TypeError, "train must be a number, got 'most'"),
        ({"train": 1e-9}, ValueError, "6010 examples are 0: both parts need one"),
        ({"seed": 0.5}, TypeError, "seed must be a whole number"),
    ],
)
def test_bad_divisions(whole, arguments, kind, text):
    with pytest.raises(kind, match=text):
        whole.split(**arguments)


def test_parts_of_different_scales_are_not_mixed(whole):
    mixed = whole._replace(x_test=ScaledArray(whole.x_test.array, 1.0))
    with pytest.raises(ValueError, match=r"MNIST have the scales 0\.00392157 and 1"):
        mixed.split()
