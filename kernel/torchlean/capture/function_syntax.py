"""What the syntax of a function tells before it is called: its own names, whether it yields, whether it changes things.

Pure functions of the tree, remembered on its nodes, because the same function is called many times.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from types import CodeType

from torchlean.capture.tables import words

MUTATING = words("append extend insert remove pop clear add discard update setdefault sort reverse popitem")
"""Methods that change the list, set or dictionary they belong to."""


def own_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a function assigns, and that so are its own; remembered on the tree."""
    cached = getattr(node, "torchlean_own", None)
    if cached is None:
        cached = node.torchlean_own = _assigned([] if isinstance(node, ast.Lambda) else node.body)  # type: ignore[union-attr] # a cache
    return frozenset(cached)


def _assigned(body: list[ast.stmt]) -> frozenset[str]:
    found: set[str] = set()
    elsewhere: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if not isinstance(node, SCOPES):
            stack.extend(ast.iter_child_nodes(node))
    return frozenset(found - elsewhere)


SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
"""What has names of its own. (A `:=` in a comprehension is missed: its name is then looked for outside, too.)"""


def has_effects(node: ast.AST, beyond: frozenset[str] = frozenset()) -> bool:
    """Whether a function changes attributes, items, or names outside of it; remembered on the tree.

    Args:
        node: the definition.
        beyond: names whose content does not count (`fresh_names`).
    """
    cached: dict[frozenset[str], bool] = getattr(node, "torchlean_effects", {})
    if beyond not in cached:
        cached[beyond] = any(
            isinstance(inner, (ast.Global, ast.Nonlocal))
            or (
                isinstance(inner, (ast.Attribute, ast.Subscript))
                and (not isinstance(inner.ctx, ast.Load) or getattr(inner, "attr", "") in MUTATING)
                and not (isinstance(inner.value, ast.Name) and inner.value.id in beyond)
            )
            for inner in ast.walk(node)
        )
        node.torchlean_effects = cached  # type: ignore[attr-defined] # a cache
    return cached[beyond]


def fresh_names(node: ast.AST) -> frozenset[str]:
    """Names that a function only ever binds to lists, dictionaries and sets that it writes out itself; remembered on
    the tree."""
    cached = getattr(node, "torchlean_fresh", None)
    if cached is None:
        cached = node.torchlean_fresh = _only_displays(node)  # type: ignore[attr-defined] # a cache
    return frozenset(cached)


def _only_displays(node: ast.AST) -> frozenset[str]:
    displays = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    stored: Counter[str] = Counter()
    fresh: Counter[str] = Counter()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            stored[inner.id] += 1
        elif isinstance(inner, ast.arg):
            stored[inner.arg] += 1
        elif isinstance(inner, ast.Assign) and isinstance(inner.value, displays):
            fresh.update(target.id for target in inner.targets if isinstance(target, ast.Name))
    return frozenset(name for name, count in stored.items() if fresh[name] == count)


def yields(node: ast.FunctionDef) -> bool:
    """Whether a definition is a generator's; remembered on the tree."""
    cached = getattr(node, "torchlean_yields", None)
    if cached is None:
        cached = node.torchlean_yields = _contains_yield(node.body)  # type: ignore[attr-defined] # a cache
    return bool(cached)


def _contains_yield(body: list[ast.stmt]) -> bool:
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))
    return False


CODE = words("co_name co_varnames co_argcount co_posonlyargcount co_kwonlyargcount")
"""What is told of `function.__code__`: names and numbers of parameters and of what the function assigns."""


def compiled(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> CodeType | None:
    """What Python makes of a definition, which is compiled and not run; None where it cannot stand alone."""
    if isinstance(node, ast.Lambda):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as when the file was read
            outer = compile(ast.Module([node], []), "", "exec")
    except (SyntaxError, ValueError):
        return None  # a `nonlocal` name of the function around it
    codes = (code for code in outer.co_consts if isinstance(code, CodeType))
    return next((code for code in codes if code.co_name == node.name), None)


def docstring(node: ast.Module | ast.ClassDef) -> str | None:
    """The `__doc__` that Python gives a file or a class: from Python 3.13 on, without the indentation of the code."""
    text = ast.get_docstring(node, clean=False)
    if text is None:
        return None
    statement = ast.fix_missing_locations(ast.Expr(ast.Constant(text)))
    try:
        code = compile(ast.Module([statement], []), "", "exec")
    except UnicodeEncodeError:
        return text  # half of a character in it: such a file does not start from Python 3.13 on
    return next(constant for constant in code.co_consts if isinstance(constant, str))
