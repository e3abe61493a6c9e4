"""`explain` and `profile` of a network."""

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.neurons import NeuronError


def test_explain_knows_batch_layer_and_momentum(build) -> None:
    nn = build(momentum=0.0)
    explanation = nn.explain(batch_size=7)
    assert explanation.examples == 7
    assert "One training step of 7 examples" in str(explanation)
    assert len(explanation.gemms) == 5
    assert [layer.index for layer in nn.explain(layer=1).layers] == [1]
    assert any(call.method == "kept" for call in nn.explain(submodels=True).step)
    pushes = [call.work.bytes for call in explanation.gemms if call.method == "weights"]
    remembering = build(momentum=0.5).explain(batch_size=7)
    # β·previous has to be read
    assert [call.work.bytes for call in remembering.gemms if call.method == "weights"] > pushes


def test_profile_leaves_the_network_alone(build, task, same_weights) -> None:
    nn, other = build(engine="compiled"), build(engine="compiled")
    nn.fit(*task, iterations=3, batch_size=8, verbose=0)
    other.fit(*task, iterations=3, batch_size=8, verbose=0)
    profile = nn.profile(*task, batch_size=60, steps=3)  # more than there are examples
    assert profile.examples == 60
    assert same_weights(nn, other)
    assert nn.step == 3
    nn.fit(*task, iterations=3, batch_size=8, verbose=0)
    other.fit(*task, iterations=3, batch_size=8, verbose=0)
    assert same_weights(nn, other)


def test_sub_models_are_profiled(build, task) -> None:
    profile = build(engine="compiled").profile(*task, batch_size=30, steps=3, submodels=True)
    assert any(timing.call.method == "kept" for timing in profile.timings)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda nn, x, y: nn.explain(batch_size=0), ValueError, "batch_size must be at least 1, got 0"),
        (lambda nn, x, y: nn.explain(layer=9), ValueError, r"layer must be in \[0, 4\), got 9"),
        (lambda nn, x, y: nn.explain(layer="a"), TypeError, "layer must be a whole number, got 'a'"),
        (lambda nn, x, y: nn.profile(x, y, batch_size=8, steps=0), ValueError, "steps must be at least 1, got 0"),
        (lambda nn, x, y: nn.profile(x[:, :2], y, batch_size=8), ValueError, "x has shape"),
        (lambda nn, x, y: nn.profile(x, y, batch_size=8, submodels=2), TypeError, "submodels must be True or False"),
        (lambda nn, x, y: nn.profile(x, y, batch_size=8), NeuronError, 'set nn.engine = "compiled"'),
        (lambda nn, x, y: NeuralNetwork().explain(), ValueError, "the network has no output layer"),
    ],
)
def test_bad_arguments_are_refused(call, error, text, build, task) -> None:
    with pytest.raises(error, match=text):
        call(build(), *map(np.asarray, task))
