"""The connection on which this process sends to another one.

Threads of peers write under a lock, and wait while the network takes no more. The I/O thread never waits, or two
processes that send each other much could stop for ever, both with nobody who reads: what it has to say waits in line,
and goes out behind the frame that is being written.
"""

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

Buffer = bytes | bytearray | memoryview

SLICE = 0.05
_BUNDLE = 1 << 16
_SMALL = 1 << 14
# What is encrypted at once.
_RECORDS = 1 << 18
# What one system call takes at most, as a list of buffers.
_BUFFERS = 64


class Outgoing:
    """This process's end of a connection that it opened.

    Args:
        connection: connected, not blocking.
        patience: seconds without any progress after which the connection is given up.
        check: raises what ended the job; runs every 50 ms while a thread waits.
        lose: given the reason why the connection is lost; raises the error that says so.
        on_full: called when the network takes no more, and nobody waits for it: `flush` when it does.
    """

    def __init__(
        self,
        connection: socket.socket,
        patience: float,
        check: Callable[[], None],
        lose: Callable[[str], None],
        on_full: Callable[[], None],
    ) -> None:
        self.connection = connection
        self._encrypted = isinstance(connection, ssl.SSLSocket)
        self._patience = patience
        self._check = check
        self._lose = lose
        self._on_full = on_full
        self._poll = select.poll()
        self._poll.register(connection, select.POLLOUT)
        self._lock = threading.Lock()
        self._asides: deque[bytes] = deque()
        self._bundle = bytearray()
        self._queue: deque[memoryview] = deque()
        self._sent = 0
        self._acknowledged = 0
        self._acks = threading.Condition()
        self._moved = time.monotonic()

    def send(self, header: bytes, parts: Sequence[Buffer], size: int) -> int:
        """Send a message of `size` bytes; small ones leave with later ones, or with `push`. Waits for the network.

        Returns:
            The number of messages sent so far.
        """
        with self._lock:
            if size <= _SMALL:
                self._bundle += header
                for part in parts:
                    self._bundle += part
            else:
                self._close_bundle()
                self._queue.append(memoryview(header))
                self._queue.extend(memoryview(part) for part in parts)
            self._sent += 1
            number = self._sent
            if size > _SMALL or len(self._bundle) > _BUNDLE:
                self._close_bundle()
                self._drain(wait=True)
        self.flush()
        return number

    def push(self) -> None:
        """Send what waits for company."""
        with self._lock:
            self._close_bundle()
            self._drain(wait=True)
        self.flush()

    def say(self, frame: bytes) -> None:
        """Send something besides the messages, without ever waiting. From any thread."""
        self._asides.append(frame)
        self.flush()

    def flush(self) -> None:
        """Write as much as the network takes now; if another thread is writing, it does this for us."""
        while (self._asides or self._queue) and self._lock.acquire(blocking=False):
            try:
                done = self._drain(wait=False)
            finally:
                self._lock.release()
            if not done:
                self._on_full()
                return

    def acknowledge(self, number: int) -> bool:
        """The other end has received so many messages; return whether that can be."""
        with self._acks:
            if not self._acknowledged <= number <= self._sent:
                return False
            self._acknowledged = number
            self._moved = time.monotonic()
            self._acks.notify_all()
        return True

    def await_acknowledgement(self, number: int) -> None:
        """Wait until the other end has received so many messages."""
        with self._acks:
            while self._acknowledged < number:
                if not self._acks.wait(SLICE):
                    self._check()
                    self._check_progress("did not acknowledge what was sent")

    def _close_bundle(self) -> None:
        if self._bundle:
            self._queue.append(memoryview(self._bundle))
            self._bundle = bytearray()

    def _drain(self, wait: bool) -> bool:
        """Write all that is queued; under the lock. Return False if the network takes no more, and not to wait for."""
        self._moved = time.monotonic()
        while self._queue or self._asides:
            while self._asides:
                self._queue.append(memoryview(self._asides.popleft()))
            try:
                self._take(self._write())
            except (BlockingIOError, ssl.SSLWantWriteError):
                if not wait:
                    return False
                self._await_room()
            except OSError as error:
                self._queue.clear()
                self._asides.clear()
                self._lose(f"broke: {error.strerror or error}")
                return True
        return True

    def _write(self) -> int:
        if self._encrypted:
            return self.connection.send(self._queue[0][:_RECORDS])
        return self.connection.sendmsg([self._queue[i] for i in range(min(len(self._queue), _BUFFERS))])

    def _take(self, count: int) -> None:
        self._moved = time.monotonic()
        queue = self._queue
        while queue and count >= len(queue[0]):
            count -= len(queue.popleft())
        if count:
            queue[0] = queue[0][count:]

    def _await_room(self) -> None:
        if not self._poll.poll(SLICE * 1000):
            self._check()
            self._check_progress("took nothing")

    def _check_progress(self, what: str) -> None:
        if time.monotonic() > self._moved + self._patience:
            self._lose(f"{what} for {self._patience:g} s")
