"""What can go wrong in a job, told by who is to blame.

`PeerFailed` blames the user's program, `PeerLost` the process that died, `LinkLost` the connection to a process,
`BarrierTimeout` whoever did not arrive, `PostTimeout` who did not read, `CoordinatorLost` the coordination service.
`JobAborted` blames nobody: it is what the innocent peers see when another one has ended the job, and what the caller
sees when the job was ended from outside.
"""

from collections.abc import Iterable, Sequence


def format_ranks(ranks: Iterable[int]) -> str:
    """Write peer ranks as people do: `peer 3`, `peers 0-4, 7`."""
    ordered = sorted(set(ranks))
    spans: list[list[int]] = []
    for rank in ordered:
        if spans and rank == spans[-1][1] + 1:
            spans[-1][1] = rank
        else:
            spans.append([rank, rank])
    text = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)
    return f"peer {text}" if len(ordered) == 1 else f"peers {text}"


class BSPError(Exception):
    """Base of every error of the engine; also misuse of it.

    Attributes:
        ranks: the peers that the error is about; empty if it is about none in particular.
        job: the name of the job that it ended, once `BSPJob.run` has raised it.
    """

    def __init__(self, message: str, ranks: Iterable[int] = ()) -> None:
        super().__init__(message)
        self.ranks: Sequence[int] = tuple(ranks)
        self.job: str | None = None


class PeerFailed(BSPError):
    """A peer's program raised an exception.

    Attributes:
        traceback: the remote traceback as text.
        exception: the exception itself where it could travel, else None. It is also the `__cause__`.
    """

    def __init__(
        self, message: str, ranks: Iterable[int] = (), traceback: str = "", exception: BaseException | None = None
    ) -> None:
        super().__init__(message, ranks)
        self.traceback = traceback
        self.exception = exception


class PeerLost(BSPError):
    """A worker process ended without having returned its peers' values.

    Attributes:
        pid: the process, or None if only the coordination service saw it vanish.
        exit_code: its exit code; negative for the number of the signal that killed it; None as above.
    """

    def __init__(
        self, message: str, ranks: Iterable[int] = (), pid: int | None = None, exit_code: int | None = None
    ) -> None:
        super().__init__(message, ranks)
        self.pid = pid
        self.exit_code = exit_code


class LinkLost(PeerLost):
    """The connection between two worker processes failed; both may live.

    `ranks` are the peers at the far end, as seen by the process that noticed; the message names both ends.
    """


class BarrierTimeout(BSPError):
    """Peers did not arrive at a barrier within the job's `timeout`; `ranks` are the missing ones."""


class PostTimeout(BSPError):
    """A peer left no room for a post within the post's `timeout`; `ranks` has that peer."""


class CoordinatorLost(BSPError):
    """The coordination service cannot be reached, or has forgotten the job."""


class JobAborted(BSPError):
    """The job was ended elsewhere; `ranks` are the peers that ended it, if any did."""
