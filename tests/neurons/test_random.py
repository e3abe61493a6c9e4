"""Random numbers: Philox's known answers, the distributions, independence of every word of the counter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from horn.neurons import random

U32 = np.uint32
KEY = random.key(7, random.TRAIN)


def counter(neuron: int = 3, position: int = 5, step: int = 11, draw: int = 0) -> tuple[np.uint32, ...]:
    return U32(neuron), U32(position), U32(step), U32(draw), *KEY


# The known-answer vectors of Random123, kat_vectors, philox4x32 10.
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((0,) * 6, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(words: tuple[int, ...], answer: tuple[int, ...]) -> None:
    assert tuple(random.philox(*(U32(word) for word in words))) == answer


def test_keys_differ_by_seed_and_phase() -> None:
    keys = {random.key(seed, phase) for seed in range(100) for phase in (random.TRAIN, random.PREDICT)}
    assert len(keys) == 200


def test_every_word_of_the_counter_matters() -> None:
    draws = {
        random.uniform(*words, np.float32(0), np.float32(1))
        for words in (counter(), counter(neuron=4), counter(position=6), counter(step=12), counter(draw=1))
    }
    assert len(draws) == 5
    assert len({random.uniform(*counter(), np.float32(0), np.float32(1)) for _ in range(3)}) == 1


def test_uniform() -> None:
    draws = np.array([random.uniform(*counter(draw=i), np.float32(-2), np.float32(3)) for i in range(20_000)])
    assert draws.min() >= -2
    assert draws.max() < 3
    assert stats.kstest(draws, stats.uniform(-2, 5).cdf).pvalue > 1e-3


def test_normal() -> None:
    draws = np.array([random.normal(*counter(draw=i), np.float32(1), np.float32(2)) for i in range(20_000)])
    assert stats.kstest(draws, stats.norm(1, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("n", "p"), [(1, 0.8), (1, 0.5), (2, 0.3), (10, 0.9)])
def test_binomial(n: int, p: float) -> None:
    draws = [random.binomial_of(random.word(*counter(draw=i)), n, np.float32(p)) for i in range(20_000)]
    seen = np.bincount(np.array(draws, int), minlength=n + 1)
    expected = stats.binom(n, p).pmf(np.arange(n + 1)) * len(draws)
    common = expected >= 5
    deviation = np.sum((seen[common] - expected[common]) ** 2 / expected[common])
    assert stats.chi2(common.sum()).sf(deviation) > 1e-3


def test_binomial_of_many_trials() -> None:
    # (1 - p)ⁿ underflows: the mass has to be summed in logarithms.
    draws = np.array([random.binomial_of(random.word(*counter(draw=i)), 10_000, np.float32(0.5)) for i in range(300)])
    assert abs(draws.mean() - 5000) < 5 * 50 / np.sqrt(300)
    assert 35 < draws.std() < 65


@pytest.mark.parametrize("n", [0, 1, 5])
def test_binomial_at_the_ends(n: int) -> None:
    assert {random.binomial_of(random.word(*counter(draw=i)), n, np.float32(0)) for i in range(50)} == {0}
    assert {random.binomial_of(random.word(*counter(draw=i)), n, np.float32(1)) for i in range(50)} == {n}


def test_a_bernoulli_draw_is_a_binomial_of_one_trial() -> None:
    for i in range(50):
        bits = random.word(*counter(draw=i))
        assert random.bernoulli_of(bits, np.float32(0.4)) == random.binomial_of(bits, 1, np.float32(0.4))
