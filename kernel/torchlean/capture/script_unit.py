"""The file's own top level as a unit, where it computes with tensors."""

from __future__ import annotations

import ast
import os.path
from typing import TYPE_CHECKING

from torchlean.capture.result import Observation, Role, Unit, UnitKind
from torchlean.capture.unit_parts import is_trained, nodes_below, weights_below
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.source_module import SourceModule


def script_unit(run: Interpreter, module: SourceModule) -> Unit | None:
    """What the top level observed; None where no statement outside of definitions has a tensor."""
    observations = run.observer.taken()
    lines = _script_lines(module)
    inside = [seen for seen in observations if seen.role is not Role.LAYER]
    outside = [seen for seen in inside if seen.span.line in lines]
    if not outside and run.state.get("loops"):
        outside = inside  # `main()` is all that stands outside: what it does is the script
    if not outside:
        return None
    below = nodes_below(run, [seen.node for seen in observations])
    return Unit(
        UnitKind.SCRIPT,
        os.path.basename(run.path),
        _span(outside[0]),
        outputs=tuple(dict.fromkeys(seen.node for seen in outside if seen.role is Role.ASSIGNMENT)),
        observations=(*observations, *weights_below(run, below)),
        trained=is_trained(run, below),
    )


def _span(first: Observation) -> Span:
    span = first.span
    return Span(span.path, span.line, span.column, span.line, span.column)


def _script_lines(module: SourceModule) -> set[int]:
    """Lines of the statements that are no definitions."""
    lines: set[int] = set()
    for statement in module.tree.body:
        if not isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            lines.update(range(statement.lineno - 1, statement.end_lineno or statement.lineno))
    return lines
