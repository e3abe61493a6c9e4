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
from ...interlayer import Interlayer
from ..nir.evaluate import evaluate
from .passes import Draws, Passes
from .sinks import ApplyPart, CollectPart, Places, Scratch, Weights, rows_and_columns
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
    inputs: NDArray[np.float32]
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


class SubModels:
    """Finds the sub-model of a batch.

    Args:
        passes: the network's kernels.
        whole: the view of the whole network.
    """

    def __init__(self, passes: Passes, whole: View) -> None:
        self.passes = passes
        self.whole = whole
        self.possible = possible(passes)
        spec = passes.spec
        self.masks = [np.ones(layer.units, np.bool_) for layer in spec.layers]
        self.worthwhile = pays
        self.scratch, self.inputs = Scratch(spec.precision), Scratch(spec.precision)
        self.storage = np.empty(spec.parameter_count if self.possible else 0, spec.precision)

    def choose(self, batch: Batch, draws: Draws) -> SubModel | None:
        """The batch's sub-model; None where it has none, or where computing it compactly does not pay."""
        lanes = batch.lanes
        if not self.possible or not len(lanes) or (lanes != lanes[0]).any():
            return None
        kept = [self._kept(stage, draws.at(stage.rate_factor), lanes[0]) for stage in self.passes.stages]
        places = {block: rows_and_columns(block, kept) for block in self.passes.spec.blocks}
        count = sum(len(rows) * len(columns) for rows, columns in places.values())
        if not all(map(len, kept)) or not self.worthwhile(len(lanes), self.passes.spec.parameter_count, count):
            return None
        return self._gathered(batch, kept, places)

    def _kept(self, stage: Stage, draws: dict[str, Any], lane: np.uint32) -> NDArray[np.intp]:
        kernel = stage.code.kept
        mask = self.masks[stage.index]
        if kernel is not None and _drops(stage):
            own = {"mask": mask, "ids": self.whole.ids[stage.index], "lane": lane}
            kernel.run(stage.constants | draws | own)
        return np.flatnonzero(mask)

    def _gathered(self, batch: Batch, kept: list[NDArray[np.intp]], places: Places) -> SubModel:
        parameters: list[NDArray[np.float32] | None] = [None] * len(kept)
        used = 0
        for block, (rows, columns) in places.items():
            size = len(rows) * len(columns)
            part = self.storage[used : used + size].reshape(len(rows), len(columns))
            used += size
            matrix = self.whole.parameters[block.layer]
            values = {"matrix": matrix, "rows": rows, "columns": columns, "part": part}
            self.passes.weights[block.layer].gather.run(values)
            parameters[block.layer] = part
        ids = [all_ids[columns] for all_ids, columns in zip(self.whole.ids, kept, strict=True)]
        inputs = self.inputs.matrix(len(batch.inputs), len(kept[0]))
        self.passes.stages[0].chain.take.run({"inputs": batch.inputs, "columns": kept[0], "part": inputs})
        view = View(ids, parameters, self.whole.previous, self.whole.stored)
        return SubModel(view, inputs, places, self.scratch, self.passes.weights)


def possible(passes: Passes) -> bool:
    """True where some neurons can be left out of a batch, and every layer can do without them."""
    regular = all(
        stage.code.analysis.without_absent and (stage.code.analysis.pushes == "product" or stage.outgoing is None)
        for stage in passes.stages
    )
    return regular and any(stage.code.kept is not None for stage in passes.stages)


def outlook(passes: Passes, rates: Rates) -> Outlook | None:
    """What to expect of a network's sub-models with these rates; None where it has none."""
    if not possible(passes):
        return None
    spec = passes.spec
    units = [stage.layer.units * _share(stage, rates) for stage in passes.stages]
    kept = round(sum((units[block.layer - 1] + block.bias) * units[block.layer] for block in spec.blocks))
    least = next((examples for examples in range(1, _FEW) if pays(examples, spec.parameter_count, kept)), None)
    return Outlook(spec.parameter_count, kept, least)


def _drops(stage: Stage) -> bool:
    """True where a layer's neurons may be left out; those before and after a normalization stay, and the last."""
    normalized = isinstance(stage.layer.incoming, Interlayer)
    return stage.code.analysis.drop is not None and not normalized and stage.outgoing is not None


def _share(stage: Stage, rates: Rates) -> float:
    """The share of a layer's neurons that a mask keeps, on average."""
    drop = stage.code.analysis.drop
    return 1.0 if drop is None or not _drops(stage) else evaluate(drop.probability, stage.uniforms(rates))
