"""What workers push, as a server's strategy sees it: an update of the server's shard, wherever it was computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.neurons import NetworkSpec, Part


class Pushes:
    """Finds updates of a shard.

    Args:
        spec: the network.
        start: where the shard begins in the network's flat array.
        stop: where it ends.
        rows: (workers, parameters): where each worker computes D, if that is memory which servers see.
    """

    def __init__(self, spec: NetworkSpec, start: int, stop: int, rows: NDArray[np.floating]) -> None:
        self._spec, self._start, self._stop, self._rows = spec, start, stop, rows

    def of_shard(self, worker: int, packed: NDArray[np.uint8] | None, update: Any) -> Any:
        """The update of the whole shard; what a sub-model leaves out counts as 0.

        Args:
            worker: who has pushed it.
            packed: tells the sub-model whose compact update it is, as `horn.neurons.Part.packed`; None for the network.
            update: what has come; None where it lies in the worker's row.
        """
        if update is None:
            return self._rows[worker, self._start : self._stop]
        if packed is None:
            return update
        whole = np.zeros(self._stop - self._start, self._spec.precision)
        Part.unpacked(self._spec, packed).add(update, whole, start=self._start)
        return whole
