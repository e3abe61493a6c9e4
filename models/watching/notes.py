"""What the replicas of an asynchronous training write down, and the history that it makes together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from .history import History, ValidationRecord


@dataclass
class Notes:
    """What one replica has done, a line for each of its steps.

    Attributes:
        steps: iteration, sum of losses, correct examples, examples, seconds since the job's begin.
        rates: the learning rate of each step.
        metrics: what the strategy measured: (iteration, value) by name.
        validation: the looks at the validation examples.
        skipped: the iterations in which this replica's part was left out, as it was not finite.
    """

    steps: list[tuple[int, float, int, int, float]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    validation: list[ValidationRecord] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)


def history_of(notes: Sequence[Notes], first_step: int) -> History:
    """The history of a training from the notes of all its replicas, the first of which also looked and measured.

    An iteration's loss and accuracy are means over the examples of all its parts, its time that of the last of them.
    """
    history = History(first_step=first_step, metrics=notes[0].metrics, validation=notes[0].validation)
    lines = sorted((step, rate) for own in notes for step, rate in zip(own.steps, own.rates, strict=True))
    for _, parts in groupby(lines, key=lambda line: line[0][0]):
        steps, rates = zip(*parts, strict=True)
        _, losses, correct, examples, seconds = zip(*steps, strict=True)
        seen = sum(examples) or math.nan  # nothing, where every part was left out
        history.loss.append(sum(losses) / seen)
        history.accuracy.append(sum(correct) / seen)
        history.time.append(max(seconds))
        history.learning_rate.append(rates[0])
    skipped = Counter(iteration for own in notes for iteration in own.skipped)
    if skipped:
        history.metrics["skipped"] = [(iteration + 1, float(count)) for iteration, count in sorted(skipped.items())]
    return history
