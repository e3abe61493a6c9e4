"""What a peer can tell of its job and of where its peers live."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .errors import BSPError
from .placement import Placement


@dataclass(frozen=True)
class About:
    """A job, as its peers know it.

    Attributes:
        job: its name.
        attempt: which attempt of it this is, from 1.
        hosts: the name of each process's host.
        conf: what the caller has configured.
    """

    job: str
    attempt: int
    hosts: Sequence[str]
    conf: Mapping[str, Any]

    def name_of(self, peer: int, placement: Placement) -> str:
        """Return a peer's name: host:process.peer."""
        process = placement.process_of(peer)
        return f"{self.hosts[process]}:{process}.{peer}"

    def peers_of_host(self, process: int, placement: Placement) -> list[int]:
        """Return the peers that live on the host of a process."""
        here = [other for other, host in enumerate(self.hosts) if host == self.hosts[process]]
        return [peer for other in here for peer in placement.ranks(other)]


def plain_conf(name: str, conf: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a copy of what a job was given under a name, its configuration say, that nobody can change.

    Raises:
        BSPError: it holds something else than None, booleans, numbers, strings, lists, and dicts of strings to these.
    """
    given = dict(conf or {})
    try:
        made: dict[str, Any] = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BSPError(f"{name} must be plain data, as JSON holds it: {error}") from error
    if made != given:
        raise BSPError(f"{name} must be plain data, as JSON holds it: {given!r} would arrive as {made!r}")
    return MappingProxyType(made)
