"""Pi by throwing darts at a square: how many land in the circle?

    python pi.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

Each peer throws some of the rounds and tells peer 0 its hits. A round draws from a generator of its own, so that the
result is the same for any number of peers.
"""

from typing import Any

import numpy as np
from options import options

from horn.bsp import BSPJob, Peer

ROUNDS, DARTS = 60, 50_000


def hits(round_: int) -> int:
    """Throw the darts of one round."""
    x, y = np.random.default_rng(round_).random((2, DARTS))
    return int(np.count_nonzero(x * x + y * y < 1))


def program(peer: Peer) -> float | None:
    """Throw every `num_peers`th round; on peer 0 return pi."""
    peer.send(0, sum(hits(round_) for round_ in range(peer.index, ROUNDS, peer.num_peers)))
    peer.sync()
    return 4 * sum(peer.messages()) / (ROUNDS * DARTS) if peer.index == 0 else None


def parallel(**settings: Any) -> float:
    """Run the job."""
    pi: float = BSPJob(program, **settings).run()
    return pi


def serial() -> float:
    """The same without peers."""
    return 4 * sum(map(hits, range(ROUNDS))) / (ROUNDS * DARTS)


if __name__ == "__main__":
    print(f"parallel {parallel(**options())}, serial {serial()}")
