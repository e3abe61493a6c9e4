"""Where a process listens, and where the others are told to find it."""

import os
import socket

from ..errors import BSPError
from .dialing import Address
from .settings import TCP

ADVERTISED = "HORN_BSP_ADVERTISED"
"""The environment variable that holds addresses to be told in place of the true ones: "0=host:port,1=host:port", by
process. For networks that translate addresses, and for the proxies of tests."""
_BACKLOG = 128


def listen(settings: TCP, process: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        BSPError: all ports that may be taken are in use, or the host is not one of this machine's.
    """
    low, high = settings.ports
    count = high - low + 1
    error: OSError | None = None
    for turn in range(count):
        port = low + (process + turn) % count
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            return socket.create_server((settings.host, port), family=family, backlog=_BACKLOG)
        except OSError as refused:
            error = refused
    ports = f"port {low}" if low == high else f"any port of {low}-{high}"
    raise BSPError(
        f"process {process} cannot listen on {ports} of {settings.host}: {error}; every process of the job needs a port"
    ) from error


def advertised(address: Address, process: int) -> Address:
    """Return the address that the others are told.

    Raises:
        BSPError: the environment variable cannot be read.
    """
    told = os.environ.get(ADVERTISED, "")
    try:
        places = dict(part.split("=") for part in told.split(",") if part)
        host, port = places[str(process)].rsplit(":", 1) if str(process) in places else address
        return host, int(port)
    except ValueError as error:
        raise BSPError(f'{ADVERTISED} must be like "0=host:port,1=host:port", got {told!r}') from error
