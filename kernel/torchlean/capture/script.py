"""The top level of a file, statement by statement: an error in one does not stop the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchlean.capture.budgets import OutOfFuel
from torchlean.capture.calling import report_raised
from torchlean.capture.conditions import forget_assigned
from torchlean.capture.deferred_imports import deferred_imports
from torchlean.capture.environment import Frame
from torchlean.capture.values import ModuleValue, Raised, Unknown

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

LAST_STEPS = 3_000
"""Steps for each definition after the file's budget is used up, so that its classes and claims are still known."""


def follow_top_level(run: Interpreter, frame: Frame) -> None:
    """Follow a file's statements. What raises is reported and skipped, as the file is being written."""
    exhausted = False
    for statement in frame.module.tree.body:
        if exhausted and not isinstance(
            statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
        ):
            forget_assigned(run, [statement], frame, Unknown("the analysis budget is used up", reported=True))
            continue
        if exhausted:
            run.fuel.give_back(LAST_STEPS)
        deferred = deferred_imports(statement)
        itself = run.modules.get(frame.module.path)
        if deferred is not None and isinstance(itself, ModuleValue):
            itself.deferred, run.left_out = deferred, True
            continue
        try:
            run.exec(statement, frame)
        except Raised as raised:
            if frame.caught:
                raise
            run.left_out = True
            report_raised(run, raised)
            forget_missing(run, statement, frame)
        except OutOfFuel:
            if frame.chain:
                raise  # an imported file: the import statement is where the budget ran out
            exhausted = True
            unknown = run.over_budget("the file takes more steps than TorchLean follows")
            forget_assigned(run, [statement], frame, unknown)


def forget_missing(run: Interpreter, statement: ast.stmt, frame: Frame) -> None:
    """Names that a statement would have defined, had it not raised, are unknown rather than undefined."""
    for name in _defined(statement):
        names = frame.environment.target(name)
        if name not in names:
            run.assign(names, name, Unknown("the statement that defines it raises", reported=True))


def _defined(statement: ast.stmt) -> Iterator[str]:
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            continue
        if not isinstance(node, ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
