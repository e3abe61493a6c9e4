"""The engine's logic of meeting, ending and being lost, as machines without I/O: events in, actions out.

An event is a method call; it returns the actions that are to be carried out now, in order. What comes of them, an
answer or a broken connection, is the next event. A machine reads no clock, waits for nothing and touches nothing
outside, so that every order of events can be tested: `tests/bsp/machine` draws them at random and, for three processes
with a crash and a change of attempt, walks through all.

`Participant` is a process's life in an attempt. `Rendezvous` and `Dissemination` are one process's side of a group's
barrier, by znodes and by signals between the processes. Their fields hold nothing that can change, so that `copy.copy`
forks a machine. They are not thread-safe: the adapter that feeds one holds a lock.
"""

from .agreement import Mismatch, Proceed, Told
from .dissemination import PRESENCE, Dissemination, Signal, Violation
from .participant import Cause, Declare, End, Look, Participant, Resign, Sight
from .rendezvous import Announce, Clear, Gather, Mark, Open, Read, Rendezvous

__all__ = [
    "PRESENCE",
    "Announce",
    "Cause",
    "Clear",
    "Declare",
    "Dissemination",
    "End",
    "Gather",
    "Look",
    "Mark",
    "Mismatch",
    "Open",
    "Participant",
    "Proceed",
    "Read",
    "Rendezvous",
    "Resign",
    "Sight",
    "Signal",
    "Told",
    "Violation",
]
