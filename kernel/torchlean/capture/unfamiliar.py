"""Syntax of a Python that is newer than all that is followed here: unknown where it stands, and no more than that."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from torchlean.capture.conditions import forget_assigned
from torchlean.capture.environment import Frame
from torchlean.capture.interpreter import EXPRESSIONS, STATEMENTS, Interpreter
from torchlean.capture.values import Unknown


def pass_over(kinds: Iterable[Any]) -> None:
    """Register what is done with the kinds of expressions and statements among these that nothing else follows."""
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, ast.expr):
            EXPRESSIONS.setdefault(kind, _expression)
        elif isinstance(kind, type) and issubclass(kind, ast.stmt):
            STATEMENTS.setdefault(kind, _statement)


def _expression(run: Interpreter, node: ast.expr, frame: Frame) -> Unknown:
    run.at(node, frame)
    return Unknown(_reason(node), run.place())


def _statement(run: Interpreter, node: ast.stmt, frame: Frame) -> None:
    run.at(node, frame)
    forget_assigned(run, [node], frame, run.unfollowed(_reason(node)))


def _reason(node: ast.AST) -> str:
    return f"this syntax (`ast.{type(node).__name__}`) is newer than what is followed"
