"""What the language has no word for, and what to write instead."""

from __future__ import annotations

import ast

#: Statement → what it is called, what to write instead.
_STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("try", "test the condition with an if; a division by zero gives inf or nan and raises nothing"),
    ast.TryStar: ("try", "test the condition with an if; a division by zero gives inf or nan and raises nothing"),
    ast.Raise: (
        "raise",
        "check numbers where the network is built, or check it in a network with engine='interpreter'",
    ),
    ast.Assert: ("assert", "leave it out, or check with engine='interpreter' first"),
    ast.With: ("with", "leave it out: there is nothing to open or to lock"),
    ast.Import: ("an import inside of a method", "import at the head of the file"),
    ast.ImportFrom: ("an import inside of a method", "import at the head of the file"),
    ast.FunctionDef: ("a function inside of a method", "write it outside, at the head of the file or as a method"),
    ast.ClassDef: ("a class inside of a method", "write it outside, at the head of the file"),
    ast.Delete: ("del", "leave it out: variables end with the method"),
    ast.Match: ("match", "write if and elif"),
    ast.Global: (
        "a change of a global",
        "keep values in self.x: there are thousands of each neuron, in many processes",
    ),
    ast.Nonlocal: (
        "a change of an outer variable",
        "keep values in self.x: there are thousands of each neuron, in many processes",
    ),
}
_LOOP = "loop over the messages, or write sum(... for m in messages), max(...) or min(...)"
_TABLE = "keep numbers in variables or in self.x; a table is a tuple or a NumPy array at the head of the file"
_GENERATOR = ("yield", "a neuron is no generator: call self.feedforward(output) once; helpers return")
#: Expression → what it is called, what to write instead.
_EXPRESSIONS: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("a lambda inside of a method", "write it outside, at the head of the file or as a method"),
    ast.ListComp: ("a list", _LOOP),
    ast.SetComp: ("a set", _LOOP),
    ast.DictComp: ("a dictionary", _LOOP),
    ast.GeneratorExp: ("a generator", _LOOP),
    ast.List: ("a list", _TABLE),
    ast.Set: ("a set", _TABLE),
    ast.Dict: ("a dictionary", _TABLE),
    ast.JoinedStr: ("a string", "leave it out: a neuron computes with numbers"),
    ast.Constant: ("this constant", "a neuron computes with whole numbers, floats and truth values"),
    ast.Starred: ("*", "write the values out"),
    ast.Slice: ("a slice", "take the items one by one"),
    ast.Subscript: (
        "this item",
        "take an item of a tuple, list or dictionary by a known key, or of a NumPy array by whole numbers",
    ),
    ast.Yield: _GENERATOR,
    ast.YieldFrom: _GENERATOR,
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitAnd: "write 'and'",
    ast.BitOr: "write 'or'",
    ast.BitXor: "write '!='",
    ast.LShift: "multiply by a power of two",
    ast.RShift: "divide by a power of two with //",
    ast.MatMult: "loop over the messages: sum(m.input * m.weight for m in messages)",
}
_WAY_OUT = "; engine='interpreter' runs any Python"
_ELSE = "a neuron may use numbers, messages, self, math.*, if, for, while and helper functions of these"


def refusal(node: ast.stmt | ast.expr) -> str:
    """The message for a construct that cannot be compiled."""
    if isinstance(node, ast.Expr):
        node = node.value
    name, cure = _name_and_cure(node)
    return f"{name} cannot be compiled: {cure}{_WAY_OUT}"


def without_way_out(message: str) -> str:
    """A refusal for whom the interpreter is no way out: it runs the network already, or something is to be derived."""
    return message.removesuffix(_WAY_OUT)


def _name_and_cure(node: ast.stmt | ast.expr) -> tuple[str, str]:
    if isinstance(node, ast.BinOp):
        return "this operator", _OPERATORS.get(type(node.op), _ELSE)
    if isinstance(node, ast.stmt):
        return _STATEMENTS.get(type(node), ("this statement", _ELSE))
    return _EXPRESSIONS.get(type(node), ("this expression", _ELSE))
