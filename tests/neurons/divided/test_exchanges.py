"""What travels between tasks, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons import (
    Batch,
    Identity,
    NeuronError,
    Rates,
    ReLU,
    SquaredError,
    StandardNeuron,
    divide,
    divided_engine_named,
)

ENGINES = pytest.mark.parametrize("engine", ["interpreter", "compiled"])


def batch(spec, examples):
    rng = np.random.default_rng(3)
    places = np.arange(examples, dtype=np.uint32)
    inputs, targets = (rng.random((examples, spec.layers[i].units)).astype(np.float32) for i in (0, -1))
    return Batch(inputs, targets, places, places, max(examples, 1))


def given_in_a_step(spec, together, engine, examples):
    """Bytes that a task gives to another, for each exchange of a step."""

    def run(share, exchange):
        flat = np.full(share.size, 0.1, np.float32)
        made = divided_engine_named(engine)(share, exchange, flat, np.zeros_like(flat), seed=0)
        made.step(batch(spec, examples), Rates(0, 0.1, 0.5))
        return exchange.given

    return together(divide(spec, 2), run)[0]


@ENGINES
def test_a_layer_takes_as_many_exchanges_for_any_number_of_examples(network, together, engine):
    spec = network(*((4, StandardNeuron, ReLU()) for _ in range(4)), cost=SquaredError())
    counts = {len(given_in_a_step(spec, together, engine, examples)) for examples in (1, 3)}
    assert len(counts) == 1


def test_weighted_sums_exchange_outputs_and_sums_and_never_weights(network, together):
    units, examples = 32, 2
    spec = network(*((units, StandardNeuron, ReLU()) for _ in range(4)), cost=SquaredError())
    given = given_in_a_step(spec, together, "compiled", examples)
    # Outputs of four layers forward; sums of the two hidden ones back: of the inputs nobody needs the delta.
    assert given == [examples * units // 2 * 4] * (4 + 2)


@ENGINES
def test_a_part_without_examples_changes_nothing_but_by_momentum(network, together, engine):
    spec = network((4, StandardNeuron, Identity()), (3, StandardNeuron, Identity()), cost=SquaredError())

    def run(share, exchange):
        flat = np.ones(share.size, np.float32)
        made = divided_engine_named(engine)(share, exchange, flat, np.zeros_like(flat), seed=0)
        update = np.full(share.size, np.nan, np.float32)
        score = made.gradient(batch(spec, 0), Rates(0, 0.1, 0.5), update)
        return score.examples, update

    for examples, update in together(divide(spec, 2), run):
        assert examples == 0
        assert not update.any()


@ENGINES
def test_one_task_is_the_whole_network(network, together, engine):
    spec = network((4, StandardNeuron, Identity()), (3, StandardNeuron, Identity()), cost=SquaredError())

    def run(share, exchange):
        flat = np.ones(share.size, np.float32)
        made = divided_engine_named(engine)(share, exchange, flat, np.zeros_like(flat), seed=0, training=False)
        return made.predict(np.ones((2, 4), np.float32))

    (outputs,) = together(divide(spec, 1), run)
    np.testing.assert_array_equal(outputs, np.full((2, 3), 5.0))


class Silent(StandardNeuron):
    """Fails in one neuron, which only one task has."""

    def forward(self, messages):
        if self.index < 3:
            self.feedforward(sum(m.input * m.weight for m in messages))


@ENGINES
def test_a_mistake_is_told_by_the_task_whose_neuron_makes_it(network, together, engine):
    spec = network((4, StandardNeuron, Identity()), (4, Silent, Identity()), cost=SquaredError())

    def run(share, exchange):
        flat = np.ones(share.size, np.float32)
        made = divided_engine_named(engine)(share, exchange, flat, np.zeros_like(flat), seed=0, training=False)
        return made.predict(np.ones((2, 4), np.float32))

    with pytest.raises(NeuronError, match="feedforward"):
        together(divide(spec, 2), run)


@ENGINES
def test_what_does_not_belong_together_is_refused(network, together, engine):
    spec = network((4, StandardNeuron, Identity()), (3, StandardNeuron, Identity()), cost=SquaredError())
    kind = divided_engine_named(engine)
    first, second = divide(spec, 2)

    def swapped(share, exchange):
        other = second if share is first else first
        flat = np.ones(other.size, np.float32)
        return kind(other, exchange, flat, flat.copy(), seed=0)

    with pytest.raises(ValueError, match=r"the share is that of task . of 2, the exchange that of task . of 2"):
        together([first, second], swapped)

    def whole(share, exchange):
        flat = np.ones(spec.size, np.float32)
        return kind(share, exchange, flat, flat.copy(), seed=0)

    with pytest.raises(ValueError, match=rf"task . holds \d+ parameters, got an array of shape \({spec.size},\)"):
        together([first, second], whole)


def test_engines_have_two_names():
    with pytest.raises(ValueError, match="engine must be one of 'compiled', 'interpreter', got 'fast'"):
        divided_engine_named("fast")
