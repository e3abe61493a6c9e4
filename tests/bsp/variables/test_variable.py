"""Variables: any value, put and got at the ends of supersteps."""

from typing import Any

import numpy as np

from horn.bsp import BSPJob, Peer


def ring(peer: Peer) -> dict[str, Any]:
    first, second = peer.variable({"of": peer.index}), peer.variable(np.zeros(3))
    following = (peer.index + 1) % peer.num_peers
    first.put(following, [peer.index])
    seen = first.get(following)
    array = np.full(3, float(peer.index))
    second.put(following, array)
    array += 9
    peer.sync()
    got = second.get(following)
    own = first.get(peer.index)
    first.value += ["changed"]
    peer.sync()
    mine = second.value
    mine += 1  # this member's own
    everyone = [first.get(owner) for owner in range(peer.num_peers)]
    for owner in range(peer.num_peers):
        first.put(owner, peer.index)
    peer.sync()
    return {
        "seen": seen.value,
        "got": got.value.tolist(),
        "own": own.value,
        "everyone": [future.value for future in everyone],
        "last": first.value,
        "mine": mine.tolist(),
    }


def test_values_are_put_and_got_at_the_ends_of_supersteps(placement: dict[str, Any]) -> None:
    job = BSPJob(ring, **placement)
    job.run()
    peers = placement["peers"]
    for index, value in enumerate(job.values):
        assert value == {
            "seen": {"of": (index + 1) % peers},
            "got": [float(index)] * 3,
            "own": [(index - 1) % peers, "changed"],
            "everyone": [[(owner - 1) % peers, "changed"] for owner in range(peers)],
            "last": peers - 1,
            "mine": [(index - 1) % peers + 1.0] * 3,
        }
