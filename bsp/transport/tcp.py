"""The transport over sockets: between processes that share nothing but a network, on one machine or on several.

A group has a number in each of its processes, which the offers tell: it is what the frames for it are addressed to.
What comes for a group between its offer and its opening is kept. A message is a frame; large arrays go straight from
the sender's memory into that of the receiver, who owns it.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from ..barriers import Barrier, DirectBarrier, LoneBarrier
from ..encoding import Encoded
from ..errors import BSPError
from ..links.frames import DATA, FINISHED, POST, SIGNAL, TAKEN, Header, ProtocolError
from ..links.handshake import Identity
from ..links.hub import Hub
from ..links.incoming import Memory
from ..links.listening import advertised
from ..links.outgoing import Buffer
from ..links.settings import TCP
from ..memory.spill import Spill
from ..placement import Members, Placement
from .base import POST_LIMIT, Channel, Inbound, Lane, Offer, Transport
from .kept import Kept
from .tcp_posts import TCPPosts

_MESSAGES, _COLLECTIVES = range(2)


class TCPLane(Lane):
    """This process's side of a lane.

    Args:
        hub: the connections.
        lane: which of the group's.
        members: the group.
        process: this process.
        largest: bytes that a message may have.
        kept: takes what has come until it is read.
    """

    def __init__(self, hub: Hub, lane: int, members: Members, process: int, largest: int, kept: Kept) -> None:
        self._hub = hub
        self._lane = lane
        self._members = members
        self._process = process
        self._largest = largest
        self._kept = kept
        self._groups: Mapping[int, int] = {}
        self._mutex = threading.Lock()
        self._epoch = -1
        self._held: list[tuple[int, tuple[int, ...], int, int, memoryview]] = []
        self._last: dict[int, int] = {}
        self._read = -1
        self._inbound: dict[int, dict[int, list[Inbound]]] = {}

    def open(self, groups: Mapping[int, int]) -> None:
        """Begin to send, given the group's number in each of its processes."""
        self._groups = groups

    def room(self, epoch: int, to: Sequence[int], sender: int, receiver: int, size: int) -> memoryview:
        """Return memory that is sent when the lane settles; see `Lane.room`."""
        memory = memoryview(bytearray(size))
        if to:
            with self._mutex:
                self._held.append((epoch, tuple(to), sender, receiver, memory))
            self._epoch = epoch
        return memory

    def send(self, epoch: int, to: Sequence[int], sender: int, receiver: int, encoded: Encoded) -> None:
        """Send a value, arrays without a copy; waits while the network takes no more. See `room`."""
        if self._held:  # it must not overtake what is still to be filled in
            super().send(epoch, to, sender, receiver, encoded)
        elif to:
            self._epoch = epoch
            self._transmit(epoch, to, sender, receiver, encoded.buffers(), encoded.size)

    def sent(self, epoch: int) -> bool:
        """Whether there was anything to send in this epoch."""
        return self._epoch == epoch

    def settle(self) -> None:
        """Wait for the receivers' acknowledgements."""
        with self._mutex:
            held, self._held = self._held, []
        for epoch, to, sender, receiver, memory in held:
            self._transmit(epoch, to, sender, receiver, [memory], len(memory))
        with self._mutex:
            last, self._last = self._last, {}
        self._hub.settle(last)

    def receive(self, epoch: int) -> list[Inbound]:
        """Return what has come in an epoch, and forget what nobody read in those before."""
        with self._mutex:
            self._read = epoch
            found = self._inbound.pop(epoch, {})
            for old in [old for old in self._inbound if old < epoch]:
                del self._inbound[old]
        self._kept.release(epoch - 1)
        return [message for process in self._members.processes for message in found.get(process, ())]

    def deliver(self, process: int, header: Header, memory: Memory) -> None:
        """Keep what has come until it is read. Called by the I/O thread. Raises ProtocolError."""
        if header.sender not in self._members.of(process):
            raise ProtocolError(f"sent a message of member {header.sender}, who does not live there")
        if header.receiver != -1 and header.receiver not in self._members.of(self._process):
            raise ProtocolError(f"sent a message for member {header.receiver}, who does not live here")
        kept, owned = self._kept.keep(header.epoch, memory)
        with self._mutex:
            if header.epoch <= self._read:
                raise ProtocolError(
                    f"sent a message of epoch {header.epoch}, which is over: {self._read} has been read"
                )
            inbound = self._inbound.setdefault(header.epoch, defaultdict(list))
            inbound[process].append(Inbound(header.sender, header.receiver, kept, owned))

    def close(self) -> None:
        """Forget what has come."""
        self._kept.close()

    def _transmit(
        self, epoch: int, to: Sequence[int], sender: int, receiver: int, parts: Sequence[Buffer], size: int
    ) -> None:
        if size > self._largest:
            raise BSPError(
                f"a message of {size} bytes is more than the {self._largest} of TCP(largest=); send it in parts"
            )
        for process in to:
            header = Header(DATA, size, self._groups[process], self._lane, epoch, sender, receiver)
            number = self._hub.send(process, header, parts)
            with self._mutex:
                self._last[process] = max(number, self._last.get(process, 0))


