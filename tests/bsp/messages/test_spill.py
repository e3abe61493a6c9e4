"""Messages beyond a job's memory limit go to a file, and nobody notices but the disk."""

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPError, BSPJob, Peer
from horn.bsp.memory.segment import Segment
from horn.bsp.memory.spill import Spill
from horn.bsp.transport import Kept

MEGABYTE = 1 << 20


def exchange(peer: Peer, rounds: int, size: int) -> list[Any]:
    """All to all, several messages of different sizes; some are read one by one, some at once, some not at all."""
    seen: list[Any] = []
    for step in range(rounds):
        for to in range(peer.num_peers):
            peer.send(to, np.full(size * (1 + (step + to) % 3), 50 * peer.index + step, np.uint8))
            peer.send(to, (peer.index, step))
        peer.sync()
        assert peer.num_messages == 2 * peer.num_peers
        if step % 3 < 2:
            for message in peer.stream() if step % 3 else peer.messages():
                seen.append(message if isinstance(message, tuple) else (len(message), int(message.sum())))
    return seen


@pytest.mark.parametrize(
    ("peers", "processes", "transport"),
    [(2, 1, "threads"), (4, 2, "shared"), (3, 3, "shared"), (4, 2, "tcp"), (3, 3, "tcp")],
)
@pytest.mark.parametrize(("limit", "spills"), [(1, True), (200_000, True), (100 * MEGABYTE, False)])
def test_a_limit_changes_nothing_but_the_place(
    peers: int, processes: int, transport: str, limit: int, spills: bool
) -> None:
    arguments = (7, 60_000)
    free = BSPJob(exchange, peers, processes, args=arguments, transport=transport)
    limited = BSPJob(exchange, peers, processes, args=arguments, transport=transport, memory_limit=limit)
    free.run()
    limited.run()
    assert limited.values == free.values
    assert "spilled bytes" not in free.counters
    assert (limited.counters["spilled bytes"] > 0) == spills


def parts(peer: Peer, size: int) -> list[Any]:
    """Queues and variables, together with messages: all of them are messages that the limit counts."""
    queue, variable, array = peer.queue("i8"), peer.variable(), peer.coarray(size, np.int64)
    right, seen = (peer.index + 1) % peer.num_peers, []
    for step in range(4):
        for to in range(peer.num_peers):
            queue.send_array(to, np.arange(size) + 10 * peer.index + step)
        peer.send(right, np.full(size, step))
        variable.put(right, bytes([step]) * size)
        array.put(right, np.full(size, 100 * peer.index + step))
        asked = variable.get(right), array.get(right, slice(0, None, 7))
        peer.sync()
        found = [int(message.sum()) for message in peer.stream()]
        seen.append((int(queue.received().sum()), queue.senders.tolist()[::size], found, variable.value))
        seen.append((array.local.tolist()[:3], asked[0].value, int(asked[1].value.sum())))
    return seen


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (2, "shared"), (2, "tcp")])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_queues_and_variables_go_over_the_disk_too(processes: int, transport: str, compression: str | None) -> None:
    free = BSPJob(parts, 4, processes, args=(20_000,), transport=transport)
    limited = BSPJob(parts, 4, processes, args=(20_000,), transport=transport, compression=compression, memory_limit=1)
    free.run()
    limited.run()
    assert limited.values == free.values
    assert limited.counters["spilled bytes"] > 0


def flood(peer: Peer, rounds: int, folder: str) -> tuple[list[int], ...]:
    """Return how large the heaps and the files have become when 32 MB per peer were sent in each superstep."""
    for _ in range(rounds):
        for _ in range(32):
            peer.send((peer.index + 1) % peer.num_peers, bytes(MEGABYTE))
        peer.sync()
        assert sum(map(len, peer.stream())) == 32 * MEGABYTE
    open_files = [(path.resolve(), path.stat().st_size) for path in Path("/proc/self/fd").iterdir() if path.exists()]
    return tuple([size for path, size in open_files if part in str(path)] for part in ("horn-heap", folder))


def test_memory_and_disk_are_bounded(tmp_path: Path) -> None:
    job = BSPJob(flood, 2, 2, args=(6, str(tmp_path)), memory_limit=4 * MEGABYTE, spill_dir=tmp_path)
    heaps, files = job.run()
    assert max(heaps) <= 9 * MEGABYTE, "the limit, and as much again at most, as heaps grow by doubling"
    # Two supersteps' worth and one step of growth.
    assert 50 * MEGABYTE < max(files) < 130 * MEGABYTE
    assert job.counters["spilled bytes"] >= 2 * 6 * 28 * MEGABYTE
    assert list(tmp_path.iterdir()) == [], "files have no names"


