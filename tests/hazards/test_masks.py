"""TL209: a value is masked, its derivative is not; nothing where the derivative is a number or nobody asks for it."""

import pytest
import torch
from tests.hazards.expressions import HEADER, marked, unknown

MASKED = [
    ("torch.sqrt(x)", "y = torch.where(x > 0, torch.sqrt(x), 0.0)"),
    ("x ** 0.5", "y = torch.where(x <= 0, torch.zeros_like(x), x ** 0.5)"),
    ("x.sqrt()", "y = x.sqrt().masked_fill(x < 1e-6, 0.0)"),
    ("torch.log(p)", "p = x.abs()\ny = torch.where(p > 0, p * torch.log(p), 0.0)"),
    ("1 / x", "y = torch.where(x != 0, 1 / x, 0.0)"),
    ("torch.acos(x)", "y = torch.where(x.abs() < 1, torch.acos(x), 0.0)"),
    ("torch.asin(x)", "y = torch.where((x > -1) & (x < 1), torch.asin(x), 0.0)"),
    ("torch.exp(x)", "y = torch.where(x > 20, x, torch.log1p(torch.exp(x)))"),
    ("torch.exp(x)", "y = torch.where(~(x > 0), torch.exp(x), x + 1)"),
]
"""The expression whose derivative is no number where the mask hides it."""

UNMASKED = [
    "y = torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), 0.0)",
    "y = torch.sqrt(x.masked_fill(x < 1e-6, 1.0)).masked_fill(x < 1e-6, 0.0)",
    "y = torch.where(x > 20, x, torch.log1p(torch.exp(x.clamp(max=20))))",
    "y = torch.where(x > 0, torch.log(x), 0.0)",  # 0 / x is 0 for all other x, and who meets 0 itself
    "y = torch.where(x > 0, x, torch.exp(x.clamp(max=0)))",
    "y = torch.where(torch.relu(x) > 0, torch.relu(x) ** 1.5, 0.0)",
    "p = torch.relu(x)\ny = torch.where(p > 0, p * torch.log(p), 0.0)",  # relu hands on no NaN
    "with torch.no_grad():\n    y = torch.where(x > 0, torch.sqrt(x), 0.0)",
    "y = torch.where(x > 0, torch.sqrt(x.detach()), 0.0)",
    "y = torch.where(x > 0, torch.sqrt(x), 0.0).detach()",
]


def trained(body: str) -> str:
    """A program that computes `y` from a network's output `x`."""
    return f"{HEADER}x = nn.Linear(3, 4)(torch.rand(8, 3))\n{body}\n"


@pytest.mark.parametrize(("words", "body"), MASKED)
def test_a_derivative_that_the_mask_does_not_repair_is_marked(words, body) -> None:
    assert marked(trained(body)) == [("TL209", words)]


@pytest.mark.parametrize("body", UNMASKED)
def test_nothing_is_said_where_the_gradient_is_a_number_or_not_computed(body) -> None:
    assert marked(trained(body)) == []


@pytest.mark.parametrize(("words", "body"), MASKED)
def test_the_gradient_of_what_is_marked_is_nan_in_torch(words, body) -> None:
    x = torch.tensor([200.0, -200.0, 0.0], requires_grad=True)
    names = {"torch": torch, "x": x}
    exec(body, names)
    assert bool(torch.isfinite(names["y"]).all())
    names["y"].sum().backward()
    assert bool(torch.isnan(x.grad).any())


def test_counts_as_divisors_and_exponents_are_judged_like_other_numbers() -> None:
    counts = "n = torch.randint(0, 200, (8, 4))\n"
    assert marked(trained(f"{counts}y = torch.where(n > 0, x / n, 0.0)")) == [("TL209", "x / n")]
    assert marked(trained(f"{counts}y = x * torch.where(n < 50, torch.exp(n), torch.zeros(8, 4))")) == []


def test_what_is_computed_from_a_masked_value_is_judged_by_what_the_mask_lets_through() -> None:
    elu = "y = torch.where(x > 0, x, torch.exp(x) - 0.5)\ny = y * y * y"
    assert marked(trained(elu)) == [("TL209", "torch.exp(x)")]


def test_nothing_is_said_of_data_that_no_weight_has_a_part_in() -> None:
    assert marked(unknown("y = torch.where(x > 0, torch.sqrt(x), 0.0)")) == []
