"""What a name stands for: the one expression assigned to it before, where substituting it is safe.

Safe means: the assignment is in the same function (or both are module-level), on every way to the use, and between the
two nothing is bound again or changed in place, neither the name nor what its expression reads.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.source_file import SourceFile

DEPTH = 4
"""Names are followed through this many assignments: code that a person would still recognise as one formula."""


def resolved(file: SourceFile, node: ast.expr, depth: int = DEPTH) -> ast.expr:
    """The expression that a name stands for, or the node itself."""
    if depth == 0 or not isinstance(node, ast.Name):
        return node
    value = definition(file, node)
    return node if value is None else resolved(file, value, depth - 1)


def definition(file: SourceFile, name: ast.Name) -> ast.expr | None:
    """The expression whose value the name has, if it may be put in its place."""
    found = _assignment(file, name)
    if found is None:
        return None
    value, between = found
    reads = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} | {name.id}
    if any(changed & reads for changed in map(_changed, between)):
        return None
    return value


def keeps_its_value(file: SourceFile, node: ast.expr, target: ast.expr) -> bool:
    """Whether an expression that stands before `target`'s statement, or in it, has the same value there.

    Each step of following a name is safe by itself; an expression that was found over several moves over all of them.
    """
    origin, use = file.statement(node), file.statement(target)
    if origin is use:
        return True
    last = use.lineno
    for here in _ancestors(file, use):
        if isinstance(here, ast.For | ast.While | ast.AsyncFor) and here.lineno > origin.lineno:
            last = max(last, here.end_lineno or last)
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    around = set(_ancestors(file, use)) | {use}
    between = [
        statement
        for statement in ast.walk(_scope(file, target))
        if isinstance(statement, ast.stmt)
        and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and origin.lineno <= statement.lineno <= last
        and statement not in around
    ]
    return not any(_changed(statement) & names for statement in between)


def _ancestors(file: SourceFile, node: ast.AST) -> Iterator[ast.AST]:
    while node in file.parents:
        node = file.parents[node]
        yield node


def uses(file: SourceFile, name: ast.Name) -> list[ast.Name]:
    """Every reading of the name in the function (or module) where it stands."""
    scope = _scope(file, name)
    return [
        n
        for n in ast.walk(scope)
        if isinstance(n, ast.Name) and n.id == name.id and isinstance(n.ctx, ast.Load)
    ]


def first_value(file: SourceFile, name: ast.Name) -> ast.expr | None:
    """The expression of the one assignment that gives a name its value before it is added to."""
    values = [
        value
        for statement in ast.walk(_scope(file, name))
        if isinstance(statement, ast.stmt) and (value := _assigns(statement, name.id)) is not None
    ]
    return values[0] if len(values) == 1 else None


def _scope(file: SourceFile, node: ast.AST) -> ast.AST:
    while not isinstance(
        node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module | ast.ClassDef
    ):
        node = file.parents[node]
    return node


def _assignment(file: SourceFile, name: ast.Name) -> tuple[ast.expr, list[ast.stmt]] | None:
    """The nearest statement before the use, in its block or one around it, that assigns the name, with the statements
    between; None where it may have been assigned in another way."""
    between: list[ast.stmt] = []
    here: ast.AST = file.statement(name)
    scope = _scope(file, name)
    while here is not scope and here in file.parents:
        for statement in _before(file.parents[here], here):
            value = _assigns(statement, name.id)
            if value is not None:
                return value, between
            if name.id in _changed(statement):
                return None
            between.append(statement)
        here = file.parents[here]
        if isinstance(here, ast.For | ast.While | ast.AsyncFor):
            # What follows the use in a loop's body happens before it in the next round.
            between.append(here)
    return None


def _before(parent: ast.AST, child: ast.AST) -> Iterator[ast.stmt]:
    """The statements before a child in its parent's block, the nearest first."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(parent, field, [])
        if isinstance(block, list) and child in block:
            yield from reversed(block[: block.index(child)])


def _assigns(statement: ast.stmt, name: str) -> ast.expr | None:
    """The expression if the statement is `name = expression`, or `a, name = 1, expression`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name) and target.id == name:
        return value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        both = zip(target.elts, value.elts, strict=True)
        pairs = [(t.id, v) for t, v in both if isinstance(t, ast.Name)]
        read = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        if len(pairs) == len(target.elts) and not read & {t for t, _ in pairs}:
            return dict(pairs).get(name)
    return None


def _changed(statement: ast.stmt) -> set[str]:
    """Names that a statement may bind or change in place: stores, augmented assignments, methods ending in `_`."""
    names: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            names |= _root(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method.endswith("_") and not method.endswith("__"):
                names |= _root(node.func.value)
            names |= {n for k in node.keywords if k.arg == "out" for n in _root(k.value)}
    return names


def _root(node: ast.expr) -> set[str]:
    """The name that an attribute, subscript or method chain begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()
