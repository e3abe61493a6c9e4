"""What a server holds, as it travels: a shard of the parameters, or the part of it that a sub-model needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from horn.neurons import NetworkSpec, Part


class Shard:
    """A stretch of a network's flat array.

    Args:
        spec: the network.
        held: the stretch.
        start: where it begins.
    """

    def __init__(self, spec: NetworkSpec, held: NDArray[np.floating], start: int) -> None:
        self._spec, self._held, self._start = spec, held, start

    def lent(self, packed: NDArray[np.uint8] | None) -> NDArray[np.floating]:
        """What a sub-model needs of it.

        Args:
            packed: tells the sub-model, as `horn.neurons.Part.packed`; None for the whole network.
        """
        if packed is None:
            return self._held
        return Part.unpacked(self._spec, packed).gather(self._held, start=self._start)

    def returned(self, packed: NDArray[np.uint8] | None, update: Any) -> Any:
        """A sub-model's update as one of the whole shard: what the sub-model leaves out counts as 0.

        Args:
            packed: as for `lent`.
            update: what a worker pushed.
        """
        if packed is None:
            return update
        whole = np.zeros_like(self._held)
        Part.unpacked(self._spec, packed).add(update, whole, start=self._start)
        return whole
