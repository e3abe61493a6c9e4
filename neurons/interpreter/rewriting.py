"""A function's code with the operators of `whole` in place of Python's, line by line as it was written.

What is surely a float, as most arithmetic on messages is, keeps Python's operators: NumPy's float32 does it right.
"""

from __future__ import annotations

import ast
from types import CodeType, FunctionType
from typing import Any

from ..compiler.capture.source import read_source
from ..compiler.nir.literals import literal
from ..errors import NeuronError
from ..syntax import code_of
from .numbers import Numbers
from .whole import OPERATORS, operators, truth

#: No name that a user can write.
_TRUTH, _OPERATOR, _FUNCTION = "horn.truth", "horn.{}", "horn.function"
#: Fields of messages that are floats.
_FLOATS = frozenset({"input", "weight", "delta", "prev_weight", "input_gradient", "weight_gradient"})
_FUTURES = 0xFFF0000  # the flags of code that ``from __future__`` sets


def operator_names(numbers: Numbers) -> dict[str, Any]:
    """What rewritten code looks up beside the function's own globals."""
    return {_TRUTH: truth} | {_OPERATOR.format(name): function for name, function in operators(numbers).items()}


def rewritten(function: FunctionType) -> CodeType:
    """The function's code, rewritten; as it is where its source is not to be had."""
    code = function.__code__
    try:
        source = read_source(function)
    except NeuronError:
        return code
    tree = ast.fix_missing_locations(_Rewriting(code.co_varnames[:1]).visit(source.tree))
    ast.increment_lineno(tree, source.first - 1)
    if any(_mangled(name) for node in ast.walk(tree) for name in (getattr(node, "attr", ""), getattr(node, "id", ""))):
        return code
    statement: ast.stmt = ast.Return(tree) if isinstance(tree, ast.Lambda) else tree
    if isinstance(tree, ast.FunctionDef):
        # Under another name: its own may be a global's, which it must go on to be.
        tree.decorator_list, tree.name = [], _FUNCTION
    # Within a function that has its free variables, so that they are free again, __class__ of super() among them.
    arguments = ast.arguments([], [ast.arg(name) for name in code.co_freevars], None, [], [], None, [])
    around = ast.FunctionDef("around", arguments, [statement], [])
    module = ast.fix_missing_locations(ast.Module([around], []))
    compiled = code_of(module, code.co_filename, code.co_flags & _FUTURES)
    (outer,) = (item for item in compiled.co_consts if isinstance(item, CodeType))
    # The last: its defaults may be lambdas, too.
    inner = [item for item in outer.co_consts if isinstance(item, CodeType)][-1]
    return inner.replace(co_name=code.co_name, co_qualname=code.co_qualname, co_firstlineno=code.co_firstlineno)


class _Rewriting(ast.NodeTransformer):
    """Puts the operators in.

    Args:
        first: the name of the first parameter: its attributes are the user's.
    """

    def __init__(self, first: tuple[str, ...]) -> None:
        self.first = first

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        plain = all(isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for op in node.ops)
        return node if plain else _call(_TRUTH, [node], node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _written_out(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        number = _written_out(node)
        if number is node:
            self.generic_visit(node)
        return number

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        number = _written_out(node)
        if number is not node:
            return number
        kept = self._kept(node)
        self.generic_visit(node)
        return node if kept else _call(_OPERATOR.format(type(node.op).__name__), [node.left, node.right], node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        target = node.target
        loaded: ast.expr
        match target:
            case ast.Name(id=name):
                loaded = ast.Name(name, ast.Load())
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                loaded = ast.Attribute(ast.Name(owner, ast.Load()), name, ast.Load())
            case _:
                return node
        whole = ast.copy_location(ast.BinOp(ast.copy_location(loaded, target), node.op, node.value), node)
        if self._kept(whole):
            self.generic_visit(node)
            return node
        return ast.copy_location(ast.Assign([target], self.visit(whole)), node)

    def _kept(self, node: ast.BinOp) -> bool:
        """True where Python's operator does it."""
        if isinstance(node.op, ast.Pow):  # Python's gives a complex number where NumPy's gives none
            return False
        return type(node.op).__name__ not in OPERATORS or self._float(node.left) or self._float(node.right)

    def _float(self, node: ast.expr) -> bool:
        """True where a value is surely a float."""
        match node:
            case ast.Constant(value=float()):
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return name in _FLOATS and owner not in self.first
            case ast.BinOp(left=left, op=op, right=right):
                return isinstance(op, ast.Div) or self._float(left) or self._float(right)
            case ast.UnaryOp(operand=operand):
                return self._float(operand)
        return False


def _written_out(node: ast.expr) -> ast.expr:
    """The value of whole numbers that are written out, which compiled code has computed beforehand; else the node."""
    number = literal(node)
    return node if number is None else ast.copy_location(ast.Constant(number), node)


def _call(name: str, arguments: list[ast.expr], node: ast.expr) -> ast.expr:
    function = ast.copy_location(ast.Name(name, ast.Load()), node)
    return ast.copy_location(ast.Call(function, arguments, []), node)


def _mangled(name: str) -> bool:
    """True for a name that means another one inside of its class."""
    return name.startswith("__") and not name.endswith("__")
