"""Claims that say nothing are called so where that is shown, and only there."""

from __future__ import annotations

import pytest

from torchlean.analysis import Session, analyse
from torchlean.diagnostics import Diagnostic, Severity

HEAD = "import torch\nimport torchlean as tl\n\n"


def warnings(
    body: str, domain: str = "tl.box([-1.0, -1.0], [1.0, 1.0])", extra: str = ""
) -> list[Diagnostic]:
    text = f"{HEAD}@tl.claim({extra}x={domain})\ndef stated(x):\n    return {body}\n"
    return [found for found in analyse("/nowhere/m.py", text, Session()).diagnostics if found.code == "TL308"]


NEVER = {
    "a premise beyond the domain": "tl.implies(x.sum() > 2.5, x.sum() <= 0)",
    "a premise of several elements, none of them": "tl.implies(x > 1.5, x < 0)",
    "a premise that only linear bounds show to be false": "tl.implies(x[0] - x[0] * 0.5 > 0.75, x[1] > 3)",
    "a premise that takes splitting": "tl.implies((x * x.clone()).sum() + 0.2 < 0, x[0] > 3)",
    "a premise among other claims": "(x <= 1.0) & tl.implies(x.sum() > 2.5, x.sum() <= 0)",
    "a premise behind another": "tl.implies(x[0] > 0, tl.implies(x[1] > 1.5, x[1] > 3))",
    "written with operators": "~(x.sum() > 2.5) | (x.sum() <= 0)",
}


@pytest.mark.parametrize("body", NEVER.values(), ids=NEVER)
def test_a_premise_that_is_never_true_is_warned_of_where_it_stands(body: str) -> None:
    (found,) = warnings(body)
    assert found.severity is Severity.WARNING
    assert "this premise is false for every input of the domain" in found.message
    assert found.span.line == 5 and found.span.column > 11


SOMETIMES = {
    "an ordinary premise": "tl.implies(x.sum() > 0, x.sum() >= 0)",
    "a premise of one corner": "tl.implies(x.sum() >= 2.0, x[0] >= 1.0)",
    "a premise of some elements": "tl.implies(torch.stack([x[0], x[1] - 3]) > 0, torch.stack([x[0], x[1]]) > -2)",
    "a premise that touches the domain": "tl.implies(x[0] >= 1.0, x[0] <= 1.0)",
    "an alternative without a premise": "(x.sum() > 5) | (x.sum() <= 2)",
    "a negation that is no premise": "~(x.sum() > 5)",
    "no implication": "x <= 1.0",
    "a premise so rare that a search may miss it": "tl.implies((x - 0.123456).abs().sum() < 1e-5, x[0] > 0)",
}


@pytest.mark.parametrize("body", SOMETIMES.values(), ids=SOMETIMES)
def test_other_claims_are_not_warned_of(body: str) -> None:
    assert warnings(body) == []


@pytest.mark.parametrize(
    ("domain", "body", "says"),
    [
        ("tl.box(0.1, 0.1)", "x <= 1.0", "contains no float32 number"),
        ("tl.box(0.0, 1.0, shape=(0,))", "x <= 1.0", "has no element (shape (0,))"),
        ("tl.box([0.0, 0.0], 1.0)", "x[2:] <= 1.0", "it compares nothing (its result has shape (0,))"),
        ("tl.box(0.0, 1.0)", "True", "its result does not depend on its arguments"),
        ("tl.box(0.0, 1.0)", "torch.ones(3) <= 2.0", "its result does not depend on its arguments"),
    ],
)
def test_a_claim_about_nothing_is_warned_of_at_its_name(domain: str, body: str, says: str) -> None:
    (found,) = warnings(body, domain)
    assert says in found.message and found.span.line == 4


def test_exact_numbers_are_in_a_domain_without_float32_numbers() -> None:
    assert warnings("x <= 1.0", "tl.box(0.1, 0.1)", 'arithmetic="real", ') == []


def test_a_domain_without_a_float32_number_is_the_reason_why_nothing_was_executed() -> None:
    text = f"{HEAD}@tl.claim(x=tl.box([0.1], [0.1]))\ndef stated(x):\n    return x * 3.0 > 0.5\n"
    (found,) = [
        found for found in analyse("/nowhere/m.py", text, Session()).diagnostics if found.code == "TL302"
    ]
    assert "the domain contains no number of the inputs' dtypes" in found.message
