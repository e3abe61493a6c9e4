"""k-means: each peer counts and adds up its points around each centre; an allreduce moves the centres.

    python kmeans.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

No messages and no supersteps: an allreduce is a meeting of its own. Its sums follow one tree over the peers, so that
the centres have the same bits however the peers are spread over processes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

Array = NDArray[np.float64]
POINTS, CENTRES, ROUNDS = 6000, 5, 20


def cloud() -> Array:
    """Points around five places."""
    random = np.random.default_rng(1)
    return random.normal(random.uniform(0, 10, (CENTRES, 2))[np.arange(POINTS) % CENTRES], 0.5)


def sums(points: Array, centres: Array) -> Array:
    """For each centre the points that are nearest to it: how many they are, and their sum."""
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    chosen = np.eye(CENTRES)[nearest]
    return np.column_stack([chosen.sum(axis=0), chosen.T @ points])


def program(peer: Peer) -> Array:
    """Return the centres."""
    points = cloud()
    centres = points[:CENTRES]
    mine = points[POINTS * peer.index // peer.num_peers : POINTS * (peer.index + 1) // peer.num_peers]
    for _ in range(ROUNDS):
        total = peer.allreduce(sums(mine, centres))
        centres = total[:, 1:] / total[:, :1]
    return centres


def parallel(**settings: Any) -> Array:
    """Run the job."""
    centres: Array = BSPJob(program, **settings).run()
    return centres


def serial() -> Array:
    """The same without peers."""
    points = cloud()
    centres = points[:CENTRES]
    for _ in range(ROUNDS):
        total = sums(points, centres)
        centres = total[:, 1:] / total[:, :1]
    return centres


if __name__ == "__main__":
    print(f"difference between parallel and serial: {np.abs(parallel(**options()) - serial()).max():.1e}")
