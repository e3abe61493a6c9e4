"""The contract of coordination."""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import BSPError
from ..memory.board import ROOM


@dataclass(frozen=True)
class Member:
    """A participant, as the others see it.

    Attributes:
        host: name of its host.
        pid: its process there.
        peers: the peers that live in it, [first, last].
    """

    host: str
    pid: int
    peers: tuple[int, int]


_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_key(key: str) -> None:
    """Raise BSPError for what is no key."""
    if not _KEY.fullmatch(key):
        raise BSPError(f"a key consists of letters, digits, '.', '_' and '-', 100 at most, got {key!r}")


class Room:
    """What one participant publishes: its keys and the room that they leave. For all its threads."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._mutex = threading.Lock()

    def take(self, key: str, value: bytes) -> None:
        """Take room for a value in place of what the key had.

        Raises:
            BSPError: the key is no such text, or there is no room.
        """
        check_key(key)
        with self._mutex:
            sizes = {**self._sizes, key: len(key) + len(value)}
            if sum(sizes.values()) > ROOM:
                raise BSPError(
                    f"no room for {len(value)} bytes under {key!r}: what a process publishes may take {ROOM} bytes in "
                    "all; it is for names and addresses, send data as messages"
                )
            self._sizes = sizes


class Coordinator(ABC):
    """One participant's view of an attempt of a job. Participants are the worker processes, ranked from 0.

    Promises: after `abort`, every wait of every participant ends with an error that names the peers at fault; what is
    published is seen by all from then on; after the last `leave` nothing is left. No wait outlives the participants
    it waits for.
    """

    @abstractmethod
    def join(self) -> None:
        """Become a member, and wait until all others are.

        Raises:
            JobAborted: the job was ended.
            CoordinatorLost: the service cannot be reached.
        """

    @abstractmethod
    def members(self) -> dict[int, Member]:
        """Return the present members by rank. Raises CoordinatorLost."""

    @abstractmethod
    def publish(self, key: str, value: bytes) -> None:
        """Make a value known under a key, in place of what this participant published there before.

        Args:
            key: letters, digits, '.', '_', '-'; one participant owns it.
            value: names and addresses, not data: all keys of a participant share 64 KiB.

        Raises:
            BSPError: the key is no such text, or there is no room for the value.
            CoordinatorLost: the service cannot be reached.
        """

    @abstractmethod
    def lookup(self, key: str) -> bytes | None:
        """Return what is published under a key, or None. Raises CoordinatorLost."""

    @abstractmethod
    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """End the attempt for everybody. The first reason stands.

        Args:
            reason: what happened, for people.
            ranks: the peers at fault.
        """

    @abstractmethod
    def check(self) -> None:
        """Raise what ended the attempt, if it has ended: JobAborted, PeerLost or CoordinatorLost."""

    @abstractmethod
    def leave(self) -> None:
        """Stop being a member, at the end of the job: nobody takes it for a loss."""
