"""For every program of `programs/` an input on which the hazardous form breaks and the stable one does not.

The marks in the programs would be opinions without this. The hazardous program's value must be non-finite or wrong in
its first three digits; the twin's must be right, or finite where twin and hazard compute different things on purpose.
"""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from tests.hazards.evidence_cases import BY_EXECUTION

PROGRAMS = Path(__file__).parent / "programs"

TOLERANCE = 1e-3
"""A result that is wrong by more has lost 14 of float32's 24 binary digits: no rounding error of a stable form."""


def program(kind: str, name: str) -> Path:
    return PROGRAMS / kind / f"{name}.py"


def run(path: Path) -> dict[str, Any]:
    """Execute a program as a script and return its namespace. Its output is dropped, its settings are put back."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    source = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    with mock.patch.object(sys, "argv", [str(path)]), contextlib.redirect_stdout(io.StringIO()):
        exec(source, namespace)
    return namespace


@contextlib.contextmanager
def settings_restored() -> Iterator[None]:
    """What programs set globally is of that program only."""
    tf32 = torch.backends.cuda.matmul.allow_tf32
    benchmark = torch.backends.cudnn.benchmark
    dtype = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = benchmark
        torch.set_default_dtype(dtype)


def marked_statements(path: Path) -> list[ast.stmt]:
    """The simple statements on lines marked `# hazard:` or `# stable`, `return e` written `result = e`."""
    text = path.read_text(encoding="utf-8")
    lines = {i for i, line in enumerate(text.splitlines(), 1) if re.search(r"# (hazard: |stable$)", line)}
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Return | ast.Assign | ast.AugAssign | ast.Expr) and node.lineno in lines:
            if isinstance(node, ast.Return):
                assert node.value is not None
                target = ast.Name("result", ast.Store())
                node = ast.copy_location(ast.Assign([target], node.value, lineno=node.lineno), node)
            found.append(ast.fix_missing_locations(node))
    return sorted(found, key=lambda node: node.lineno)


def observed(kind: str, name: str, changed: Path | None = None) -> torch.Tensor:
    """The value that the evidence speaks of, in float64; of a changed copy of the program if one is given."""
    evidence = BY_EXECUTION[name]
    path = changed or program(kind, name)
    namespace = run(path)
    exec(evidence.before, namespace)
    if evidence.marked:
        exec(compile(ast.Module(marked_statements(path), []), str(path), "exec"), namespace)
    expression = evidence.twin if kind == "stable" and evidence.twin else evidence.value
    with contextlib.ExitStack() as stack:
        if evidence.rand is not None:
            level = evidence.rand
            stack.enter_context(
                mock.patch.object(torch, "rand", lambda *size: torch.full(_size(size), level))
            )
        value = eval(expression, namespace)
    return torch.as_tensor(value).detach().double()


def _size(size: tuple[Any, ...]) -> tuple[int, ...]:
    """`torch.rand(2, 3)` and `torch.rand((2, 3))` mean the same."""
    return tuple(size) if isinstance(size[0], int) else tuple(size[0])


def exact(name: str) -> torch.Tensor | None:
    expression = BY_EXECUTION[name].exact
    if expression is None:
        return None
    return torch.as_tensor(eval(expression, {"torch": torch, "math": math}), dtype=torch.float64)


def is_right(value: torch.Tensor, truth: torch.Tensor | None) -> bool:
    """Finite and, where the exact value is known, equal to it but for float32's rounding."""
    if not bool(torch.isfinite(value).all()):
        return False
    if truth is None:
        return True
    return bool(((value - truth).abs() <= torch.where(truth == 0, TOLERANCE, truth.abs() * TOLERANCE)).all())
