"""What a claim's body may say: the captured claim is true of an input exactly where the function, run on it, is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from tests.capture.agreement import executed
from tests.capture.marked import capture

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.capture import UnitKind
from torchlean.claims.decide import exact_at, pose
from torchlean.graph import evaluate

PRELUDE = """
import torch
from torch import nn

import torchlean as tl

torch.manual_seed(0)
GRAVITY, DT = 9.81, 0.05
first = nn.Linear(2, 2)
second = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
with torch.no_grad():
    for layer in (first, second[0], second[2]):
        layer.weight.copy_(torch.arange(layer.weight.numel()).reshape(layer.weight.shape) / 5 - 0.4)
        layer.bias.copy_(torch.arange(layer.bias.numel()) / 7 - 0.1)


def step(x, u):
    angle, speed = x[0], x[1]
    return torch.stack([angle + DT * speed, speed + DT * (GRAVITY * torch.sin(angle) + u)])


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stated(x):
"""

BODIES = {
    "two networks": "return first(x).abs().sum() <= second(x).sum() + 0.2",
    "inputs and outputs": "return first(x).sum() <= x.sum() + 0.2",
    "dynamics and constants": "return (step(x, first(x)[0]).abs() <= 1.05).all()",
    "several comparisons": "y = first(x)\nreturn (y[0] <= 0.3) & (y[1] >= -0.3) & ~(x[0] > 0.9)",
    "either": "return (x > 0.2) | (x < -0.3)",
    "implication by element": "return tl.implies(x > 0, first(x) >= 0)",
    "implication of one truth": "return tl.implies(x.sum() > 0.5, first(x).sum() >= 0)",
    "implication by a bool": "return tl.implies(DT > 1, x > 5) and tl.implies(DT < 1, x[0] > 0)",
    "region within a region": "inner = tl.all(x.abs() <= 0.5)\nreturn tl.implies(~inner, (x * x).sum() >= 0.4)",
    "outside of a level set": "v = (x * x).sum()\nreturn tl.implies((v > 0.1) & (v <= 0.9), step(x, 0.0).norm() <= v)",
    "some element": "return tl.any(first(x) > 0.1)",
    "every element": "return tl.all(first(x) > -0.5)",
    "chain of one element": "return -0.3 <= first(x).sum() < 0.4",
    "python and": "return first(x)[0] <= 0.3 and x[1] >= -0.5",
    "python or": "return x[0] <= -0.3 or x[1] >= 0.5 or first(x).sum() > 0",
    "python not": "return not x[0] > 0.25",
    "python all": "return all(value <= 0.5 for value in x)",
    "python any": "return any([value <= -0.2 for value in first(x)])",
    "exactly one": "return (x[0] > 0) ^ (x[1] > 0)",
    "equal truths": "return (x[0] > 0) == (first(x)[0] > 0)",
    "other truths": "return (x[0] > 0) != (first(x)[0] > 0)",
    "ordered truths": "return ((x > 0) <= (first(x) > 0)) & ((x < 0.5) >= (x < 0.2)) & ~((x > 0.9) > (x > 0.8))",
    "class of a network": "return second(x).argmax(-1) == 1",
    "assertion": "assert (x <= 0.5).all()\nreturn x >= -0.8",
    "chosen by elements": "return torch.where(x > 0, first(x), -x) >= -0.1",
}


def program(body: str) -> str:
    return PRELUDE + textwrap.indent(body, "    ") + "\n"


def truth(function, x: torch.Tensor) -> bool:
    """Of the claim that is run; one that raises an assertion is not true."""
    try:
        result = function(x)
    except AssertionError:
        return False
    return bool(result) if isinstance(result, bool) else bool(result.all())


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_captured_claim_is_true_where_running_it_is(body: str, tmp_path: Path) -> None:
    claim = executed(program(body), tmp_path)["stated"]
    captured = capture(program(body), tmp_path)
    (unit,) = [unit for unit in captured.units if unit.kind is UnitKind.CLAIM]
    assert unit.failure is None, unit.failure
    graph, ids = captured.graph.cone([*unit.inputs, *unit.outputs], unit.outputs)
    (holds,) = (ids[node] for node in unit.outputs)
    question = pose(graph, holds, unit.domains, Session().bounds)
    points = torch.rand(60, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    outcomes = set()
    for x in points:
        expected = truth(claim, x)
        outcomes.add(expected)
        assert bool(evaluate(graph, {"x": x})[holds].all()) is expected
        least, greatest = exact_at(question, {"x": x})
        # Far from equality the exact margin has the sign of the executed comparison.
        assert greatest > -1e-4 if expected else least < 1e-4
    assert outcomes == {True, False}, "the samples tell nothing of a claim that is always the same"


WRONG = {
    "tl.implies(x, x > 0)": ("implies", "premise", "a torch.float32 tensor"),
    "tl.implies(x > 0, 1.0)": ("implies", "conclusion", "a float"),
    "tl.all(x.int())": ("all", "condition", "a torch.int32 tensor"),
    "tl.any([x > 0])": ("any", "condition", "a list"),
}


@pytest.mark.parametrize(("expression", "wrong"), WRONG.items(), ids=WRONG)
def test_what_has_no_truth_is_refused_by_both_in_the_same_words(
    expression: str, wrong: tuple[str, str, str], tmp_path: Path
) -> None:
    function, name, got = wrong
    message = f"tl.{function}: the {name} must be a bool or a bool tensor, such as `x > 0`, got {got}"
    text = program(f"return {expression}")
    with pytest.raises(TypeError) as refused:
        executed(text, tmp_path)["stated"](torch.zeros(2))
    assert str(refused.value) == message
    found = analyse(str(tmp_path / "m.py"), text, Session()).diagnostics
    (said,) = [diagnostic for diagnostic in found if diagnostic.code == "TL103"]
    assert said.message == message
    assert text.splitlines()[said.span.line].strip() == f"return {expression}"


def test_a_chain_over_several_elements_says_what_to_write(tmp_path: Path) -> None:
    found = analyse(str(tmp_path / "m.py"), program("return -1.0 <= first(x) <= 1.0"), Session())
    (said,) = [diagnostic for diagnostic in found.diagnostics if diagnostic.code == "TL101"]
    assert "write `(-1.0 <= first(x)) & (first(x) <= 1.0)`" in said.message
    with pytest.raises(RuntimeError):
        executed(program("return -1.0 <= first(x) <= 1.0"), tmp_path)["stated"](torch.zeros(2))


def test_a_claim_that_may_raise_something_else_is_not_analysed_away(tmp_path: Path) -> None:
    text = program("if x.sum() > 0.5:\n    raise ValueError('too large')\nreturn x <= 2")
    (unit,) = [u for u in analyse(str(tmp_path / "m.py"), text, Session()).units if u.kind == "claim"]
    assert unit.claim is not None and unit.claim.verdict.value == "unknown"
    assert "it may raise an exception" in unit.claim.detail and "x.sum() > 0.5" in unit.claim.detail


def test_an_implication_of_bools_needs_no_tensor() -> None:
    assert tl.implies(False, False) is True and tl.implies(True, False) is False
    assert tl.all(True) is True and tl.any(False) is False
    assert bool(tl.implies(torch.tensor(True), False)) is False
