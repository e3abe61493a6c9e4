"""How the processes of a job reach each other over sockets: checked before anything is started."""

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from ..errors import BSPError
from ..security import TLS

SHORTEST_TIMEOUT = 0.1


@dataclass(frozen=True)
class TCP:
    """Sockets between the worker processes: the value of `BSPJob(transport=)`.

    Args:
        host: the address that each process listens on, and that the others find it at.
        port: 0 for any that is free, or (low, high), both included: process p takes low + p, or the next free one.
        tls: encrypt the connections, with a certificate that all processes share; None for plain ones.
        link_timeout: seconds of silence after which a connection, or an acknowledgement, is given up. A program that
            holds the interpreter's lock for longer looks dead.
        largest: bytes of the largest message that is accepted.
        insecure: allow a host beyond loopback without `tls`: whoever can read the network reads the messages, whoever
            can change it changes them.

    Raises:
        BSPError: what makes no sense, or a host beyond loopback without `tls`.
    """

    host: str = "127.0.0.1"
    port: int | tuple[int, int] = 0
    tls: TLS | None = None
    link_timeout: float = 10.0
    largest: int = 16 << 30
    insecure: bool = False

    def __post_init__(self) -> None:
        seconds: object = self.link_timeout
        if not isinstance(seconds, Real) or not SHORTEST_TIMEOUT <= float(seconds) < math.inf:
            raise BSPError(f"link_timeout must be at least {SHORTEST_TIMEOUT} s, got {seconds!r}")
        largest: object = self.largest
        if not isinstance(largest, int) or largest < 1:
            raise BSPError(f"largest must be a number of bytes, at least 1, got {largest!r}")
        tls: object = self.tls
        if tls is not None and not (isinstance(tls, TLS) and tls.certificate is not None):
            raise BSPError(f"tls must be TLS(ca=, certificate=, key=) or None, got {tls!r}")
        if _ports(self.port) is None:
            raise BSPError(f"port must be 0 or (low, high) with 1 <= low <= high <= 65535, got {self.port!r}")
        if self.tls is None and not self.insecure and not is_loopback(self.host):
            raise BSPError(
                f"{self.host!r} is not this machine's loopback interface: there anybody may listen in. Give "
                "tls=TLS(...), or insecure=True for a network that only you can reach"
            )

    @property
    def ports(self) -> tuple[int, int]:
        """The first and the last port that may be taken; (0, 0) for any."""
        return _ports(self.port) or (0, 0)

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> "TCP":
        """Undo `plain`."""
        tls = plain["tls"]
        return cls(**{**plain, "port": tuple(plain["port"] or ()) or 0, "tls": tls and TLS(**tls)})

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)


def _ports(port: object) -> tuple[int, int] | None:
    match port:
        case 0:
            return 0, 0
        case (int() as low, int() as high) if 1 <= low <= high <= 65535:
            return low, high
    return None


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: whatever it may stand for
        return False
