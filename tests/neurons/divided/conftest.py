"""What the tests of divided networks share: tasks as threads of one process, and the comparison with one engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pytest

from horn.neurons import (
    Batch,
    DividedEngine,
    Engine,
    NetworkSpec,
    Rates,
    Share,
    divide,
    divided_engine_named,
    engine_named,
)

T = TypeVar("T")
Arrays = dict[str, np.ndarray]


@dataclass
class Room:
    """Where the threads of one division meet."""

    tasks: int
    barrier: threading.Barrier = field(init=False)
    slots: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.tasks, timeout=60)
        self.slots = [None] * self.tasks


class Threads:
    """An exchange between threads: what is given is copied, what is returned cannot be written."""

    def __init__(self, room: Room, index: int) -> None:
        self.room = room
        self.index = index
        self.given: list[int] = []  # bytes given to each other task, for each exchange

    @property
    def num_peers(self) -> int:
        return self.room.tasks

    def allgather(self, own: np.ndarray) -> Sequence[np.ndarray]:
        return self._exchanged([own] * self.num_peers)

    def alltoall(self, parts: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return self._exchanged(parts)

    def _exchanged(self, parts: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        assert len(parts) == self.num_peers
        assert all(part.flags.c_contiguous for part in parts)
        self.given.append(max((part.nbytes for i, part in enumerate(parts) if i != self.index), default=0))
        self.room.slots[self.index] = [part.copy() for part in parts]
        self.room.barrier.wait()
        received = [parts[self.index] for parts in self.room.slots]
        for array in received:
            array.flags.writeable = False
        self.room.barrier.wait()
        return received


def _together(shares: Sequence[Share], run: Callable[[Share, Threads], T]) -> list[T]:
    room = Room(len(shares))

    def task(share: Share) -> T:
        try:
            return run(share, Threads(room, share.index))
        except BaseException:
            room.barrier.abort()
            raise

    with ThreadPoolExecutor(len(shares)) as pool:
        futures = [pool.submit(task, share) for share in shares]
    errors = [error for error in (future.exception() for future in futures) if error is not None]
    for error in sorted(errors, key=lambda it: isinstance(it, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]


@pytest.fixture(scope="session")
def together() -> Callable[..., list[Any]]:
    """``together(shares, run)`` → what ``run(share, exchange)`` returned for each task, all in threads of their own."""
    return _together


def _numbers(spec: NetworkSpec, which: int, *shape: int) -> np.ndarray:
    return np.random.default_rng([7, which]).normal(scale=0.6, size=shape).astype(np.float32)


def _batch(spec: NetworkSpec, step: int, examples: int = 5) -> Batch:
    """Lanes differ from step to step: one for each example, one for all, one for all with draws inside of it."""
    positions = np.arange(3, 3 + examples, dtype=np.uint32)
    lanes = np.full_like(positions, 7) if step else positions
    inputs, targets = (_numbers(spec, 10 + step + i, examples, spec.layers[-i].units) for i in (0, 1))
    return Batch(inputs, targets, positions, lanes, 8, nested=step == 2)


def _executed(spec: NetworkSpec, make: Callable[[np.ndarray, np.ndarray], Engine], size: int, take: Any) -> Arrays:
    """Everything that an engine computes, by name; flat arrays as it has them."""

    def fresh() -> Engine:
        flat = [take(_numbers(spec, which, spec.size).astype(spec.precision)) for which in (1, 2)]
        return make(*flat)

    engine = fresh()
    batch = _batch(spec, 0)
    score = engine.score(batch.inputs, batch.targets, first=5)
    found = {"outputs": engine.predict(batch.inputs[:3], first=5), "score": np.array([score.loss, score.correct])}
    update = np.full(size, np.nan, spec.precision)
    for step in (0, 1):
        loss = engine.gradient(_batch(spec, step), Rates(step, 0.25, 0.5), update).loss
        found |= {f"flat gradient {step}": update.copy(), f"loss {step}": np.array(loss)}
    for start in range(0, size, 5):  # pieces that respect neither blocks nor rows
        stop = min(start + 5, size)
        engine.apply(update[start:stop], Rates(1, 0.25, 0.5), start, stop)
    completed = update.copy()
    for start in range(0, size, 7):
        stop = min(start + 7, size)
        engine.complete(completed[start:stop], Rates(1, 0.25, 0.5), start, stop)
    found |= {"flat completed": completed}
    for part in range(2):
        engine.limit_norms(part, 2)
    found |= {"flat applied": engine.parameters, "flat previous applied": engine.previous}
    engine = fresh()
    for step in (1, 2):
        loss = engine.step(_batch(spec, step), Rates(step, 0.25, 0.5)).loss
        found |= {f"stepping loss {step}": np.array(loss)}
    return found | {"flat parameters": engine.parameters, "flat previous": engine.previous}


def _divided(spec: NetworkSpec, tasks: int, name: str) -> Arrays:
    """The same by so many tasks: flat arrays put together, all else the same to the bit on each."""
    shares = divide(spec, tasks)
    kind = divided_engine_named(name)

    def run(share: Share, exchange: Threads) -> Arrays:
        def make(parameters: np.ndarray, previous: np.ndarray) -> DividedEngine:
            return kind(share, exchange, parameters, previous, seed=11)

        return _executed(spec, make, share.size, share.take)

    results = _together(shares, run)
    found: Arrays = {}
    for name_of, first in results[0].items():
        found[name_of] = first
        if name_of.startswith("flat"):
            found[name_of] = np.full(spec.size, np.nan, spec.precision)
            for share, result in zip(shares, results, strict=True):
                share.put(result[name_of], found[name_of])
            continue
        for result in results[1:]:
            np.testing.assert_array_equal(result[name_of], first, name_of)
    return found


@pytest.fixture(scope="session")
def agree() -> Callable[..., None]:
    """``agree(spec, name)``: two tasks and three compute what one engine of that name does, to rounding."""

    def check(spec: NetworkSpec, name: str, *, tolerance: float = 2e-5) -> None:
        kind = engine_named(name)

        def make(parameters: np.ndarray, previous: np.ndarray) -> Engine:
            return kind(spec, parameters, previous, seed=11)

        expected = _executed(spec, make, spec.size, np.copy)
        for tasks in (2, 3):
            found = _divided(spec, tasks, name)
            assert found.keys() == expected.keys()
            for what, right in expected.items():
                slack = tolerance / 10 * (1.0 + np.abs(right).max())
                np.testing.assert_allclose(found[what], right, rtol=tolerance, atol=slack, err_msg=f"{what}, {tasks}")

    return check
