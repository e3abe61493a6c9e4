"""The user's function that changes inputs: the same for any number of workers, ahead of time or not."""

import threading

import numpy as np
import pytest

from horn.bsp import PeerFailed


def jitter(x, rng):
    """Noise for each feature, a gain for each example, and for some nothing at all."""
    noisy = (x + rng.normal(0.0, 0.3, x.shape[1])) * rng.uniform(0.5, 1.5)[:, None]
    return np.where(rng.integers(0, 3)[:, None] == 0, x, noisy)


def flip_in_place(x, rng):
    for row, own in zip(x, rng.generators(), strict=True):
        if own.random() < 0.5:
            row[:] = row[::-1].copy()
    return x


def both(x, rng):
    return jitter(flip_in_place(x, rng), rng)


def test_any_number_of_workers_does_the_same(build, task, same_weights):
    alone, together, without = build(), build(), build()
    alone.fit(*task, epochs=2, batch_size=22, augment=both)
    together.fit(*task, epochs=2, batch_size=22, augment=both, workers=20, processes=2)
    without.fit(*task, epochs=2, batch_size=22)
    assert same_weights(alone, together, atol=1e-6)
    assert not same_weights(alone, without, atol=1e-3)


@pytest.mark.parametrize("prefetch", [False, True])
def test_it_gets_the_rows_of_the_batches(build, task, same_weights, prefetch):
    """What it returns is computed: a network trained on doubled inputs tells."""
    x, y = task
    one, other, shapes = build(), build(), []

    def double(part, rng):
        shapes.append((part.dtype, part.shape, len(rng)))
        return 2 * part.astype(np.float64)

    one.fit(x, y, epochs=1, batch_size=15, augment=double, prefetch=prefetch)
    other.fit(2 * x, y, epochs=1, batch_size=15)
    assert same_weights(one, other)
    assert shapes == [(np.float32, (15, 6), 15)] * 2 + [(np.float32, (10, 6), 10)]


def test_a_fit_in_two_parts_draws_what_one_draws(build, task, same_weights):
    one, two = build(), build()
    one.fit(*task, iterations=5, batch_size=9, augment=jitter)
    for iterations in (2, 3):
        two.fit(*task, iterations=iterations, batch_size=9, augment=jitter)
    assert same_weights(one, two)


def spoiled(x, rng):
    changed = x.copy()
    changed[1, 2] = np.nan
    return changed


ERRORS = {
    "nothing": (lambda x, rng: None, TypeError, r"augment returned None: .* shape \(8, 6\), also where .* in place"),
    "fewer": (lambda x, rng: x[1:], ValueError, r"augment returned shape \(7, 6\) for x of shape \(8, 6\)"),
    "complex": (lambda x, rng: x * 1j, TypeError, "augment returned ndarray of complex"),
    "nan": (spoiled, ValueError, r"augment\(x\)\[1, 2\] is nan"),
    "too large": (lambda x, rng: x * 1e300, ValueError, r"augment\(x\)\[0, 0\] is -?inf"),
}


@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("case", ERRORS)
def test_bad_results(build, task, same_weights, case, prefetch):
    augment, kind, text = ERRORS[case]
    nn = build()
    with pytest.raises(kind, match=text):
        nn.fit(task[0].astype(np.float64), task[1], iterations=3, batch_size=8, augment=augment, prefetch=prefetch)
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]
    assert same_weights(nn, build())


def test_no_function(build, task):
    with pytest.raises(TypeError, match="augment must be a function"):
        build().fit(*task, iterations=1, batch_size=8, augment="flip")


def fails(x, rng):
    raise RuntimeError("no image")


def test_what_it_raises_is_told_with_its_line(build, task):
    with pytest.raises(RuntimeError, match="no image") as caught:
        build().fit(*task, iterations=1, batch_size=8, augment=fails)
    assert caught.traceback[-1].name == "fails"
    with pytest.raises(PeerFailed, match="no image") as caught:
        build().fit(*task, iterations=1, batch_size=8, augment=fails, workers=2)
    assert "in fails" in caught.value.traceback
