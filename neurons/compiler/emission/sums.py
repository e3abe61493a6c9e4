"""How the sums over messages are formed: maps of what the senders and receivers said, products of them, in arrays.

Σ left · right is a matrix product of two arrays: of what the messages bring where left and right are that itself
(X and W in `forward`, D and the weights in `backward`), else of maps of it, for which kernels are emitted. Where one
factor is 1, the sum is one of rows or of columns, and no product. Each array is filled once for a layer and a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..analysis.receivers import GRADIENTS
from ..nir.expressions import ONE, Expr, Field, Gemm, Type
from ..nir.statements import Body
from ..nir.trees import all_expressions
from ..operations.buffers import PER_NEURON, Array
from ..operations.gemm import backward_sums, forward_sums
from ..operations.operation import Operation, Product
from ..operations.work import work_of
from .emitted import EmittedPass
from .hazards import Hazards
from .signatures import SCALARS, hypers, mentioned
from .spelling import Spelling


@dataclass(frozen=True)
class Side:
    """The arrays of one method's messages.

    Args:
        left, right: of `input` or `delta`, of the weights of real neurons.
        sums: of the sum of their products.
        names: beginnings of the names of maps of left, of right.
        shapes: of such maps.
        places: message field → its text in a loop over examples e, neurons i, messages s.
        count: text of the number of messages that arrive.
        product: forms Σ.
    """

    left: tuple[Field, str]
    right: tuple[Field, str]
    sums: str
    names: tuple[str, str]
    shapes: tuple[tuple[str, str], tuple[str, str]]
    places: Mapping[str, str]
    count: str
    product: Callable[..., None]


SIDES = {
    "forward": Side(
        (Field("input"), "X"), (Field("weight"), "W"), "S", ("X", "W"),
        (("examples", "senders"), ("senders", "neurons")),
        {"input": "X[e, s]", "weight": "W[s, i]", "is_bias": "(s < bias)", "sender": "(int64(s) - bias)",
         "drawn": "M[s, i]"},
        "incoming", forward_sums,
    ),
    "backward": Side(
        (Field("delta"), "D"), (Field("weight"), "weights"), "G", ("D", "V"),
        (("examples", "receivers"), ("neurons", "receivers")),
        {"delta": "D[e, s]", "weight": "W[i + bias, s]", "prev_weight": "P[i + bias, s]",
         "receiver": "(int64(s) + foremost)"},
        "outgoing", backward_sums,
    ),
}  # fmt: skip


@dataclass
class Sums:
    """The sums of one method of a layer, and what they are formed of.

    Args:
        method: "forward" or "backward".
        arrays: those that were declared.
        kernels: name → kernel that fills one of them.
    """

    method: str
    arrays: dict[str, Array] = field(default_factory=dict)
    kernels: dict[str, EmittedPass] = field(default_factory=dict)
    _known: dict[tuple[str, Expr], str] = field(default_factory=dict)

    @property
    def side(self) -> Side:
        return SIDES[self.method]

    # Names -------------------------------------------------------------------------------------------------------

    def load(self, gemm: Gemm) -> str:
        """The text of a sum in a kernel over examples e and neurons i."""
        name = self._sum(gemm)
        if gemm == GRADIENTS:
            return f"{name}[e, i]"
        place = "[e]" if gemm.right == ONE else "[i]" if gemm.left == ONE else "[e, i]"
        return f"{name}{place}"

    def _sum(self, gemm: Gemm) -> str:
        if gemm == Gemm(self.side.left[0], self.side.right[0]) or gemm == GRADIENTS:
            return self.side.sums
        kind = (
            PER_NEURON if ONE not in (gemm.left, gemm.right) else ("examples",) if gemm.right == ONE else ("neurons",)
        )
        name = self._declared("sum", gemm, self.side.sums, Array(kind))
        if gemm.right == ONE:
            self._emit(name, _ROWS, gemm.left, self.side.left[1])
        elif gemm.left == ONE:
            self._emit(name, _COLUMNS[self.method], gemm.right, self.side.right[1])
        return name

    def left(self, expression: Expr) -> str:
        """The array of what differs between examples, for one message each."""
        plain, array = self.side.left
        return array if expression == plain else self._map("left", expression, 0)

    def _right(self, expression: Expr) -> str:
        plain, array = self.side.right
        return array if expression == plain else self._map("right", expression, 1)

    def over_examples(self, left: Expr) -> str:
        """The array of Σ left over the examples, for each receiver."""
        name = self._declared("examples", left, "Y", Array(("receivers",)))
        self._emit(name, _EXAMPLES, left, "D")
        return name

    def _map(self, kind: str, expression: Expr, which: int) -> str:
        name = self._declared(kind, expression, self.side.names[which], Array(self.side.shapes[which]))
        self._emit(name, _MAPS[self.method, kind], expression, name)
        return name

    def _declared(self, kind: str, expression: Expr, beginning: str, array: Array) -> str:
        known = self._known.get((kind, expression))
        if known is None:
            count = sum(name.rstrip("0123456789") == beginning for name in self.arrays) + 1
            known = self._known[kind, expression] = f"{beginning}{count}"
            self.arrays[known] = array
        return known

    # Kernels -----------------------------------------------------------------------------------------------------

    def _emit(self, name: str, form: str, expression: Expr, over: str) -> None:
        index = "(int64(ids[i]) - first - 1)"
        names = {**self.side.places, "index": index, "count": f"int64({self.side.count})"}
        text = form.format(
            out=name, value=Spelling({}, names, Hazards()).typed(expression, Type.FLOAT), **_LENGTHS[self.method]
        )
        arrays = mentioned(text, (name, "X", "W", "M", "D", "P", "ids"))
        arguments = (*arrays, *mentioned(text, SCALARS), *hypers(expression))
        whole = f"@kernel\ndef {filler(name)}({', '.join(arguments)}):\n{text}"
        self.kernels[filler(name)] = EmittedPass(filler(name), whole, arguments, name, over, work_of(expression))

    # Operations --------------------------------------------------------------------------------------------------

    def operations(self, gemms: Iterable[Gemm], kernels: Mapping[str, Operation]) -> list[Operation]:
        """What fills the arrays of some sums, in order."""
        maps: dict[str, Operation] = {}
        products: list[Operation] = []
        for gemm in gemms:
            name = self._sum(gemm)
            if gemm == GRADIENTS:  # the receivers have given it
                continue
            if ONE in (gemm.left, gemm.right):
                maps[name] = kernels[filler(name)]
                continue
            left, right = self.left(gemm.left), self._right(gemm.right)
            maps |= {array: kernels[filler(array)] for array in (left, right) if array in self.arrays}
            products.append(Product(self.side.product, left, right, name))
        return [*maps.values(), *products]

    def declare(self, gemms: Iterable[Gemm]) -> None:
        """Name the arrays of some sums, and write the kernels that fill them."""
        for gemm in gemms:
            self._sum(gemm)
            if ONE not in (gemm.left, gemm.right):
                self.left(gemm.left)
                self._right(gemm.right)


def filler(array: str) -> str:
    """The name of the kernel that fills an array."""
    return f"fill_{array}"


def sums_in(body: Body) -> list[Gemm]:
    """The sums that a body reads, each once."""
    return list(dict.fromkeys(part for part in all_expressions(body) if isinstance(part, Gemm)))


_LENGTHS = {
    "forward": {"messages": "X.shape[1]", "weights": "W.shape[0]"},
    "backward": {"messages": "D.shape[1]", "weights": "D.shape[1]"},
}
_LEFT = """\
    for e in range({out}.shape[0]):
        for s in range({out}.shape[1]):
            {out}[e, s] = {value}"""
_MAPS = {
    ("forward", "left"): _LEFT,
    ("backward", "left"): _LEFT,
    ("forward", "right"): """\
    for s in range({out}.shape[0]):
        for i in range({out}.shape[1]):
            {out}[s, i] = {value}""",
    ("backward", "right"): """\
    for i in range({out}.shape[0]):
        for s in range({out}.shape[1]):
            {out}[i, s] = {value}""",
}
_ROWS = """\
    for e in range(len({out})):
        total = ZERO
        for s in range({messages}):
            total += {value}
        {out}[e] = total"""
_COLUMNS = {
    "forward": """\
    {out}[:] = ZERO
    for s in range({weights}):
        for i in range(len({out})):
            {out}[i] += {value}""",
    "backward": """\
    for i in range(len({out})):
        total = ZERO
        for s in range({weights}):
            total += {value}
        {out}[i] = total""",
}
_EXAMPLES = """\
    {out}[:] = ZERO
    for e in range(D.shape[0]):
        for s in range(len({out})):
            {out}[s] += {value}"""
