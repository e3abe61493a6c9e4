"""One direction of a connection through the proxy: what was read from one socket and waits to be written to the other.

Bytes, the end of the stream and its break (a reset) take the same way, so that each of them is delayed or swallowed as
the others are.
"""

import math
import socket
from collections import deque
from enum import Enum

from .faults import Faults

_CHUNK = 1 << 16
# Beyond this nothing more is read, so that a receiver that does not read stops its sender, as without a proxy.
_HELD = 1 << 22
_END = b""


class Outcome(Enum):
    """What became of writing."""

    GOES_ON = "all that was due has been written, or the sink takes no more now"
    LIMIT = "the connection's limit has been reached"
    BROKEN = "the source was reset, and so is to be the sink"


class Stream:
    """Bytes on their way from `source` to `sink`, both non-blocking. No method waits.

    Args:
        direction: its name in `Faults.swallowed`.
    """

    def __init__(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        self.source = source
        self.sink = sink
        self._direction = direction
        self._held: deque[tuple[float, bytes | None]] = deque()  # when it came, and what; None is a break
        self._size = 0
        self._counted = 0
        self._ended = False
        self._discards = False

    @property
    def hungry(self) -> bool:
        """Whether it reads more."""
        return not self._ended and self._size < _HELD

    @property
    def over(self) -> bool:
        """Whether the source has nothing more to say, and the sink was told all that it is to be told."""
        return self._ended and not self._held

    def due(self, faults: Faults) -> float:
        """Return when the next bytes are to be written; infinite if there are none."""
        return self._held[0][0] + faults.delay if self._held else math.inf

    def discard(self) -> None:
        """Forget what is held and what will be read: the sink takes nothing more."""
        self._held.clear()
        self._size = 0
        self._discards = True

    def read(self, faults: Faults, now: float) -> None:
        """Take what the source has."""
        try:
            data = self.source.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.break_off(faults, now)
            return
        self._ended = data == _END
        self._hold(data, faults, now)

    def break_off(self, faults: Faults, now: float) -> None:
        """Note that the source was reset, unless it had ended before."""
        if not self._ended:
            self._ended = True
            self._hold(None, faults, now)

    def _hold(self, data: bytes | None, faults: Faults, now: float) -> None:
        if not self._discards and self._direction not in faults.swallowed:
            self._held.append((now, data))
            self._size += len(data or b"")

    def write(self, faults: Faults, now: float) -> Outcome:
        """Write what is due, as far as the sink takes it. Raises OSError when the sink was reset."""
        while self.due(faults) <= now:
            came, data = self._held.popleft()
            if data is None:
                return Outcome.BROKEN
            if data == _END:
                self.sink.shutdown(socket.SHUT_WR)
                continue
            room = len(data) if faults.limit is None else max(0, min(len(data), faults.limit - self._counted))
            try:
                sent = self.sink.send(data[:room]) if room else 0
            except BlockingIOError:
                self._held.appendleft((came, data))
                break
            self._size -= sent
            self._counted = self._counted + sent if faults.limit is not None else 0
            if faults.limit is not None and self._counted >= faults.limit:
                return Outcome.LIMIT
            if sent < len(data):
                self._held.appendleft((came, data[sent:]))
        return Outcome.GOES_ON
