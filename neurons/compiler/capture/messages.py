"""The loop over a method's messages, wherever the user writes one: a statement, or within ``sum(...)``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ..nir.statements import Body, MessageLoop
from .frames import Scope
from .values import MessageRef


def over_messages(scope: Scope, name: str, lower_body: Callable[[], Body], node: ast.AST) -> None:
    """Emit a loop over the messages.

    Args:
        scope: where it is emitted.
        name: what the message at hand is called.
        lower_body: lowers the loop's body.
        node: the user's loop.

    Raises:
        NeuronError: it stands inside another one.
    """
    if scope.loops:
        raise scope.error("a loop over messages inside a loop over messages cannot be compiled", node)
    scope.used += 1
    loop = scope.used
    scope.frame.names[name] = MessageRef(loop)
    scope.loops.append(loop)
    try:
        body = lower_body()
    finally:
        scope.loops.pop()
    scope.emit(MessageLoop(body, where=scope.where(node)))
