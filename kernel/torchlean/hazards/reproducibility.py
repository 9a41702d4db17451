"""Results that differ from run to run on a GPU (TL317): sums whose order is left to the hardware.

A verdict holds for every order of summation, so it stands; what a person compares between two runs, digit by digit,
does not. The list is that of `torch.use_deterministic_algorithms`, as far as it is about results and not about
gradients alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.hazards.written import Written, called_name

ATOMIC = frozenset({"index_add", "scatter_add", "scatter_reduce"})
"""Functions and methods that add to one element from many threads; without the underscore of in-place ones."""

ACCUMULATING = frozenset({"index_put", "index_put_", "put_"})
"""Those that do so where `accumulate` is True, the only truth that they take."""

EFFECT = (
    "on CUDA the order of these additions differs from run to run, and with it the last digits of the result. "
    "Verdicts hold for every order; where two runs must agree to the bit, call "
    "`torch.use_deterministic_algorithms(True)`"
)


def varying(written: Written) -> Iterator[Diagnostic]:
    """Hints in a file that uses CUDA and does not ask torch for deterministic algorithms."""
    cuda = any(map(_uses_cuda, written.syntax.of(ast.Constant, ast.Call)))
    if not cuda or any(map(_is_deterministic, written.calls)):
        return
    for node in written.calls:
        if _adds_in_any_order(node, written):
            yield diagnostic("TL317", written.module.span(node), EFFECT)


def _uses_cuda(node: ast.AST) -> bool:
    """`"cuda"` or `"cuda:1"` as a string, or `.cuda()`; a docstring that says the word is longer."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.split(":")[0] == "cuda"
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cuda"


def _is_deterministic(node: ast.Call) -> bool:
    return called_name(node) == "use_deterministic_algorithms" and (
        _is_true(node.args[0]) if node.args else True
    )


def _is_torchs(function: ast.expr, written: Written) -> bool:
    """A function of torch, or a method of what may be a tensor: numpy has a `put` of its own."""
    package = written.package(function)
    return package == "torch" or (package is None and isinstance(function, ast.Attribute))


def _adds_in_any_order(call: ast.Call, written: Written) -> bool:
    name = called_name(call) or ""
    if not _is_torchs(call.func, written):
        return False
    if name.rstrip("_") in ATOMIC:
        return True
    if name == "bincount":
        return any(keyword.arg == "weights" for keyword in call.keywords)
    return name in ACCUMULATING and any(
        map(_is_true, [*call.args, *(keyword.value for keyword in call.keywords)])
    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
