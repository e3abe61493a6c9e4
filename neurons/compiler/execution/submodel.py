"""Sub-models computed compactly: where a mask holds for a whole batch, only what it keeps is computed.

Inputs, weights and deltas of the kept neurons are gathered into small dense matrices, on which the very same kernels
and products run. That pays where enough is dropped to make up for the gathering: `pays` is the cost model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Rates
from ...part import Part
from ..analysis.drops import Drop
from ..analysis.masks import dropped_by
from ..nir.evaluate import evaluate
from .draws import Draws
from .passes import Passes
from .sinks import ApplyPart, CollectPart, Places, Scratch, Weights
from .stage import Stage, View

#: Seconds, measured on one AVX-512 core with 784-512-512-10 and batches of 1 to 50: what a step costs for each weight
#: and example, and beside that for each weight of the whole network, for each kept weight (gathered and put back).
#: Passes over all weights that both ways need are left out.
_PER_EXAMPLE = 4e-11
_WHOLE = 5e-10
_KEPT = 1.1e-9
#: Batches at which the cost model is looked at.
_FEW = 1000


def pays(examples: int, weights: int, kept: int) -> bool:
    """True where a sub-model of `kept` weights is computed faster compactly than within all `weights`."""
    return weights * (_WHOLE + examples * _PER_EXAMPLE) > kept * (_KEPT + examples * _PER_EXAMPLE)


@dataclass(frozen=True)
class SubModel:
    """The part of a network that one mask keeps.

    Args:
        view: ids and gathered weights.
        inputs: the batch's inputs, kept features only.
        places: block → its kept rows and columns.
        scratch: where a block's push is formed.
        operations: those of each connection.
    """

    view: View
    inputs: NDArray[np.floating]
    places: Places
    scratch: Scratch
    operations: Weights

    def collect(self, out: NDArray[np.float32]) -> CollectPart:
        """A sink that puts D into its place in a flat array."""
        return CollectPart(self.operations, out, self.places, self.scratch)

    def apply(self, parameters: NDArray[np.float32], previous: NDArray[np.float32]) -> ApplyPart:
        """A sink that makes the step."""
        return ApplyPart(self.operations, parameters, previous, self.places, self.scratch)


@dataclass(frozen=True)
class Outlook:
    """What to expect of sub-models.

    Args:
        weights: of the whole network.
        kept: those that a mask keeps, on average.
        examples: the smallest batch from which on it pays to compute them compactly; None where it does for none.
    """

    weights: int
    kept: int
    examples: int | None


class Parts:
    """Finds the part of a network that a batch needs.

    Args:
        passes: the network's kernels.
    """

    def __init__(self, passes: Passes) -> None:
        self.passes = passes
        self.drops = dropped_by(passes.spec, [stage.code.analysis for stage in passes.stages])
        self.whole = Part.of_all(passes.spec)
        self.masks = [np.ones(layer.units, np.bool_) for layer in passes.spec.layers]

    def of(self, batch: Batch, draws: Draws) -> Part:
        """The part that the batch's mask keeps; all of the network where it has no one mask."""
        lanes = batch.lanes
        if not any(self.drops) or not len(lanes) or (lanes != lanes[0]).any():
            return self.whole
        stages = self.passes.stages
        kept = (self._kept(stage, draws.at(stage.rate_factor), lanes[0]) for stage in stages)
        return Part(self.passes.spec, tuple(kept))

    def _kept(self, stage: Stage, draws: dict[str, Any], lane: np.uint32) -> NDArray[np.intp]:
        kernel = stage.code.kept
        mask = self.masks[stage.index]
        if kernel is not None and self.drops[stage.index] is not None:
            own = {"mask": mask, "ids": self.passes.spec.ids[stage.index], "lane": lane}
            kernel.run(stage.constants | draws | own)
        kept = np.flatnonzero(mask)
        return kept if len(kept) else np.arange(1)  # products need a neuron; its own draw leaves it out


class SubModels:
    """Finds the sub-model of a batch.

    Args:
        passes: the network's kernels.
        whole: the view of the whole network.
    """

    def __init__(self, passes: Passes, whole: View) -> None:
        self.passes = passes
        self.whole = whole
        self.parts = Parts(passes)
        spec = passes.spec
        self.worthwhile = pays
        self.scratch, self.inputs = Scratch(spec.precision), Scratch(spec.precision)
        self.storage = np.empty(spec.parameter_count if any(self.parts.drops) else 0, spec.precision)

    def choose(self, batch: Batch, draws: Draws) -> SubModel | None:
        """The batch's sub-model; None where it has none, or where computing it compactly does not pay."""
        part = self.parts.of(batch, draws)
        count = sum(len(rows) * len(columns) for rows, columns in part.places.values())
        if part is self.parts.whole or not self.worthwhile(len(batch.lanes), self.passes.spec.parameter_count, count):
            return None
        return self._gathered(batch, part)

    def _gathered(self, batch: Batch, part: Part) -> SubModel:
        parameters: list[NDArray[np.float32] | None] = [None] * len(part.kept)
        used = 0
        for block, (rows, columns) in part.places.items():
            size = len(rows) * len(columns)
            matrix = self.storage[used : used + size].reshape(len(rows), len(columns))
            used += size
            values = {"matrix": self.whole.parameters[block.layer], "rows": rows, "columns": columns, "part": matrix}
            self.passes.weights[block.layer].gather.run(values)
            parameters[block.layer] = matrix
        view = View(ids_of(part), parameters, self.whole.previous, self.whole.stored)
        inputs = kept_inputs(self.passes, batch, part, self.inputs)
        return SubModel(view, inputs, part.places, self.scratch, self.passes.weights)


def ids_of(part: Part) -> list[NDArray[np.uint32]]:
    """Per layer, the network-wide ids of the neurons that are kept."""
    return [ids[kept] for ids, kept in zip(part.spec.ids, part.kept, strict=True)]


def kept_inputs(passes: Passes, batch: Batch, part: Part, scratch: Scratch) -> NDArray[np.floating]:
    """The batch's inputs, kept features only, in `scratch`."""
    inputs = scratch.matrix(len(batch.inputs), len(part.kept[0]))
    passes.stages[0].chain.take.run({"inputs": batch.inputs, "columns": part.kept[0], "part": inputs})
    return inputs


def outlook(passes: Passes, rates: Rates) -> Outlook | None:
    """What to expect of a network's sub-models with these rates; None where it has none."""
    drops = Parts(passes).drops
    if not any(drops):
        return None
    spec = passes.spec
    units = [stage.layer.units * _share(stage, drop, rates) for stage, drop in zip(passes.stages, drops, strict=True)]
    kept = round(sum((units[block.layer - 1] + block.bias) * units[block.layer] for block in spec.blocks))
    least = next((examples for examples in range(1, _FEW) if pays(examples, spec.parameter_count, kept)), None)
    return Outlook(spec.parameter_count, kept, least)


def _share(stage: Stage, drop: Drop | None, rates: Rates) -> float:
    """The share of a layer's neurons that a mask keeps, on average."""
    return 1.0 if drop is None else evaluate(drop.probability, stage.uniforms(rates))