class TCPChannel(Channel):
    """A group's lanes and its barrier.

    Args:
        hub: the connections.
        members: the group.
        process: this process.
        largest: bytes that a message may have.
        timeout: seconds to wait at the barrier, or None for as long as the others live.
        forget: called when the group is closed.
        spill: where messages go beyond the process's memory limit, or None without a limit.
    """

    def __init__(
        self,
        hub: Hub,
        members: Members,
        process: int,
        largest: int,
        timeout: float | None,
        forget: Callable[[], None],
        spill: Spill | None,
    ) -> None:
        kept = {_MESSAGES: Kept(spill), _COLLECTIVES: Kept(None)}
        self._lanes = [TCPLane(hub, lane, members, process, largest, kept[lane]) for lane in kept]
        self.messages, self.collectives = self._lanes
        self._hub = hub
        self._members = members
        self._forget = forget
        self._groups: Mapping[int, int] = {}
        self._direct: DirectBarrier | None = None
        if len(members.processes) > 1:
            self._direct = DirectBarrier(self._signal, members, process, hub.check, timeout)
        self.barrier: Barrier = self._direct or LoneBarrier(hub.check)

    def open(self, groups: Mapping[int, int]) -> None:
        """Begin to send, given the group's number in each of its processes."""
        self._groups = groups
        for lane in self._lanes:
            lane.open(groups)

    def deliver(self, process: int, header: Header, memory: Memory) -> None:
        """Take a frame for this group. Called by the I/O thread. Raises ProtocolError."""
        if process not in self._members.processes:
            raise ProtocolError("sent a frame for a group that it does not belong to")
        if header.kind == DATA:
            if header.lane >= len(self._lanes):
                raise ProtocolError(f"sent a message on lane {header.lane}")
            self._lanes[header.lane].deliver(process, header, memory)
        elif self._direct is not None:
            reason = self._direct.heard(process, header.epoch, header.receiver, bytes(memory))
            if reason:
                raise ProtocolError(f"sent a signal that cannot be: {reason}")

    def close(self) -> None:
        """Take no more frames."""
        self.barrier.close()
        self._forget()
        for lane in self._lanes:
            lane.close()

    def _signal(self, process: int, generation: int, round: int, content: bytes) -> None:
        header = Header(SIGNAL, len(content), self._groups[process], epoch=generation, receiver=round)
        self._hub.say(process, header, content)


class TCPTransport(Transport):
    """Between processes that reach each other over sockets.

    Args:
        identity: this process, and the job's key.
        placement: which peers live where.
        settings: where to listen, and for how long to be patient.
        check: raises what ended the job.
        on_lost: called once, from any thread, when a connection is lost.
        timeout: seconds to wait at a barrier, or None for as long as the others live.
        post_limit: bytes that may be under way from this process to one peer.
        spill: where messages go beyond the process's memory limit, or None without a limit.

    Raises:
        BSPError: this process cannot listen where it should.
    """

    def __init__(
        self,
        identity: Identity,
        placement: Placement,
        settings: TCP,
        *,
        check: Callable[[], None],
        on_lost: Callable[[BSPError], None],
        timeout: float | None = None,
        post_limit: int = POST_LIMIT,
        spill: Spill | None = None,
    ) -> None:
        self._spill = spill
        self._process = identity.process
        self._largest = settings.largest
        self._timeout = timeout
        self._channels: dict[int, TCPChannel] = {}
        self._offered: dict[str, int] = {}
        self._count = 0
        self._connected: set[int] = {self._process}
        self._hub = Hub(identity, placement, settings, deliver=self._deliver, check=check, on_lost=on_lost)
        self.posts = self._posts = TCPPosts(self._hub, placement, self._process, post_limit)

    def offer(self, group: str, members: Members) -> Offer:
        """Give the group a number; from now on frames are taken for it."""
        number, self._count = self._count, self._count + 1

        def forget() -> None:
            del self._channels[number]

        self._channels[number] = TCPChannel(
            self._hub, members, self._process, self._largest, self._timeout, forget, self._spill
        )
        self._offered[group] = number
        host, port = advertised(self._hub.address, self._process)
        return {"group": number, "host": host, "port": port}

    def open(self, group: str, members: Members, offers: Mapping[int, Offer]) -> Channel:
        """Return the group's lanes and its barrier. Connects to those of its processes that are not connected yet.

        Raises:
            LinkLost: one of them cannot be reached, or refuses us.
        """
        new = {process: offer for process, offer in offers.items() if process not in self._connected}
        self._hub.connect({process: (str(offer["host"]), int(offer["port"])) for process, offer in new.items()})
        self._connected.update(new)
        channel = self._channels[self._offered.pop(group)]
        channel.open({process: int(offer["group"]) for process, offer in offers.items()})
        return channel

    def close(self) -> None:
        """Say goodbye to the others and close all connections."""
        self._hub.close()

    def _deliver(self, process: int, header: Header, memory: Memory) -> None:
        channel = self._channels.get(header.group)
        if header.kind in (POST, TAKEN, FINISHED):
            self._posts.deliver(process, header, memory)
        elif channel is not None:
            channel.deliver(process, header, memory)
        elif header.kind == DATA or header.group >= self._count:
            # A closed group may still be told who is late at a barrier that is over.
            raise ProtocolError(f"sent a frame for group {header.group}, which there is not")
