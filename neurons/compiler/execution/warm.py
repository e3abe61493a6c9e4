"""Compiling before the work begins: one tiny batch through every kernel that a network will use.

Machine code depends on types, not on sizes, so that a network of the same classes with a few units compiles all that
the real one needs. Done once before worker processes start, they find everything in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...engine import Batch, Rates
from ...interlayer import Interlayer
from ...spec import NetworkSpec

if TYPE_CHECKING:
    from .engine import Compiled

_UNITS = 8
_EXAMPLES = 4
#: None of them 0: what a step does with decay is compiled, too, and a neuron may divide by them.
_RATES = Rates(0, 0.01, 0.5)


def warm_up(engine_class: Callable[..., Compiled], spec: NetworkSpec, training: bool) -> None:
    """Compile, or load from the cache, everything that running `spec` needs.

    Args:
        engine_class: the engine.
        spec: the network.
        training: False where it will only predict.

    Raises:
        NeuronError: the network cannot be run.
    """
    small = _small(spec)
    # Plausible numbers, since a user's interlayer function and cost are called with what comes of them.
    random = np.random.default_rng(0)
    parameters, previous = random.random(small.size).astype(small.precision), np.zeros(small.size, small.precision)
    engine = engine_class(small, parameters, previous, seed=0, training=training)
    # What goes wrong with these numbers need not go wrong with the user's.
    for stage in engine.passes.stages:
        stage.tell = lambda: None
    inputs = random.random((_EXAMPLES, small.layers[0].units), np.float32)
    targets = np.zeros((_EXAMPLES, small.layers[-1].units), np.float32)
    targets[:, 0] = 1.0
    engine.score(inputs, targets)
    if not training:
        return
    places = np.arange(_EXAMPLES, dtype=np.uint32)
    update = np.zeros(small.size, small.precision)
    engine.submodels.worthwhile = lambda examples, weights, kept: True
    for lanes in (places, np.zeros_like(places)):
        batch = Batch(inputs, targets, places, lanes, _EXAMPLES)
        engine.step(batch, _RATES)
        engine.gradient(batch, _RATES, update)
    engine.complete(update, _RATES, 0, small.size)
    engine.apply(update, _RATES, 0, small.size)


def _small(spec: NetworkSpec) -> NetworkSpec:
    """The network with few units; a user's interlayer function keeps the length of vector that it may rely on."""
    layers = list(spec.layers)
    for index, layer in enumerate(layers):
        following = layers[index + 1].incoming if index + 1 < len(layers) else None
        if not isinstance(layer.incoming, Interlayer) and not isinstance(following, Interlayer):
            layers[index] = replace(layer, units=min(layer.units, _UNITS))
    return replace(spec, layers=tuple(layers))
