"""`tl.assume(x, lo, hi)`, as a call or in a comment: the program says in which range a tensor's numbers lie.

From there on the tensor is one with any numbers in that range. What is stated is believed, and named as the source of
the region (`graph/origin.py`); at run time the call checks it (`claims/plain.py`). A comment stands for the call, for
programs that do not import TorchLean:

    data, target = batch  # tl.assume(data, 0, 1)
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING

from torchlean.capture.builtin_functions import BUILTINS
from torchlean.capture.places import argument_span
from torchlean.capture.values import Native, TensorValue, Value, contains_unknown, native
from torchlean.graph.origin import Source

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

COMMENT = re.compile(r"#\s*(?:tl|torchlean)\.assume(\(.*\))\s*$")

NAME = "torchlean.assume"
"""What the call of a comment looks up: no name that a program can write."""


@native(NAME, unknowns=True)
def assume(run: Interpreter, x: Value, lo: Value, hi: Value) -> Value:
    """The numbers of `x` lie in `[lo, hi]` from here on; gives back `x`."""
    if contains_unknown([lo, hi]) or not isinstance(x, TensorValue):
        return x
    if not all(isinstance(end, (int, float)) and end == end for end in (lo, hi)) or lo > hi:
        run.report(
            "TL304",
            f"tl.assume needs two numbers lo <= hi, got {lo!r} and {hi!r}",
            span=argument_span(run, 1, "lo"),
        )
        return x
    if x.dtype.is_complex:
        return x
    # Ends are rounded to the tensor's dtype when it is compared with them: by the neighbours nothing is lost.
    lower, upper = (math.nextafter(float(end), way) for end, way in ((lo, -math.inf), (hi, math.inf)))
    if isinstance(lo, int) or float(lo).is_integer():
        lower = float(lo)
    if isinstance(hi, int) or float(hi).is_integer():
        upper = float(hi)
    leaf = run.emitter.random(x.type, lower, upper, "assumed", source=Source.ASSUMED)
    run.changes(x)
    x.node = leaf.node
    return x


BUILTINS[NAME] = Native(NAME, assume, accepts_unknown=True)


def insert_assumptions(tree: ast.Module, text: str) -> None:
    """Put a call where a comment of the text states an assumption: after its line's statement, or before the next.

    The tree is changed in place, once.
    """
    if "assume" not in text or getattr(tree, "torchlean_assumed", False):
        return
    tree.torchlean_assumed = True  # type: ignore[attr-defined] # trees are shared between captures of one text
    for number, line in enumerate(text.splitlines(), start=1):
        found = COMMENT.search(line)
        if found is None:
            continue
        try:
            call = ast.parse(f"f{found.group(1)}", mode="eval").body
        except SyntaxError:
            continue
        if isinstance(call, ast.Call):
            _insert(tree, number, found.start(), len(line) - len(line.lstrip()), call)


def _insert(tree: ast.Module, line: int, column: int, indent: int, call: ast.Call) -> None:
    call.func = ast.Name(NAME, ast.Load())
    statement = ast.Expr(call)
    for node in ast.walk(statement):
        if isinstance(node, (ast.expr, ast.stmt)):
            node.lineno = node.end_lineno = line
            node.col_offset, node.end_col_offset = column, column + 1
    for body in _bodies(tree):
        if body[0].col_offset != indent or not body[0].lineno <= line + 1:
            continue
        for position, neighbour in enumerate(body):
            end = neighbour.end_lineno or neighbour.lineno
            if neighbour.lineno <= line <= end and isinstance(
                neighbour, (ast.Assign, ast.AugAssign, ast.AnnAssign)
            ):
                body.insert(position + 1, statement)
                return
            if neighbour.lineno > line and (position == 0 or (body[position - 1].end_lineno or 0) < line):
                body.insert(position, statement)
                return


def _bodies(tree: ast.Module) -> list[list[ast.stmt]]:
    """Every block of statements, inner ones first: a comment belongs to the innermost that has its indentation."""
    found = [
        block
        for node in ast.walk(tree)
        for name in ("body", "orelse", "finalbody")
        if isinstance(block := getattr(node, name, None), list) and block and isinstance(block[0], ast.stmt)
    ]
    return found[::-1]
