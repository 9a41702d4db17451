"""The document's outline: module classes with their methods, and claims."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from torchlean.capture.result import Symbol, UnitKind
from torchlean.capture.values import UserClass

if TYPE_CHECKING:
    from torchlean.capture.environment import Environment
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.source_module import SourceModule


def symbols(run: Interpreter, module: SourceModule, environment: Environment) -> tuple[Symbol, ...]:
    """In order of the file."""
    found = [_class_symbol(module, cls) for cls in file_modules(run, module)]
    claims = {id(claim.function.node): claim for claim in run.claims if claim.function.module is module}
    for claim in claims.values():
        node = claim.function.node
        if isinstance(node, ast.FunctionDef):
            name = claim.name or node.name
            kind = UnitKind.FAMILY if claim.sampled else UnitKind.CLAIM
            found.append(Symbol(name, kind, module.span(node), module.name_span(node)))
    for family in run.families:
        if family.span is not None:
            found.append(Symbol(family.name, UnitKind.FAMILY, family.call, family.span))
    return tuple(sorted(found, key=lambda symbol: symbol.span))


def file_modules(run: Interpreter, module: SourceModule) -> list[UserClass]:
    """The classes of the file that derive from `torch.nn.Module`, the last of each name, outside of functions."""
    top = {id(node) for statement in module.tree.body for node in _outside_functions(statement)}
    classes = {cls.name: cls for cls in run.classes if cls.module is module and id(cls.node) in top}
    return [cls for cls in classes.values() if cls.is_module]


def _outside_functions(statement: ast.stmt) -> list[ast.AST]:
    found: list[ast.AST] = []
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ClassDef):
            found.append(node)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.expr)):
            stack.extend(ast.iter_child_nodes(node))
    return found


def _class_symbol(module: SourceModule, cls: UserClass) -> Symbol:
    methods = tuple(
        Symbol(node.name, UnitKind.MODULE, module.span(node), module.name_span(node))
        for node in cls.node.body
        if isinstance(node, ast.FunctionDef)
    )
    return Symbol(cls.name, UnitKind.MODULE, module.span(cls.node), module.name_span(cls.node), methods)
