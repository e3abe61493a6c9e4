"""Regions: a rod of metal for each group of peers, cooling down until it is even. Nobody waits for the other rods.

    python regions.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

`split` makes a group of the peers that work on one rod. Each peer has a piece of it and tells its neighbours the
temperatures at its ends; the supersteps are those of the group, and each group takes as many as its rod needs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Group, Peer

Array = NDArray[np.float64]
RODS, CELLS = 3, 48


def rod(number: int) -> Array:
    """Temperatures of the cells of a rod at the beginning."""
    return np.random.default_rng(number).uniform(0, 100 / (1 + 9 * number), CELLS)


def flow(cells: Array) -> Array:
    """What flows into each cell, the two at the ends excluded."""
    return 0.25 * ((cells[:-2] - cells[1:-1]) + (cells[2:] - cells[1:-1]))


def cool(region: Group, number: int) -> tuple[int, Array]:
    """Return how many supersteps a rod takes, and the piece of this member."""
    low, high = (CELLS * index // region.num_peers for index in (region.index, region.index + 1))
    piece, steps, change = rod(number)[low:high], 0, np.inf
    while change > 0.01:
        for neighbour, end in ((region.index - 1, piece[0]), (region.index + 1, piece[-1])):
            if 0 <= neighbour < region.num_peers:
                region.send(neighbour, end)
        region.sync()
        ends = region.messages()
        left = ends.pop(0) if region.index > 0 else piece[0]
        right = ends.pop() if ends else piece[-1]
        inflow = flow(np.concatenate([[left], piece, [right]]))
        piece, steps = piece + inflow, steps + 1
        change = region.allreduce(np.abs(inflow).max(), "max")
    return steps, piece


def program(peer: Peer) -> dict[int, tuple[int, Array]]:
    """Return by the number of the rod what `cool` found."""
    regions = min(RODS, peer.num_peers)
    with peer.split(peer.index % regions) as region:
        return {number: cool(region, number) for number in range(peer.index % regions, RODS, regions)}


def parallel(**settings: Any) -> list[tuple[int, Array]]:
    """Run the job; return for each rod the supersteps that it took, and its temperatures."""
    job = BSPJob(program, **settings)
    job.run()
    rods = [[value[number] for value in job.values if number in value] for number in range(RODS)]
    return [(pieces[0][0], np.concatenate([piece for _, piece in pieces])) for pieces in rods]


def serial() -> list[tuple[int, Array]]:
    """The same, one rod after the other."""
    found = []
    for number in range(RODS):
        cells, steps, change = rod(number), 0, np.inf
        while change > 0.01:
            inflow = flow(np.pad(cells, 1, mode="edge"))
            cells, steps, change = cells + inflow, steps + 1, np.abs(inflow).max()
        found.append((steps, cells))
    return found


if __name__ == "__main__":
    for number, (here, alone) in enumerate(zip(parallel(**options()), serial(), strict=True)):
        print(f"rod {number}: {here[0]} supersteps, the same as serially: {np.array_equal(here[1], alone[1])}")
