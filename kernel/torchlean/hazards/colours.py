"""Pictures whose channels stand in another order than the network was trained with (TL316).

OpenCV reads pictures as blue, green, red; torchvision's weights, and the means and deviations of ImageNet that go with
them, are for red, green, blue. Nothing fails when they meet, and the order is nowhere in a shape, so this is read from
the text: a file that reads by OpenCV, normalises for red first, and turns nothing round in between.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.hazards.repetition import number_of
from torchlean.hazards.written import Written, called_name

READERS = frozenset({"imread", "imdecode", "VideoCapture"})
"""Functions of `cv2` that give pictures with blue first."""

IMAGENET = (0.485, 0.456, 0.406)
"""Means of ImageNet for red, green and blue, as torchvision's weights were trained with."""

MESSAGE = (
    "OpenCV reads blue, green, red, and this file normalises by ImageNet's means for red, green, blue without turning "
    "the channels round: red and blue are exchanged for the network. Convert with "
    "`cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)`"
)


def exchanged(written: Written) -> Iterator[Diagnostic]:
    """A warning at each place where OpenCV reads, in a file that normalises for another order."""
    if not any(path.split(".")[0] == "cv2" for path in written.imports.values()):
        return
    nodes = written.syntax.nodes
    if any(map(_turns_round, nodes)) or not any(map(_is_for_red_first, nodes)):
        return
    for node in written.calls:
        if called_name(node) in READERS and written.package(node.func) == "cv2":
            yield diagnostic("TL316", written.module.span(node), MESSAGE)


def _is_for_red_first(node: ast.AST) -> bool:
    return isinstance(node, (ast.List, ast.Tuple)) and _values(node.elts) == IMAGENET


def _values(elements: Sequence[ast.expr]) -> tuple[float | None, ...]:
    return tuple(number_of(element, {}) for element in elements)


def _turns_round(node: ast.AST) -> bool:
    """`COLOR_BGR2RGB`, `[..., ::-1]`, `[2, 1, 0]`, `flip`, PIL's `convert`, `split` and the like: any sign of it."""
    if isinstance(node, ast.Attribute):
        return "RGB" in node.attr or node.attr in {
            "flip",
            "flipud",
            "fliplr",
            "split",
            "unbind",
            "IMREAD_GRAYSCALE",
        }
    if isinstance(node, ast.Slice):
        return isinstance(node.step, ast.UnaryOp)
    return isinstance(node, (ast.List, ast.Tuple)) and _values(node.elts) == (2, 1, 0)
