"""Loops that train: how often their bodies are followed, and what an iteration hands on to the next one."""

from __future__ import annotations

import ast
from textwrap import dedent, indent

import pytest

from torchlean.bounds import BoundsCache, propagate
from torchlean.capture import Workspace, capture_file
from torchlean.capture.interpreter import EXPRESSIONS
from torchlean.capture.result import UnitKind
from torchlean.graph import validate

SCRIPT = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.out = nn.Linear(3, 1)
    def forward(self, x):
        parts = []
        for layer in (self.norm, self.out):
            parts.append(layer(x))
            x = parts[-1]
        return {"out": x}

class Average:
    def __init__(self):
        self.total, self.count = 0.0, 0
    def add(self, value):
        self.total += value
        self.count += 1

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""

STEP = """
average = Average()
noise = torch.zeros(4, 3)
noise[0] = 1.0
scaled = [noise[i] * MARK for i in range(2)]
loss = model(torch.randn(4, 3) + noise)["out"].sum()
optimizer.zero_grad()
loss.backward()
nn.utils.clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
average.add(loss.item())
"""


def times(text: str, mark: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often an expression is evaluated, which the program has once."""
    seen = []
    evaluate = EXPRESSIONS[ast.Constant]

    def counting(run: object, node: ast.Constant, frame: object) -> object:
        if node.value == mark:
            seen.append(node)
        return evaluate(run, node, frame)

    monkeypatch.setitem(EXPRESSIONS, ast.Constant, counting)
    validate(capture_file("/nowhere/main.py", text, Workspace(["/nowhere"])).graph)
    return len(seen)


def test_a_body_is_followed_once_to_see_what_it_changes_and_once_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = indent(STEP.replace("range(2)", "range(1)").replace("MARK", "77"), "    ")
    assert times(f"{SCRIPT}\nfor step in range(1000):\n{body}", 77, monkeypatch) == 2


def test_nested_loops_settle_after_what_is_changed_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    body = indent(STEP.replace("range(2)", "range(1)").replace("MARK", "77"), "        ")
    text = f"{SCRIPT}\nfor epoch in range(100):\n    rate = 88\n    for step in range(1000):\n{body}"
    assert times(text, 88, monkeypatch) == 3
    assert times(text, 77, monkeypatch) == 3


HANDED_ON = {
    "an object": ("kept = Box(torch.zeros(2))", "kept.x + 1", "kept = Box(shown)"),
    "an attribute of a new object": (
        "kept = Box(Box(torch.zeros(2)))",
        "kept.x.x + 1",
        "fresh = Box(shown)\nkept.x = fresh",
    ),
    "a new list": ("kept = [torch.zeros(2)]", "kept[0] + 1", "kept = []\nkept.append(shown)"),
    "a new list in an old one": (
        "kept = [[torch.zeros(2)]]",
        "kept[0][0] + 1",
        "kept[0] = [torch.zeros(2)]\nkept[0][0] = shown",
    ),
    "a new dictionary": ("kept = {'x': torch.zeros(2)}", "kept['x'] + 1", "kept = {}\nkept['x'] = shown"),
    "a tensor written in place": (
        "kept = torch.zeros(2)",
        "kept + 1",
        "kept = kept.clone()\nkept[0] = shown[0]\nkept[1] = shown[1]",
    ),
    "what a function remembers": (
        "kept = remember(torch.zeros(2))",
        "kept() + 1",
        "kept = remember(shown)",
    ),
    "what a function remembers for all": ("recall(torch.zeros(2))", "kept[-1] + 1", "recall(shown)"),
    "a generator": ("kept = one(torch.zeros(2))", "next(kept) + 1", "kept = one(shown)"),
}


@pytest.mark.parametrize("handed", HANDED_ON)
@pytest.mark.parametrize(
    "loop", ["for step in range(1000):", "for epoch in range(9):\n  for step in range(1000):"]
)
def test_what_an_iteration_makes_and_hands_on_is_any_iterations(handed: str, loop: str) -> None:
    before, shown, after = HANDED_ON[handed]
    helpers = """
    class Box:
        def __init__(self, x):
            self.x = x
    def remember(x):
        y = x * 1
        return lambda: y
    kept = []
    def recall(x):
        global kept
        kept = [x]
    def one(x):
        yield x
    """
    text = "\n".join(
        [
            SCRIPT,
            dedent(helpers),
            before,
            loop,
            indent(STEP.replace("MARK", "2.0"), "    "),
            f"    shown = {shown}",
            indent(after, "    "),
        ]
    )
    capture = capture_file("/nowhere/main.py", text, Workspace(["/nowhere"]))
    script = next(unit for unit in capture.units if unit.kind is UnitKind.SCRIPT)
    nodes = [
        seen.node for seen in script.observations if seen.label == "shown" and seen.role.value == "assignment"
    ]
    bounds = propagate(capture.graph, {}, BoundsCache())
    for node in nodes:
        interval = bounds[node]
        assert interval.lower.max() <= 1 and interval.upper.min() >= 9000
