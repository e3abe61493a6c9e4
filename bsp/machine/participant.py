"""One process's life in an attempt, as its coordinator sees it: it joins, watches its neighbour, leaves or is ended.

Each participant watches the next one on the ring, the job's abort node and the number of the attempt. Whoever sees its
neighbour vanish declares it lost; the first who declares anything is the one whom all believe. A neighbour that left in
good order is no loss: its own neighbour is watched then.

How it is driven, with a client whose requests are carried out in order:

    Look       exists(member of the neighbour, watch), exists(its mark of having left), exists(abort, watch),
               get(abort), get(attempt, watch), in this order and sent at once: `saw(sight)`. The order matters: an
               attempt that is superseded loses its nodes after the number has changed.
    Declare    create the abort node; that there is one already is as good: `declared()`.
    Resign     create the mark of having left and delete the member, all or none; a refusal is as good, as there is
               nothing to be left then: `left()`.
    End        raise `cause.error()` in everyone who waits, tell the owner; nothing comes after it. While the process
               leaves, nobody is interested.

A watch that fires is `stirred()`; a request that failed because a node is not there, `vanished(path)`. The connection's
state is told by `suspended(now)`, `connected(now)` and `expired()`; `tick(now)` comes in every slice of a wait. A
request whose connection broke is not repeated by the adapter: `connected` asks again for all that is still needed.
`now` is a monotonic clock's, in seconds.
"""

from dataclasses import dataclass

from ..errors import BSPError, CoordinatorLost, JobAborted, PeerLost, format_ranks
from ..placement import Placement

ABORTED, LOST, CUT_OFF, SUPERSEDED = "aborted", "lost", "cut off", "superseded"
GRACE = 4 / 3
"""Session timeouts without a connection after which a participant ends itself: by then the servers have given it up, or
nobody is there to do so."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an attempt is over.

    Attributes:
        kind: `ABORTED` by a participant, `LOST` one, `CUT_OFF` from the service, `SUPERSEDED` by a later attempt.
        reason: for people.
        ranks: the peers at fault.
    """

    kind: str
    reason: str
    ranks: tuple[int, ...] = ()

    def error(self) -> BSPError:
        """Return what is raised for it."""
        if self.kind == LOST:
            return PeerLost(self.reason, self.ranks)
        if self.kind == CUT_OFF:
            return CoordinatorLost(self.reason, self.ranks)
        told = f"the job was aborted: {self.reason}" if self.kind == ABORTED else self.reason
        return JobAborted(told, self.ranks)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look has shown.

    Attributes:
        neighbour: who was looked at; None if nobody was.
        present: whether it is a member.
        left: whether it has left in good order.
        abort: what ended the attempt, if anything did.
        attempt: the job's present attempt; None if its node is gone.
    """

    neighbour: int | None
    present: bool
    left: bool
    abort: Cause | None
    attempt: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """Look at the neighbour, the abort node and the attempt, and watch them."""

    neighbour: int | None


@dataclass(frozen=True, slots=True)
class Declare:
    """Create the abort node of the attempt unless there is one."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Resign:
    """Leave in good order."""


@dataclass(frozen=True, slots=True)
class End:
    """The attempt is over for this participant."""

    cause: Cause


Action = Look | Declare | Resign | End


