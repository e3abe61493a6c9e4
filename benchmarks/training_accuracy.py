"""How well, and how soon: accuracy after 10,000 steps, and the time to the paper's final accuracy."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from engine_table import Row, Table
from training_parts import BATCH, Amount, learner

from horn.models import mnist

PAPER = 0.9713
LOOK_EVERY = 50
WAYS: dict[str, dict[str, Any]] = {
    "alone": {},
    "2 workers x 50": {"workers": 2},
    "20 workers x 5": {"workers": 20},
    "20 workers x 5, sub-models": {"workers": 20, "submodels": True},
}


def torch_time(data: Any, threads: int, steps: int) -> float:
    """Seconds until an eager network reaches the paper's accuracy, its looks at the test images left out."""
    import torch
    from torch_side import network

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    x = torch.from_numpy(np.asarray(data.x_train[:], np.float32))
    y = torch.from_numpy(data.y_train)
    xt, yt = torch.from_numpy(np.asarray(data.x_test[:], np.float32)), torch.from_numpy(data.y_test)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    took, order = 0.0, torch.randperm(len(x))
    for step in range(steps):
        model.train()
        start = time.perf_counter()
        rows = order[(step * BATCH) % len(x) : (step * BATCH) % len(x) + BATCH]
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * (1 - step / steps)
        optimizer.zero_grad(set_to_none=True)
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        took += time.perf_counter() - start
        if (step + 1) % LOOK_EVERY == 0:
            model.eval()
            with torch.no_grad():
                if (model(xt).argmax(1) == yt).float().mean() >= PAPER:
                    return took
    return float("nan")


def time_to_accuracy(table: Table, amount: Amount) -> None:
    """Seconds to 97.13 % of MNIST's test images. Horn's times hold its looks at them, PyTorch's do not."""
    data = mnist()
    for name, settings in WAYS.items():
        history = learner(data, 1).fit(
            data.x_train,
            data.y_train,
            iterations=amount.long,
            batch_size=BATCH,
            validation=(data.x_test, data.y_test),
            validate_every=LOOK_EVERY,
            verbose=0,
            **settings,
        )
        reached = [look.time for look in history.validation if look.accuracy >= PAPER]
        table.add(Row(f"seconds to 97.13 %, {name}", reached[0] if reached else float("nan"), ""))
    for threads in (1, 2):
        table.add(Row(f"seconds to 97.13 %, PyTorch, {threads} threads", torch_time(data, threads, amount.long), ""))


def accuracy(table: Table, amount: Amount) -> None:
    """Mean test accuracy over the seeds, rate falling linearly: alone, and 20 workers with sub-models."""
    data = mnist()
    for name in ("alone", "20 workers x 5, sub-models"):
        found = []
        for seed in range(1, amount.seeds + 1):
            nn = learner(data, seed)
            settings = WAYS[name]
            nn.fit(data.x_train, data.y_train, iterations=amount.long, batch_size=BATCH, verbose=0, **settings)
            found.append(nn.evaluate(data.x_test, data.y_test).accuracy)
        spread = f"{min(found):.4f} to {max(found):.4f}"
        what = f"accuracy, {name}, {amount.seeds} seeds ({spread})"
        table.add(Row(what, statistics.mean(found), "", 0.983, at_least=True))
