"""The two-loop recursion against the dense inverse Hessian that it stands for."""

import numpy as np
import pytest

from horn.models.optimizers.two_loop import Pair, direction, remember


def dense_inverse_hessian(pairs, size):
    """H ← (I - ρ·s·yᵀ)·H·(I - ρ·y·sᵀ) + ρ·s·sᵀ for each pair, from (s·y / y·y)·I of the newest."""
    s, y = pairs[-1]
    inverse = (s @ y) / (y @ y) * np.eye(size)
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = np.eye(size) - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return inverse


@pytest.fixture
def pairs():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(7, 7))
    hessian = root @ root.T + np.eye(7)
    return tuple(Pair(s, hessian @ s) for s in rng.normal(size=(4, 7)))


def test_it_is_the_product_with_the_dense_inverse(pairs):
    gradient = np.random.default_rng(2).normal(size=7)
    before = gradient.copy()
    for number in range(1, 5):
        expected = -dense_inverse_hessian(pairs[:number], 7) @ gradient
        assert np.allclose(direction(gradient, pairs[:number]), expected, rtol=1e-10)
    assert np.array_equal(direction(gradient, ()), -gradient)
    assert np.array_equal(gradient, before)


def test_shards_give_the_parts_of_the_whole(pairs):
    """Each holder runs the recursion on its own slices; what they exchange are scalar products."""
    gradient = np.random.default_rng(2).normal(size=7)
    parts = slice(0, 3), slice(3, 7)
    products = []  # of the run on whole vectors, in the order in which every holder asks for them

    def noting(one, other):
        products.append(float(one @ other))
        return products[-1]

    expected = direction(gradient, pairs, noting)
    for part in parts:
        asked = iter(products)
        own = [Pair(s[part], y[part]) for s, y in pairs]
        found = direction(gradient[part], own, lambda one, other, asked=asked: next(asked))
        assert np.allclose(found, expected[part], rtol=1e-12)
        assert not list(asked)


def test_what_is_remembered(pairs):
    kept = ()
    for s, y in pairs:
        kept = remember(kept, s, y, 3)
    assert [pair.s is known.s for pair, known in zip(kept, pairs[1:], strict=True)] == [True] * 3
    s, y = pairs[0]
    assert remember(kept, s, -y, 3) == kept  # the cost curves down along s
    assert remember(kept, np.zeros(7), np.zeros(7), 3) == kept
    assert remember((), s, y, 3, lambda one, other: -1.0) == ()


def test_newton_steps_from_exact_pairs_reach_the_minimum():
    """With as many independent pairs as unknowns BFGS knows the Hessian of a quadratic: one step suffices."""
    rng = np.random.default_rng(3)
    hessian = np.diag([1.0, 4.0, 9.0])
    minimum, point = rng.normal(size=3), rng.normal(size=3)
    conjugate = np.eye(3)  # along the axes of a diagonal Hessian
    pairs = [Pair(s, hessian @ s) for s in conjugate]
    found = point + direction(hessian @ (point - minimum), pairs)
    assert np.allclose(found, minimum, rtol=1e-12)
