"""Targets and right answers, as both engines count them."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons.scoring import count_correct, dense_targets


def test_labels_become_one_hot_rows() -> None:
    dense = dense_targets(np.array([2, 0], np.uint8), 3)
    np.testing.assert_array_equal(dense, [[0, 0, 1], [1, 0, 0]])
    assert dense.dtype == np.float32


def test_labels_of_a_single_unit_are_its_targets() -> None:
    np.testing.assert_array_equal(dense_targets(np.array([1, 0, 1]), 1), [[1], [0], [1]])


def test_targets_with_a_column_per_unit_stay() -> None:
    targets = np.array([[0.2, 0.8]], np.float32)
    assert dense_targets(targets, 2) is targets
    assert dense_targets(np.array([[1, 0]]), 2).dtype == np.float32


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_labels_out_of_range_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=r"labels must be in \[0, 3\), got"):
        dense_targets(np.array(labels), 3)


@pytest.mark.parametrize("targets", [np.zeros((2, 4)), np.zeros(2), np.zeros((2, 3, 1), int)], ids=lambda it: it.shape)
def test_targets_of_another_shape_are_refused(targets: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"targets must be integer labels .* got .* of shape"):
        dense_targets(targets, 3)


def test_correct_is_the_largest_output() -> None:
    outputs = np.array([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]], np.float32)
    assert count_correct(outputs, dense_targets(np.array([1, 1, 1]), 2)) == 2


def test_correct_for_a_single_unit_is_the_side_of_a_half() -> None:
    outputs = np.array([[0.1], [0.6], [0.4]], np.float32)
    assert count_correct(outputs, np.array([[0], [1], [1]], np.float32)) == 2


def test_the_first_of_the_largest_counts_and_what_is_no_number_before_all() -> None:
    outputs = np.random.default_rng(0).choice([0.0, 0.5, 1.0, np.inf, np.nan], size=(500, 4)).astype(np.float32)
    targets = dense_targets(np.random.default_rng(1).integers(4, size=500), 4)
    expected = (outputs.argmax(axis=1) == targets.argmax(axis=1)).sum()
    assert 0 < count_correct(outputs, targets) == expected < 500
