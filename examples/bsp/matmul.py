"""Matrix multiplication on a grid of peers, each of which has a block of the factors and computes one of the product.

    python matmul.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

A block of the product needs the row of A and the column of B that it lies in: the peers of a row, and those of a
column, are groups that gather them. So each peer gets 2·n²/√p numbers, where whole matrices would be 2·n².
"""

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

Array = NDArray[np.float64]
SIZE = 240


def factors() -> tuple[Array, Array]:
    """Two matrices of whole numbers, so that no order of the sums makes a difference."""
    a, b = np.random.default_rng(1).integers(-9, 10, (2, SIZE, SIZE)).astype(float)
    return a, b


def grid(peers: int) -> tuple[int, int]:
    """As many rows and columns as make a grid of all peers, nearly a square."""
    rows = max(rows for rows in range(1, isqrt(peers) + 1) if peers % rows == 0)
    return rows, peers // rows


def cut(matrix: Array, rows: int, columns: int) -> list[list[Array]]:
    """Return the blocks of a matrix."""
    return [np.array_split(stripe, columns, axis=1) for stripe in np.array_split(matrix, rows)]


def program(peer: Peer) -> Array:
    """Return this peer's block of the product."""
    rows, columns = grid(peer.num_peers)
    row, column = divmod(peer.index, columns)
    a, b = (cut(matrix, rows, columns)[row][column] for matrix in factors())
    with peer.split(row) as row_of_a, peer.split(column) as column_of_b:
        block: Array = np.hstack(row_of_a.allgather(a)) @ np.vstack(column_of_b.allgather(b))
    return block


def parallel(**settings: Any) -> Array:
    """Run the job."""
    job = BSPJob(program, **settings)
    job.run()
    _, columns = grid(len(job.values))
    return np.block([job.values[start : start + columns] for start in range(0, len(job.values), columns)])


def serial() -> Array:
    """The same without peers."""
    a, b = factors()
    return a @ b


if __name__ == "__main__":
    print(f"parallel and serial agree: {np.array_equal(parallel(**options()), serial())}")
