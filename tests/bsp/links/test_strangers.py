"""Who connects without being a process of the job, and a process that breaks the protocol: refused, told, survived."""

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from horn.bsp import TCP, BSPError, LinkLost
from horn.bsp.barriers import SYNC, Arrival
from horn.bsp.encoding import Encoded
from horn.bsp.links import handshake
from horn.bsp.links.dialing import Address, dial
from horn.bsp.links.frames import ACK, DATA, FINISHED, GOODBYE, POST, SIGNAL, TAKEN, Header, pack
from horn.bsp.links.handshake import Identity
from horn.bsp.placement import Members, Placement
from horn.bsp.transport import Channel
from horn.bsp.transport.tcp import TCPTransport

KEY = bytes(range(32))
PATIENCE = 20.0
PLACEMENT = Placement(peers=3, processes=3)
TIMEOUT = 1.0


def identity(process: int, *, key: bytes = KEY, attempt: int = 2, job: str = "job") -> Identity:
    return Identity(job, attempt, process, key)


def nothing() -> None:
    pass


class Job:
    """Processes 0 and 1 of three, connected to each other; the third is played by the test."""

    def __init__(self) -> None:
        self.lost: list[BSPError] = []
        self.members = Members(PLACEMENT, [0, 1])
        self.transports = [self.transport(process) for process in range(2)]
        self.offers = {process: made.offer("both", self.members) for process, made in enumerate(self.transports)}
        self.addresses: list[Address] = [(str(o["host"]), int(o["port"])) for o in self.offers.values()]
        with ThreadPoolExecutor(2) as pool:
            self.channels: list[Channel] = list(
                pool.map(lambda made: made.open("both", self.members, self.offers), self.transports)
            )

    def transport(self, process: int) -> TCPTransport:
        settings = TCP(link_timeout=TIMEOUT, largest=1 << 20)
        return TCPTransport(identity(process), PLACEMENT, settings, check=nothing, on_lost=self.lost.append)

    def goes_on(self) -> None:
        """Exchange a message and meet, to show that the job lives."""

        def act(process: int) -> object:
            channel = self.channels[process]
            channel.messages.send(0, (1 - process,), process, 1 - process, Encoded("still here"))
            channel.messages.settle()
            channel.barrier.wait(Arrival(SYNC))
            return [message.value() for message in channel.messages.receive(0)]

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(act, range(2))) == [["still here"]] * 2
        assert self.lost == []

    def close(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda made: made.close(), self.transports))


@pytest.fixture
def job() -> Iterator[Job]:
    made = Job()
    yield made
    made.close()


def await_that(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def is_hung_up_on(stranger: socket.socket) -> bool:
    """Wait until the other end has closed; what it said before does not matter."""
    stranger.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionResetError):
        while stranger.recv(4096):
            pass
    return True


def connect(address: Address, said: bytes) -> socket.socket:
    stranger = socket.create_connection(address, timeout=PATIENCE)
    stranger.sendall(said)
    return stranger


HELLO = handshake.greet(identity(2), to=0)
SAID: dict[str, tuple[bytes, str]] = {
    "garbage": (bytes(200), "which is not how Horn begins"),
    "a giant header": (b"\xff" * 4096, "which is not how Horn begins"),
    "an old attempt": (handshake.greet(identity(2, attempt=1), to=0).packed(), "it is of attempt 1; this is attempt 2"),
    "a process too many": (handshake.greet(identity(3), to=0).packed(), "claims to be process 3, which cannot be"),
    "the process itself": (handshake.greet(identity(0), to=0).packed(), "claims to be process 0, which cannot be"),
    "another door": (handshake.greet(identity(2), to=1).packed(), "it looks for process 1; this is process 0"),
    "no proof": (HELLO.packed() + bytes(32), "claims to be process 2 and does not know the key"),
    "nothing": (b"", "it did not prove itself in time"),
    "a beginning": (HELLO.packed()[:-1], "it did not prove itself in time"),
}


