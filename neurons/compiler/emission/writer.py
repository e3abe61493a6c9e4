"""One kernel as text: the loops over examples and neurons, and a method's body inside them.

Its arguments are those of `signatures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..analysis.receivers import GRADIENTS
from ..capture.keeping import synapse_states
from ..capture.tables import table_names
from ..nir.expressions import ONE, Draw, Expr, Field, Gemm, Slope, SynapseDraw, Type
from ..nir.statements import (
    Assign,
    Backpropagate,
    Body,
    Break,
    Continue,
    FeedForward,
    If,
    Keep,
    MessageLoop,
    Push,
    PushFactor,
    RangeLoop,
    SetField,
    SetSlope,
    Stmt,
    While,
)
from ..nir.trees import all_expressions, walk
from ..operations.work import arithmetic
from .crossing import Crossing
from .drawing import draw_call, drawn_by_all, hazard_lines, word_lines
from .emitted import Emitted
from .hazards import Hazards
from .signatures import ARRAYS, FIELDS, LENGTH, NAMED, SCALARS, hypers, mentioned
from .spelling import CASTS, Spelling, local_name
from .sums import Sums, sums_in

_ZERO = {Type.FLOAT: "ZERO", Type.INT: "int64(0)", Type.BOOL: "False"}


class Writer:
    """Writes one kernel.

    Args:
        name: the kernel's name.
        body: the method, specialised and pruned, or a phase of it.
        method: "forward", "backward" or "through", which leads from a layer's deltas on to what feeds it one to one.
        link: "dense" or "single": what kind of connection the messages come over.
        crossing: what it finds and leaves.
        hazards: receives what the kernel has to look out for.
        sums: where the sums over messages are.
        factors: the arrays of the push's factors.
        bias_sender: True for the kernel of a layer's bias sender.
    """

    def __init__(
        self,
        name: str,
        body: Body,
        method: str,
        link: str,
        crossing: Crossing,
        *,
        hazards: Hazards,
        sums: Sums | None = None,
        factors: Mapping[tuple[Expr, Expr], str] | None = None,
        bias_sender: bool = False,
    ) -> None:
        self.name = name
        self.body = body
        self.method = method
        self.link = link
        self.crossing = crossing
        self.sums = sums
        self.factors = factors or {}
        self.bias_sender = bias_sender
        self.types = crossing.types
        self.kept_loops = any(isinstance(statement, MessageLoop) for statement in walk(body))
        self.fields = FIELDS[(method, link)]
        self.spelling = Spelling(self.types, self._names(), hazards, self._sums(hazards))
        self.lines: list[str] = []
        self.rows = {} if bias_sender else drawn_by_all(body, crossing.draws)

    def _names(self) -> dict[str, str]:
        # Of the whole network: a sub-model that is computed compactly has fewer.
        count = "incoming" if self.method == "forward" else "outgoing"
        if self.bias_sender and self.method == "forward":
            count = "0"
        # A loop over messages gives its fields names; "through" has one message, and no loop.
        names = dict(self.fields) if self.method == "through" else {name: f"m_{name}" for name in self.fields}
        return names | {"index": "index", "output": "out", "slope": "slope", "count": f"int64({count})"}

    def _sums(self, hazards: Hazards) -> dict[Gemm, str]:
        """Where each sum is: loaded, computed right here, or, of one message, written down."""
        found = sums_in(self.body)
        if self.bias_sender:
            return {gemm: "H[e, 0]" if gemm == GRADIENTS else f"total_{place}" for place, gemm in enumerate(found)}
        if self.link == "single":
            return {gemm: self._of_message(gemm, hazards) for gemm in found}
        return {gemm: self.sums.load(gemm) for gemm in found} if self.sums is not None else {}

    def _of_message(self, gemm: Gemm, hazards: Hazards) -> str:
        spelling = Spelling({}, self._names() | self.fields, hazards)
        parts = [spelling.typed(part, Type.FLOAT) for part in (gemm.left, gemm.right) if part != ONE]
        return f"({' * '.join(parts)})"

    def write(self) -> Emitted:
        """The kernel."""
        rows = word_lines(self.rows, self.method)
        inner = self._neuron()
        text = "\n".join([*rows, *inner])
        declared = [name for name in (self.sums.arrays if self.sums is not None else ()) if name not in ARRAYS]
        arrays = mentioned(text, (*ARRAYS, *declared, *self.factors.values()))
        if self.rows:
            arrays.append("R")
        arrays += sorted(set(NAMED.findall(text)))
        arrays += mentioned(text, self.crossing.arrays)
        scalars = mentioned(text, SCALARS)
        numbers = mentioned(text, hypers(*all_expressions(self.body), *self._factors_of_sums()))
        arrays += table_names(*all_expressions(self.body))
        arguments = (*dict.fromkeys(arrays), "ids", "positions", "lanes", *scalars, *numbers)
        head = [
            "@kernel",
            f"def {self.name}({', '.join(arguments)}):",
            *(f"    row_{row} = R[{row}]" for row, _ in enumerate(self.rows)),
            "    for e in range(len(positions)):",
            *(f"        {name} = {name}s[e]" for name in mentioned(text, ("position", "lane"))),
            *rows,
            "        for i in range(len(ids)):",
        ]
        return Emitted(self.name, "\n".join(head + inner), arguments, arithmetic(self.body))

    def scalar_lines(self, value: Expr) -> str:
        """The body and its value as lines of a loop over units; ``{target}`` stands for where the value goes."""
        self.lines = []
        self._statements(self.body, 2)
        return "\n".join([*self.lines, f"            {{target}} = {self.spelling.typed(value, Type.FLOAT)}"])

    # The body of the loop over neurons ---------------------------------------------------------------------------

    def _neuron(self) -> list[str]:
        """The body, which names the neuron where it asks for it: numba compiles what nobody reads, too."""
        self.lines = []
        depth = 2
        if self.method == "backward" and self.link == "dense" and (self.kept_loops or self.bias_sender):
            # Not of the index: W may have the rows of a task's neurons only.
            self._line(depth, "row = 0" if self.bias_sender else "row = i + bias")
        drawing = any(isinstance(item, Assign) and isinstance(item.value, Draw) for item in walk(self.body))
        if drawing:
            before = f" + {self.crossing.draws}" if self.crossing.draws else ""
            self._line(depth, f"draw = u32({self.method.upper()}{before})")
        self._initial(depth)
        watched = self.crossing.watched
        if watched:
            self._line(depth, "said = 0")
        self._statements(self.body, depth)
        self._final(depth)
        if watched:
            code = 1 if watched is FeedForward else 2
            self._line(depth, "if said != 1:")
            self._line(depth + 1, f"status[0] = {code}")
        head: list[str] = []
        if mentioned("\n".join(self.lines), ["index"]):
            head.append("            index = int64(neuron) - first - 1")
        if mentioned("\n".join([*head, *self.lines]), ["neuron"]):
            head.insert(0, "            neuron = ids[i]")
        return [*head, *self.lines]

    def _initial(self, depth: int) -> None:
        forward, resumed = self.method == "forward", self.crossing.resumed
        for name, kind in self.types.items():
            value = _ZERO[kind]
            if name in self.crossing.loads:
                array = self.crossing.loads[name]
                # `backward` may assign a float to what was an integer.
                value = f"{array}[e, i]"
                value = value if self.crossing.arrays[array] is kind else f"{CASTS[kind]}({value})"
            self._line(depth, f"{local_name(name)} = {value}")
        expressions = list(all_expressions(self.body))
        if forward:
            start = "ONE" if self.bias_sender else "ZERO"
            self._line(depth, f"out = {'O[e, i + 1]' if FeedForward in resumed else start}")
            if self._leaves(SetSlope):
                self._line(depth, f"slope = {'L[e, i]' if SetSlope in resumed else 'ZERO'}")
            return
        self._line(depth, "out = ONE" if self.bias_sender else "out = O[e, i + 1]")
        if self._leaves(Backpropagate):
            self._line(depth, f"back = {'B[e, i]' if Backpropagate in resumed else 'ZERO'}")
        for key, array in self._pushed().items():
            place = self._place_of_factor(array)
            self._line(depth, f"factor_{array} = {place if key in self.crossing.pushed else 'ZERO'}")
        if any(isinstance(part, Slope) for part in expressions):
            self._line(depth, "slope = L[e, i]")
        if self.bias_sender:
            self._totals(depth)

    def _leaves(self, kind: type[Stmt]) -> bool:
        """True where this kernel is one that leaves what such statements say."""
        return kind in self.crossing.leaves or any(isinstance(statement, kind) for statement in walk(self.body))

    def _final(self, depth: int) -> None:
        if self._leaves(FeedForward) and not self.bias_sender:
            self._line(depth, "O[e, i + 1] = out")
        for name, array in self.crossing.stores.items():
            self._line(depth, f"{array}[e, i] = {local_name(name)}")
        if self._leaves(SetSlope):
            self._line(depth, "L[e, i] = slope")
        if self._leaves(Backpropagate):
            self._line(depth, "B[e, i] = back")
        for array in self._pushed().values():
            self._line(depth, f"{self._place_of_factor(array)} = factor_{array}")

    def _pushed(self) -> dict[tuple[Expr, Expr], str]:
        pushes = [statement for statement in walk(self.body) if isinstance(statement, PushFactor)]
        return {key: self.factors[key] for key in dict.fromkeys((item.left, item.right) for item in pushes)}

    def _place_of_factor(self, array: str) -> str:
        return f"{array}[e, {'0' if self.bias_sender else 'i + 1'}]"

    def _totals(self, depth: int) -> None:
        """The sums of a bias sender, whose row no product covers."""
        for gemm, total in self.spelling.sums.items():
            if gemm == GRADIENTS:  # the receivers have given it
                continue
            self._line(depth, f"{total} = ZERO")
            self._line(depth, "for s in range(D.shape[1]):")
            self._line(depth + 1, f"{total} += {self._of_message(gemm, self.spelling.hazards)}")

    def _factors_of_sums(self) -> list[Expr]:
        return [part for gemm in self.spelling.sums for part in (gemm.left, gemm.right)]

    # Statements --------------------------------------------------------------------------------------------------

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * (depth + 1) + text)

    def _statements(self, body: Iterable[Stmt], depth: int) -> None:
        for statement in body:
            self._statement(statement, depth)

    def _nested(self, body: Body, depth: int) -> None:
        if not body:
            self._line(depth, "pass")
        self._statements(body, depth)

    def _statement(self, statement: Stmt, depth: int) -> None:
        spell = self.spelling
        match statement:
            case Assign(value=Draw() as drawn):
                self._draw(statement, drawn, depth)
            case Assign(name, value):
                self._line(depth, f"{local_name(name)} = {spell.typed(value, self.types[name])}")
            case If(condition, then, otherwise):
                self._line(depth, f"if {spell.condition(condition)}:")
                self._nested(then, depth + 1)
                if otherwise:
                    self._line(depth, "else:")
                    self._nested(otherwise, depth + 1)
            case MessageLoop(body):
                self._messages(body, depth)
            case RangeLoop(name, start, stop, step, body):
                bounds = ", ".join(spell.typed(bound, Type.INT) for bound in (start, stop, step))
                self._line(depth, f"for {local_name(name)} in range({bounds}):")
                self._nested(body, depth + 1)
            case While(body):
                self._line(depth, "while True:")
                self._nested(body, depth + 1)
            case Break() | Continue():
                self._line(depth, type(statement).__name__.lower())
            case FeedForward(value):
                self._said("out", value, FeedForward, depth)
            case Backpropagate(value):
                self._said("back", value, Backpropagate, depth)
            case SetSlope(value):
                self._line(depth, f"slope = {spell.typed(value, Type.FLOAT)}")
            case PushFactor(value, left, right):
                # Added: what the receivers decide may come in two terms.
                self._line(depth, f"factor_{self.factors[left, right]} += {spell.typed(value, Type.FLOAT)}")
            case Push(value) if self.link == "dense":
                self._line(depth, f"U[row, s] += {spell.typed(value, Type.FLOAT)} * share")
            case Keep(name, value):
                self._line(depth, f"K_{name}[e, i] = {spell.typed(value, Type.FLOAT)}")
            case SetField(name, value):
                self._set_field(name, spell.typed(value, Type.FLOAT), depth)
            case _:
                self._line(depth, "pass")

    def _set_field(self, name: str, value: str, depth: int) -> None:
        """What one example leaves in a synapse: the next one begins at what was there before the batch."""
        if self.link == "single":
            self._line(depth, f"m_{name} = {value}")
            return
        self._line(depth, f"left_{name} = {value}")
        # Not as a factor 0: an example that does not count may have left an infinity.
        self._line(depth, f"if F_{name}[e] != ZERO:")
        self._line(depth + 1, f"U_{name}[row, s] += (left_{name} - m_{name}) * F_{name}[e]")
        self._line(depth, f"m_{name} = left_{name}")

    def _said(self, target: str, value: Expr, kind: type[Stmt], depth: int) -> None:
        self._line(depth, f"{target} = {self.spelling.typed(value, Type.FLOAT)}")
        if self.crossing.watched is kind:
            self._line(depth, "said += 1")

    def _messages(self, body: Body, depth: int) -> None:
        if self.bias_sender and self.method == "forward":
            self._line(depth, "pass")
            return
        self._line(depth, f"for s in range({LENGTH.get((self.method, self.link), '1')}):")
        parts = list(all_expressions(body))
        names = {part.name for part in parts if isinstance(part, Field)}
        if any(isinstance(part, SynapseDraw) for part in parts):
            names |= {"drawn", "is_bias"} & self.fields.keys()
        for name in sorted(names):
            self._line(depth + 1, f"m_{name} = {self.fields[name]}")
        for name in sorted(synapse_states(body)):
            self._line(depth + 1, f"m_{name} = {f'T_{name}[row, s]' if self.link == 'dense' else f'I_{name}'}")
        self._nested(body, depth + 1)

    def _draw(self, statement: Assign, drawn: Draw, depth: int) -> None:
        row = list(self.rows).index(statement) if statement in self.rows else None
        if not self.bias_sender:
            for line in hazard_lines(statement, drawn, self.spelling):
                self._line(depth, line)
        call = draw_call(drawn, self.spelling, row, exempt=self.bias_sender)
        self._line(depth, f"{local_name(statement.name)} = {call}")
        self._line(depth, "draw = u32(draw + u32(1))")
