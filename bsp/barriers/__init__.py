"""Barriers, from the inside out: the threads of a process, then the processes of a host."""

from .base import FINISH, MESSAGES, STOP, SYNC, Arrival, Verdict, describe_call, signature
from .processes import ProcessBarrier
from .threads import ThreadBarrier

__all__ = [
    "FINISH",
    "MESSAGES",
    "STOP",
    "SYNC",
    "Arrival",
    "ProcessBarrier",
    "ThreadBarrier",
    "Verdict",
    "describe_call",
    "signature",
]
