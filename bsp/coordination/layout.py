"""Where a job's znodes lie.

/horn/jobs/<job>/conf, state, topology              what runs, for people and tools; the launcher writes them
/horn/jobs/<job>/launcher                           ephemeral: the job's owner lives
/horn/jobs/<job>/attempt                            the number of the present attempt
/horn/jobs/<job>/members/<attempt>/<rank>           ephemeral: a worker process lives
/horn/jobs/<job>/left/<attempt>/<rank>              a worker process has left in good order
/horn/jobs/<job>/abort/<attempt>                    the attempt is over, and why
/horn/jobs/<job>/groups/<group>                     who belongs to a group of peers
/horn/jobs/<job>/info/<key>                         what the processes tell each other
/horn/jobs/<job>/sync/<attempt>/<group>/<step>/<rank>.<call>.<flags>    the barrier: a worker process is there
/horn/jobs/<job>/sync/<attempt>/<group>/<step>/gate, go      set when all are there and tell the same; else go tells
/horn/jobs/<job>/sweeper                            ephemeral: someone is removing the job

What belongs to an attempt lies below its number: with that path removed, an old attempt can write nothing.
"""

import re
from dataclasses import dataclass

from ..errors import BSPError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
    def horn(self) -> str:
        """What Horn has created."""
        return f"{self.chroot}/horn"

    @property
    def jobs(self) -> str:
        """The parent of all jobs."""
        return f"{self.horn}/jobs"

    @property
    def root(self) -> str:
        """The job."""
        return f"{self.jobs}/{self.job}"

    @property
    def current(self) -> str:
        """The node that holds the number of the present attempt."""
        return f"{self.root}/attempt"

    @property
    def abort(self) -> str:
        """The node whose existence ends the attempt."""
        return f"{self.root}/abort/{self.attempt}"

    @property
    def members(self) -> str:
        """The parent of the members."""
        return f"{self.root}/members/{self.attempt}"

    def member(self, rank: int) -> str:
        """A member."""
        return f"{self.members}/{rank}"

    @property
    def departures(self) -> str:
        """The parent of the marks of those that have left."""
        return f"{self.root}/left/{self.attempt}"

    def left(self, rank: int) -> str:
        """The mark that a member has left in good order."""
        return f"{self.departures}/{rank}"

    def about(self, group: str) -> str:
        """What is told of a group."""
        return f"{self.root}/groups/{group}"

    def info(self, key: str) -> str:
        """A value that the processes tell each other."""
        return f"{self.root}/info/{key}"

    @property
    def sync(self) -> str:
        """The barriers of the attempt."""
        return f"{self.root}/sync/{self.attempt}"

    def group(self, group: str) -> str:
        """The barriers of a group."""
        return f"{self.sync}/{group}"

    def step(self, group: str, step: int) -> str:
        """One barrier of a group."""
        return f"{self.group(group)}/{step}"


def launcher_of(root: str) -> str:
    """Return the ephemeral node of a job's owner."""
    return f"{root}/launcher"


def sweeper_of(root: str) -> str:
    """Return the ephemeral node of whoever removes a job."""
    return f"{root}/sweeper"
