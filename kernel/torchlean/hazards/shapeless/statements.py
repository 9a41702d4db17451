"""Statements over tensors without shapes: each branch and each loop body once, in order."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from torchlean.hazards.shapeless.interpreter import PASS, Interpreter, Names
from torchlean.hazards.shapeless.streams import item_of
from torchlean.hazards.shapeless.values import (
    ClassValue,
    Function,
    Items,
    Namespace,
    Object,
    Opaque,
    Stream,
    Value,
    is_network,
)

RESULT = "return"
"""The name of what a function gives back; no Python name can be a keyword."""


def run_function(run: Interpreter, function: Function, names: Names) -> Value:
    """The result of a call: the last value that a `return` reached gave."""
    if isinstance(function.node, ast.Lambda):
        return run.eval(function.node.body, names)
    names.pop(RESULT, None)
    names.pop(PASS, None)
    block(run, function.node.body, names)
    passed = names.get(PASS)
    return Stream(passed) if passed is not None else names.get(RESULT) or Opaque()


def block(run: Interpreter, statements: Sequence[ast.stmt], names: Names) -> None:
    """Statements one after the other."""
    for statement in statements:
        _statement(run, statement, names)


def _statement(run: Interpreter, node: ast.stmt, names: Names) -> None:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        _import(node, names)
    elif isinstance(node, ast.FunctionDef):
        names[node.name] = Function(node, names)
    elif isinstance(node, ast.ClassDef):
        names[node.name] = ClassValue(node, names)
    elif isinstance(node, ast.Assign):
        value = run.eval(node.value, names)
        for target in node.targets:
            store(run, target, value, names)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        store(run, node.target, run.eval(node.value, names), names)
    elif isinstance(node, ast.AugAssign):
        left, right = run.eval(_loaded(node.target), names), run.eval(node.value, names)
        store(run, node.target, run.combined(node, node.op, left, right), names)
    elif isinstance(node, ast.Return):
        names[RESULT] = run.eval(node.value, names)
    elif isinstance(node, ast.If):
        _if(run, node, names)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        store(run, node.target, item_of(run, run.eval(node.iter, names)), names)
        block(run, [*node.body, *node.orelse], names)
    elif isinstance(node, ast.While):
        run.eval(node.test, names)
        block(run, [*node.body, *node.orelse], names)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            run.eval(item.context_expr, names)
        block(run, node.body, names)
    elif isinstance(node, ast.Try):
        block(run, [*node.body, *node.orelse, *node.finalbody], names)
    elif isinstance(node, ast.Expr):
        run.eval(node.value, names)


def _loaded(target: ast.expr) -> ast.expr:
    """The target of `x += 1` as the operand it also is."""
    return target


def _if(run: Interpreter, node: ast.If, names: Names) -> None:
    """Both branches; what they leave different is not followed."""
    run.eval(node.test, names)
    yes, no = dict(names), dict(names)
    block(run, node.body, yes)
    block(run, node.orelse, no)
    for name in {**yes, **no}:
        a, b = yes.get(name), no.get(name)
        if a is None or b is None or a == b:
            names[name] = a or b or Opaque()
        elif a == names.get(name):
            names[name] = b
        elif b == names.get(name):
            names[name] = a
        else:
            names[name] = Opaque(network=is_network(a) and is_network(b))


def store(run: Interpreter, target: ast.expr, value: Value, names: Names) -> None:
    """Assignment. What comes out of a network in pieces is numbers of a network."""
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        known = isinstance(value, Items) and len(value.items) == len(target.elts)
        for place, part in enumerate(target.elts):
            piece = value.items[place] if known and isinstance(value, Items) else Opaque(is_network(value))
            store(run, part.value if isinstance(part, ast.Starred) else part, piece, names)
    elif isinstance(target, ast.Attribute):
        owner = run.eval(target.value, names)
        if isinstance(owner, Object):
            owner.attributes[target.attr] = value
    elif isinstance(target, ast.Subscript):
        run.eval(target.slice, names)
        if isinstance(target.value, ast.Name):
            # Some elements have changed: `norm[norm == 0] = 1`.
            names[target.value.id] = Opaque()


def _import(node: ast.Import | ast.ImportFrom, names: Names) -> None:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            names[alias.asname or alias.name] = Namespace(f"{node.module or ''}.{alias.name}")
        elif alias.asname:
            names[alias.asname] = Namespace(alias.name)
        else:
            top = alias.name.split(".")[0]
            names[top] = Namespace(top)
