"""`tl.D`: the program's autograd and the analysis' formulas are the same function, and say the same about mistakes."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.analysis.result import Verdict
from torchlean.bounds import propagate
from torchlean.bounds.crown import crown
from torchlean.capture import Workspace, capture_file
from torchlean.graph import Graph, evaluate
from torchlean.intervals import Interval

HEAD = """
import torch
from torch import nn
import torchlean as tl

torch.manual_seed(0)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 5), nn.Linear(5, 1)
        with torch.no_grad():
            self.a.weight.copy_(torch.tensor([[0.9, -0.4], [0.3, 0.8], [-1.1, 0.2], [0.5, 0.5], [-0.2, -0.7]]))
            self.a.bias.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0, 0.4]))
            self.b.weight.copy_(torch.tensor([[0.6, -0.9, 0.7, 1.1, -0.5]]))
            self.b.bias.zero_()

    def forward(self, x):
        return self.b(ACTIVATION(self.a(x)))

net = Net()
"""

BODIES = {
    "of a state": "tl.D(net(x), x)",
    "second by coordinates": "tl.D(net(torch.stack([x[0], x[1]])), x, x)",
    "of a product": "(tl.D(net(x) * x[0].sin(), x) * x).sum()",
    "of a derivative along a field": "tl.D((tl.D(net(x), x) * torch.stack([x[1], -x[0]])).sum(), x)",
    "by a value on the way": "tl.D(net(x * 1.0).exp(), x)",
    "elementwise": "tl.D(x.sin() * x, x)",
}


def source(body: str, activation: str = "torch.tanh") -> str:
    text = HEAD.replace("ACTIVATION", activation)
    head = "@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]), arithmetic='real')"
    return f"{text}\n{head}\ndef claim(x):\n    return {body} <= 1e9\n"


def captured(text: str, path: Path) -> tuple[Graph, int]:
    """The claim's graph, and the node that it compares."""
    capture = capture_file(str(path), text, Workspace(()))
    (unit,) = (unit for unit in capture.units if unit.name == "claim")
    assert unit.failure is None, unit.failure
    graph, ids = capture.graph.cone(unit.outputs)
    return graph, graph[ids[unit.outputs[0]]].inputs[0]


def executed(text: str, value: str, x: Tensor) -> Tensor:
    """What the program computes in double precision."""
    names: dict[str, Any] = {}
    exec(compile(text, "claims.py", "exec"), names)
    names["net"].double()
    point = x.clone().requires_grad_()
    result: Tensor = eval(value, {**names, "x": point})
    return result.detach()


