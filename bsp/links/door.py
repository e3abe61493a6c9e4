"""Where others connect to this process: the listening socket, and those who have not proved themselves yet.

For the I/O thread. Whoever proves nothing costs a socket and a few bytes for a few seconds, and is logged.
"""

import logging
import selectors
import socket
import time
from collections.abc import Callable

from . import handshake
from .accepting import Applicant
from .dialing import Address, told
from .handshake import Identity, Refused
from .listening import listen
from .settings import TCP

logger = logging.getLogger("horn.bsp")

_APPLICANTS = 64


class Door:
    """Listens, and admits the other processes of the job, each once.

    Args:
        identity: this process.
        processes: how many the job has.
        settings: where to listen.
        seconds: how long a proof may take.
        selector: tells what can be read; its data are functions of the file and the events.
        connected: whether a process is connected already.
        admit: called with a process that is not and its connection, which stays registered.

    Raises:
        BSPError: this process cannot listen there.
    """

    def __init__(
        self,
        identity: Identity,
        processes: int,
        settings: TCP,
        seconds: float,
        selector: selectors.BaseSelector,
        connected: Callable[[int], bool],
        admit: Callable[[int, socket.socket], None],
    ) -> None:
        self._identity = identity
        self._processes = processes
        self._seconds = seconds
        self._selector = selector
        self._connected = connected
        self._admit = admit
        self._applicants: list[Applicant] = []
        self._context = None if settings.tls is None else settings.tls.server_context()
        self._listener = listen(settings, identity.process)
        self._listener.setblocking(False)
        self.address: Address = self._listener.getsockname()[:2]
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    @property
    def deadline(self) -> float | None:
        """When the first of the applicants must have proved itself; None if there are none."""
        return min((applicant.deadline for applicant in self._applicants), default=None)

    def refuse_late(self) -> None:
        """Refuse those who took too long."""
        now = time.monotonic()
        for applicant in [late for late in self._applicants if late.deadline <= now]:
            self._refuse(applicant, "it did not prove itself in time")

    def close(self) -> None:
        """Close the sockets."""
        for applicant in self._applicants:
            applicant.connection.close()
        self._listener.close()

    def _accept(self, listener: socket.socket, _: int) -> None:
        try:
            connection, address = listener.accept()
        except OSError:  # it has gone again
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        applicant = Applicant(connection, told(address[:2]), self._identity, self._processes, self._seconds)
        if len(self._applicants) >= _APPLICANTS:
            self._refuse(self._applicants[0], "there are too many others")
        self._applicants.append(applicant)
        self._selector.register(connection, selectors.EVENT_READ, lambda *_: self._hear(applicant))

    def _hear(self, applicant: Applicant) -> None:
        try:
            if not applicant.advance():
                return
            if self._connected(applicant.process):
                applicant.judge(handshake.DUPLICATE)
                raise Refused(f"process {applicant.process} is connected already")
            applicant.judge(handshake.WELCOME)
        except (Refused, OSError) as error:
            self._refuse(applicant, str(error))
        else:
            self._applicants.remove(applicant)
            self._admit(applicant.process, applicant.connection)

    def _refuse(self, applicant: Applicant, reason: str) -> None:
        logger.warning("process %d refused a connection from %s: %s", self._identity.process, applicant.address, reason)
        self._applicants.remove(applicant)
        self._selector.unregister(applicant.connection)
        applicant.connection.close()
