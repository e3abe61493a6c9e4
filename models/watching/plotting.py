"""A picture of how a training went. Needs matplotlib, Horn's extra "plot"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .history import History

#: Points of a curve at most: with more iterations, each is the mean of some.
_POINTS = 500
#: What a step's time falls into.
_SHARES = ("computing", "communicating", "waiting")


def plot(history: History, figure: Figure | None = None) -> Figure:
    """Draw loss and accuracy over iterations, and where each worker's time went; see `History.plot`."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("history.plot needs matplotlib: pip install 'horn[plot]'") from error
    if not len(history):
        raise ValueError("there is nothing to plot: the history has no iteration")
    figure = figure or pyplot.figure(figsize=(10, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    _curve(figure.add_subplot(grid[0, 0]), history, "loss")
    _curve(figure.add_subplot(grid[0, 1]), history, "accuracy")
    _times(figure.add_subplot(grid[1, :]), history)
    return figure


def _curve(axes: Axes, history: History, name: str) -> None:
    values = np.array(getattr(history, name))
    iterations, means = _thinned(np.arange(1, len(values) + 1)), _thinned(values)
    axes.plot(iterations, means, label="training, dropout at work" if name == "accuracy" else "training")
    if history.validation:
        looks = [(look.iteration, getattr(look, name)) for look in history.validation]
        axes.plot(*zip(*looks, strict=True), marker="o", markersize=3, label="validation")
    axes.set(xlabel="iteration", ylabel=name)
    axes.legend()
    axes.grid(alpha=0.3)


def _times(axes: Axes, history: History) -> None:
    names = [worker.name for worker in history.workers]
    left = np.zeros(len(names))
    for share in _SHARES:
        seconds = np.array([getattr(worker, share).sum() for worker in history.workers])
        axes.barh(names, seconds, left=left, label=share)
        left += seconds
    axes.invert_yaxis()
    axes.set(xlabel="seconds")
    if names:
        axes.legend()


def _thinned(values: NDArray[Any]) -> NDArray[np.float64]:
    """The means of stretches of equal length, as many as are to be drawn; what does not fill the last one is left."""
    stretch = -(-len(values) // _POINTS)
    whole = len(values) // stretch * stretch
    means: NDArray[np.float64] = values[:whole].reshape(-1, stretch).mean(axis=1, dtype=np.float64)
    return means
