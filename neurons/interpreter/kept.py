"""The part of a network that a batch's mask keeps, found neuron by neuron."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import random
from ..compiler.analysis.compatibility import analysis_if_known
from ..compiler.analysis.masks import dropped_by
from ..compiler.nir.evaluate import evaluate
from ..engine import Batch, Rates
from ..part import Part
from ..spec import NetworkSpec
from .draws import Draws, Place
from .numbers import Numbers
from .split import layer_values


def part_of(spec: NetworkSpec, batch: Batch, rates: Rates, key: tuple[np.uint32, np.uint32]) -> Part:
    """What `PartEngine.part` gives for a batch.

    Args:
        spec: the network.
        batch: the batch.
        rates: those of the step.
        key: of its random draws.
    """
    known = [analysis_if_known(layer) for layer in spec.layers]
    analyses = [analysis for analysis in known if analysis is not None]
    lanes = batch.lanes
    if len(analyses) < len(known) or not len(lanes) or (lanes != lanes[0]).any():
        return Part.of_all(spec)
    analyses[0] = analyses[0].of_inputs
    numbers = Numbers(spec.precision)
    place = Place(key, rates.step, int(batch.positions[0]), int(lanes[0]), batch.nested)
    found: list[NDArray[np.intp]] = []
    for index, drop in enumerate(dropped_by(spec, analyses)):
        if drop is None:
            found.append(np.arange(spec.layers[index].units))
            continue
        values = layer_values(analyses[index], spec.layers[index], index, rates, spec.precision)
        chance = evaluate(drop.probability, values)
        draws = [Draws(int(identity), place, random.FORWARD, numbers, exempt=False) for identity in spec.ids[index]]
        kept = np.flatnonzero([draw.of_worker(chance) for draw in draws])
        found.append(kept if len(kept) else np.arange(1))
    return Part(spec, tuple(found))
