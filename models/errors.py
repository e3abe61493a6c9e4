"""What can go wrong with a network as a whole; what is wrong with its neurons is a `horn.neurons.NeuronError`."""

from __future__ import annotations

from collections.abc import Sequence

from horn.bsp import PeerLost


class ModelFileError(Exception):
    """A file that is no intact model of Horn, or cannot be read or written; the message names it and the reason."""


class TrainingDiverged(ArithmeticError):
    """The loss of a training step is NaN or infinite. The network keeps the weights from before this `fit`."""


class WorkerLost(PeerLost):
    """Workers of a `fit` died. The network keeps the weights from before this `fit`.

    Attributes:
        workers: their indices.
        ranks, pid, exit_code: as in `horn.bsp.PeerLost`.
    """

    def __init__(self, message: str, workers: Sequence[int], lost: PeerLost) -> None:
        super().__init__(message, lost.ranks, lost.pid, lost.exit_code)
        self.workers = tuple(workers)
