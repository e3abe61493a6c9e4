"""PageRank: what a page is worth flows along its links, to the same shares.

    python pagerank.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

Each peer owns a range of the pages. In a superstep it adds up what its pages send to each page of a peer, and sends
it there as one message: h is bounded by the pages, however many links there are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

Array = NDArray[Any]
PAGES, LINKS, ROUNDS, DAMPING = 1000, 8, 30, 0.85


def links(page: int) -> Array:
    """The pages that a page links to."""
    return np.random.default_rng(page).integers(0, PAGES, LINKS)


def program(peer: Peer) -> Array:
    """Return the ranks of the pages that this peer owns."""
    bounds = [PAGES * index // peer.num_peers for index in range(peer.num_peers + 1)]
    first, last = bounds[peer.index], bounds[peer.index + 1]
    targets = np.concatenate([links(page) for page in range(first, last)])
    ranks = np.full(last - first, 1 / PAGES)
    for _ in range(ROUNDS):
        flow = np.bincount(targets, weights=np.repeat(ranks / LINKS, LINKS), minlength=PAGES)
        for to in range(peer.num_peers):
            peer.send(to, flow[bounds[to] : bounds[to + 1]])
        peer.sync()
        ranks = (1 - DAMPING) / PAGES + DAMPING * sum(peer.messages())
    return ranks


def parallel(**settings: Any) -> Array:
    """Run the job."""
    job = BSPJob(program, **settings)
    job.run()
    return np.concatenate(job.values)


def serial() -> Array:
    """The same by a matrix."""
    matrix, ranks = np.zeros((PAGES, PAGES)), np.full(PAGES, 1 / PAGES)
    for page in range(PAGES):
        np.add.at(matrix[:, page], links(page), 1 / LINKS)
    for _ in range(ROUNDS):
        ranks = (1 - DAMPING) / PAGES + DAMPING * matrix @ ranks
    return ranks


if __name__ == "__main__":
    print(f"difference between parallel and serial: {np.abs(parallel(**options()) - serial()).max():.1e}")