@dataclass(slots=True)
class Participant:
    """Process `rank`'s life in an attempt. It begins without a connection.

    Args:
        placement: which peers live in which process, for the errors.
        rank: this process.
        attempt: which attempt of the job, from 1.
        service: the coordination service's name, for the errors.
        session_timeout: seconds.
        now: the time.

    Attributes:
        neighbour: the process that is watched; None when nobody is left.
        ended: why the attempt is over for this participant, or None.
        leaving: whether it is about to leave in good order, or has.
        gone: whether it has left in good order.
    """

    placement: Placement
    rank: int
    attempt: int
    service: str
    session_timeout: float
    now: float
    neighbour: int | None = None
    ended: Cause | None = None
    leaving: bool = False
    gone: bool = False
    _down_since: float | None = None
    _looked: float | None = None  # when we last asked for a look; None before we joined
    _assembled: bool = False  # whether the neighbour has been there for certain
    _declaring: Cause | None = None  # what we have asked to be declared, until it is
    _vanished: str = ""

    def __post_init__(self) -> None:
        self._down_since = self.now
        self.neighbour = self._after(self.rank)

    def joined(self, now: float) -> list[Action]:
        """Our own member node exists."""
        return self._look(now) if self._lives() else []

    def assembled(self) -> None:
        """All participants have joined: from now on, one that is not there is lost."""
        self._assembled = True

    def saw(self, sight: Sight) -> list[Action]:
        """A look was answered."""
        if not self._lives():
            return []
        cause = self._cause(sight)
        if cause is not None:
            return self._end(cause)
        if sight.neighbour is None or sight.neighbour != self.neighbour:
            return []
        if sight.present:
            self._assembled = True
            return []
        if sight.left:
            self.neighbour = self._after(sight.neighbour)
            return [Look(self.neighbour)]
        return self._declare(self._loss(sight.neighbour)) if self._assembled else []

    def stirred(self) -> list[Action]:
        """A watch has fired."""
        return [Look(self.neighbour)] if self._lives() else []

    def vanished(self, path: str) -> list[Action]:
        """A node of this attempt is not there: we are superseded, or the service has forgotten the job."""
        if not self._lives():
            return []
        self._vanished = path
        return [Look(self.neighbour)]

    def abort(self, reason: str, ranks: tuple[int, ...]) -> list[Action]:
        """The local process ends the attempt for everybody."""
        return self._declare(Cause(ABORTED, reason, ranks)) if self._lives() else []

    def declared(self) -> list[Action]:
        """The abort node exists, with our cause or with an earlier one: that is looked at."""
        self._declaring = None
        return [Look(self.neighbour)] if self._lives() else []

    def suspended(self, now: float) -> list[Action]:
        """The connection is gone."""
        if self._down_since is None:
            self._down_since = now
        return []

    def connected(self, now: float) -> list[Action]:
        """There is a connection, and no watch any more."""
        self._down_since = None
        if not self._lives():
            return [Resign()] if self.leaving and not self._over() else []
        declare: list[Action] = [Declare(self._declaring)] if self._declaring is not None else []
        return declare + (self._look(now) if self._looked is not None else [])

    def expired(self) -> list[Action]:
        """The servers have given us up, and told us so."""
        if self._over():
            return []
        return self._end(Cause(CUT_OFF, f"the session with {self.service} has expired"))

    def tick(self, now: float) -> list[Action]:
        """Time has passed. Also while we wait for the answer to `Resign`."""
        if self._over():
            return []
        down = self._down_since
        if down is not None:
            if now - down <= self.session_timeout * GRACE:
                return []
            reason = (
                f"{self.service} is lost: no server has answered for {now - down:.1f} s "
                f"(session timeout {self.session_timeout} s)"
            )
            return self._end(Cause(CUT_OFF, reason))
        # Watches do it; this is for one that was lost where nobody knows.
        overdue = self._looked is not None and now - self._looked > self.session_timeout / 2
        return self._look(now) if overdue and self._lives() else []

    def leave(self) -> list[Action]:
        """The local process has finished. From now on no abort and no loss concerns us."""
        if not self._lives():
            return []
        self.leaving = True
        return [Resign()]

    def left(self) -> None:
        """We are no member any more, and nobody takes it for a loss."""
        self.gone = True

    def _lives(self) -> bool:
        return self.ended is None and not self.leaving

    def _over(self) -> bool:
        return self.ended is not None or self.gone

    def _declare(self, cause: Cause) -> list[Action]:
        self._declaring = self._declaring or cause
        return [Declare(self._declaring)]

    def _look(self, now: float) -> list[Action]:
        self._looked = now
        return [Look(self.neighbour)]

    def _end(self, cause: Cause) -> list[Action]:
        self.ended = cause
        return [End(cause)]

    def _cause(self, sight: Sight) -> Cause | None:
        """Return why the attempt is over, if it is. A later attempt explains everything else that is seen."""
        if sight.attempt is not None and sight.attempt > self.attempt:
            return Cause(SUPERSEDED, f"attempt {self.attempt} of the job was superseded by attempt {sight.attempt}")
        if sight.abort is not None:
            return sight.abort
        if sight.attempt is None:
            return Cause(CUT_OFF, f"{self.service} has forgotten the job: its nodes are gone")
        if self._vanished:
            return Cause(CUT_OFF, f"{self.service} has forgotten attempt {self.attempt}: there is no {self._vanished}")
        return None

    def _loss(self, process: int) -> Cause:
        ranks = self.placement.ranks(process)
        who = f"{format_ranks(ranks)} (process {process})"
        return Cause(LOST, f"{who} vanished from {self.service}: killed, or cut off from the servers", tuple(ranks))

    def _after(self, process: int) -> int | None:
        following = (process + 1) % self.placement.processes
        return None if following == self.rank else following
