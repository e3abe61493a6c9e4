"""What a worker loads."""

import sys

from horn.bsp import BSPJob, Peer


def heavy_modules(peer: Peer) -> list[str]:
    return sorted({"numba", "scipy", "kazoo", "matplotlib", "horn.neurons", "horn.models"} & set(sys.modules))


def test_a_worker_loads_nothing_that_its_program_does_not_need() -> None:
    assert BSPJob(heavy_modules, 1).run() == []
