"""Roots of probabilities that saturate: the value is right, the gradient is NaN, in torch as in what is reported."""

import pytest
import torch
from tests.hazards.expressions import HEADER, claimed, hazards, marked

from torchlean.diagnostics import Severity

NET = HEADER + "net = nn.Linear(6, 3)\nlogits = net(torch.randn(8, 6))\n"

CASES = [
    ("(1 - torch.sigmoid(logits)) ** 0.5", "(1 - torch.sigmoid(logits) + 1e-6) ** 0.5"),
    ("(1 - F.softmax(logits, dim=1)) ** 0.3", "(1 - F.softmax(logits, dim=1)) ** 1.3"),
    ("torch.sqrt(F.softmax(logits, dim=1))", "torch.exp(0.5 * F.log_softmax(logits, dim=1))"),
    ("(1 - F.log_softmax(logits, dim=1).exp()) ** 0.5", "(1 - F.log_softmax(logits, dim=1).exp()) ** 2"),
    ("logits.sigmoid().pow(0.25)", "(logits.sigmoid() + 1e-4).pow(0.25)"),
    (
        "torch.sqrt(logits.sigmoid() * (1 - logits.sigmoid()))",
        "torch.sqrt(logits.sigmoid() * (1 - logits.sigmoid()) + 1e-6)",
    ),
    ("torch.sqrt(1 - torch.tanh(logits) ** 2)", "torch.sqrt(1.001 - torch.tanh(logits) ** 2)"),
    ("torch.sqrt(torch.exp(-(logits ** 2)))", "torch.exp(-0.5 * logits ** 2)"),
]


@pytest.mark.parametrize(("root", "stable"), CASES)
def test_a_root_of_what_saturates_has_no_gradient_there(root, stable) -> None:
    assert marked(f"{NET}loss = ({root}).mean()\n") == [("TL203", root)]
    assert marked(f"{NET}loss = ({stable}).mean()\n") == []


@pytest.mark.parametrize(("root", "stable"), CASES)
def test_torch_has_nan_gradients_of_these_roots_and_finite_ones_of_their_twins(root, stable) -> None:
    names = {"torch": torch, "F": torch.nn.functional}
    for expression, finite in ((root, False), (stable, True)):
        logits = torch.tensor([[200.0, -200.0, 0.0], [-200.0, 0.0, 200.0]], requires_grad=True)
        eval(expression, names, {"logits": logits}).mean().backward()
        assert logits.grad is not None
        assert bool(torch.isfinite(logits.grad).all()) is finite, expression


def test_the_report_is_a_hint_that_names_the_gradient() -> None:
    (found,) = hazards(f"{NET}loss = torch.sqrt(torch.sigmoid(logits)).mean()\n")
    assert found.severity is Severity.HINT
    assert found.message.startswith("The gradient of this root divides by zero where its base is saturated")


@pytest.mark.parametrize(
    "program",
    [
        f"{NET}with torch.no_grad():\n    d = torch.sqrt(torch.sigmoid(logits))\n",
        f"{NET}with torch.no_grad():\n    p = torch.sigmoid(net(torch.rand(8, 6)))\nd = torch.sqrt(p)\n",
        f"{NET}d = torch.sqrt(torch.sigmoid(logits).detach())\n",
        f"{HEADER}d = torch.sqrt(torch.sigmoid(torch.randn(8)))\n",
    ],
)
def test_without_a_gradient_there_is_no_hazard(program) -> None:
    assert marked(program) == []


def test_a_sigmoid_that_does_not_saturate_in_its_domain_is_fine() -> None:
    root = "y = (1 - torch.sigmoid(x)) ** 0.5"
    assert marked(claimed(root, [-5.0] * 3, [5.0] * 3)) == []
    assert [code for code, _ in marked(claimed(root, [-50.0] * 3, [50.0] * 3))] == ["TL203"]
