"""A job with a barrier of the user's own."""

from typing import Any

import pytest

from horn.bsp import BSPError, BSPJob, Peer, PeerFailed
from horn.bsp.barriers import SYNC, Arrival, Barrier, Meeting, Verdict


class Audited(Barrier):
    """Notes what is called, and leaves the meeting to the barrier that the transport gives."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        self.calls: list[str] = []

    def wait(self, arrival: Arrival) -> Verdict:
        self.calls.append(arrival.call.told)
        return self.meeting.given.wait(arrival)

    def close(self) -> None:
        self.meeting.given.close()


def audited(peer: Peer) -> Any:
    peer.sync()
    with peer.split(peer.index % 2) as region:
        region.allreduce(1)
        barrier = region._site._barrier
        assert isinstance(barrier, Audited)
        in_region = list(barrier.calls)
    world = peer._site._barrier
    assert isinstance(world, Audited)
    return barrier.meeting.group, in_region, world.meeting.group, world.calls[0]


@pytest.mark.parametrize("transport", ["shared", "tcp"])
def test_a_barrier_of_ones_own_serves_every_group(transport: str) -> None:
    job = BSPJob(audited, 4, 4, transport=transport, barrier=Audited)
    job.run()
    for index, (group, calls, world, first) in enumerate(job.values):
        assert (group, world) == (f"world-1.{index % 2}", "world")
        assert calls[0].startswith("allreduce(sum) of int64")
        assert first == SYNC.told


def refuse(meeting: Meeting) -> Barrier:
    raise LookupError(f"no barrier for {meeting.group}")


def test_a_barrier_that_cannot_be_made_is_told() -> None:
    with pytest.raises(PeerFailed, match="LookupError: no barrier for world"):
        BSPJob(audited, 2, 2, barrier=refuse).run()


def test_what_is_no_barrier_is_refused() -> None:
    with pytest.raises(BSPError, match='barrier must be "auto", "direct", "zookeeper" or a function of a Meeting'):
        BSPJob(audited, 2, 2, barrier="rack")
