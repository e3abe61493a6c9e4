"""Barriers: one contract, `Barrier`, for the processes of a group; and how the threads of a process share it."""

from .base import (
    FINISH,
    GETS,
    GO_ON,
    MESSAGES,
    STOP,
    SYNC,
    Arrival,
    Barrier,
    BarrierMaker,
    Call,
    Meeting,
    Verdict,
    call,
    mismatch,
)
from .direct import DirectBarrier
from .lone import LoneBarrier
from .threads import ThreadBarrier
from .words import WordsBarrier

__all__ = [
    "FINISH",
    "GETS",
    "GO_ON",
    "MESSAGES",
    "STOP",
    "SYNC",
    "Arrival",
    "Barrier",
    "BarrierMaker",
    "Call",
    "DirectBarrier",
    "LoneBarrier",
    "Meeting",
    "ThreadBarrier",
    "Verdict",
    "WordsBarrier",
    "call",
    "mismatch",
]
