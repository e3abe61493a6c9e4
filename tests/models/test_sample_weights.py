"""The weights of examples in training."""

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, Softmax, StandardNeuron, Tanh


def plain(**arguments):
    """A network that draws nothing, whose examples may change places."""
    nn = NeuralNetwork(**{"momentum": 0.9, "engine": "interpreter", **arguments})
    nn.input_layer(6)
    nn.add_layer(4, Tanh)
    nn.output_layer(3, Softmax, StandardNeuron, cost=CrossEntropy)
    return nn


def test_an_example_of_weight_two_is_as_good_as_two(task, same_weights):
    """The whole set is one batch: two examples more divide the sums by 42 instead of 40."""
    x, y = task
    weights = np.ones(40)
    weights[:2] = 2.0
    weighted, repeated = plain(learning_rate=0.1), plain(learning_rate=0.1 * 42 / 40)
    first = weighted.fit(x, y, epochs=5, batch_size=40, sample_weight=weights)
    twice = np.r_[0:40, 0:2]
    second = repeated.fit(x[twice], y[twice], epochs=5, batch_size=42)
    assert same_weights(weighted, repeated, atol=1e-6)
    assert first.loss == pytest.approx([loss * 42 / 40 for loss in second.loss], rel=1e-5)


def test_an_example_of_weight_zero_teaches_nothing(task, same_weights):
    x, y = task
    spoiled = np.where(np.arange(40) < 5, (y + 1) % 3, y)
    one, other = plain(), plain()
    for nn, labels in ((one, y), (other, spoiled)):
        nn.fit(x, labels, iterations=6, batch_size=7, sample_weight=np.arange(40) >= 5)
    assert same_weights(one, other)


def test_weights_of_one_change_nothing(build, task, same_weights):
    one, other = build(), build()
    assert one.fit(*task, epochs=2, batch_size=7).loss == pytest.approx(
        other.fit(*task, epochs=2, batch_size=7, sample_weight=np.ones(40, np.int64)).loss, rel=1e-6
    )
    assert same_weights(one, other)


def test_any_number_of_workers_does_the_same(build, task, same_weights):
    weights = np.random.default_rng(2).random(40)
    alone, together = build(), build()
    one = alone.fit(*task, epochs=2, batch_size=22, sample_weight=weights)
    many = together.fit(*task, epochs=2, batch_size=22, sample_weight=weights, workers=3, processes=2)
    assert same_weights(alone, together, atol=1e-6)
    assert many.loss == pytest.approx(one.loss, rel=1e-5)
    assert many.accuracy == one.accuracy


ERRORS = {
    "short": (np.ones(39), ValueError, r"sample_weight has shape \(39,\).*\(40,\)"),
    "wide": (np.ones((40, 1)), ValueError, r"sample_weight has shape \(40, 1\)"),
    "negative": (np.arange(40) - 3.0, ValueError, r"sample_weight\[0\] is -3.0: weights must be at least 0"),
    "nan": (np.full(40, np.nan), ValueError, r"sample_weight\[0\] is nan"),
    "words": (["heavy"] * 40, TypeError, "sample_weight holds <U5"),
    "nothing": (np.zeros(40), ValueError, "0 for all examples"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_weights(build, task, case):
    weights, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text):
        build().fit(*task, iterations=1, batch_size=4, sample_weight=weights)
