"""The contract of coordination."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """A participant, as the others see it.

    Attributes:
        host: name of its host.
        pid: its process there.
        peers: the peers that live in it, [first, last].
    """

    host: str
    pid: int
    peers: tuple[int, int]


class Coordinator(ABC):
    """One participant's view of the job. Participants are the worker processes, ranked from 0.

    Promises: `barrier` returns when all participants of this generation have arrived, and none is ever more than one
    generation ahead of another; after `abort`, every wait of every participant ends with an error that names the peers
    at fault; after the last `leave` nothing is left. No wait outlives the participants it waits for.
    """

    @abstractmethod
    def join(self) -> None:
        """Become a member.

        Raises:
            JobAborted: the job was ended.
            CoordinatorLost: the service cannot be reached.
        """

    @abstractmethod
    def members(self) -> dict[int, Member]:
        """Return the present members by rank. Raises CoordinatorLost."""

    @abstractmethod
    def barrier(self) -> None:
        """Wait for all participants.

        Raises:
            JobAborted, PeerLost: the job was ended, or a participant vanished.
            BarrierTimeout: not all came within the job's timeout.
            CoordinatorLost: the service cannot be reached.
        """

    @abstractmethod
    def abort(self, reason: str, ranks: Iterable[int] = ()) -> None:
        """End the job for everybody. The first reason stands.

        Args:
            reason: what happened, for people.
            ranks: the peers at fault.
        """

    @abstractmethod
    def check(self) -> None:
        """Raise what ended the job, if it has ended: JobAborted, PeerLost or CoordinatorLost."""

    @abstractmethod
    def leave(self) -> None:
        """Stop being a member, at the end of the job: nobody takes it for a loss."""
