"""The connection on which this process reads what another one sends."""

import socket
import ssl
import time
from collections.abc import Callable

import numpy as np

from ..memory.space import available_memory
from .frames import MESSAGES, SIZE, Header, ProtocolError, unpack

Memory = bytearray | memoryview

_ROOM = 1 << 18
# Reads in a row from one connection while others may wait.
_READS = 16
_LARGE = 1 << 16
_LOOK_FROM = 64 << 20


class ConnectionEnded(Exception):
    """The other end has closed the connection."""


class Incoming:
    """This process's end of a connection that another process opened.

    Args:
        connection: proved, not blocking.
        process: who sends.
        attempt: the job's.
        largest: bytes that a message may have.
        deliver: called with each frame, by the thread that reads.

    Attributes:
        heard: when something came last.
        messages: how many messages have come whole.
        acknowledged: how many of them have been acknowledged.
        parted: whether the other end has said that it will say no more.
    """

    def __init__(
        self,
        connection: socket.socket,
        process: int,
        attempt: int,
        largest: int,
        deliver: Callable[["Incoming", Header, Memory], None],
    ) -> None:
        self.connection = connection
        self.process = process
        self.heard = time.monotonic()
        self.messages = 0
        self.acknowledged = 0
        self.parted = False
        self._attempt = attempt
        self._largest = largest
        self._deliver = deliver
        self._buffer = memoryview(bytearray(_ROOM))
        self._filled = 0
        self._header: Header | None = None
        self._memory: Memory = bytearray()
        self._rest = memoryview(self._memory)

    @property
    def pending(self) -> bool:
        """Whether there is something to read that no selector sees: decrypted already."""
        return isinstance(self.connection, ssl.SSLSocket) and self.connection.pending() > 0

    def read(self) -> None:
        """Read what is there, a bounded amount, and deliver the frames that are whole.

        Raises:
            ConnectionEnded, OSError: nothing more will come.
            ProtocolError: what came makes no sense.
        """
        for _ in range(_READS):
            room = self._rest if self._header is not None else self._buffer[self._filled :]
            try:
                count = self.connection.recv_into(room)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            if not count:
                raise ConnectionEnded
            self.heard = time.monotonic()
            if self._header is None:
                self._filled += count
                self._parse()
            else:
                self._rest = self._rest[count:]
                if not self._rest:
                    self._finish(self._header)
            if count < len(room) and not self.pending:
                return

    def _parse(self) -> None:
        start = 0
        while self._filled - start >= SIZE and self._header is None:
            header = unpack(self._attempt, self._buffer[start : start + SIZE], self._largest)
            start += SIZE
            self._memory = _allocate(header.size)
            here = min(header.size, self._filled - start)
            memory = memoryview(self._memory)
            memory[:here] = self._buffer[start : start + here]
            start += here
            if here == header.size:
                self._finish(header)
            else:
                self._header, self._rest = header, memory[here:]
        left = self._filled - start
        self._buffer[:left] = bytes(self._buffer[start : self._filled])
        self._filled = left

    def _finish(self, header: Header) -> None:
        memory, self._memory = self._memory, bytearray()
        self._header, self._rest = None, memoryview(self._memory)
        if header.kind in MESSAGES:
            self.messages += 1
        self._deliver(self, header, memory)


def _allocate(size: int) -> Memory:
    if size < _LARGE:
        return bytearray(size)
    available = available_memory() if size > _LOOK_FROM else None
    if available is not None and size > available:
        raise ProtocolError(f"sent a message of {size} bytes; {available} bytes of memory are available")
    try:
        # Unlike a bytearray it is not filled with zeros first.
        return np.empty(size, np.uint8).data
    except MemoryError as error:
        raise ProtocolError(f"sent a message of {size} bytes; there is no memory for it") from error
