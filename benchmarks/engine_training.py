"""Training with each coordinator: what ZooKeeper and the direct barrier cost a network that learns."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from engine_table import Effort, Row, Table
from horn_side import mnist_network

from horn.bsp.testing import ZooKeeperServer, zookeeper_missing
from horn.models import ScaledArray

EXAMPLES = 6000


def training(table: Table, effort: Effort) -> None:
    """Steps of 784-512-512-10, two workers, in turn."""
    missing = zookeeper_missing()
    if missing:
        table.skip("training with ZooKeeper", missing)
        return
    with ZooKeeperServer() as server:
        ways: dict[str, dict[str, Any]] = {
            "embedded": {},
            "zookeeper": {"zookeeper": server.address},
            "direct": {"zookeeper": server.address, "barrier": "direct"},
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        step_time(effort.iterations)  # compiles the kernels
        for _ in range(effort.turns):
            for name, settings in ways.items():
                times[name].append(step_time(effort.iterations, **settings))
    embedded, zookeeper, direct = (statistics.median(times[name]) for name in ways)
    table.add(Row("training step with zookeeper=", zookeeper, goal=1.15 * embedded, rival="embedded", other=embedded))
    table.add(Row('the same, barrier="direct"', direct, goal=1.02 * embedded, rival="embedded", other=embedded))


def step_time(iterations: int, **settings: Any) -> float:
    """Median seconds of a step of `fit`."""
    random = np.random.default_rng(1)
    images = ScaledArray(random.integers(0, 256, (EXAMPLES, 784), np.uint8), 1 / 255)
    labels = random.integers(0, 10, EXAMPLES)
    history = mnist_network().fit(
        images, labels, iterations=iterations, batch_size=100, workers=2, verbose=0, **settings
    )
    return float(np.median(np.diff(history.time[iterations // 5 :])))