def within_groups(peer: Peer, rounds: int) -> None:
    for _ in range(rounds):
        with peer.split(peer.index // 2) as pair, pair.split(0) as again:
            for group in (pair, again):
                group.send(1 - group.index, bytes(200_000))
                group.sync()
                assert group.num_messages == 1
        peer.sync()


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (4, "shared"), (4, "tcp")])
def test_a_group_that_is_closed_gives_its_share_of_the_limit_back(processes: int, transport: str) -> None:
    job = BSPJob(within_groups, 4, processes, args=(12,), memory_limit=2 * MEGABYTE, transport=transport)
    job.run()
    assert job.counters == {}


def test_what_is_kept_in_memory_is_counted_to_the_byte() -> None:
    spill = Spill(Segment.create("spill", 1), 1000)
    kept = Kept(spill)
    assert isinstance(kept.room(0, 600), bytearray)
    assert isinstance(kept.room(1, 400), bytearray)
    assert isinstance(kept.room(1, 1), memoryview)
    kept.release(0)
    assert isinstance(kept.room(2, 601), memoryview)
    assert isinstance(kept.room(2, 600), bytearray)
    kept.close()
    assert spill.take(1000)
    assert not spill.take(1)
    assert spill.spilled == 602


def send_one(peer: Peer, size: int, limit: int | None = None) -> int:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        peer.sync()  # nothing comes before the receiver has its limit
    if peer.index == 0:
        # An array that takes no memory, however large.
        peer.send(peer.num_peers - 1, np.broadcast_to(np.uint8(1), size))
    peer.sync()
    return sum(int(message.sum(dtype=np.int64)) for message in peer.stream())


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (2, "shared"), (2, "tcp")])
def test_a_large_message_goes_over_the_disk(processes: int, transport: str) -> None:
    job = BSPJob(send_one, 2, processes, args=(100 * MEGABYTE,), memory_limit=MEGABYTE, transport=transport)
    job.run()
    assert job.values == [0, 100 * MEGABYTE]
    assert job.counters["spilled bytes"] >= 100 * MEGABYTE


@pytest.mark.parametrize(
    ("processes", "limit", "said"),
    [
        (1, None, r"no memory for a message of 2097152\.0 MiB \(\d+ MiB are available\): send it in parts"),
        (2, None, r"no space for 2097152\.\d MiB of shared memory \(\d+ MiB are available\)"),
        (
            2,
            MEGABYTE,
            r"no space for 2097152\.\d MiB of messages in .*: messages beyond the job's memory_limit go there",
        ),
    ],
)
def test_a_message_of_many_gigabytes_that_does_not_fit_is_refused(processes: int, limit: int | None, said: str) -> None:
    with pytest.raises(BSPError, match=said) as caught:
        BSPJob(send_one, 2, processes, args=(1 << 41,), memory_limit=limit).run()
    assert caught.value.ranks == (0,)


@pytest.mark.parametrize(("processes", "transport"), [(1, "threads"), (2, "shared"), (2, "tcp")])
def test_a_full_disk_is_a_clear_error(processes: int, transport: str, tmp_path: Path) -> None:
    # A limit of the process's files stands in for a disk of that size.
    arguments = (20 * MEGABYTE, 10 * MEGABYTE)
    limits: dict[str, Any] = {"memory_limit": MEGABYTE, "spill_dir": tmp_path}
    with pytest.raises(BSPError, match=rf"no space for .* MiB of messages in {tmp_path} \(File too large\)"):
        BSPJob(send_one, 2, processes, args=arguments, transport=transport, **limits).run()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"memory_limit": 0}, "memory_limit must be at least 1 byte, or None, got 0"),
        ({"memory_limit": "1G"}, "memory_limit must be a whole number, got '1G'"),
        ({"memory_limit": 1, "spill_dir": "/nowhere"}, "spill_dir must be a folder, got '/nowhere'"),
    ],
)
def test_senseless_limits_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BSPError, match=said):
        BSPJob(send_one, 1, args=(1,), **arguments)


def test_a_folder_without_room_for_files_is_told() -> None:
    with pytest.raises(BSPError, match=r"messages cannot be kept in /proc \(.*\): give the job another spill_dir"):
        BSPJob(send_one, 1, args=(1,), memory_limit=1, spill_dir="/proc").run()
