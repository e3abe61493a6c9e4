"""The examples: their serial results, and the same bits over every transport and with every coordinator."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from horn.bsp import BSPJob, Peer
from horn.bsp.testing import ZooKeeperServer

FOLDER = Path(__file__).parents[2] / "examples/bsp"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "options")
ROUNDED = {"kmeans", "pagerank"}  # their sums are formed in another order than the serial ones
PEERS = 3


@pytest.fixture(scope="module")
def examples() -> Iterator[dict[str, ModuleType]]:
    """The examples, imported as their folder's own scripts import each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield {name: importlib.import_module(name) for name in NAMES}
        for name in [*NAMES, "options"]:
            del sys.modules[name]


@pytest.mark.parametrize(("peers", "processes"), [(1, 1), (5, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_its_result_is_the_serial_one(examples: dict[str, ModuleType], name: str, peers: int, processes: int) -> None:
    parallel, serial = (
        examples[name].parallel(peers=peers, processes=processes),
        examples[name].serial(),
    )
    if name in ROUNDED:
        np.testing.assert_allclose(parallel, serial, rtol=1e-12)
    else:
        np.testing.assert_equal(parallel, serial)


def all_of_them(peer: Peer, programs: list[Any]) -> list[Any]:
    return [program(peer) for program in programs]


@pytest.fixture(scope="module")
def reference(examples: dict[str, ModuleType]) -> list[Any]:
    """What each peer returns in a job of one process."""
    return values(examples, processes=1)


def values(examples: dict[str, ModuleType], **settings: Any) -> list[Any]:
    programs = [example.program for example in examples.values()]
    job = BSPJob(all_of_them, PEERS, args=(programs,), **settings)
    job.run()
    return job.values


@pytest.mark.parametrize(
    ("processes", "transport"), [(1, "threads"), (2, "shared"), (3, "shared"), (2, "tcp"), (3, "tcp")]
)
def test_their_bits_are_the_same_over_every_transport(
    examples: dict[str, ModuleType], reference: list[Any], processes: int, transport: str
) -> None:
    np.testing.assert_equal(values(examples, processes=processes, transport=transport), reference)


@pytest.mark.parametrize("barrier", ["zookeeper", "direct"])
@pytest.mark.parametrize("transport", ["shared", "tcp"])
def test_their_bits_are_the_same_with_zookeeper(
    examples: dict[str, ModuleType], reference: list[Any], zookeeper: ZooKeeperServer, transport: str, barrier: str
) -> None:
    found = values(examples, processes=2, transport=transport, zookeeper=zookeeper.address, barrier=barrier)
    np.testing.assert_equal(found, reference)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_as_a_script(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", FOLDER / f"{name}.py", "--peers", "3", "--processes", "2"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "serial" in done.stdout
