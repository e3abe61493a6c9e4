"""Connections encrypted by TLS: whole jobs, and who is not let in."""

import logging
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from horn.bsp import TCP, TLS, BSPError, BSPJob, LinkLost, Peer
from horn.bsp.links.dialing import dial
from horn.bsp.links.handshake import Identity
from horn.bsp.placement import Members, Placement
from horn.bsp.testing import make_certificates
from horn.bsp.transport.tcp import TCPTransport

PATIENCE = 20.0
BOTH = Placement(2, 2)


def everything(peer: Peer) -> list[float]:
    peer.send((peer.index + 1) % peer.num_peers, np.full(100_000, peer.index + 1.0))
    peer.post(0, peer.index)
    peer.sync()
    found = [float(peer.messages()[0].sum())]
    with peer.split(peer.index % 2) as region:
        found.append(float(region.allreduce(np.full(50_000, 2.0)).sum()))
    if peer.index == 0:
        posts: set[int] = set()
        while len(posts) < peer.num_peers:
            assert peer.wait(PATIENCE)
            posts |= {value for _, value in peer.inbox()}
    return found


def test_a_job_over_encrypted_connections(tls: TLS) -> None:
    job = BSPJob(everything, 4, 3, transport=TCP(tls=tls))
    job.run()
    assert job.values == [[100_000.0 * ((k - 1) % 4 + 1), 200_000.0] for k in range(4)]


def identity(process: int) -> Identity:
    return Identity("job", 1, process, bytes(32))


def nothing() -> None:
    pass


def test_who_has_no_certificate_of_ours_is_not_let_in(
    tls: TLS, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = make_certificates(tmp_path)
    foreign = TLS(ca=made.ca, certificate=made.client, key=made.client_key)
    half_foreign = TLS(ca=tls.ca, certificate=made.client, key=made.client_key)
    transport = TCPTransport(
        identity(0), BOTH, TCP(tls=tls, link_timeout=1.0), check=nothing, on_lost=lambda error: None
    )
    try:
        offer = transport.offer("world", Members.world(BOTH))
        address = (str(offer["host"]), int(offer["port"]))
        with caplog.at_level(logging.WARNING, "horn.bsp"):
            for stranger, said in (
                (None, "cannot be reached|hung up"),
                (foreign, "cannot be reached.*certificate"),
                (half_foreign, "cannot be reached"),
            ):
                with pytest.raises(LinkLost, match=said):
                    dial(address, identity(1), 0, stranger, 0.3, nothing)
        assert "process 0 refused a connection" in caplog.text
        dial(address, identity(1), 0, tls, PATIENCE, nothing).close()
    finally:
        transport.close()


def test_a_silent_handshake_holds_nobody_up(tls: TLS) -> None:
    """Someone who begins to encrypt and does not go on is served beside the others, and dropped in time."""
    lost: list[BSPError] = []
    settings = TCP(tls=tls, link_timeout=1.0)
    transport = TCPTransport(identity(0), BOTH, settings, check=nothing, on_lost=lost.append)
    try:
        offer = transport.offer("world", Members.world(BOTH))
        address = (str(offer["host"]), int(offer["port"]))
        with socket.create_connection(address, timeout=PATIENCE) as silent:
            silent.sendall(b"\x16\x03\x01\x02\x00")  # the beginning of a TLS hello
            begin = time.monotonic()
            dial(address, identity(1), 0, tls, PATIENCE, nothing).close()
            assert time.monotonic() - begin < 0.9
            assert silent.recv(1) == b""
    finally:
        transport.close()
