"""The table of the engine's figures: each beside its goal, and beside what others take for the same."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

UNITS: dict[str, Callable[[float], str]] = {
    "s": lambda value: f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms",
    "1/s": lambda value: f"{value / 1e6:.2f} M/s",
    "B/s": lambda value: f"{value / 1e9:.2f} GB/s",
    "B": lambda value: f"{value / 1e6:.1f} MB",
    "": lambda value: f"{value:.3g}",
}


@dataclass(frozen=True)
class Row:
    """A figure.

    Attributes:
        what: what was measured.
        value: the figure.
        unit: of `value`, `goal` and `other`: one of `UNITS`.
        goal: what the value shall be at most, or None.
        at_least: the goal is a lower bound instead.
        rival: who else was measured.
        other: the rival's figure.
    """

    what: str
    value: float
    unit: str = "s"
    goal: float | None = None
    at_least: bool = False
    rival: str = ""
    other: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def __str__(self) -> str:
        show = UNITS[self.unit]
        goal = "" if self.goal is None else f"{'≥' if self.at_least else '≤'} {show(self.goal)}"
        mark = {True: "met", False: "MISSED", None: ""}[self.met]
        beside = "" if self.other is None else f"{self.rival} {show(self.other)}, ratio {self.value / self.other:.2f}"
        return f"{self.what:<62} {show(self.value):>11}  {goal:<12} {mark:<6}  {beside}".rstrip()


class Table:
    """Prints rows as they come and keeps them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        print(row, flush=True)

    def skip(self, what: str, why: str) -> None:
        """Say what is not measured."""
        print(f"{what}: not measured, {why}", flush=True)

    def conclude(self, file: Path | None) -> None:
        """Print how many goals are met, and write the figures to a file."""
        goals = [row for row in self.rows if row.goal is not None]
        print(f"{sum(bool(row.met) for row in goals)} of {len(goals)} goals met")
        if file is not None:
            rows = [{**asdict(row), "met": row.met} for row in self.rows]
            file.write_text(json.dumps(rows, indent=1) + "\n")


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: repetitions of what takes microseconds.
        turns: how often rivals take turns.
        supersteps: of the run in which nothing may grow.
        iterations: training steps in a turn.
    """

    rounds: int = 2000
    turns: int = 5
    supersteps: int = 10_000
    iterations: int = 400


QUICK = Effort(rounds=40, turns=2, supersteps=400, iterations=30)
"""Enough to see that everything runs; the figures say nothing."""
