"""A message loop as text of a kernel that runs it for many neurons at once.

Messages are outermost and neurons innermost and contiguous, so that the innermost loop becomes SIMD: its lanes are
neurons. A tile of some examples and messages is written out within it; what it carries stays in registers meanwhile.
For each neuron and example the messages come in order: a sum has the same bits as in the interpreter.

The kernels' arguments are those of `signatures`, and

    low, high      the neurons to do, so that threads may share the work: every neuron's values are its own
    WT, PT (r, n)  weights and previous changes of a backward loop, neurons in rows' direction
    UT (r, n)      the updates that it pushes, written here
"""

from __future__ import annotations

from ..analysis.phases import Nest
from ..nir.expressions import Field, Index, Local, Output, Slope, SynapseDraw, Type
from ..nir.statements import Assign, Push
from ..nir.trees import all_expressions, reads, walk, writes
from ..operations.blocks import LaneKernel
from ..operations.work import Arithmetic, arithmetic
from .crossing import Crossing
from .emitted import Emitted
from .hazards import Hazards
from .signatures import SCALARS, hypers, mentioned
from .spelling import Spelling, local_name

#: Neurons and messages whose weights stay in the nearest cache while all examples go by.
LANES, MESSAGES = 512, 32


class LaneWriter:
    """Writes one kernel.

    Args:
        name: the kernel's name.
        nest: the loop.
        method: "forward" or "backward".
        crossing: what it finds and leaves.
        hazards: receives what the kernel has to look out for.
    """

    def __init__(self, name: str, nest: Nest, method: str, crossing: Crossing, hazards: Hazards) -> None:
        self.name = name
        self.nest = nest
        self.body = nest.body
        self.method = method
        self.crossing = crossing
        self.hazards = hazards
        expressions = list(all_expressions((*nest.body, *(Assign(n, v) for n, v in nest.starts.items()))))
        self.fields = {part.name for part in expressions if isinstance(part, Field)}
        self.kinds = {type(part) for part in expressions}
        self.hypers = hypers(*expressions)
        self.pushes = any(isinstance(statement, Push) for statement in nest.body)
        self.given = sorted(reads(nest.body) - writes(nest.body))
        self.lines: list[str] = []

    def write(self) -> Emitted:
        """The kernel."""
        self.lines = []
        values = "X" if self.method == "forward" else "D"
        examples, messages = self._tile()
        self._line(1, f"count = {values}.shape[1]")
        self._begin(values)
        self._line(1, f"for i0 in range(low, high, {LANES}):")
        self._line(2, f"i1 = min(i0 + {LANES}, high)")
        self._line(2, f"for s0 in range(0, count, {MESSAGES}):")
        self._line(3, f"s1 = min(s0 + {MESSAGES}, count)")
        self._line(3, f"whole = len({values}) - len({values}) % {examples}")
        self._line(3, f"for e in range(0, whole, {examples}):")
        self._examples(examples, messages)
        if examples > 1:
            self._line(3, f"for e in range(whole, len({values})):")
            self._examples(1, messages)
        text = "\n".join(self.lines)
        lanes = ("W", "M") if self.method == "forward" else ("WT", "PT", "UT")
        names = [values, *lanes, "O", "L", *self.crossing.arrays, "ids", "low", "high", *SCALARS, *self.hypers]
        arguments = tuple(mentioned(text, names))
        whole = "\n".join(["@kernel", f"def {self.name}({', '.join(arguments)}):", text])
        return Emitted(self.name, whole, arguments, Arithmetic(message=arithmetic(self.body).once), LaneKernel)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _tile(self) -> tuple[int, int]:
        """How many examples and messages are written out: as far as registers and the time to compile allow."""
        size = sum(1 for _ in all_expressions(self.body)) + 2 * len(self.nest.carried)
        return next((tile for tile in _TILES if size * tile[0] * tile[1] <= _LARGEST), (1, 1))

    def _begin(self, values: str) -> None:
        spelling = self._spelling(0, 0)
        if self.nest.starts:
            self._line(1, f"for e in range(len({values})):")
        for name, value in self.nest.starts.items():
            kind = self.crossing.types[name]
            self._line(2, f"{self.crossing.stores[name]}[e, low:high] = {spelling.typed(value, kind)}")
        if self.pushes:
            self._line(1, "UT[:, low:high] = ZERO")

    # A tile ------------------------------------------------------------------------------------------------------

    def _examples(self, examples: int, messages: int) -> None:
        """The tiles of some examples, within the loop over them."""
        for j in range(examples):
            at = f"e + {j}" if j else "e"
            for name in (*self.given, *self.nest.carried):
                array = self._place(name)
                self._line(4, f"{array}_{j} = {array}[{at}, i0:i1]")
            if Output in self.kinds or "weight_gradient" in self.fields:
                self._line(4, f"O_{j} = O[{at}, 1 + i0 : 1 + i1]")
            if Slope in self.kinds:
                self._line(4, f"L_{j} = L[{at}, i0:i1]")
        if Index in self.kinds:
            self._line(4, "ids_0 = ids[i0:i1]")
        self._line(4, f"paired = s1 - (s1 - s0) % {messages}")
        self._line(4, f"for s in range(s0, paired, {messages}):")
        self._messages(examples, messages)
        if messages > 1:
            self._line(4, "for s in range(paired, s1):")
            self._messages(examples, 1)

    def _place(self, name: str) -> str:
        return self.crossing.stores.get(name) or self.crossing.loads[name]

    def _messages(self, examples: int, messages: int) -> None:
        """One tile, within the loop over messages: its scalars and rows, and the loop over lanes."""
        values = "X" if self.method == "forward" else "D"
        rows = {"weight": "w", "input_gradient": "w", "prev_weight": "p"}
        arrays = {"w": "W" if self.method == "forward" else "WT", "p": "PT", "m": "M"}
        used = sorted(
            {rows[field] for field in self.fields & rows.keys()} | {"m" for kind in self.kinds if kind is SynapseDraw}
        )
        for k in range(messages):
            at = f"s + {k}" if k else "s"
            self._line(5, f"number_{k} = int64({at})")
            for row in used:
                self._line(5, f"{row}_{k} = {arrays[row]}[{at}, i0:i1]")
            if self.pushes:
                self._line(5, f"u_{k} = UT[{at}, i0:i1]")
            for j in range(examples):
                self._line(5, f"x_{j}_{k} = {values}[{f'e + {j}' if j else 'e'}, {at}]")
        self._line(5, "for i in range(i1 - i0):")
        if Index in self.kinds:
            self._line(6, "index = int64(ids_0[i]) - first - 1")
        for j in range(examples):
            self._loads(j)
        for k in range(messages):
            for row in used:
                self._line(6, f"{row}{k} = {row}_{k}[i]")
            if self.pushes:
                self._line(6, f"u{k} = u_{k}[i]")
        for k in range(messages):
            for j in range(examples):
                self._statements(j, k)
        for j in range(examples):
            for name in self.nest.carried:
                self._line(6, f"{self._place(name)}_{j}[i] = {self._own(j)[name]}")
        if self.pushes:
            for k in range(messages):
                self._line(6, f"u_{k}[i] = u{k}")

    def _loads(self, j: int) -> None:
        own = self._own(j)
        for name in (*self.given, *self.nest.carried):
            self._line(6, f"{own[name]} = {self._place(name)}_{j}[i]")
        if Output in self.kinds or "weight_gradient" in self.fields:
            self._line(6, f"out{j} = O_{j}[i]")
        if Slope in self.kinds:
            self._line(6, f"slope{j} = L_{j}[i]")

    def _statements(self, j: int, k: int) -> None:
        spelling = self._spelling(j, k)
        for statement in walk(self.body):
            if isinstance(statement, Assign):
                target = spelling.text(Local(statement.name))
                self._line(6, f"{target} = {spelling.typed(statement.value, self.crossing.types[statement.name])}")
            elif isinstance(statement, Push):
                self._line(6, f"u{k} += {spelling.typed(statement.value, Type.FLOAT)} * share")

    def _own(self, j: int) -> dict[str, str]:
        """What the locals of one example are called."""
        return {name: f"a{j}_{local_name(name)}" for name in (*self.given, *self.nest.carried)}

    def _spelling(self, j: int, k: int) -> Spelling:
        x, w = f"x_{j}_{k}", f"w{k}"
        names = {
            "weight": w, "prev_weight": f"p{k}", "index": "index", "output": f"out{j}", "slope": f"slope{j}",
        }  # fmt: skip
        if self.method == "forward":
            names |= {"input": x, "sender": f"(number_{k} - bias)", "is_bias": f"(number_{k} < bias)"}
            names |= {"drawn": f"m{k}"}
            names |= {"count": "int64(incoming)"}
        else:
            names |= {"delta": x, "receiver": f"number_{k}", "is_bias": "False", "count": "int64(outgoing)"}
            names |= {"input_gradient": f"({x} * {w})", "weight_gradient": f"(out{j} * {x})"}
        return Spelling(self.crossing.types, names, self.hazards, own=self._own(j))


#: Examples and messages of a tile. Measured at 128·512·784 for a body of one line: 4·2 1.14 ms, 2·4 1.20, 1·4 1.94; a
#: matrix product of that shape 0.87.
_TILES = (4, 2), (2, 2), (2, 1)
_LARGEST = 160
