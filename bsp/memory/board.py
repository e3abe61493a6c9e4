"""A board in shared memory: each process publishes values by key, all read them.

A process writes only its own half-slots, in turn: the one that readers look at is never written to, and a word tells
which one that is.

    slot r     serial number; two halves: length, values as JSON in hexadecimal
"""

import json
import threading
import time

from ..errors import BSPError
from . import futex
from .heap import LINE
from .segment import Segment

ROOM = 1 << 16
"""Bytes that the values of one process may take, all together."""
# Enough for keys of any length: many of three letters and without a value take 3.8 times their room as JSON.
_HALF = 8 + 4 * ROOM
_SLOT = LINE + 2 * _HALF
_RETRY_SECONDS = 5.0


class Board:
    """One process's view of the board.

    Args:
        segment: the shared memory, `Board.size(processes)` bytes.
        processes: how many processes publish.
        process: this one.
    """

    def __init__(self, segment: Segment, processes: int, process: int) -> None:
        self._bytes = segment.view(self.size(processes))
        self._words = self._bytes.cast("q")
        self._processes = processes
        self._process = process
        self._values: dict[str, str] = {}
        self._mutex = threading.Lock()

    @staticmethod
    def size(processes: int) -> int:
        """Return the bytes that a board takes."""
        return processes * _SLOT

    def publish(self, key: str, value: bytes) -> None:
        """Publish a value in place of an earlier one. All keys and values of a process take `ROOM` bytes at most."""
        with self._mutex:
            self._values[key] = value.hex()
            text = json.dumps(self._values).encode()
            start = self._process * _SLOT
            serial = self._words[start // 8] + 1
            half = start + LINE + (serial & 1) * _HALF
            self._bytes[half + 8 : half + 8 + len(text)] = text
            self._words[half // 8] = len(text)
            futex.yield_processor()
            self._words[start // 8] = serial

    def lookup(self, key: str) -> bytes | None:
        """Return what any process has published under a key, or None."""
        for process in range(self._processes):
            value = self._read(process).get(key)
            if value is not None:
                return bytes.fromhex(value)
        return None

    def _read(self, process: int) -> dict[str, str]:
        start = process * _SLOT
        deadline = time.monotonic() + _RETRY_SECONDS
        while time.monotonic() < deadline:
            serial = self._words[start // 8]
            if serial == 0:
                return {}
            half = start + LINE + (serial & 1) * _HALF
            text = bytes(self._bytes[half + 8 : half + 8 + self._words[half // 8]])
            # The half that was read is written again only by the publication after the next one.
            if self._words[start // 8] - serial < 1:
                found: dict[str, str] = json.loads(text)
                return found
        raise BSPError(f"process {process} publishes faster than can be read: publish names, not data")
