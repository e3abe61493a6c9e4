"""The other side of the comparison: the same network in PyTorch, eager, alone and with DDP over gloo."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

SIZES = (784, 512, 512, 10)


def network() -> nn.Module:
    """784-512-512-10, ReLU, keep 0.8 of the inputs and 0.5 of the hidden neurons."""
    return nn.Sequential(
        nn.Dropout(0.2), nn.Linear(784, 512), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(512, 512), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(512, 10),
    )  # fmt: skip


def stepper(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    """One training step on a batch that lies ready: momentum 0.9, cross entropy."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()

    return step


def eager_step(batch: int) -> Callable[[], None]:
    """A step of the whole network."""
    torch.manual_seed(1)
    return stepper(network().train(), torch.rand(batch, SIZES[0]), torch.randint(0, SIZES[-1], (batch,)))


def indexed_submodel_step(batch: int) -> Callable[[], None]:
    """A step of one sub-model, written by hand: the kept rows and columns of each weight are indexed out and back."""
    torch.manual_seed(1)
    weights = [torch.randn(n, m) * 0.05 for n, m in zip(SIZES[1:], SIZES, strict=False)]
    biases = [torch.zeros(n) for n in SIZES[1:]]
    velocities = [torch.zeros_like(p) for p in (*weights, *biases)]
    x, y = torch.rand(batch, SIZES[0]), torch.randint(0, SIZES[-1], (batch,))
    keeps = (0.8, 0.5, 0.5, 1.0)

    def step() -> None:
        kept = [torch.nonzero(torch.rand(n) < k).squeeze(1) for n, k in zip(SIZES, keeps, strict=True)]
        parts = [w[kept[i + 1]][:, kept[i]].requires_grad_() for i, w in enumerate(weights)]
        part_biases = [b[kept[i + 1]].requires_grad_() for i, b in enumerate(biases)]
        h = x[:, kept[0]]
        for i in range(3):
            h = torch.addmm(part_biases[i], h, parts[i].t())
            h = torch.relu(h) if i < 2 else h
        torch.nn.functional.cross_entropy(h, y).backward()
        with torch.no_grad():
            for velocity in velocities:
                velocity.mul_(0.9)
            for i in range(3):
                grid = kept[i + 1].unsqueeze(1), kept[i].unsqueeze(0)
                velocities[i].index_put_(grid, parts[i].grad, accumulate=True)
                velocities[3 + i].index_add_(0, kept[i + 1], part_biases[i].grad)
            for parameter, velocity in zip((*weights, *biases), velocities, strict=True):
                parameter.add_(velocity, alpha=-0.01)

    return step


def bare_products(batch: int) -> Callable[[], None]:
    """The eight matrix products that a step cannot do without: 3 forward, 2 deltas, 3 pushes."""
    torch.manual_seed(1)
    weights = [torch.randn(n, m) for n, m in zip(SIZES[1:], SIZES, strict=False)]
    outputs = [torch.randn(batch, n) for n in SIZES]

    def products() -> None:
        for i, w in enumerate(weights):
            outputs[i] @ w.t()
        for i in (2, 1):
            outputs[i + 1] @ weights[i]
        for i in range(3):
            outputs[i + 1].t() @ outputs[i]

    return products


def _ddp_worker(rank: int, workers: int, batch: int, steps: int, store: str, results: mp.Queue[float]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=workers)
    torch.manual_seed(1)
    x, y = torch.rand(batch // workers, SIZES[0]), torch.randint(0, SIZES[-1], (batch // workers,))
    step = stepper(DistributedDataParallel(network().train()), x, y)
    for _ in range(min(20, steps)):
        step()
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    if rank == 0:
        results.put(statistics.median(times))
    dist.barrier()
    dist.destroy_process_group()


def ddp_seconds(workers: int, batch: int, steps: int) -> float:
    """Median seconds of a step of DDP over gloo, one thread per process."""
    os.environ.update(OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo")
    context = mp.get_context("spawn")
    results = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (workers, batch, steps, str(Path(folder) / "store"), results)
        processes = mp.spawn(_ddp_worker, arguments, nprocs=workers, join=False)
        seconds = results.get(timeout=300)
        while not processes.join(timeout=60):
            pass
    return float(seconds)
