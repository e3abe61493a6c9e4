"""Random draws in a kernel: those that every neuron makes are computed for all of them at once, others one by one."""

from __future__ import annotations

from ..analysis.chances import decided
from ..analysis.once import draws
from ..nir.expressions import Const, Draw, Type
from ..nir.statements import Assign, Body
from .spelling import Spelling


def drawn_by_all(body: Body, first: int) -> dict[Assign, int]:
    """The draws that every neuron makes, under no condition, with their numbers; `first` of them come before."""
    found: dict[Assign, int] = {}
    for number, statement in enumerate((item for item in body if draws(item)), first):
        if not isinstance(statement, Assign):
            break
        assert isinstance(statement.value, Draw)
        if statement.value.kind != "normal":  # takes two words
            found[statement] = number
    return found


def word_lines(rows: dict[Assign, int], method: str) -> list[str]:
    """The lines that compute the words of the draws of `drawn_by_all`, within the loop over examples."""
    lines: list[str] = []
    for row, (statement, number) in enumerate(rows.items()):
        shared = isinstance(statement.value, Draw) and statement.value.kind == "binomial"
        place, places = ("lane", "lanes") if shared else ("position", "positions")
        draw = f"step, u32({method.upper()} + {number}), k0, k1"
        if shared:
            lines += [
                "        if nested:",
                f"            row_{row} = nested_words(R[{row}], ids, lane, position, {draw})",
            ]
        lines += [
            f"        {'el' if shared else ''}if e == 0 or {place} != {places}[e - 1]:",
            f"            row_{row} = words(R[{row}], ids, {place}, {draw})",
        ]
    return lines


def draw_call(drawn: Draw, spelling: Spelling, row: int | None, *, exempt: bool) -> str:
    """The text of one draw.

    Args:
        drawn: the draw.
        spelling: writes its arguments.
        row: the row of words that holds its bits; None where it is made alone.
        exempt: True for a bias sender, for which every trial succeeds: it is never dropped.
    """
    return f"real({_draw(drawn, spelling, row, exempt=exempt)})"  # what `random` gives is float32


def _draw(drawn: Draw, spelling: Spelling, row: int | None, *, exempt: bool) -> str:
    first, second = (spelling.typed(argument, Type.FLOAT) for argument in drawn.arguments)
    if drawn.kind == "binomial" and exempt:
        return first
    if drawn.kind == "binomial":
        bits = "shared_word(neuron, lane, position, nested, step, draw, k0, k1)" if row is None else f"row_{row}[i]"
        if drawn.arguments[0] == Const(1):
            return f"bernoulli_of({bits}, {second})"
        return f"binomial_of({bits}, {spelling.typed(drawn.arguments[0], Type.INT)}, {second})"
    suffix, bits = ("", "neuron, position, step, draw, k0, k1") if row is None else ("_of", f"row_{row}[i]")
    return f"{drawn.kind}{suffix}({bits}, {first}, {second})"


def hazard_lines(statement: Assign, drawn: Draw, spelling: Spelling) -> list[str]:
    """The lines that look out for probabilities and numbers of trials that are none, where only a run can tell."""
    if drawn.kind != "binomial":
        return []
    lines: list[str] = []
    trials, chance = (spelling.typed(argument, Type.FLOAT) for argument in drawn.arguments)
    if not decided(drawn.arguments[1]):
        code = spelling.hazards.code("binomial(n, p): p must be in [0, 1], got {value}", statement.where)
        lines += [f"if not ZERO <= {chance} <= ONE:", f"    status[0], status[1] = {code}, {chance}"]
    if not isinstance(drawn.arguments[0], Const):
        wrong = "binomial(n, p): n must be a whole number of trials, got {value}"
        code = spelling.hazards.code(wrong, statement.where)
        lines += [f"if {trials} < ZERO or {trials} != np.floor({trials}):"]
        lines += [f"    status[0], status[1] = {code}, {trials}"]
    return lines
