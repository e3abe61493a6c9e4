"""Fail points: named places of the engine at which a test can have a process killed, stopped, or made to fail.

Nothing is armed unless the environment variable HORN_FAIL_POINTS says so when a job starts. It holds points, separated
by semicolons:

    barrier.announced@process=1,hit=3:kill; worker.joined:sleep=0.5

A point fires in the worker processes (and, for the points of the launcher, there) in which all conditions hold:
`process`, the worker process; `attempt`, the job's attempt; `hit`, how many times this process has come by, from 1.
Actions: `kill` and `stop` send this process SIGKILL and SIGSTOP; `exit=CODE` ends it without any clean-up; `raise`
raises a BSPError; `sleep=SECONDS` waits.
"""

import itertools
import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BSPError

VARIABLE = "HORN_FAIL_POINTS"

POINTS: Mapping[str, str] = {
    "worker.joined": "a worker process has joined the job; its peers have not begun",
    "worker.reporting": "a peer's value is about to be reported; all peers have finished their programs",
    "barrier.arriving": "a process is about to announce its arrival to the other processes",
    "barrier.announced": "a process has announced its arrival, and does not know yet whether all have arrived",
    "allreduce.reducing": "all peers have brought their arrays to an allreduce, and this one reduces its slice",
    "post.written": "a post lies in shared memory, and its receiver has not been told",
    "post.taking": "a post has been found, and its value is about to be copied out of shared memory",
    "record.creating": "the launcher is about to create the job's znodes",
    "record.created": "the launcher has created the job's znodes; no worker has been started",
    "record.removing": "the launcher is about to remove the job's znodes; no worker is left",
}
"""The points and what they mean."""


_POINT = re.compile(r"([\w.]+)(?:@(\w+=\d+(?:,\w+=\d+)*))?:(?:(kill|stop|raise)|(exit)=(\d{1,3})|(sleep)=(\d+\.?\d*))")
_CONDITIONS = ("process", "attempt", "hit")


@dataclass(frozen=True)
class FailPoint:
    """What happens where, and when.

    Attributes:
        name: of the place, a key of `POINTS`.
        conditions: the numbers that "process", "attempt" and "hit" must have, as far as they matter.
        action: what happens: "kill", "stop", "raise", "exit" or "sleep".
        value: exit code or seconds; 0 for the others.
    """

    name: str
    conditions: Mapping[str, int]
    action: str
    value: float = 0.0

    def perform(self) -> None:
        """Do it."""
        match self.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "exit":
                os._exit(int(self.value))
            case "sleep":
                time.sleep(self.value)
            case _:
                raise BSPError(f"the fail point {self.name} was hit")


def parse(text: str) -> list[FailPoint]:
    """Read what `VARIABLE` holds. Raises BSPError for a mistake in it."""
    return [_parse_one(part.strip()) for part in text.split(";") if part.strip()]


def _parse_one(text: str) -> FailPoint:
    found = _POINT.fullmatch(text)
    if found is None:
        raise BSPError(
            f"a fail point is written name[@condition=number,...]:action, where the action is kill, stop, raise, "
            f"exit=CODE or sleep=SECONDS; got {text!r}"
        )
    name, conditions, *action = found.groups()
    if name not in POINTS:
        raise BSPError(f"there is no fail point {name}; there are {', '.join(POINTS)}")
    told = dict(condition.split("=") for condition in conditions.split(",")) if conditions else {}
    unknown = sorted(set(told).difference(_CONDITIONS))
    if unknown:
        raise BSPError(f"the conditions of a fail point are {', '.join(_CONDITIONS)}; got {unknown[0]} in {text!r}")
    what, *value = filter(None, action)
    return FailPoint(name, {key: int(number) for key, number in told.items()}, what, *map(float, value))


class _Armed:
    """The fail points of one name, in a process that counts how often it comes by."""

    def __init__(self, points: list[FailPoint], place: Mapping[str, int]) -> None:
        self._points = points
        self._place = place
        self._hits = itertools.count(1)  # its next() is atomic: a process's peers are threads

    def hit(self) -> None:
        here = {**self._place, "hit": next(self._hits)}
        for point in self._points:
            if all(here.get(key) == number for key, number in point.conditions.items()):
                point.perform()


_armed: dict[str, _Armed] = {}


def arm(**place: int) -> None:
    """Arm what the environment asks for, and nothing else; the counts begin anew.

    Args:
        place: the numbers of this worker's "process" and "attempt"; none in the launcher.

    Raises:
        BSPError: a mistake in the text.
    """
    points = parse(os.environ.get(VARIABLE, ""))
    _armed.clear()
    for name in {point.name for point in points}:
        _armed[name] = _Armed([point for point in points if point.name == name], place)


def hit(name: str) -> None:
    """Come by a point: nothing happens unless it is armed. Cost: a look into an empty dict."""
    armed = _armed.get(name)
    if armed is not None:
        armed.hit()
