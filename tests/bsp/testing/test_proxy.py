"""The proxy's manners, before a server that echoes, and what both ends see of them."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from horn.bsp.testing import TCPProxy

PATIENCE = 20.0
SILENCE = 0.1  # after which nothing is taken to come: an echo takes less than a millisecond


class EchoServer:
    """Echoes what its connections send, and knows of each what it received and how it ended."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.received: list[bytearray] = []
        self.endings: list[str] = []
        self.closing = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.serve)
        self.handlers: list[threading.Thread] = []
        self.thread.start()

    def serve(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with self.changed:
                if self.closing:
                    connection.close()
                    return
                received = bytearray()
                self.received.append(received)
            handler = threading.Thread(target=self.echo, args=(connection, received))
            self.handlers.append(handler)
            handler.start()

    def echo(self, connection: socket.socket, received: bytearray) -> None:
        ending = "end"
        with connection:
            try:
                while data := connection.recv(1 << 16):
                    with self.changed:
                        received += data
                        self.changed.notify_all()
                    connection.sendall(data)
            except ConnectionError:
                ending = "reset"
        with self.changed:
            self.endings.append(ending)
            self.changed.notify_all()

    def await_that(self, holds: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE)

    def close(self) -> None:
        with self.changed:
            self.closing = True
        host, port = self.address.split(":")
        socket.create_connection((host, int(port)), PATIENCE).close()
        for thread in (self.thread, *self.handlers):
            thread.join(PATIENCE)
            assert not thread.is_alive()
        self.listener.close()


@pytest.fixture
def server() -> Iterator[EchoServer]:
    echo = EchoServer()
    yield echo
    echo.close()


@pytest.fixture
def link(server: EchoServer, proxy: Callable[[str], TCPProxy]) -> TCPProxy:
    return proxy(server.address)


def connect(to: TCPProxy) -> socket.socket:
    """A connection that works: what is done to the proxy now, is done to it."""
    connection = socket.create_connection(("127.0.0.1", to.port), timeout=PATIENCE)
    try:
        exchange(connection, b"?")
    except OSError:
        connection.close()
        raise
    return connection


def exchange(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    assert receive(connection, len(data)) == data


def receive(connection: socket.socket, size: int) -> bytes:
    """Receive so many bytes, or what comes before the end."""
    parts = bytearray()
    while len(parts) < size and (part := connection.recv(size - len(parts))):
        parts += part
    return bytes(parts)


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(SILENCE)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        connection.settimeout(PATIENCE)


def test_bytes_pass_in_both_directions_unchanged_and_the_end_is_seen(link: TCPProxy, server: EchoServer) -> None:
    sent = bytes(range(256)) * 40_000
    with connect(link) as connection:
        sender = threading.Thread(target=connection.sendall, args=(sent,))
        sender.start()
        assert receive(connection, len(sent)) == sent
        sender.join(PATIENCE)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    server.await_that(lambda: server.endings == ["end"])
    assert server.received == [b"?" + sent]


def test_who_does_not_read_is_waited_for_and_holds_nobody_else_up(link: TCPProxy) -> None:
    with connect(link) as deaf, connect(link) as other:
        deaf.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            deaf.sendall(bytes(100_000_000))
        exchange(other, b"still here")


def test_a_cut_resets_all_connections_until_it_is_healed(link: TCPProxy, server: EchoServer) -> None:
    with connect(link) as one, connect(link) as other:
        link.cut()
        for connection in (one, other):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        server.await_that(lambda: server.endings == ["reset", "reset"])
    assert link.links == ()
    with pytest.raises(ConnectionResetError), connect(link):
        pass
    link.heal()
    with connect(link) as again:
        exchange(again, b"healed")


def test_one_connection_alone_may_be_cut(link: TCPProxy) -> None:
    with connect(link) as one, connect(link) as other:
        link.links[0].cut()
        with pytest.raises(ConnectionResetError):
            one.recv(1)
        exchange(other, b"goes on")
        with connect(link) as new:
            exchange(new, b"comes in")


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_a_black_hole_swallows_without_a_word(link: TCPProxy, server: EchoServer, direction: str) -> None:
    with connect(link) as connection:
        link.blackhole(direction)
        connection.sendall(b"lost")
        assert is_silent(connection)
        if direction == "down":
            server.await_that(lambda: server.received == [b"?lost"])
        else:
            assert server.received == [b"?"]
        link.heal()
        exchange(connection, b"found")


def test_a_black_hole_swallows_the_end_and_the_reset_too(link: TCPProxy, server: EchoServer) -> None:
    connection = connect(link)
    link.blackhole()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    with connect_into(link) as silent:
        assert is_silent(silent)
        assert server.endings == []
    link.cut()
    server.await_that(lambda: server.endings == ["reset", "reset"])


def connect_into(to: TCPProxy) -> socket.socket:
    """A connection the handshake of which, if it has one, is swallowed."""
    connection = socket.create_connection(("127.0.0.1", to.port), timeout=PATIENCE)
    connection.sendall(b"hello")
    return connection


def test_a_new_connection_into_a_black_hole_gets_no_answer(link: TCPProxy, server: EchoServer) -> None:
    link.blackhole("down")
    with connect_into(link) as swallowed:
        server.await_that(lambda: server.received == [b"hello"])
        assert is_silent(swallowed)
        link.heal()
        with connect(link) as second:
            exchange(second, b"answered")


def test_a_delay_holds_each_byte_back_and_keeps_their_order(link: TCPProxy) -> None:
    with connect(link) as connection:
        link.delay(0.1)
        start = time.monotonic()
        for part in (b"a", b"b", b"c", b"d"):
            connection.sendall(part)
        assert receive(connection, 4) == b"abcd"
        # There and back once: the parts are on their way together.
        assert time.monotonic() - start >= 0.2
        link.heal()
        exchange(connection, b"prompt")


def test_what_an_endless_delay_holds_back_comes_when_it_is_healed(link: TCPProxy, server: EchoServer) -> None:
    with connect(link) as connection:
        link.delay(math.inf)
        connection.sendall(b"held")
        connection.shutdown(socket.SHUT_WR)
        assert is_silent(connection)
        assert server.received == [b"?"]
        assert server.endings == []
        link.heal()
        assert receive(connection, 10) == b"held"
        server.await_that(lambda: server.endings == ["end"])


@pytest.mark.parametrize("after", [0, 1, 1000])
def test_a_connection_ends_in_the_middle_of_a_frame(link: TCPProxy, server: EchoServer, after: int) -> None:
    with connect(link) as connection:
        link.truncate(after)
        connection.sendall(bytes(1001))
        server.await_that(lambda: len(server.endings) == 1)
        assert server.endings == ["end"]
        assert server.received == [b"?" + bytes(after)]
        assert len(receive(connection, 1001)) <= after


def test_a_server_that_is_not_there_is_a_reset(proxy: Callable[[str], TCPProxy]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        to = proxy(f"127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(ConnectionResetError), connect(to):
            pass


def test_a_closed_proxy_leaves_nothing_and_says_so(link: TCPProxy, server: EchoServer) -> None:
    threads = threading.active_count()
    with connect(link) as connection:
        server.await_that(lambda: len(server.handlers) == 1)
        link.close()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    server.await_that(lambda: server.endings == ["reset"])
    server.handlers[0].join(PATIENCE)
    assert threading.active_count() == threads - 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", link.port), timeout=PATIENCE)
    with pytest.raises(RuntimeError, match="the proxy is closed"):
        link.heal()


def test_faults_that_make_no_sense_are_refused(link: TCPProxy) -> None:
    with pytest.raises(ValueError, match=r'"up" \(to the server\), "down" or "both", got \'left\''):
        link.blackhole("left")
    with pytest.raises(ValueError, match="the delay must be at least 0 s, got -1"):
        link.delay(-1)
    with pytest.raises(ValueError, match="after 0 bytes or more, got -1"):
        link.truncate(-1)
