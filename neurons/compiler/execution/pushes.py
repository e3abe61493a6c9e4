"""From a layer's factors and its receivers' deltas to D: what its class pushes, put into a sink."""

from __future__ import annotations

from typing import Any

from ...spec import Block
from ..emission.pushing import PushTerm
from .draws import Draws
from .sinks import Matrix, Sink, Term, Weights
from .stage import Stage


class Pushes:
    """Forms the pushes of layers whose methods have run.

    Args:
        weights: the operations of each connection.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def push(
        self, stage: Stage, values: dict[str, Any], block: Block, draws: Draws, sink: Sink, *, added: bool
    ) -> None:
        """What a layer's class pushes goes to the sink.

        Args:
            stage: the layer.
            values: factors, deltas and weights by name: of the rows and columns of the block. "U" is where D goes, if
                anything has been added.
            block: the weights.
            draws: those of the batch.
            sink: takes D.
            added: True where D holds something already.
        """
        if block.frozen:
            sink.skip(block)
            return
        code = stage.code
        coefficients = stage.coefficients(draws.rates)
        if code.analysis.pushes == "product" and not added:
            first = 0 if block.bias else 1
            terms = [Term(values[term.factors][:, first:], values[term.left]) for term in code.terms]
            sink.product(block, terms, draws.share, coefficients)
            return
        if not added:
            summed = any(term.out == "U" for term in code.terms)
            values["U"] = sink.matrix(block) if summed else self.zeroed(block, sink)
        for term in code.terms:
            self._add(term, block, values, added=added)
            added |= term.out == "U"
        stage.run(code.update, values)
        sink.loop(block, coefficients)

    def zeroed(self, block: Block, sink: Sink) -> Matrix:
        """Where D goes, for kernels that add to it."""
        matrix = sink.matrix(block)
        self.weights[block.layer].zero.run({"update": matrix})
        return matrix

    def _add(self, term: PushTerm, block: Block, values: dict[str, Any], *, added: bool) -> None:
        """A product of a push that is more than products: to D, or kept for the pass that goes on.

        `added` says whether D holds something already.
        """
        factors = values[term.factors][:, 0 if block.bias else 1 :]
        beta, out = float(added and term.out == "U"), values[term.out][: block.rows]
        given = {"factors": factors, "deltas": values[term.left], "alpha": values["share"], "beta": beta}
        self.weights[block.layer].push.run(given | {"update": out})
