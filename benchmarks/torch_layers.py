"""The other side of the comparison for single layers: how a PyTorch user writes them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch_side import stepper

Step = Callable[[], object]


def _leaf(*shape: int) -> torch.Tensor:
    return torch.rand(*shape).requires_grad_()


def rbf(examples: int, senders: int, units: int, gamma: float, *, exact: bool) -> tuple[Step, Step]:
    """exp(-γ·‖x - w‖²) by `torch.cdist`: forward, and forward with the gradients of inputs and centres.

    Args:
        examples: of the batch.
        senders: length of an input.
        units: number of centres.
        gamma: γ.
        exact: True for the sum of squared differences, False for the matrix product, which loses digits.
    """
    mode = "donot_use_mm_for_euclid_dist" if exact else "use_mm_for_euclid_dist"
    x, centres, given = _leaf(examples, senders), _leaf(units, senders), torch.rand(examples, units)

    def forward() -> torch.Tensor:
        return torch.exp(-gamma * torch.cdist(x, centres, compute_mode=mode).square())

    def inference() -> None:
        with torch.no_grad():
            forward()

    def both() -> None:
        x.grad = centres.grad = None
        forward().backward(given)

    return inference, both


def max_product(examples: int, senders: int, units: int) -> tuple[Step, Step]:
    """The largest product of an input and its weight, by broadcasting: forward, and forward with both gradients."""
    x, weights, given = _leaf(examples, senders), _leaf(senders, units), torch.rand(examples, units)

    def forward() -> torch.Tensor:
        return (x[:, :, None] * weights).amax(1)

    def inference() -> None:
        with torch.no_grad():
            forward()

    def both() -> None:
        x.grad = weights.grad = None
        forward().backward(given)

    return inference, both


def product(examples: int, senders: int, units: int) -> Step:
    """One bare matrix product of the layer's shape."""
    x, weights = torch.rand(examples, senders), torch.rand(senders, units)
    return lambda: x @ weights


def small_step(sizes: tuple[int, ...], batch: int) -> Step:
    """A training step of a small network, where overhead is all: ReLU, cross entropy, momentum."""
    torch.manual_seed(1)
    layers: list[torch.nn.Module] = []
    for senders, units in pairwise(sizes):
        layers += [torch.nn.Linear(senders, units), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    return stepper(model, torch.rand(batch, sizes[0]), torch.randint(0, sizes[-1], (batch,)))