@pytest.mark.parametrize(
    "activation", ["torch.tanh", "torch.sigmoid", "nn.functional.silu", "nn.functional.gelu", "torch.sin"]
)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_the_graph_of_a_derivative_computes_what_autograd_computes(
    body: str, activation: str, tmp_path: Path
) -> None:
    text = source(body, activation)
    graph, id = captured(text, tmp_path / "claims.py")
    # Inputs of a graph are rounded to its dtype.
    for x in (torch.rand(5, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1).double():
        found = evaluate(graph, {"x": x}, dtype=torch.float64)[id]
        torch.testing.assert_close(found, executed(text, body, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "activation", ["torch.tanh", "torch.relu", "nn.functional.softplus", "nn.functional.elu"]
)
@pytest.mark.parametrize("engine", [propagate, crown], ids=["intervals", "crown"])
def test_bounds_of_a_derivative_contain_what_autograd_computes(
    activation: str, engine: Any, tmp_path: Path
) -> None:
    body = "tl.D(net(x), x, x)"
    text = source(body, activation)
    graph, id = captured(text, tmp_path / "claims.py")
    drawn = torch.Generator().manual_seed(2)
    for width in (1.0, 0.1, 1e-3):
        centre = torch.rand(2, dtype=torch.float64, generator=drawn) * 2 - 1
        domain = Interval((centre - width).float().double(), (centre + width).float().double())
        bounds = engine(graph, {"x": domain})[id]
        for share in torch.rand(20, 2, dtype=torch.float64, generator=drawn).round(decimals=1):
            point = domain.lower + share * (domain.upper - domain.lower)
            value = executed(text, body, point)
            assert (bounds.lower - 1e-12 <= value).all() and (value <= bounds.upper + 1e-12).all()


def test_a_box_with_a_kink_at_its_border_contains_the_derivative_that_torch_takes_there(
    tmp_path: Path,
) -> None:
    body = "tl.D(torch.nn.functional.elu(x), x, x)"
    graph, id = captured(source(body), tmp_path / "claims.py")
    for low, high in ((-1.0, 0.0), (0.0, 1.0), (0.0, 0.0)):
        domain = Interval(
            torch.full((2,), low, dtype=torch.float64), torch.full((2,), high, dtype=torch.float64)
        )
        bounds = propagate(graph, {"x": domain})[id]
        value = executed(source(body), body, torch.zeros(2, dtype=torch.float64))
        assert (bounds.lower <= value).all() and (value <= bounds.upper).all()


MISTAKES = {
    "tl.D(x * 0 + torch.sin(torch.ones(2)))": TypeError,
    "tl.D(torch.sin(torch.ones(2)), x)": ValueError,
    "tl.D(x.detach().sin() * 3, torch.ones(2, requires_grad=True))": ValueError,
    "tl.D(3.0, x)": TypeError,
    "tl.D(torch.ones(2, dtype=torch.int64), x)": TypeError,
}


@pytest.mark.parametrize("body", MISTAKES)
def test_a_mistake_is_refused_by_the_program_and_by_the_analysis_in_the_same_words(
    body: str, tmp_path: Path
) -> None:
    text = source(body)
    names: dict[str, Any] = {}
    exec(compile(text, "claims.py", "exec"), names)
    with pytest.raises(MISTAKES[body]) as raised:
        names["claim"](torch.zeros(2))
    result = analyse(str(tmp_path / "claims.py"), text, Session())
    (found,) = (each for each in result.diagnostics if each.code == "TL103")
    assert str(raised.value) in found.message


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["y = x.sin().detach()", "return tl.D((y * x).sum(), x).sum() <= 9"],
            "`detach` stops the derivative",
        ),
        (
            ["with torch.no_grad():", "    y = x.sin()", "return tl.D((y * x).sum(), x).sum() <= 9"],
            "switched off",
        ),
        (["y = x.amax()", "return tl.D(y, x).sum() <= 9"], "`amax` on line 25"),
        (["y = x.sort()[0]", "return tl.D(y, x).sum() <= 9"], "no derivative here"),
    ],
)
def test_what_stops_a_derivative_is_named_with_its_line(lines: list[str], words: str, tmp_path: Path) -> None:
    body = textwrap.indent("\n".join(lines), "    ")
    text = source("x").replace("    return x <= 1e9\n", body + "\n")
    result = analyse(str(tmp_path / "claims.py"), text, Session())
    (unit,) = (unit for unit in result.units if unit.name == "claim")
    assert unit.failure is not None and words in unit.failure
    assert unit.claim is None or unit.claim.verdict is Verdict.UNKNOWN


def test_a_claim_about_executions_with_a_derivative_is_not_proved_and_says_why(tmp_path: Path) -> None:
    text = "import torch\nimport torchlean as tl\n@tl.claim(x=tl.box(-1.0, 1.0))\ndef claim(x):\n"
    text += "    return tl.D(torch.tanh(x), x) <= 2.0\n"
    (claim,) = (unit.claim for unit in analyse(str(tmp_path / "c.py"), text, Session()).units if unit.claim)
    assert claim.verdict is Verdict.UNKNOWN
    assert "rounding of derivatives that autograd computes" in claim.detail
    exact = text.replace("1.0))", "1.0), arithmetic='real')")
    (claim,) = (unit.claim for unit in analyse(str(tmp_path / "c.py"), exact, Session()).units if unit.claim)
    assert claim.verdict is Verdict.PROVED


def test_a_claim_with_a_derivative_runs_on_plain_tensors_and_leaves_them_alone() -> None:
    @tl.claim(x=tl.box([0.1], [1.0]))
    def rises(x: Tensor) -> Tensor:
        return tl.D(x.log(), x) > 0

    x = torch.tensor([0.5])
    with torch.no_grad():
        assert bool(rises(x))
    assert not x.requires_grad
    assert rises.sample(20, seed=0).violated == 0


def test_a_derivative_that_has_become_constant_has_the_derivative_zero() -> None:
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    assert torch.equal(tl.D(3.0 * x, x, x), torch.zeros(2))
    assert math.isclose(float(tl.D(x.square().sum(), x).sum()), 10.0)


def test_the_same_derivative_in_two_claims_has_a_place_in_each(tmp_path: Path) -> None:
    """What a message says of a node is on a line of the claim that it is about."""
    head = "import torch\nimport torchlean as tl\n"
    one = "@tl.claim(x=tl.box(-1.0, 1.0))\ndef {}(x):\n    return tl.D(torch.tanh(x), x{}) <= 99.0\n"
    text = head + one.format("first", "") + one.format("sixth", ", x" * 4)
    (unit,) = (unit for unit in analyse(str(tmp_path / "c.py"), text, Session()).units if unit.failure)
    assert unit.name == "sixth" and unit.failure is not None and "on line 8" in unit.failure
