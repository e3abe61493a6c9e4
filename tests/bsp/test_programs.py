"""Whole BSP programs against what numpy says: Monte Carlo pi, PageRank, k-means; and what a worker loads."""

import sys
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSP, BSPJob, Peer

SPREADS = [(1, 1), (4, 2), (5, 5)]


def pi(peer: Peer, draws: int) -> float | None:
    points = peer.rng.random((draws, 2))
    peer.send(0, int(((points**2).sum(axis=1) < 1).sum()))
    peer.sync()
    return 4 * sum(peer.messages()) / (draws * peer.num_peers) if peer.index == 0 else None


@pytest.mark.parametrize("processes", [1, 4])
def test_monte_carlo_pi(processes: int) -> None:
    assert BSPJob(pi, 4, processes, args=(50_000,)).run() == pytest.approx(np.pi, abs=0.02)


class PageRank(BSP):
    """Each peer owns some pages; ranks travel along the links as messages."""

    def setup(self, peer: Peer) -> None:
        self.pages = range(peer.index, len(peer.shared["links"]), peer.num_peers)

    def bsp(self, peer: Peer, *args: Any, **kwargs: Any) -> dict[int, float]:
        links = peer.shared["links"]
        rank = dict.fromkeys(self.pages, 1 / len(links))
        for _ in range(30):
            for page in self.pages:
                targets = np.flatnonzero(links[page])
                for target in targets.tolist():
                    peer.send(target % peer.num_peers, (target, rank[page] / len(targets)))
            peer.sync()
            rank = dict.fromkeys(self.pages, 0.15 / len(links))
            for page, share in peer.messages():
                rank[page] += 0.85 * share
        return rank


@pytest.mark.parametrize(("peers", "processes"), SPREADS)
def test_pagerank(peers: int, processes: int) -> None:
    links = np.random.default_rng(0).random((20, 20)) < 0.2
    np.fill_diagonal(links, False)
    links[:, 0] |= ~links.any(axis=1)
    expected = np.full(20, 1 / 20)
    for _ in range(30):
        expected = 0.15 / 20 + 0.85 * (links / links.sum(axis=1, keepdims=True)).T @ expected
    job = BSPJob(PageRank, peers, processes, shared={"links": links})
    job.run()
    found = {page: rank for value in job.values for page, rank in value.items()}
    np.testing.assert_allclose([found[page] for page in range(20)], expected, rtol=1e-12)


def k_means(peer: Peer, centres: Any, rounds: int) -> Any:
    points = peer.shared["points"]
    low, high = (len(points) * i // peer.num_peers for i in (peer.index, peer.index + 1))
    mine = points[low:high]
    for _ in range(rounds):
        nearest = ((mine[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        members = np.eye(len(centres))[nearest]
        centres = peer.allreduce(members.T @ mine) / peer.allreduce(members.sum(axis=0))[:, None]
    return centres


@pytest.mark.parametrize(("peers", "processes"), SPREADS)
def test_k_means(peers: int, processes: int) -> None:
    generator = np.random.default_rng(1)
    points = np.concatenate([generator.normal(centre, 0.3, (40, 2)) for centre in ((0, 0), (5, 0), (0, 5))])
    start = points[[0, 40, 80]]
    centres = start
    for _ in range(5):
        nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.array([points[nearest == k].mean(axis=0) for k in range(3)])
    job = BSPJob(k_means, peers, processes, args=(start, 5), shared={"points": points})
    job.run()
    for value in job.values:
        np.testing.assert_allclose(value, centres)


def heavy_modules(peer: Peer) -> list[str]:
    return sorted({"numba", "scipy", "kazoo", "matplotlib", "horn.neurons", "horn.models"} & set(sys.modules))


def test_a_worker_loads_nothing_that_its_program_does_not_need() -> None:
    assert BSPJob(heavy_modules, 1).run() == []
