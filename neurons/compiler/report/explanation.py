"""What `explain` returns: what was compiled to what, as data, as text, as a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import SourceLine
from ..operations.work import Arithmetic, Work, total
from .columns import short, table, wrapped
from .plan import Call


@dataclass(frozen=True)
class Hindrance:
    """What keeps a message loop from a better tier.

    Args:
        tier: the better one.
        reason: why not.
        where: the user's line.
        cure: what to write instead; empty where nothing is known to help.
    """

    tier: str
    reason: str
    where: SourceLine | None
    cure: str

    def __str__(self) -> str:
        lines = [f"not {self.tier}: {self.reason}", *(f"    {line}" for line in str(self.where or "").splitlines())]
        return "\n".join([*lines, f"    cure: {self.cure}"] if self.cure else lines)


@dataclass(frozen=True)
class LoopStory:
    """What became of one message loop.

    Args:
        method: "forward" or "backward".
        tier: "GEMM" (matrix products), "lanes" (SIMD) or "scalar"; "one message" where there is nothing to sum.
        terms: what was matched, for matrix products.
        where: the user's loop.
        hindrances: why not better, the best tier first.
    """

    method: str
    tier: str
    terms: tuple[str, ...]
    where: SourceLine | None
    hindrances: tuple[Hindrance, ...]

    def __str__(self) -> str:
        place = f" ({Path(self.where.file).name}:{self.where.line})" if self.where else ""
        below = [line for part in (*self.terms, *self.hindrances) for line in str(part).splitlines()]
        return "\n".join([f"{self.method}{place}: {self.tier}", *(f"    {line}" for line in below)])


@dataclass(frozen=True)
class Step:
    """One operation of a method, for a neuron and example.

    Args:
        method: "forward", "predict", "backward", "push", "bias_forward" or "bias_backward".
        kind: "GEMM", "kernel" or "pass".
        name: what it is.
        each: its arithmetic.
    """

    method: str
    kind: str
    name: str
    each: Arithmetic


@dataclass(frozen=True)
class ClassExplanation:
    """What a neuron class with an activation is compiled to.

    Args:
        neuron, activation: names of both.
        file: the generated module.
        loops: what became of each message loop.
        steps: the operations of its methods, in order.
    """

    neuron: str
    activation: str
    file: str
    loops: tuple[LoopStory, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        rows = [
            (
                step.method.replace("_", " "), step.kind, step.name,
                short(step.each.once.flops), short(step.each.once.functions), short(step.each.once.draws),
                short(step.each.message.flops), short(step.each.message.functions),
            )
            for step in self.steps
        ]  # fmt: skip
        headings = ("method", "kind", "operation", "flops", "functions", "draws", "flops/message", "functions/message")
        lines = [
            f"{self.neuron} with {self.activation}, for each neuron and example",
            "",
            *map(str, self.loops),
            "",
            *table(headings, rows, headings[3:]),
            "",
            self.file,
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """All of it in dictionaries, lists, strings and numbers."""
        return asdict(self)


@dataclass(frozen=True)
class LayerExplanation:
    """One layer of a network.

    Args:
        index: its index.
        units: number of neurons.
        neurons: what they are compiled to.
    """

    index: int
    units: int
    neurons: ClassExplanation


@dataclass(frozen=True)
class Explanation:
    """What a network is compiled to, and what a training step does.

    Args:
        title: the network.
        examples: size of the batch.
        layers: its layers.
        step: the operations of a training step, in order; none where the network cannot be trained.
        prediction: those of a prediction.
        notes: what is left out, and how sub-models are computed.
    """

    title: str
    examples: int
    layers: tuple[LayerExplanation, ...]
    step: tuple[Call, ...]
    prediction: tuple[Call, ...]
    notes: tuple[str, ...]

    @property
    def work(self) -> Work:
        """The work of a training step."""
        return total(call.work for call in self.step)

    @property
    def gemms(self) -> tuple[Call, ...]:
        """The BLAS calls of a training step."""
        return tuple(call for call in self.step if call.kind == "GEMM")

    def as_dict(self) -> dict[str, Any]:
        """All of it in dictionaries, lists, strings and numbers, with the sum of the step's work."""
        return asdict(self) | {"work": asdict(self.work)}

    def __str__(self) -> str:
        lines = [self.title, ""]
        for layer in self.layers:
            neurons = layer.neurons
            file = Path(neurons.file).name
            lines.append(f"layer {layer.index}: {layer.units} × {neurons.neuron}, {neurons.activation}, in {file}")
            lines += [f"  {line}" for story in neurons.loops for line in str(story).splitlines()]
        if self.step:
            lines += ["", f"One training step of {self.examples} examples", ""]
            lines += [*calls_table(self.step), "", _summary(self.step)]
        lines += ["", f"Prediction of {self.examples} examples", "", _summary(self.prediction), ""]
        folders = dict.fromkeys(Path(layer.neurons.file).parent for layer in self.layers)
        lines += [
            *(line for note in self.notes for line in wrapped(note)),
            "",
            *(f"The generated modules are in {folder}" for folder in folders),
        ]
        return "\n".join(lines)


HEADINGS = ("layer", "method", "kind", "operation", "sizes", "flops", "functions", "draws", "bytes")
NUMERIC = ("layer", "sizes", "flops", "functions", "draws", "bytes")


def cells(call: Call) -> tuple[str, ...]:
    """A call's cells under `HEADINGS`."""
    work = call.work
    numbers = short(work.flops), short(work.functions), short(work.draws), short(work.bytes, "B")
    return str(call.layer), call.method.replace("_", " "), call.kind, call.name, call.sizes, *numbers


def calls_table(calls: Sequence[Call]) -> list[str]:
    """A table of calls, one per line."""
    return table(HEADINGS, [cells(call) for call in calls], NUMERIC)


def _summary(calls: Sequence[Call]) -> str:
    parts = []
    for kind, word in (("GEMM", "GEMM"), ("kernel", "kernel"), ("pass", "pass")):
        own = [call for call in calls if call.kind == kind]
        work = total(call.work for call in own)
        plural = "" if len(own) == 1 else "es" if kind == "pass" else "s"
        if own:
            parts.append(f"{len(own)} {word}{plural} ({short(work.flops, 'FLOP') or 'no arithmetic'}, "
                         f"{short(work.bytes, 'B')})")  # fmt: skip
    return ", ".join(parts)
