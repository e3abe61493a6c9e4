"""The kernels that a method becomes, and the operations that run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..analysis.phases import Elementwise, phases
from ..nir.expressions import Expr, Type
from ..nir.statements import Body, PushFactor
from ..nir.trees import walk
from ..operations.buffers import PER_NEURON, Array
from ..operations.operation import Kernel, Method, Operation, Pass
from ..operations.transpose import add_transpose, transpose
from ..operations.work import NO_WORK, Work
from .crossing import phase_crossings, whole_method
from .hazards import Hazards
from .pushing import Pushing
from .sums import Sums, sums_in
from .tiles import LaneWriter
from .writer import Writer

#: Where backward's lanes find weights, previous changes and updates: a row for each receiver.
TURNED = dict.fromkeys(("WT", "PT", "UT"), Array(("receivers", "neurons")))


def writers_of(
    name: str, body: Body, method: str, link: str, state: dict[str, Type], keep_slope: bool, *, hazards: Hazards,
    sums: Sums, factors: Mapping[tuple[Expr, Expr], str] | None = None,
) -> list[Writer | LaneWriter]:  # fmt: skip
    """What writes a method's kernels, in the order in which they run; the sums that they read are declared.

    Args:
        name: what the method's kernels are called.
        body: the method, specialised and pruned.
        method: "forward" or "backward".
        link: "dense" or "single": what kind of connection the messages come over.
        state: what `forward` leaves for `backward`.
        keep_slope: True where the slope is kept, too.
        hazards: receives what the kernels have to look out for.
        sums: where the sums over messages are.
        factors: the arrays of the push's factors.
    """
    live = frozenset(state) if method == "forward" else frozenset()
    parts = phases(body, live) if link == "dense" else (Elementwise(body, live),)
    if len(parts) == 1 and isinstance(parts[0], Elementwise):
        names = [name]
        # Not of `body`: loops that were cut out may have turned out to be dead.
        crossings = [whole_method(parts[0].body, method, state, keep_slope=keep_slope)]
    else:
        names = [f"{name}_{number}" for number in range(len(parts))]
        crossings = phase_crossings(parts, method, state, keep_slope=keep_slope)
    found: list[Writer | LaneWriter] = []
    for own, part, crossing in zip(names, parts, crossings, strict=True):
        if isinstance(part, Elementwise):
            found.append(Writer(own, part.body, method, link, crossing, hazards=hazards, sums=sums, factors=factors))
        else:
            found.append(LaneWriter(own, part, method, crossing, hazards))
        if link == "dense":
            sums.declare(sums_in(part.body))
    return found


def crossing_arrays(writers: Sequence[Writer | LaneWriter]) -> dict[str, Array]:
    """The arrays that kernels need for locals, and for turned matrices."""
    arrays = {name: Array(PER_NEURON, kind) for writer in writers for name, kind in writer.crossing.arrays.items()}
    lanes = any(isinstance(writer, LaneWriter) and writer.method == "backward" for writer in writers)
    return arrays | TURNED if lanes else arrays


def operations(writers: Sequence[Writer | LaneWriter], kernels: Mapping[str, Operation], pushing: Pushing) -> Method:
    """A method's operations: its kernels, and before each the sums, maps and transposes that it loads."""
    found: list[Operation] = []
    for writer in writers:
        kernel = kernels[writer.name]
        if isinstance(writer, LaneWriter):
            assert isinstance(kernel, Kernel)
            found += _lanes(kernel)
        else:
            found += [*(item for item in _loaded(writer, kernels, pushing) if item not in found), kernel]
    return tuple(found)


def _loaded(writer: Writer, kernels: Mapping[str, Operation], pushing: Pushing) -> list[Operation]:
    """The sums that a kernel loads, and what the products of its pushes take."""
    if writer.link == "single" or writer.bias_sender or writer.sums is None:
        return []
    maps = pushing.maps(kernels) if any(isinstance(item, PushFactor) for item in walk(writer.body)) else ()
    return list(dict.fromkeys([*maps, *writer.sums.operations(sums_in(writer.body), kernels)]))


def _lanes(kernel: Kernel) -> list[Operation]:
    used = kernel.arguments
    found: list[Operation] = [
        Pass(f"{target} = {source}ᵀ", transpose, (source, "bias", target), target, NO_WORK, (source,), (target,))
        for target, source in (("WT", "W"), ("PT", "P"))
        if target in used
    ]
    found.append(kernel)
    if "UT" in used:
        pushed = ("UT", "bias", "U")
        found.append(Pass("U += UTᵀ", add_transpose, pushed, "UT", Work(flops=1), ("UT", "U"), ("U",)))
    return found
