"""The kernels of a receiver's derivatives: from its deltas to Σ ∂cost/∂output of the senders, and to their pushes.

Lanes are the receivers, contiguous in the weights: a block of them at a time, messages outermost. What the weights get
is summed over the examples, several of which share a load of each weight; what a sender gets is summed over the lanes.
Arguments beside those of `signatures`:

    G (b, n)    Σ ∂cost/∂output of the senders
    H (b, 1)    the same of the bias sender
    U (s, r)    pushes are added: ``rate · A · ∂cost/∂weight``; A is 1 in the kernels without the array
    A (b, s)    factors of the push
    low, high   the messages to do, where each is on its own: nothing is carried or summed up from one to another

What is known for each lane is kept in C, what a loop carried to each message in T.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..capture.tables import table_names
from ..derivatives.adjoint import DELTA, Reverse, Sweep
from ..nir.expressions import ZERO, Expr, Field, Hyper, Index, Local, SynapseDraw, Type
from ..nir.statements import Assign, Body, Stmt
from ..nir.trees import all_expressions, subexpressions, writes
from ..nir.types import infer_locals
from ..operations.blocks import MessageKernel
from ..operations.operation import Kernel
from ..operations.work import Arithmetic, arithmetic
from .emitted import Emitted
from .hazards import Hazards
from .lanes import Lane, from_float, lanes

#: Examples that share a load of the weights where no trajectories are kept.
TILE = 4


@dataclass(frozen=True)
class Variant:
    """Which results a kernel gives.

    Args:
        name: its name.
        inputs: G.
        weights: U.
        factors: U with factors that differ between senders and examples.
    """

    name: str
    inputs: bool
    weights: bool
    factors: bool


VARIANTS = (
    Variant("to_inputs", True, False, False),
    Variant("to_weights", False, True, False),
    Variant("to_both", True, True, False),
    Variant("to_weights_by_factors", False, True, True),
)


class SweepWriter:
    """Writes one kernel.

    Args:
        variant: which results it gives.
        reverse: what leads from the deltas to the messages.
        state: what `forward` leaves.
        hazards: receives what the kernel has to look out for.
    """

    def __init__(self, variant: Variant, reverse: Reverse, state: dict[str, Type], hazards: Hazards) -> None:
        self.variant = variant
        self.reverse = reverse
        self.state = state
        self.hazards = hazards
        self.stages = _stages(reverse)
        self.types = types_of(reverse, state)
        self.slots = {name: slot for slot, name in enumerate(sorted(self._crossing()))}
        self.rows = max([len(sweep.recomputed) for sweep in reverse.sweeps], default=0)
        self.tile = TILE if self.rows == 0 else 1
        self.width = lanes(len(self.slots) * self.tile)
        self.divisible = not any(sweep.recomputed or sweep.adjoints or sweep.sums for sweep in reverse.sweeps)
        self.lines: list[str] = []

    @property
    def arithmetic(self) -> Arithmetic:
        """What it does for one neuron and example."""
        straight = tuple(piece for piece in self.reverse.pieces if isinstance(piece, Assign))
        found = arithmetic(straight)
        for sweep in self.reverse.sweeps:
            values = [item.next for item in sweep.adjoints] + [item.next for item in sweep.recomputed]
            values += [part for _, part in sweep.sums]
            values += [sweep.input_gradient] * self.variant.inputs + [sweep.weight_gradient] * self.variant.weights
            each = arithmetic((*sweep.steps, *sweep.recomputing, *(Assign("", value) for value in values)))
            found += Arithmetic(message=each.once)
        return found

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.variant.name

    def write(self) -> Emitted:
        """The kernel."""
        arrays = ["D", "X", "W", *(["G", "H"] if self.variant.inputs else []), *(["U"] if self.variant.weights else [])]
        arrays += ["A"] if self.variant.factors else []
        arrays += ["M"] if self._draws() else []
        arrays += [f"K_{name[5:]}" for name in self.state if name in self._read()]
        hypers = sorted({f"h_{part.name}" for part in self._parts() if isinstance(part, Hyper)})
        arrays += table_names(*self._parts())
        part = ("low", "high") if self.divisible else ()
        arguments = (*arrays, "ids", "positions", "status", *part, *_SCALARS, *hypers)
        self.lines = ["@summing_kernel", f"def {self.variant.name}({', '.join(arguments)}):"]
        self._line(0, "neurons, examples, senders = len(ids), len(positions), X.shape[1]")
        self._line(0, f"C = scratch({len(self.slots) * self.width * self.tile}, real)")
        if self.rows:
            shape = f"({self.rows}, senders, {self.width})"
            self._line(0, f"T = scratch({self.rows * self.width} * senders, real).reshape({shape})")
        if not self.divisible:
            self._line(0, "low, high = 0, senders")
        if self.variant.inputs:
            self._line(0, "G[:, max(low - bias, 0) : high - bias] = ZERO")
            self._line(0, "if low == 0:")
            self._line(1, "H[:] = ZERO")
        if not self.stages:
            return self._emitted(arguments)
        self._line(0, f"for start in range(0, neurons, {self.width}):")
        self._line(1, f"stop = min(start + {self.width}, neurons)")
        self._line(1, "width = stop - start")
        whole = f"examples - examples % {self.tile}"
        self._tile(self.tile, f"range(0, {whole}, {self.tile})")
        if self.tile > 1:
            self._tile(1, f"range({whole}, examples)")
        return self._emitted(arguments)

    def _emitted(self, arguments: tuple[str, ...]) -> Emitted:
        call = MessageKernel if self.divisible else Kernel
        return Emitted(self.name, "\n".join(self.lines), arguments, self.arithmetic, call)

    # What is kept between the stages -----------------------------------------------------------------------------

    def _crossing(self) -> set[str]:
        """The locals that one stage leaves for another."""
        found: set[str] = set()
        for straight, sweep in self.stages:
            assigned = {item.name for item in straight}
            found |= {name for item in straight for name in _locals(item.value)} - assigned - {DELTA, *self.state}
            if sweep is not None:
                own = writes(sweep.steps) | writes(sweep.recomputing)
                values = [*_sweep_values(sweep), *_trajectory_values(sweep)]
                found |= {name for value in values for name in _locals(value)} - own
                started = {name for item in sweep.adjoints for name in _locals(item.initial)}
                started |= {name for item in sweep.recomputed for name in _locals(item.initial)}
                found |= started - assigned - {DELTA, *self.state}
                found |= {item.name for item in sweep.adjoints} | {item.entry for item in sweep.recomputed}
                found |= {name for name, _ in sweep.sums}
        return found

    def _parts(self) -> Iterable[Expr]:
        gradients = [value for sweep in self.reverse.sweeps for value in (sweep.input_gradient, sweep.weight_gradient)]
        return all_expressions((*_statements(self.reverse), *(Assign("", value) for value in gradients)))

    def _draws(self) -> bool:
        return any(isinstance(part, SynapseDraw) for part in self._parts())

    def _read(self) -> set[str]:
        return {part.name for part in self._parts() if isinstance(part, Local)}

    # Text --------------------------------------------------------------------------------------------------------

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * (depth + 1) + text)

    def _tile(self, tile: int, examples: str) -> None:
        """All that is done with some examples and a block of lanes."""
        self._line(1, f"for e in {examples}:")
        members = [Lane(number, self.width, self.types, self.slots, self.hazards) for number in range(tile)]
        for straight, sweep in self.stages:
            self._line(2, "for j in range(width):")
            self._index(3)
            for member in members:
                self._straight(member, straight, sweep)
            if sweep is not None:
                if sweep.recomputed:
                    self._trajectory(members, sweep)
                self._sweep(members, sweep)

    def _index(self, depth: int) -> None:
        self._line(depth, "i = start + j")
        self._line(depth, "index = int64(ids[i]) - first - 1")

    def _straight(self, member: Lane, straight: tuple[Assign, ...], sweep: Sweep | None) -> None:
        """Straight code for one lane, and what the sweep behind it begins with."""
        later: list[tuple[str, Expr]] = []
        if sweep is not None:
            later += [(item.name, item.initial) for item in sweep.adjoints]
            later += [(item.entry, item.initial) for item in sweep.recomputed]
            later += [(name, ZERO) for name, _ in sweep.sums]
        assigned = {item.name for item in straight}
        reads = {name for item in straight for name in _locals(item.value)} | {
            name for _, value in later for name in _locals(value)
        }
        first = straight is self.stages[0][0]
        given = {name for name in (DELTA, *self.state) if name in reads or (first and name in self.slots)}
        self._load(member, 3, sorted(reads - assigned - given))
        for name in sorted(given):
            array = f"D[e + {member.number}, i]" if name == DELTA else f"K_{name[5:]}[e + {member.number}, i]"
            self._line(3, f"{member.local(name)} = {array}")
        self._code(member, 3, straight)
        self._store(member, 3, [name for name in sorted(assigned | (given if first else set())) if name in self.slots])
        for name, value in later:
            self._line(3, f"{member.slot(name)} = {member.typed(value, Type.FLOAT)}")

    def _trajectory(self, members: list[Lane], sweep: Sweep) -> None:
        own = writes(sweep.recomputing) | {item.entry for item in sweep.recomputed}
        values = _trajectory_values(sweep)
        outside = {name for value in values for name in _locals(value)} - own
        self._line(2, "for s in range(senders):")
        self._messages(members, sweep)
        self._line(3, "for j in range(width):")
        self._lanes(values)
        for member in members:
            self._load(member, 4, sorted(outside))
            for row, item in enumerate(sweep.recomputed):
                self._line(4, f"{member.local(item.entry)} = {member.stored(item.entry)}")
                self._line(4, f"T{row}[j] = {member.slot(item.entry)}")
            self._code(member, 4, sweep.recomputing)
            for item in sweep.recomputed:
                self._line(4, f"{member.slot(item.entry)} = {member.typed(item.next, Type.FLOAT)}")

    def _sweep(self, members: list[Lane], sweep: Sweep) -> None:
        still = not sweep.recomputed and not sweep.adjoints
        self._line(2, "for s in range(low, high):" if still else "for s in range(high - 1, low - 1, -1):")
        self._messages(members, sweep)
        if self.variant.weights:
            self._line(3, "pushed = U[s, start:stop]")
        for member in members:
            if self.variant.inputs:
                self._line(3, f"g{member.number} = ZERO")
            if self.variant.factors:
                self._line(3, f"a{member.number} = A[e + {member.number}, s]")
        self._line(3, "for j in range(width):")
        self._lanes(_sweep_values(sweep))
        pushed = [self._lane(member, sweep) for member in members]
        if self.variant.weights:
            self._line(4, f"pushed[j] += rate * ({' + '.join(pushed)})")
        if self.variant.inputs:
            self._line(3, "if s >= bias:")
            for member in members:
                self._line(4, f"G[e + {member.number}, s - bias] += g{member.number}")
            self._line(3, "else:")
            for member in members:
                self._line(4, f"H[e + {member.number}, 0] += g{member.number}")

    def _lane(self, member: Lane, sweep: Sweep) -> str:
        """One message of one lane and example; returns the text of what it pushes."""
        number = member.number
        entries = {item.entry for item in sweep.recomputed}
        own = writes(sweep.steps) | entries
        read = {name for value in _sweep_values(sweep) for name in _locals(value)}
        self._load(member, 4, sorted(read - own))
        for row, item in enumerate(sweep.recomputed):
            self._line(4, f"{member.local(item.entry)} = {from_float(f'T{row}[j]', self.types[item.entry])}")
        self._code(member, 4, sweep.steps)
        if self.variant.inputs:
            self._line(4, f"g{number} += {member.typed(sweep.input_gradient, Type.FLOAT)}")
        pushed = member.typed(sweep.weight_gradient, Type.FLOAT) if self.variant.weights else ""
        if self.variant.weights:
            self._line(4, f"u{number} = {pushed}{f' * a{number}' if self.variant.factors else ''}")
        for name, part in sweep.sums:
            self._line(4, f"{member.slot(name)} += {member.typed(part, Type.FLOAT)}")
        for adjoint in sweep.adjoints:
            self._line(4, f"{member.slot(adjoint.name)} = {member.typed(adjoint.next, Type.FLOAT)}")
        return f"u{number}"

    def _messages(self, members: list[Lane], sweep: Sweep) -> None:
        """What is the same for all lanes of a message."""
        for member in members:
            self._line(3, f"x{member.number} = X[e + {member.number}, s]")
        # Slices, since an index that might be negative blocks SIMD (measured: 3.3 against 0.06 ns per message).
        self._line(3, "weights = W[s, start:stop]")
        if self._draws():
            self._line(3, "drawn = M[s, start:stop]")
        for row, _ in enumerate(sweep.recomputed):
            self._line(3, f"T{row} = T[{row}, s]")

    def _lanes(self, values: Iterable[Expr]) -> None:
        """What a lane needs of the message and of itself."""
        parts = {part for value in values for part in subexpressions(value)}
        if Index() in parts:
            self._line(4, "index = int64(ids[start + j]) - first - 1")
        if Field("weight") in parts:
            self._line(4, "w = weights[j]")

    def _code(self, member: Lane, depth: int, body: Body) -> None:
        for line in member.lines(body):
            self._line(depth, line)

    def _load(self, member: Lane, depth: int, names: Iterable[str]) -> None:
        for name in names:
            self._line(depth, f"{member.local(name)} = {member.stored(name)}")

    def _store(self, member: Lane, depth: int, names: Iterable[str]) -> None:
        for name in names:
            self._line(depth, f"{member.slot(name)} = {member.typed(Local(name), Type.FLOAT)}")


_SCALARS = ("first", "bias", "rate", "learning_rate", "momentum", "iteration", "layer", "incoming")


def types_of(reverse: Reverse, state: dict[str, Type]) -> dict[str, Type]:
    """The types of the locals of a layer's derivatives, given those of what `forward` left."""
    return infer_locals(tuple(_statements(reverse)), state | {DELTA: Type.FLOAT})


