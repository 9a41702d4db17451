"""Comparing what a program computes when it is run with what its captured graph computes."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import torch
from tests.capture.marked import capture
from torch import Tensor

from torchlean.capture import Capture, Role, UnitKind
from torchlean.graph import evaluate, validate

PRELUDE = """
import torch
from torch import nn
import torch.nn.functional as F

def numbers(*shape):
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape) / 7 - 1

class Layer(nn.Module):
    def __init__(self, n, m, scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(numbers(m, n) * scale)
        self.bias = nn.Parameter(numbers(m))
    def forward(self, x):
        return F.linear(x, self.weight, self.bias)
"""
"""What every program starts with: a layer whose weights stand in the program, so that results can be compared."""


def run_and_capture(text: str, folder: Path, **files: str) -> tuple[object, Tensor | None, Capture]:
    """The value of `result` when the program runs, and the captured graph's value of it (None where unknown)."""
    program = PRELUDE + textwrap.dedent(text)
    captured = capture(program, folder, **files)
    return executed(program, folder)["result"], value_of(captured, "result"), captured


def executed(program: str, folder: Path) -> dict[str, object]:
    """Run a program as a script in a folder; modules it imports are forgotten afterwards."""
    names: dict[str, object] = {"__name__": "__main__", "__file__": str(folder / "main.py")}
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        exec(compile(program, "main.py", "exec", dont_inherit=True), names)
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
    return names


def value_of(captured: Capture, name: str) -> Tensor | None:
    """What the graph computes for the last assignment to a name at the top level; None where that is not known."""
    validate(captured.graph)
    script = next((unit for unit in captured.units if unit.kind is UnitKind.SCRIPT), None)
    seen = script.observations if script is not None else ()
    nodes = [o.node for o in seen if o.role is Role.ASSIGNMENT and o.label == name]
    if not nodes:
        return None
    cone, renumbered = captured.graph.cone([nodes[-1]])
    if any(node.op == "random" for node in cone):
        return None
    return evaluate(cone, {})[renumbered[nodes[-1]]]


def assert_agrees(text: str, folder: Path, **files: str) -> Capture:
    """The captured program computes what running it computes, bit for bit, and nothing is reported."""
    real, ours, captured = run_and_capture(text, folder, **files)
    shown = "\n".join(f"{d.code} {d.span}: {d.message}" for d in captured.diagnostics)
    assert isinstance(real, Tensor), real
    assert ours is not None, f"`result` is not followed\n{shown}"
    assert not captured.diagnostics, shown
    assert ours.dtype == real.dtype
    assert torch.equal(ours, real.detach()), f"{ours}\n{real}"
    return captured
