"""Learning rates that change while a network trains.

A schedule is called with ``progress``, the part of this `fit` that is done (iteration i of n: i / n, in [0, 1)), and
``step``, the number of training steps the network has made in all, and returns the rate of the step at hand. So a
`fit` of any length runs through the whole of a schedule; a second `fit` runs through it again. Any function with
these two arguments is a schedule.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .checks import require_rate


class Schedule(ABC):
    """A learning rate as a function of the progress of a `fit`."""

    @abstractmethod
    def __call__(self, progress: float, step: int) -> float:
        """The rate at a step.

        Args:
            progress: part of this `fit` that is done, in [0, 1).
            step: number of training steps before this one, over all fits.
        """


@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """The same rate at every step.

    Args:
        rate: the learning rate, at least 0.
    """

    rate: float

    def __post_init__(self) -> None:
        require_rate("rate", self.rate)

    def __call__(self, progress: float, step: int) -> float:
        return self.rate


@dataclass(frozen=True)
class LinearSchedule(Schedule):
    """A rate that falls on a straight line: ``rate · (1 − progress) + final · progress``.

    Args:
        rate: the rate of the first step.
        final: the rate that the line reaches after the last step.
    """

    rate: float
    final: float = 0.0

    def __post_init__(self) -> None:
        require_rate("rate", self.rate)
        require_rate("final", self.final)

    def __call__(self, progress: float, step: int) -> float:
        return self.rate * (1.0 - progress) + self.final * progress


@dataclass(frozen=True)
class ExponentialSchedule(Schedule):
    """A rate that falls by the same factor in equal parts of the run: ``rate · decay^progress``.

    Args:
        rate: the rate of the first step.
        decay: the factor over the whole `fit`, above 0; 0.01 ends at a hundredth of `rate`.
    """

    rate: float
    decay: float = 0.01

    def __post_init__(self) -> None:
        require_rate("rate", self.rate)
        if not self.decay > 0:
            raise ValueError(f"decay must be above 0, got {self.decay!r}: it is the factor from first to last rate")

    def __call__(self, progress: float, step: int) -> float:
        return float(self.rate * self.decay**progress)


#: What `learning_rate` accepts besides a number.
ScheduleLike: TypeAlias = Schedule | Callable[[float, int], float]


def as_schedule(rate: float | ScheduleLike) -> ScheduleLike:
    """A schedule from a number or a function.

    Raises:
        TypeError: neither of the two, or a function of other arguments.
        ValueError: a rate below 0, or not finite; of a function: its rate at the start.
    """
    if not callable(rate):
        return ConstantSchedule(require_rate("learning_rate", rate))
    try:
        inspect.signature(rate).bind(0.0, 0)
    except TypeError as error:
        raise TypeError(
            f"learning_rate must be a number or a function of (progress, step), progress from 0 to 1; {rate!r} cannot "
            f"be called with these: {error}"
        ) from error
    rate_at(rate, 0.0, 0)
    return rate


def rate_at(schedule: ScheduleLike, progress: float, step: int) -> float:
    """The rate of a step, checked.

    Raises:
        TypeError, ValueError: the schedule returned no number, a negative one, NaN or infinity.
    """
    return require_rate(f"learning_rate at progress {progress:.4g}, step {step},", schedule(progress, step))
