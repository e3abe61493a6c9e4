"""The arrays that a job shares: packed into one segment, seen by the caller and by every peer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BSPError
from .segment import Segment

Array = NDArray[Any]
Layout = dict[str, tuple[str, list[int], int]]
_ALIGNMENT = 64
_PLAIN_KINDS = "biufcSUmM"


class SharedArrays:
    """The arrays that a job shares, the caller's side.

    Args:
        arrays: what is copied into shared memory, by name.

    Attributes:
        segment: the memory.
        layout: the place of each array in it.
        views: the arrays in shared memory.

    Raises:
        BSPError: as `share`.
    """

    def __init__(self, arrays: Mapping[str, object]) -> None:
        self.segment, self.layout = share(arrays)
        self.views = views(self.segment, self.layout)

    def copies(self) -> dict[str, Array]:
        """Return what the arrays hold now."""
        return {name: view.copy() for name, view in self.views.items()}

    def restore(self, copies: Mapping[str, Array]) -> None:
        """Let the arrays hold again what `copies` returned."""
        for name, copy in copies.items():
            np.copyto(self.views[name], copy)


def share(arrays: Mapping[str, object]) -> tuple[Segment, Layout]:
    """Copy arrays into a new segment; return it with the place (dtype, shape, offset) of each.

    Raises:
        BSPError: something is no array, or of a dtype that holds references, or there is no space.
    """
    layout: Layout = {}
    size = 0
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in _PLAIN_KINDS:
            found = f"an array of dtype {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
            raise BSPError(f"shared[{name!r}] must be an array of numbers or fixed-width strings, got {found}")
        layout[name] = (array.dtype.str, list(array.shape), size)
        size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    segment = Segment.create("shared", size)
    for name, view in views(segment, layout).items():
        np.copyto(view, np.asarray(arrays[name]))
    return segment, layout


def views(segment: Segment, layout: Layout) -> dict[str, Array]:
    """Return the arrays that lie in a segment."""
    found: dict[str, Array] = {}
    for name, (dtype, shape, offset) in layout.items():
        count = int(np.prod(shape, dtype=np.int64))
        kind = np.dtype(dtype)
        empty = count * kind.itemsize == 0
        memory = segment.map(max(1, offset + count * kind.itemsize))
        found[name] = (
            np.empty(shape, kind) if empty else np.frombuffer(memory, kind, count=count, offset=offset).reshape(shape)
        )
    return found
