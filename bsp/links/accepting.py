"""Connections that somebody has opened and not proved yet. Driven by the I/O thread: nothing here waits."""

import socket
import ssl
import time

from . import handshake
from .handshake import Hello, Identity, Refused


class Applicant:
    """Someone who wants to be connected.

    Args:
        connection: accepted, not blocking; encrypted where the job's are.
        address: where it comes from.
        identity: who we are.
        processes: how many processes the job has.
        seconds: how long it may take.

    Attributes:
        connection: the same.
        deadline: when it must have proved itself.
        process: who it is, once `advance` has returned True.
    """

    def __init__(
        self, connection: socket.socket, address: str, identity: Identity, processes: int, seconds: float
    ) -> None:
        self.connection = connection
        self.address = address
        self.deadline = time.monotonic() + seconds
        self.process = -1
        self._identity = identity
        self._processes = processes
        self._encrypting = isinstance(connection, ssl.SSLSocket)
        self._received = b""
        self._hello: Hello | None = None
        self._answered = b""

    def advance(self) -> bool:
        """Go on as far as possible; return whether the applicant has proved itself. It waits for the verdict then.

        Raises:
            Refused: it has not, and cannot.
            OSError: the connection broke.
        """
        try:
            if self._encrypting and isinstance(self.connection, ssl.SSLSocket):
                self.connection.do_handshake()
                self._encrypting = False
            return self._converse()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False

    def judge(self, verdict: bytes) -> None:
        """Tell the applicant that it is connected, or why not."""
        self._say(verdict)

    def _converse(self) -> bool:
        if self._hello is None:
            self._hello = self._heed(self._receive(handshake.HELLO_SIZE))
            self._answered = handshake.answer(self._identity, self._hello)
            self._say(handshake.WELCOME + self._answered)
        handshake.check(self._identity, self._hello, self._answered, self._receive(handshake.PROOF_SIZE))
        self.process = self._hello.process
        return True

    def _heed(self, data: bytes) -> Hello:
        hello = handshake.heed(data)
        if hello.attempt != self._identity.attempt:
            self.judge(handshake.OLD_ATTEMPT)
            raise Refused(f"it is of attempt {hello.attempt}; this is attempt {self._identity.attempt}")
        if not (0 <= hello.process < self._processes and hello.process != self._identity.process):
            raise Refused(f"it claims to be process {hello.process}, which cannot be")
        if hello.to != self._identity.process:
            raise Refused(f"it looks for process {hello.to}; this is process {self._identity.process}")
        return hello

    def _receive(self, size: int) -> bytes:
        """Return so many bytes at once. What is there of them is kept when the rest has still to come."""
        while len(self._received) < size:
            data = self.connection.recv(size - len(self._received))
            if not data:
                raise Refused("it ended the connection before it had proved itself")
            self._received += data
        received, self._received = self._received, b""
        return received

    def _say(self, data: bytes) -> None:
        # A new connection has room for so little.
        if self.connection.send(data) != len(data):
            raise Refused("it does not listen")
