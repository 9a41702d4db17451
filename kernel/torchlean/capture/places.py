"""The place of one argument of the call that is being followed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def argument_span(run: Interpreter, position: int | None, keyword: str) -> Span | None:
    """Where an argument is written, given by position or by keyword.

    Returns:
        None where the interpreter is not at a call, or the argument is not written out (a default, `*arguments`).
        Also None inside another file than the analysed one: a diagnostic then goes to the call that led there.
    """
    node, frame = run.node, run.frame
    if frame is None or not isinstance(node, ast.Call) or frame.module.path != run.path:
        return None
    for given in node.keywords:
        if given.arg == keyword:
            return frame.module.span(given.value)
    if position is None or position >= len(node.args):
        return None
    if any(isinstance(argument, ast.Starred) for argument in node.args[: position + 1]):
        return None
    return frame.module.span(node.args[position])
