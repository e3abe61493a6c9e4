"""Single-source shortest paths: whoever has become nearer tells its neighbours, until nobody has.

    python shortest_paths.py [--peers N] [--processes N] [--transport shared|tcp|threads] [--zookeeper HOST:PORT]

Places are dealt out to the peers. Of what a peer sends to one place in a superstep only the shortest way travels: the
queue's combiner sees to that. How many supersteps it takes depends on the roads: the barrier tells whether all halt.
"""

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray
from options import options

from horn.bsp import BSPJob, Peer

PLACES, ROADS = 500, 4


def roads(place: int) -> list[tuple[int, float]]:
    """The roads that leave a place: where to, how long."""
    random = np.random.default_rng(place)
    return list(zip(random.integers(0, PLACES, ROADS).tolist(), random.uniform(1, 100, ROADS).tolist(), strict=True))


def program(peer: Peer) -> dict[int, float]:
    """Return the distances from place 0 to this peer's places."""
    queue = peer.queue([("place", "i8"), ("distance", "f8")], combine="min", key="place")
    distances = dict.fromkeys(range(peer.index, PLACES, peer.num_peers), np.inf)
    nearer, all_halt = {0: 0.0} if peer.index == 0 else {}, False
    while not all_halt:
        distances.update(nearer)
        for place, distance in nearer.items():
            for target, length in roads(place):
                queue.send(target % peer.num_peers, (target, distance + length))
        all_halt = peer.sync(halt=not nearer)
        nearer = {}
        for place, distance in queue.received().tolist():
            if distance < nearer.get(place, distances[place]):
                nearer[place] = distance
    return distances


def parallel(**settings: Any) -> NDArray[np.float64]:
    """Run the job."""
    job = BSPJob(program, **settings)
    job.run()
    distances = {place: distance for value in job.values for place, distance in value.items()}
    return np.array([distances[place] for place in range(PLACES)])


def serial() -> NDArray[np.float64]:
    """Dijkstra's algorithm."""
    distances, queue = np.full(PLACES, np.inf), [(0.0, 0)]
    while queue:
        distance, place = heapq.heappop(queue)
        if distance < distances[place]:
            distances[place] = distance
            for target, length in roads(place):
                heapq.heappush(queue, (distance + length, target))
    return distances


if __name__ == "__main__":
    print(f"parallel and serial agree: {np.array_equal(parallel(**options()), serial())}")