@pytest.mark.parametrize("stranger", SAID)
def test_who_proves_nothing_is_refused_and_logged(job: Job, stranger: str, caplog: pytest.LogCaptureFixture) -> None:
    said, reason = SAID[stranger]
    with caplog.at_level(logging.WARNING, "horn.bsp"), connect(job.addresses[0], said) as connection:
        assert is_hung_up_on(connection)
        await_that(lambda: reason in caplog.text)
        host, port = connection.getsockname()[:2]
        assert f"process 0 refused a connection from {host}:{port}" in caplog.text
    job.goes_on()


def test_a_wrong_key_is_noticed_by_both_ends(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    wrong = identity(2, key=bytes(32))
    with pytest.raises(LinkLost, match=r"process 0 at 127.0.0.1:.* it does not know the key of the job"):
        dial(job.addresses[0], wrong, 0, None, PATIENCE, nothing)
    await_that(lambda: "it ended the connection before it had proved itself" in caplog.text)
    job.goes_on()


@pytest.mark.parametrize("other", [identity(2, job="another"), identity(2, attempt=3)])
def test_another_job_and_another_attempt_are_refused(job: Job, other: Identity) -> None:
    with pytest.raises(LinkLost, match=r"it does not know the key of the job|it is of another attempt of the job"):
        dial(job.addresses[0], other, 0, None, PATIENCE, nothing)
    job.goes_on()


def test_a_process_that_is_connected_already_is_refused(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LinkLost, match="it has a connection of that process already"):
        dial(job.addresses[0], identity(1), 0, None, PATIENCE, nothing)
    await_that(lambda: "process 1 is connected already" in caplog.text)
    job.goes_on()


def test_what_was_heard_of_a_handshake_opens_no_second_connection(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    """A relay writes down what process 2 says to process 0, and says it again when that has gone."""
    heard = bytearray()
    relay = socket.create_server(("127.0.0.1", 0))

    def listen_in() -> None:
        inner, _ = relay.accept()
        with inner, socket.create_connection(job.addresses[0], timeout=PATIENCE) as outer:
            for size, source, sink in (
                (handshake.HELLO_SIZE, inner, outer),
                (1 + handshake.ANSWER_SIZE, outer, inner),
                (handshake.PROOF_SIZE, inner, outer),
                (1, outer, inner),
            ):
                part = b""
                while len(part) < size:
                    part += source.recv(size - len(part))
                if source is inner:
                    heard.extend(part)
                sink.sendall(part)
            inner.settimeout(PATIENCE)
            outer.sendall(inner.recv(4096))  # the goodbye

    with relay, ThreadPoolExecutor(1) as pool:
        listening = pool.submit(listen_in)
        first = dial(relay.getsockname(), identity(2), 0, None, PATIENCE, nothing)
        with first:
            first.setblocking(True)
            first.sendall(pack(2, Header(kind=GOODBYE)))
        listening.result(timeout=PATIENCE)
    with connect(job.addresses[0], bytes(heard)) as replayed:
        assert is_hung_up_on(replayed)
    await_that(lambda: "claims to be process 2 and does not know the key" in caplog.text)
    job.goes_on()


def test_many_silent_strangers_do_not_keep_a_process_out(job: Job) -> None:
    with contextlib.ExitStack() as strangers:
        for _ in range(200):
            strangers.enter_context(connect(job.addresses[0], b""))
        with dial(job.addresses[0], identity(2), 0, None, PATIENCE, nothing) as admitted:
            admitted.setblocking(True)
            admitted.sendall(pack(2, Header(kind=GOODBYE)))
    job.goes_on()


def corrupt(frame: bytes) -> bytes:
    return frame[:8] + bytes((frame[8] ^ 1,)) + frame[9:]


BROKEN: dict[str, tuple[bytes, str]] = {
    "no frame": (b"no frame at all" * 10, "where a frame should begin"),
    "a flipped bit": (corrupt(pack(2, Header(DATA, 8))), "where a frame should begin"),
    "an unknown kind": (pack(2, Header(99)), "sent a frame of the unknown kind 99"),
    "an old attempt": (pack(1, Header(DATA)), "sent a frame of attempt 1; this is attempt 2"),
    "too large": (
        pack(2, Header(DATA, 1 << 62)),
        "of 4611686018427387904 bytes; 1048576 are allowed",
    ),
    "a long signal": (pack(2, Header(SIGNAL, 1 << 20)), "announced a frame of 1048576 bytes; 65536 are allowed"),
    "an unknown group": (pack(2, Header(DATA, group=77)), "sent a frame for group 77, which there is not"),
    "a group of others": (pack(2, Header(DATA)), "sent a frame for a group that it does not belong to"),
    "acknowledgement": (pack(2, Header(ACK, epoch=5)), "acknowledged 5 messages, which cannot be"),
    "a stranger's post": (pack(2, Header(POST, sender=1)), "speaks for peer 1, who does not live there"),
    "a misled post": (pack(2, Header(POST, sender=2, receiver=1)), "sent a post for peer 1, who does not live here"),
    "nobody's end": (pack(2, Header(FINISHED, sender=-1)), "speaks for peer -1"),
    "too much taken": (pack(2, Header(TAKEN, epoch=9, sender=1, receiver=2)), "took more posts than it was sent"),
    "taken elsewhere": (pack(2, Header(TAKEN, receiver=1)), "says that peer 1 took posts, who does not live there"),
    "an end": (b"", "broke: it was closed"),
    "half a frame": (pack(2, Header(DATA, 100))[:-3], "broke: it was closed"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_process_that_breaks_the_protocol_loses_its_link_and_nothing_else(job: Job, broken: str) -> None:
    said, reason = BROKEN[broken]
    with dial(job.addresses[0], identity(2), 0, None, PATIENCE, nothing) as rogue:
        rogue.setblocking(True)
        rogue.sendall(said)
        rogue.shutdown(socket.SHUT_WR)
        assert is_hung_up_on(rogue)
    await_that(lambda: bool(job.lost))
    (error,) = job.lost
    assert isinstance(error, LinkLost)
    assert error.ranks == (2,)
    assert f"the link from peer 2 (process 2) to peer 0 (process 0 at 127.0.0.1:{job.addresses[0][1]})" in str(error)
    assert reason in str(error)
    with pytest.raises(LinkLost):  # whoever waits is told, rather than waiting for ever
        job.channels[0].barrier.wait(Arrival(SYNC))


MEMBERS: dict[str, tuple[Header, bytes, str]] = {
    "another's message": (Header(DATA, sender=0, receiver=0), b"", "of member 0, who does not live there"),
    "a misled message": (Header(DATA, sender=1, receiver=1), b"", "for member 1, who does not live here"),
    "no lane": (Header(DATA, lane=9, sender=1, receiver=0), b"", "sent a message on lane 9"),
    "the past": (Header(DATA, epoch=-1, sender=1, receiver=0), b"", "of epoch -1, which is over"),
    "no signal": (Header(SIGNAL, 3), b"abc", "cannot be understood"),
    "many calls": (Header(SIGNAL, 10), struct.pack("<qH", 0, 65535), "cannot be understood"),
    "an old signal": (Header(SIGNAL, epoch=-1), b"", "cannot be"),
    "a later round": (Header(SIGNAL, 10, receiver=7), struct.pack("<qH", 0, 0), "cannot be"),
    "presence in the future": (Header(SIGNAL, epoch=9, receiver=-1), b"", "said to be at generation 9"),
}


@pytest.mark.parametrize("broken", MEMBERS)
def test_a_member_that_breaks_the_protocol_loses_its_link(broken: str) -> None:
    header, content, reason = MEMBERS[broken]
    lost: list[BSPError] = []
    both = Placement(2, 2)
    settings = TCP(link_timeout=TIMEOUT)
    transport = TCPTransport(identity(0), both, settings, check=nothing, on_lost=lost.append)
    try:
        offer = transport.offer("world", Members.world(both))
        with dial((offer["host"], offer["port"]), identity(1), 0, None, PATIENCE, nothing) as rogue:
            rogue.setblocking(True)
            rogue.sendall(pack(2, header) + content)
            await_that(lambda: bool(lost))
        assert reason in str(lost[0])
    finally:
        transport.close()
