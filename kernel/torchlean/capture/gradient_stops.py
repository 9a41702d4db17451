"""Where a program stops derivatives: `detach` and `torch.no_grad` leave no node, so it is remembered beside the graph.

Places are remembered, not executions: a block without gradients stops what it computed whenever it ran.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from torchlean.capture.values import TensorValue, UserFunction, Value
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

DETACHING = frozenset({"torch.detach", "torch.Tensor.detach", "torch.Tensor.detach_", "torch.Tensor.data"})
"""What gives the same numbers and stops derivatives."""

KNOWN = "nodes of derivatives"
"""Under this key of the interpreter's state: the nodes that derivatives of one unit made, by their digests. Each unit
makes its own, at its own places in the text."""

_STOPS = "gradient stops"
_DETACHED = "detached nodes"


def remember_detached(run: Interpreter, value: Value) -> None:
    """A value was detached; its node is shared with the one that was not."""
    if isinstance(value, TensorValue):
        run.state.setdefault(_DETACHED, set()).add(value.node)


def is_detached(run: Interpreter, node: int) -> bool:
    return node in run.state.get(_DETACHED, ())


def remember_switched_off(run: Interpreter, function: Value) -> None:
    """The call that is being followed switches gradients off: in a block, in a function, or in the whole file."""
    if isinstance(function, UserFunction):
        run.state.setdefault(_STOPS, []).append(function.module.span(function.node))
        return
    if run.frame is None:
        return
    module = run.frame.module
    block = next((node for node in ast.walk(module.tree) if run.node in _heads(node)), None)
    whole = Span(module.path, 0, 0, len(module.lines), 0)
    run.state.setdefault(_STOPS, []).append(whole if block is None else module.span(block))


def _heads(node: ast.AST) -> list[ast.expr]:
    """The context managers or decorators of a statement."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return [item.context_expr for item in node.items]
    return node.decorator_list if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else []


def stop_around(run: Interpreter, places: tuple[Span, ...]) -> Span | None:
    """Where gradients are switched off around one of these places."""
    stops: list[Span] = run.state.get(_STOPS, [])
    return next((stop for stop in stops if any(_contains(stop, place) for place in places)), None)


def _contains(outer: Span, inner: Span) -> bool:
    return outer.path == inner.path and (
        (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )
