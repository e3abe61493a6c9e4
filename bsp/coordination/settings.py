"""How a job reaches ZooKeeper, and as whom: checked before anything is started."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any, Literal

from ..errors import BSPError
from ..security import TLS

_HOST = re.compile(r"[^\s,/:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_CHROOT = re.compile(r"(/[A-Za-z0-9._-]+)+")
SHORTEST_SESSION = 0.1


@dataclass(frozen=True)
class ZooKeeper:
    """A ZooKeeper service that coordinates jobs.

    Args:
        hosts: its servers, and the path under which Horn may live there: "host:port,host:port[/path]". The path is
            created where it is missing.
        session_timeout: seconds, at least 0.1, after which the servers give a silent process up.
        participants: who takes part in ZooKeeper's barrier: one per "host", or each "process".
        auth: user and password of ZooKeeper's scheme "digest". All that Horn creates is then theirs alone.
        tls: encrypt the connections, and check who is at their other end; None for plain ones.

    Raises:
        BSPError: what makes no sense.
    """

    hosts: str
    session_timeout: float = 10.0
    participants: Literal["host", "process"] = "host"
    auth: tuple[str, str] | None = field(default=None, repr=False)
    tls: TLS | None = None

    def __post_init__(self) -> None:
        servers, chroot = self._parts()
        if not all(_HOST.fullmatch(server) for server in servers.split(",")) or (
            chroot and not _CHROOT.fullmatch(chroot)
        ):
            raise BSPError(
                f'zookeeper must be "host:port,host:port" with an optional /path at the end, got {self.hosts!r}'
            )
        seconds: object = self.session_timeout
        if not isinstance(seconds, Real) or not SHORTEST_SESSION <= float(seconds) < math.inf:
            raise BSPError(f"session_timeout must be at least {SHORTEST_SESSION} s, got {seconds!r}")
        if self.participants not in ("host", "process"):
            raise BSPError(f'participants must be "host" or "process", got {self.participants!r}')
        if self.auth is not None:
            _check_auth(self.auth)
        if self.tls is not None and not isinstance(self.tls, TLS):
            raise BSPError(f"tls must be TLS(ca=, certificate=, key=) or None, got {self.tls!r}")

    @classmethod
    def of(cls, told: "str | ZooKeeper") -> "ZooKeeper":
        """Return the settings that a user gave, as such or as the text of `hosts`. Raises BSPError."""
        return told if isinstance(told, ZooKeeper) else cls(told)

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> "ZooKeeper":
        """Undo `plain`."""
        auth, tls = plain["auth"], plain["tls"]
        return cls(**{**plain, "auth": auth and tuple(auth), "tls": tls and TLS(**tls)})

    def plain(self) -> dict[str, Any]:
        """Return the settings, the password included, as plain data: for pipes and anonymous memory only."""
        return asdict(self)

    @property
    def servers(self) -> str:
        """The servers, "host:port,host:port"."""
        return self._parts()[0]

    @property
    def chroot(self) -> str:
        """The path that everything lies under, or ""."""
        return self._parts()[1]

    def _parts(self) -> tuple[str, str]:
        servers, slash, rest = str(self.hosts).partition("/")  # a list of hosts is refused, as it was given
        return servers, (slash + rest).rstrip("/")


def _check_auth(auth: object) -> None:
    # The password stays out of the text.
    if not (isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(part, str) and part for part in auth)):
        raise BSPError("auth must be a tuple of a user and a password, both texts that are not empty")
    if ":" in auth[0]:
        raise BSPError(f"the user of auth must not contain a colon, got {auth[0]!r}")
