"""Sorting numbers that lie on many peers, by samples: in the end peer i holds those above peer i - 1's, in order.

    python sample_sort.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

Each peer sorts what it has and shows a few of its numbers; all choose the same splitters from these. An alltoall
brings each number to where it belongs: it moves only once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

Array = NDArray[np.float64]
NUMBERS, SAMPLES = 50_000, 8  # samples: for each of the pieces that a peer sends


def numbers() -> Array:
    """What is to be sorted, unevenly distributed."""
    return np.random.default_rng(1).normal(size=NUMBERS) ** 3


def program(peer: Peer) -> Array:
    """Return the numbers that are this peer's in the end."""
    mine = np.sort(numbers()[peer.index :: peer.num_peers])
    samples = np.sort(np.concatenate(peer.allgather(mine[:: 1 + len(mine) // (SAMPLES * peer.num_peers)])))
    splitters = samples[[len(samples) * index // peer.num_peers for index in range(1, peer.num_peers)]]
    pieces = np.split(mine, np.searchsorted(mine, splitters))
    return np.sort(np.concatenate(peer.alltoall(pieces)), kind="stable")


def parallel(**settings: Any) -> Array:
    """Run the job."""
    job = BSPJob(program, **settings)
    job.run()
    return np.concatenate(job.values)


def serial() -> Array:
    """The same without peers."""
    return np.sort(numbers())


if __name__ == "__main__":
    print(f"parallel and serial agree: {np.array_equal(parallel(**options()), serial())}")
