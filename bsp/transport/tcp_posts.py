"""Posts over sockets: they go straight into the receiving process's memory; what a peer has taken is told back."""

from ..encoding import Encoded
from ..links.frames import FINISHED, POST, TAKEN, Header, ProtocolError
from ..links.hub import Hub
from ..links.incoming import Memory
from ..placement import Placement
from .base import Inbound, Posts
from .inboxes import Credit, Inbox


class TCPPosts(Posts):
    """Between processes that are connected.

    Args:
        hub: the connections.
        placement: which peers live where.
        process: this process.
        limit: bytes that may be under way from this process to one peer.
    """

    def __init__(self, hub: Hub, placement: Placement, process: int, limit: int) -> None:
        self._hub = hub
        self._placement = placement
        self._process = process
        self._inboxes = {peer: Inbox() for peer in placement.ranks(process)}
        self._credits = [Credit(limit) for _ in range(placement.peers)]
        self._finished: set[int] = set()

    def try_post(self, sender: int, receiver: int, encoded: Encoded) -> bool:
        """Send it at once, unless it is for a peer of this process."""
        if not self._credits[receiver].reserve(encoded):
            return False
        process = self._placement.process_of(receiver)
        if process == self._process:
            memory = bytearray(encoded.size)
            encoded.write(memoryview(memory))
            self._inboxes[receiver].put(Inbound(sender, receiver, memory, owned=True))
        else:
            header = Header(POST, encoded.size, sender=sender, receiver=receiver)
            self._hub.send(process, header, encoded.buffers())
            self._hub.push((process,))
        return True

    def outstanding(self, receiver: int) -> int:
        """Return what its process has not told to be taken."""
        return self._credits[receiver].outstanding

    def await_room(self, receiver: int, seconds: float) -> None:
        """Sleep until its process tells that it has taken some."""
        self._credits[receiver].await_room(seconds)

    def take(self, receiver: int) -> list[Inbound]:
        """Empty the inbox, and tell the senders' processes."""
        taken = self._inboxes[receiver].take()
        sizes: dict[int, list[int]] = {}
        for inbound in taken:
            sizes.setdefault(self._placement.process_of(inbound.sender), []).append(len(inbound.memory))
        for process, those in sizes.items():
            if process == self._process:
                self._credits[receiver].release(len(those), sum(those))
            else:
                self._hub.say(process, Header(TAKEN, epoch=sum(those), sender=len(those), receiver=receiver))
        return taken

    def await_arrival(self, receiver: int, seconds: float) -> bool:
        """Look into the inbox."""
        return self._inboxes[receiver].await_arrival(seconds)

    def finish(self, peer: int) -> None:
        """Tell all, behind what this process has posted, and wait until they have received it."""
        self._finished.add(peer)
        others = [process for process in range(self._placement.processes) if process != self._process]
        self._hub.settle({process: self._hub.send(process, Header(FINISHED, sender=peer), ()) for process in others})

    def finished(self, peer: int) -> bool:
        """Look it up."""
        return peer in self._finished

    def deliver(self, process: int, header: Header, memory: Memory) -> None:
        """Take a frame. Called by the I/O thread. Raises ProtocolError."""
        if header.kind == TAKEN:
            if header.receiver not in self._placement.ranks(process):
                raise ProtocolError(f"says that peer {header.receiver} took posts, who does not live there")
            if not self._credits[header.receiver].release(header.sender, header.epoch):
                raise ProtocolError(f"says that peer {header.receiver} took more posts than it was sent")
            return
        if header.sender not in self._placement.ranks(process):
            raise ProtocolError(f"speaks for peer {header.sender}, who does not live there")
        if header.kind == FINISHED:
            self._finished.add(header.sender)
        elif header.receiver in self._inboxes:
            self._inboxes[header.receiver].put(Inbound(header.sender, header.receiver, memory, owned=True))
        else:
            raise ProtocolError(f"sent a post for peer {header.receiver}, who does not live here")
