"""A home: what all peers of one worker process share. The way to the other processes, and a site for each group."""

import threading
from collections.abc import Callable, Mapping

from .barriers import BarrierMaker, Meeting
from .compression import Codec
from .coordination import Coordinator
from .memory.spill import Spill
from .messages import PostOffice
from .placement import Members, Placement
from .site import Site
from .transport import Channel, CompressingLane, Kept, Offer, Transport
from .vigil import Vigil

WORLD = "world"


class Home:
    """The peers of one process, in whatever groups they are.

    Args:
        placement: which peers live where.
        process: this process.
        transport: the way to the other processes.
        coordinator: keeps what peers publish.
        vigil: what waiting peers look at.
        stop_requested: whether the job was asked to stop.
        barrier: makes the meeting of a group's processes; by default the transport's own.
        timeout: seconds that a peer waits for others, or None for as long as it takes.
        spill: where messages go beyond the process's memory limit, or None without a limit.
        codec: compresses messages between processes; None leaves them as they are.

    Attributes:
        posts: the way of what peers tell each other outside of supersteps.
        waited: seconds that each peer here has waited for others, by its rank.
        stop_requested: as given.
    """

    def __init__(
        self,
        placement: Placement,
        process: int,
        transport: Transport,
        *,
        coordinator: Coordinator,
        vigil: Vigil,
        stop_requested: Callable[[], bool],
        barrier: BarrierMaker | None = None,
        timeout: float | None = None,
        codec: Codec | None = None,
        spill: Spill | None = None,
    ) -> None:
        self.placement = placement
        self.process = process
        self.coordinator = coordinator
        self._transport = transport
        self._vigil = vigil
        self.stop_requested = stop_requested
        self._barrier = barrier
        self._timeout = timeout
        self._codec = codec
        self._spill = spill
        self._sites: dict[str, Site] = {}
        self._offers: dict[str, Offer] = {}
        self._leaving: dict[str, int] = {}
        self._mutex = threading.Lock()
        self.waited = dict.fromkeys(placement.ranks(process), 0.0)
        self.posts = PostOffice(placement.peers, transport.posts, vigil.check, self.waited)
        vigil.ask(transport.posts.finished)

    def offer(self, group: str, members: Members) -> Offer:
        """Return what the other processes of a group must know of this one; the same for each of its peers here."""
        with self._mutex:
            if group not in self._offers:
                self._offers[group] = self._transport.offer(group, members)
            return self._offers[group]

    def site(self, group: str, members: Members, offers: Mapping[int, Offer], parent: Site | None = None) -> Site:
        """Return this process's site of a group split from `parent`; the same for each of its peers here."""
        with self._mutex:
            if group not in self._sites:
                channel = self._transport.open(group, members, offers)
                messages = channel.messages
                if self._codec is not None:
                    messages = CompressingLane(messages, self._codec)
                self._sites[group] = Site(
                    group,
                    members,
                    self.process,
                    parent,
                    channel,
                    messages,
                    Kept(self._spill),
                    channel.barrier if self._barrier is None else self._barrier(self._meeting(group, members, channel)),
                    vigil=self._vigil,
                    waited=self.waited,
                    stop_requested=self.stop_requested,
                    timeout=self._timeout,
                )
            return self._sites[group]

    def _meeting(self, group: str, members: Members, channel: Channel) -> Meeting:
        return Meeting(group, members, self.process, channel.barrier, self._vigil.check, self._timeout)

    def leave(self, site: Site) -> None:
        """Retire a site when the last of its members here leaves it."""
        with self._mutex:
            left = self._leaving[site.group] = self._leaving.get(site.group, 0) + 1
            if left < len(site.members.of(self.process)):
                return
            del self._leaving[site.group], self._sites[site.group], self._offers[site.group]
        if site.parent is not None:
            site.parent.retire(site)
