"""Random numbers of augmentations: an example's are its own, whatever part of the batch it is computed in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.models import ExampleDraws

METHODS = {
    "uniform": lambda rng, size: rng.uniform(-1, 3, size),
    "normal": lambda rng, size: rng.normal(2.0, 0.5, size),
    "integers": lambda rng, size: rng.integers(-3, 9, size),
    "generators": lambda rng, size: np.array([own.standard_normal(size) for own in rng.generators()]).reshape(
        len(rng), *np.empty(size).shape
    ),
}


def draws(start, stop, seed=1, step=0):
    return ExampleDraws(seed, step, np.arange(start, stop, dtype=np.uint32))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20)
@given(cut=st.integers(0, 12), size=st.sampled_from([(), 3, (2, 3)]))
def test_parts_draw_what_the_whole_draws(method, cut, size):
    def two_calls(rng):
        return [METHODS[method](rng, size) for _ in range(2)]

    whole, parts = two_calls(draws(0, 12)), [two_calls(draws(0, cut)), two_calls(draws(cut, 12))]
    assert whole[0].shape == (12, *np.empty(size).shape)
    for call in range(2):
        assert np.array_equal(whole[call], np.concatenate([part[call] for part in parts]))


@pytest.mark.parametrize("method", METHODS)
def test_calls_steps_seeds_and_examples_differ(method):
    def numbers(rng):
        return METHODS[method](rng, 50)

    rng = draws(0, 2)
    seen = [*numbers(rng), *numbers(rng), *numbers(draws(0, 2, step=1)), *numbers(draws(0, 2, seed=2))]
    assert len({tuple(row) for row in seen}) == 8


def test_distributions():
    rng = draws(0, 1000)
    uniform, normal, integers = rng.uniform(2, 4, 100), rng.normal(1, 3, 100), rng.integers(-2, 3, 100)
    assert (uniform.dtype, normal.dtype, integers.dtype) == (np.float32, np.float32, np.int64)
    assert uniform.min() >= 2
    assert uniform.max() <= 4
    # 100,000 draws: five standard errors
    assert uniform.mean() == pytest.approx(3, abs=5 * 0.577 / 316)
    assert normal.mean() == pytest.approx(1, abs=5 * 3 / 316)
    assert normal.std() == pytest.approx(3, abs=5 * 3 / 447)
    assert np.bincount(integers.ravel() + 2) == pytest.approx(20_000, abs=5 * 126)


@pytest.mark.parametrize("bounds", [(3, 3), (4, 3), (0, 2**32 + 1)])
def test_no_such_whole_number(bounds):
    with pytest.raises(ValueError, match="low < high"):
        draws(0, 2).integers(*bounds)
