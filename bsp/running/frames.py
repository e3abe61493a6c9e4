"""What a worker tells its launcher, over the anonymous pipe between the two: kind, peer, length, payload.

Values are pickled: they go from a child to the parent that started it, over a pipe that has no name and no other
writer.
"""

import os
import queue
import struct
import threading
from collections.abc import Iterator

VALUE, FAILURE, ABORTED, PROGRESS = range(4)
_HEADER = struct.Struct("<BIQ")
_LENGTH = struct.Struct("<Q")


def join(head: bytes, rest: bytes) -> bytes:
    """Return a payload of two parts."""
    return _LENGTH.pack(len(head)) + head + rest


def parted(payload: bytes) -> tuple[bytes, memoryview]:
    """Undo `join`."""
    start = _LENGTH.size
    end = start + _LENGTH.unpack_from(payload)[0]
    return payload[start:end], memoryview(payload)[end:]


class FrameWriter:
    """Writes frames from a thread of its own, so that nobody waits for a busy launcher.

    Args:
        fd: the write end of the pipe.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self._thread.start()

    def write(self, kind: int, peer: int, payload: bytes) -> None:
        """Queue a frame."""
        self._queue.put(_HEADER.pack(kind, peer, len(payload)) + payload)

    def close(self) -> None:
        """Wait until all is written. Bounded by the launcher's life: without a reader the pipe breaks."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (frame := self._queue.get()) is not None:
            view = memoryview(frame)
            while view:
                view = view[os.write(self._fd, view) :]


class FrameReader:
    """Cuts what arrives on a non-blocking pipe into frames.

    Args:
        fd: the read end of the pipe.

    Attributes:
        closed: whether the other end was closed.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self._buffer = bytearray()

    def read(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield the frames (kind, peer, payload) that are there, without waiting."""
        while not self.closed:
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                break
            self.closed = not data
            self._buffer += data
        yield from self._frames()

    def _frames(self) -> Iterator[tuple[int, int, bytes]]:
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            kind, peer, length = _HEADER.unpack_from(self._buffer, start)
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            yield kind, peer, bytes(self._buffer[start + _HEADER.size : end])
            start = end
        del self._buffer[:start]
