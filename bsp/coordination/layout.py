"""Where a job's znodes lie.

/horn/jobs/<job>/conf, state, topology, attempt     what runs, for people and tools; the launcher writes them
/horn/jobs/<job>/launcher                           ephemeral: the job's owner lives
/horn/jobs/<job>/members/<rank>                     ephemeral: a worker process lives
/horn/jobs/<job>/left/<rank>                        a worker process has left in good order
/horn/jobs/<job>/sync/<attempt>/<group>/<step>/<rank>, go    the barrier
/horn/jobs/<job>/abort                              the job is over, and why
"""

import re
from dataclasses import dataclass

from ..errors import BSPError

_HOST = re.compile(r"[^\s,/:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHROOT = re.compile(r"(/[A-Za-z0-9._-]+)+")


@dataclass(frozen=True)
class Address:
    """Where ZooKeeper is: its servers, and the path under which Horn may live there."""

    hosts: str
    chroot: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse "host:port,host:port[/chroot]". Raises BSPError."""
        hosts, slash, rest = str(text).partition("/")  # a list of hosts is refused below, as it was given
        chroot = (slash + rest).rstrip("/")
        if not all(_HOST.fullmatch(host) for host in hosts.split(",")) or (chroot and not _CHROOT.fullmatch(chroot)):
            raise BSPError(f'zookeeper must be "host:port,host:port" with an optional /path at the end, got {text!r}')
        return cls(hosts, chroot)


@dataclass(frozen=True)
class JobLayout:
    """The paths of one attempt of one job.

    Args:
        chroot: the path that everything lies under, or "".
        job: the job's name.
        attempt: which attempt, from 1.
    """

    chroot: str
    job: str
    attempt: int = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.job):
            raise BSPError(f"a job's name consists of letters, digits, '.', '_' and '-', 100 at most, got {self.job!r}")

    @property
    def jobs(self) -> str:
        """The parent of all jobs."""
        return f"{self.chroot}/horn/jobs"

    @property
    def root(self) -> str:
        """The job."""
        return f"{self.jobs}/{self.job}"

    @property
    def launcher(self) -> str:
        """The ephemeral node of the job's owner."""
        return f"{self.root}/launcher"

    @property
    def abort(self) -> str:
        """The node whose existence ends the job."""
        return f"{self.root}/abort"

    @property
    def members(self) -> str:
        """The parent of the members."""
        return f"{self.root}/members"

    def member(self, rank: int) -> str:
        """A member."""
        return f"{self.members}/{rank}"

    def left(self, rank: int) -> str:
        """The mark that a member has left in good order."""
        return f"{self.root}/left/{rank}"

    def group(self, group: str) -> str:
        """The barriers of a group."""
        return f"{self.root}/sync/{self.attempt}/{group}"

    def step(self, group: str, step: int) -> str:
        """One barrier of a group."""
        return f"{self.group(group)}/{step}"
