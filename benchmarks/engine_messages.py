"""Messages between two processes: how many small ones, and how many bytes of large ones, in a second."""

import time
from collections.abc import Callable

import numpy as np
from engine_table import Effort, Row, Table

from horn.bsp import BSPJob, Peer

SMALL = 200_000  # messages in a superstep
LARGE = 10_000_000  # bytes
WARM_UP = 3


def rate_one_way(peer: Peer, supersteps: int, send: Callable[[], None], receive: Callable[[], object]) -> float:
    """Messages per second from peer 0 to peer 1, and read there: `SMALL` in every other superstep."""

    def superstep() -> None:
        if peer.index == 0:
            send()
        peer.sync()
        receive()
        peer.sync()

    return SMALL * rate_of(superstep, supersteps)


def rate_objects(peer: Peer, supersteps: int) -> float:
    """Numbers as objects, sent one by one."""

    def send() -> None:
        for number in range(SMALL):
            peer.send(1, number)

    return rate_one_way(peer, supersteps, send, peer.messages)


def rate_items(peer: Peer, supersteps: int) -> float:
    """The same by a typed queue."""
    queue = peer.queue("i8")

    def send() -> None:
        for number in range(SMALL):
            queue.send(1, number)

    return rate_one_way(peer, supersteps, send, queue.received)


def rate_items_of_arrays(peer: Peer, supersteps: int) -> float:
    """The same by a typed queue, many at once."""
    queue, numbers = peer.queue("i8"), np.arange(SMALL)
    return rate_one_way(peer, supersteps, lambda: queue.send_array(1, numbers), queue.received)


def rate_bytes(peer: Peer, supersteps: int) -> float:
    """Bytes per second: an array in each superstep from peer 0 to peer 1, and read there."""
    data = np.zeros(LARGE, np.uint8)

    def superstep() -> None:
        if peer.index == 0:
            peer.send(1, data)
        peer.sync()
        peer.messages()

    return LARGE * rate_of(superstep, supersteps)


def rate_of(superstep: Callable[[], None], supersteps: int) -> float:
    """Supersteps per second."""
    for _ in range(WARM_UP):
        superstep()
    start = time.perf_counter()
    for _ in range(supersteps):
        superstep()
    return supersteps / (time.perf_counter() - start)


def messages(table: Table, effort: Effort) -> None:
    """Small and large messages."""
    few, many = max(effort.rounds // 200, 2), max(effort.rounds // 10, 10)
    for what, program, goal in (
        ("items of a queue, sent one by one", rate_items, 1e6),
        ("items of a queue, sent as an array", rate_items_of_arrays, None),
        ("objects, sent one by one", rate_objects, None),
    ):
        rate = BSPJob(program, 2, 2, args=(few,)).run()
        table.add(Row(f"{what}, 2 processes", rate, "1/s", goal, at_least=True))
    for transport, goal in (("shared", 3e9), ("tcp", None)):
        large = BSPJob(rate_bytes, 2, 2, args=(many,), transport=transport).run()
        table.add(Row(f"arrays of 10 MB, 2 processes, {transport}", large, "B/s", goal, at_least=True))
