"""Where a layer was made, and what to call it: `self.fc1 = nn.Linear(4, 64)` shows the layer's output on its line."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from torchlean.capture.values import Instance
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter


def made_here(run: Interpreter, instance: Instance) -> None:
    """A module was constructed at the interpreter's place.

    It is a layer, unless the script makes a network of one of the file's own classes.
    """
    frame = run.frame
    if frame is None or (frame.function is None and not instance.cls.module.internal):
        return
    if frame.module.analysed and instance.creation is None:
        instance.creation = frame.module.span(run.node)
        instance.label = frame.module.label(run.node)


def name_layer(run: Interpreter, node: ast.Assign | ast.AnnAssign, instance: Instance, frame: Frame) -> None:
    """`target = Layer(...)`: the layer's place is the target together with the right-hand side."""
    value = node.value
    if not instance.cls.is_module or value is None or instance.creation != frame.module.span(value):
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if isinstance(target, (ast.Name, ast.Attribute)):
        start, end = frame.module.span(target), frame.module.span(value)
        instance.creation = Span(start.path, start.line, start.column, end.end_line, end.end_column)
