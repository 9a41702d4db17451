"""Which loops train: directly, or by calling functions of the file that do."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

Loop = Union[ast.For, ast.AsyncFor, ast.While]


def trains(run: Interpreter, node: Loop, frame: Frame) -> bool:
    """Whether the loop trains: its iterations differ in the weights, which are not followed one by one.

    The functions of the file are known by name only, which may take a loop for one that trains when it is not: then
    it is followed once, for any of its iterations, which is right for every loop.
    """
    cached = getattr(node, "torchlean_trains", None)
    if cached is None:
        called = _called(node.body)
        cached = "backward" in called
        if not cached and run.in_script:
            cached = bool(called & _training_functions(frame.module.tree)) or _steps(node)
        node.torchlean_trains = cached  # type: ignore[union-attr] # remembered on the tree, which is shared
    return bool(cached)


def _called(body: list[ast.stmt]) -> set[str]:
    """Names of the functions and methods that statements call, also inside of definitions."""
    names: set[str] = set()
    for statement in body:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Call):
                function = inner.func
                if isinstance(function, ast.Attribute):
                    names.add(function.attr)
                elif isinstance(function, ast.Name):
                    names.add(function.id)
    return names


def _steps(node: Loop) -> bool:
    """Whether gradients are asked for or an optimizer is told to step: `torch.autograd.grad(...)`, `opt.step()`."""
    for statement in node.body:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                owner = ast.unparse(inner.func.value).lower()
                if inner.func.attr == "grad" and owner.endswith("autograd"):
                    return True
                if inner.func.attr == "step" and "opt" in owner:
                    return True
    return False


def _training_functions(tree: ast.Module) -> set[str]:
    """Names of the file's functions that train, or call one that does."""
    cached: set[str] | None = getattr(tree, "torchlean_training", None)
    if cached is None:
        definitions = [
            inner for inner in ast.walk(tree) if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        calls = [(definition.name, _called(definition.body)) for definition in definitions]
        cached = {name for name, called in calls if "backward" in called}
        while True:
            more = {name for name, called in calls if called & cached} - cached
            if not more:
                break
            cached |= more
        tree.torchlean_training = cached  # type: ignore[attr-defined] # remembered on the tree
    return cached
