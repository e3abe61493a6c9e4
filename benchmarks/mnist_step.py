"""One training step of the MNIST network, Horn beside PyTorch: same network, batch, dropout, momentum, threads.

    python benchmarks/mnist_step.py [--json FILE] [--rounds N] [--iterations N]

Both sides work on a batch that lies ready in memory. In one process they take turns, a few steps each, and medians are
compared, since the machine's speed drifts. Both BLAS libraries get one thread; what they report is printed. The
parallel runs follow one after the other: Horn's `fit` with worker processes, gathering its batches from 60,000 images;
PyTorch's DDP over gloo on batches that lie ready.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg.cython_blas
from horn_side import engine_step, mnist_network
from measure import blas_threads, in_turn
from threadpoolctl import threadpool_limits

from horn.models import ScaledArray

assert scipy.linalg.cython_blas  # SciPy's own OpenBLAS must be loaded before its threads are limited


def horn_job(workers: int, submodels: bool, iterations: int) -> float:
    """Median milliseconds of a step of `fit` with worker processes; images are gathered from all of them."""
    rng = np.random.default_rng(1)
    images = ScaledArray(rng.integers(0, 256, (60_000, 784), np.uint8), 1 / 255)
    labels = rng.integers(0, 10, 60_000)
    history = mnist_network().fit(
        images, labels, iterations=iterations, batch_size=100, workers=workers, submodels=submodels, verbose=0
    )
    return 1e3 * float(np.median(np.diff(history.time[iterations // 5 :])))


def one_process(rounds: int) -> dict[str, Any]:
    """All that runs in this process, on one thread."""
    import torch
    from torch_side import bare_products, eager_step, indexed_submodel_step

    torch.set_num_threads(1)
    with threadpool_limits(1):
        print(f"threads: torch {torch.get_num_threads()}; {blas_threads()}")
        sides = {
            "horn": engine_step(mnist_network(), 100, classes=10),
            "torch eager": eager_step(100),
            "bare products": bare_products(100),
            "horn sub-model": engine_step(mnist_network(), 100, classes=10, submodel=True),
            "torch indexed sub-model": indexed_submodel_step(100),
        }
        return in_turn(sides, rounds)


def parallel(iterations: int) -> dict[str, Any]:
    """Worker processes: Horn's jobs, and DDP."""
    from torch_side import ddp_seconds

    return {
        "horn 2 x 50": horn_job(2, False, iterations),
        "ddp 2 x 50": 1e3 * ddp_seconds(2, 100, max(iterations // 2, 10)),
        "horn 20 x 5": horn_job(20, False, iterations),
        "horn 20 x 5 sub-models": horn_job(20, True, iterations),
        "ddp 20 x 5": 1e3 * ddp_seconds(20, 100, max(iterations // 40, 10)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="turns of ten steps for each side")
    parser.add_argument("--iterations", type=int, default=1000, help="steps of a job")
    parser.add_argument("--json", metavar="FILE", help="write the figures here, too")
    options = parser.parse_args()
    ms = one_process(options.rounds)
    ms |= parallel(options.iterations)
    ratios = {
        "a mask per example / torch eager (goal 0.70)": ms["horn"] / ms["torch eager"],
        "a mask per example / bare products": ms["horn"] / ms["bare products"],
        "sub-model / torch eager, whole network (goal 0.35)": ms["horn sub-model"] / ms["torch eager"],
        "sub-model / torch, the same by indexing": ms["horn sub-model"] / ms["torch indexed sub-model"],
        "2 workers x 50 / DDP (goal 0.35)": ms["horn 2 x 50"] / ms["ddp 2 x 50"],
        "20 workers x 5, sub-models / DDP": ms["horn 20 x 5 sub-models"] / ms["ddp 20 x 5"],
    }
    print("\nmilliseconds per step, medians")
    for name, value in ms.items():
        print(f"  {name:<28} {value:8.2f}")
    print("\nratios")
    for name, value in ratios.items():
        print(f"  {name:<52} {value:6.3f}")
    print(f"\n20 workers x 5 with sub-models: {ms['horn 20 x 5 sub-models']:.2f} ms per step (goal 9)")
    if options.json:
        Path(options.json).write_text(json.dumps({"milliseconds": ms, "ratios": ratios}, indent=1) + "\n")


if __name__ == "__main__":
    main()