def _locals(value: Expr) -> set[str]:
    return {part.name for part in subexpressions(value) if isinstance(part, Local)}


def _sweep_values(sweep: Sweep) -> list[Expr]:
    """The expressions that are computed for each message on the way back."""
    return [
        *all_expressions(sweep.steps), sweep.input_gradient, sweep.weight_gradient,
        *(part for _, part in sweep.sums), *(item.next for item in sweep.adjoints),
    ]  # fmt: skip


def _trajectory_values(sweep: Sweep) -> list[Expr]:
    """The expressions that are computed for each message on the way forward."""
    return [*(item.next for item in sweep.recomputed), *all_expressions(sweep.recomputing)]


def _stages(reverse: Reverse) -> list[tuple[tuple[Assign, ...], Sweep | None]]:
    """Straight code and the sweep behind it, in order."""
    found: list[tuple[tuple[Assign, ...], Sweep | None]] = []
    straight: list[Assign] = []
    for piece in reverse.pieces:
        if isinstance(piece, Assign):
            straight.append(piece)
        else:
            found.append((tuple(straight), piece))
            straight = []
    return found


def _statements(reverse: Reverse) -> Iterable[Stmt]:
    """Every statement, and what is assigned beside them, for the types of the locals."""
    for piece in reverse.pieces:
        if isinstance(piece, Assign):
            yield piece
            continue
        yield from piece.steps
        yield from piece.recomputing
        for adjoint in piece.adjoints:
            yield from (Assign(adjoint.name, ZERO), Assign(adjoint.name, adjoint.initial))
            yield Assign(adjoint.name, adjoint.next)
        for carried in piece.recomputed:
            yield Assign(carried.entry, carried.initial)
            yield Assign(carried.entry, carried.next)
        for name, part in piece.sums:
            yield from (Assign(name, ZERO), Assign(name, part))
