"""PageRank: what a page is worth flows along its links, to the same shares.

    python pagerank.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

Each peer owns a range of the pages, and sends along a typed queue what flows to the others' pages. The queue's combiner
adds up, before it travels, what flows from one peer to one page.
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
    queue = peer.queue([("page", "i8"), ("share", "f8")], combine="sum", key="page")
    items = np.empty(LINKS * (last - first), queue.dtype)
    items["page"] = np.concatenate([links(page) for page in range(first, last)])
    owners = np.searchsorted(bounds, items["page"], side="right") - 1
    ranks = np.full(last - first, 1 / PAGES)
    for _ in range(ROUNDS):
        items["share"] = np.repeat(ranks / LINKS, LINKS)
        for to in range(peer.num_peers):
            queue.send_array(to, items[owners == to])
        peer.sync()
        arrived = queue.received()
        flow = np.bincount(arrived["page"] - first, weights=arrived["share"], minlength=last - first)
        ranks = (1 - DAMPING) / PAGES + DAMPING * flow
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
