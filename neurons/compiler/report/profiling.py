"""How long each operation of a step takes, beside what could be expected of it."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import Batch, Rates
from ...spec import NetworkSpec
from ..execution.engine import Compiled
from ..operations.operation import Operation, Values
from ..operations.watching import Place, Watched
from .columns import short, table
from .explanation import HEADINGS, NUMERIC, cells
from .machine import Machine, measure
from .plan import Call

#: Steps before the first that counts: kernels are compiled, memory is there.
_WARM_UP = 5


@dataclass(frozen=True)
class Timing:
    """One operation, measured.

    Args:
        call: what it is and does.
        seconds: median over the steps in which it ran.
        share: of the step's time, as the parts make it up.
        bound: seconds that its work takes at least on this machine; see `Machine.seconds`.
    """

    call: Call
    seconds: float
    share: float
    bound: float


@dataclass(frozen=True)
class Profile:
    """What a training step spends its time on.

    Args:
        examples: size of the batch.
        steps: number of steps measured.
        seconds: of a step: the sum of what its parts take.
        timings: its operations, in order.
        outside: seconds that belong to no operation, median: Python between them, and the clock.
        whole: seconds of a whole step, median. More than `seconds` where other processes interrupt: most steps are, and
            few of the operations.
        machine: the rates that the bounds come from.
    """

    examples: int
    steps: int
    seconds: float
    timings: tuple[Timing, ...]
    outside: float
    whole: float
    machine: Machine

    def as_dict(self) -> dict[str, Any]:
        """All of it in dictionaries, lists, strings and numbers."""
        return asdict(self)

    def __str__(self) -> str:
        headings = (*HEADINGS[:5], "µs", "share", "bound µs", "times bound")
        rows = [
            (
                *cells(timing.call)[:5], _micro(timing.seconds), f"{timing.share:.1%}",
                _micro(timing.bound), f"{timing.seconds / timing.bound:.1f}",
            )
            for timing in self.timings
        ]  # fmt: skip
        products = [timing for timing in self.timings if timing.call.kind == "GEMM"]
        spent = sum(timing.seconds for timing in products)
        return "\n".join(
            [
                f"A training step of {self.examples} examples, medians of {self.steps}: {_micro(self.seconds)} µs",
                "",
                *table(headings, rows, (*NUMERIC, *headings[5:])),
                "",
                f"{len(products)} GEMMs: {_micro(spent)} µs, {spent / self.seconds:.0%} of the step",
                f"outside of all operations: {_micro(self.outside)} µs, {self.outside / self.seconds:.0%}",
                f"whole steps, interruptions by other processes included: {_micro(self.whole)} µs",
                f"bounds: arithmetic at {short(self.machine.flops, 'FLOP/s')}, as in a GEMM of 512×512×512,",
                f"        bytes at {short(self.machine.bytes, 'B/s')}, as in a copy;",
                f"        {_micro(self.machine.call)} µs for the call itself",
            ]
        )


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:.1f}"


class _Stopwatch:
    """Times every operation of a step at a time."""

    def __init__(self) -> None:
        self.seen: list[_Timed] = []
        self.times: list[float] = []
        self.values: list[Values] = []

    def watch(self, place: Place, operation: Operation) -> Operation:
        return _Timed(place, operation, self)

    def begin(self) -> None:
        self.seen, self.times, self.values = [], [], []


class _Timed(Watched):
    def __init__(self, place: Place, operation: Operation, watch: _Stopwatch) -> None:
        super().__init__(place, operation)
        self.watch = watch

    def run(self, values: Values) -> Any:
        start = time.perf_counter()
        result = self.operation.run(values)
        self.watch.times.append(time.perf_counter() - start)
        self.watch.seen.append(self)
        self.watch.values.append(values)
        return result


def profile_network(
    spec: NetworkSpec,
    parameters: NDArray[np.floating[Any]],
    previous: NDArray[np.floating[Any]],
    batch_of: Callable[[int], Batch],
    rates: Rates,
    *,
    seed: int = 0,
    steps: int = 50,
) -> Profile:
    """Measure the operations of training steps, made on copies of the parameters.

    Args:
        spec: the network.
        parameters: flat array of ``spec.size``; not changed.
        previous: the last change of each; not changed.
        batch_of: the batch of a step, by its number from 0; of one size. Made before the clock starts.
        rates: those of the steps.
        seed: of the random draws.
        steps: how many to measure, after a few to warm up.

    Raises:
        NeuronError: the network cannot be compiled, or not trained.
    """
    machine = measure(parameters.dtype, max((block.size for block in spec.blocks), default=0) * parameters.itemsize)
    watch = _Stopwatch()
    engine = Compiled(spec, parameters.copy(), previous.copy(), seed=seed, watch=watch.watch)
    whole: list[float] = []
    outside: list[float] = []
    found: dict[tuple[_Timed, int], list[float]] = {}
    calls: dict[tuple[_Timed, int], Call] = {}
    examples = 0
    for number in range(_WARM_UP + steps):
        batch = batch_of(number)
        examples = len(batch.inputs)
        watch.begin()
        start = time.perf_counter()
        engine.step(batch, Rates(rates.step + number, rates.learning_rate, rates.momentum))
        seconds = time.perf_counter() - start
        if number < _WARM_UP:
            continue
        whole.append(seconds)
        outside.append(seconds - sum(watch.times))
        for key, own, values in zip(_numbered(watch.seen), watch.times, watch.values, strict=True):
            found.setdefault(key, []).append(own)
            if key not in calls:
                calls[key] = Call.of(key[0].place, key[0].operation, values)
    medians = {key: statistics.median(times) for key, times in found.items()}
    between = statistics.median(outside)
    step = sum(medians.values()) + between
    timings = tuple(
        Timing(call, medians[key], medians[key] / step, machine.seconds(call.work)) for key, call in calls.items()
    )
    return Profile(examples, steps, step, timings, between, statistics.median(whole), machine)


def _numbered(seen: Sequence[_Timed]) -> list[tuple[_Timed, int]]:
    """Each operation with the number of times that it ran before in the step."""
    runs: Counter[_Timed] = Counter()
    keys = []
    for operation in seen:
        keys.append((operation, runs[operation]))
        runs[operation] += 1
    return keys
