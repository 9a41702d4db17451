"""Claims speak of executions in float32: what rounding may undo is not proved, and what only it does is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tests.claims.building import CLAIMS, Build

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import ClaimResult
from torchlean.bounds import BoundsCache
from torchlean.claims.decide import Question, pose, sharpen
from torchlean.claims.domain import box
from torchlean.claims.slack import Slack
from torchlean.graph import evaluate
from torchlean.rounding import rounding_errors

HEAD = "import torch\nimport torchlean as tl\n\n"


def verdict(body: str, domain: str = "tl.box([-1.0, -1.0], [1.0, 1.0])", arithmetic: str = "") -> ClaimResult:
    text = f"{HEAD}@tl.claim({arithmetic}x={domain})\ndef stated(x):\n    return {body}\n"
    (unit,) = [unit for unit in analyse("/nowhere/m.py", text, Session()).units if unit.kind == "claim"]
    assert unit.claim is not None
    return unit.claim


REAL = 'arithmetic="real", '

KEPT = {
    "numbers compared as they are": "x.abs() <= 1.0",
    "a sign that rounding keeps": "torch.relu(x) >= 0",
    "a square": "x ** 2 >= 0",
    "a limit that a kernel keeps": "torch.tanh(x).abs() <= 0.7616",
    "a tight comparison beside a loose one": "(x <= 1.0) & (torch.tanh(x) <= 0.8)",
    "classes apart": "torch.stack([x[0] + 3, x[1]]).argmax() == 0",
}


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_what_every_execution_keeps_is_proved(body: str) -> None:
    found = verdict(body)
    assert found.verdict.value == "proved"
    assert "for every float32 execution" in found.detail


def test_a_margin_below_the_rounding_error_is_proved_of_exact_numbers_alone() -> None:
    body, domain = "torch.tanh(x) <= 0.76159415625", "tl.box(-1.0, 1.0)"
    found = verdict(body, domain)
    assert (found.verdict.value, found.code) == ("unknown", "TL307")
    assert "in exact arithmetic, but rounding in float32 may take away" in found.detail
    assert 'state it of exact numbers with `arithmetic="real"`' in found.detail
    real = verdict(body, domain, REAL)
    assert real.verdict.value == "proved" and "in exact arithmetic" in real.detail
    assert "float32 rounding may take away" in real.detail


def test_a_claim_that_fails_by_rounding_alone_says_so() -> None:
    body, domain = "(1.0 + x * 1e-9) > 1.0", "tl.box(0.5, 1.0)"
    found = verdict(body, domain)
    assert found.verdict.value == "refuted" and found.counterexample is not None
    x = torch.tensor(found.counterexample["x"])
    assert not bool((1.0 + x * 1e-9) > 1.0)
    assert "1 > 1 false; only rounding makes it fail there" in found.detail
    assert found.detail.endswith(MAY_KEEP)
    assert verdict(body, domain, REAL).verdict.value == "proved"


MAY_KEEP = "Executions in another order, or by another library, may keep it there"


def test_a_refutation_that_another_order_of_summation_may_undo_says_so() -> None:
    point = [1.0, 1.0, 2.0**24]
    found = verdict(f"x.sum() <= {2.0**24}", f"tl.box({point}, {point})")
    a, b, c = torch.tensor(point)
    assert found.verdict.value == "refuted" and not bool((a + b) + c <= 2.0**24)
    assert bool(a + (b + c) <= 2.0**24), "another order keeps it"
    assert "rounding decides there: in exact arithmetic the margin is at most -2" in found.detail
    assert found.detail.endswith(MAY_KEEP)


@pytest.mark.parametrize("body", ["x.sum() <= 2.0", "torch.relu(x) < 1.0", "x.amax() < 1.0"])
def test_a_refutation_that_no_rounding_undoes_says_no_more(body: str) -> None:
    found = verdict(body, "tl.box([0.5, 1.0, 1.0], [0.5, 1.0, 1.0])")
    assert found.verdict.value == "refuted"
    assert "rounding" not in found.detail and MAY_KEEP not in found.detail


def test_a_refutation_says_where_nothing_is_known_of_the_rounding_of_others() -> None:
    """The rounding of powers and roots of such an order is not bounded."""
    distances = "torch.cdist(x.reshape(3, 1), x.reshape(3, 1), p=2.5)"
    found = verdict(f"{distances} <= 0.5", "tl.box(0.0, 1.0, shape=(3,))")
    assert found.verdict.value == "refuted"
    assert found.detail.endswith("; how other executions round there is not known")


def test_a_claim_is_decided_by_the_kernel_that_torch_has_for_a_function() -> None:
    """torch adds up a trace in float64, and a sum in float32."""
    point = [2.0**24, 1.0, 1.0]
    matrix = torch.diag(torch.tensor(point))
    limit = 2.0**24 + 1.0
    assert bool(torch.trace(matrix) > limit) and not bool(matrix.diagonal().sum() > limit)
    domain = f"tl.box({point}, {point})"
    assert verdict(f"torch.diag(x).diagonal().sum() > {limit}", domain).verdict.value == "refuted"
    assert verdict(f"torch.trace(torch.diag(x)) > {limit}", domain).verdict.value == "unknown"


def test_a_claim_that_fails_in_exact_arithmetic_alone_says_so() -> None:
    body, domain = "(1.0 + x * 1e-9) <= 1.0", "tl.box(0.5, 1.0)"
    real = verdict(body, domain, REAL)
    assert real.verdict.value == "refuted"
    assert "in exact arithmetic" in real.detail and "its float32 execution does not show it" in real.detail
    found = verdict(body, domain)
    assert found.verdict.value == "unknown"
    assert "in exact arithmetic it is false at" in found.detail


def test_a_real_claim_is_not_refuted_by_an_execution_that_rounds() -> None:
    """The sums differ by rounding only; no bound is good enough to prove it, and no execution may refute it."""
    body = "(x * x.clone() + 100.0) - 100.0 >= x * x.clone() - 1e-9 * x.abs()"
    executed, real = verdict(body, "tl.box([1.0], [2.0])"), verdict(body, "tl.box([1.0], [2.0])", REAL)
    assert executed.verdict.value == "refuted"
    assert real.verdict.value != "refuted"


@pytest.mark.parametrize("number", ["0.1", "torch.tensor(0.1, dtype=torch.float64)"])
def test_a_number_is_compared_as_the_execution_reads_it(number: str) -> None:
    """In float32 the sides are equal at the end of the domain, so the strict comparison fails there."""
    found = verdict(f"x < {number}", "tl.box(0.0, 0.10000000149011612)")
    assert found.verdict.value != "proved"
    x = torch.tensor(0.1)
    assert not bool(x < eval(number))


def posed(body: str, limit: float, seed: int) -> tuple[Question, Slack]:
    """A claim of `CLAIMS` in float32, around a point, with what rounding leaves of its margin."""
    build = Build(torch.float32)
    holds = CLAIMS[body](build)
    generator = torch.Generator().manual_seed(seed)
    middle = torch.randn(4, generator=generator).double()
    question = pose(
        build.builder.graph([holds]),
        holds,
        {"x": box(middle - limit, middle + limit, "")},
        BoundsCache(),
        executed=True,
    )
    question = sharpen(question, BoundsCache()) or question
    errors = rounding_errors(question.margin.graph, question.bounds)
    return question, Slack(question.margin, question.own, question.bounds, errors)


@pytest.mark.parametrize("name", CLAIMS)
def test_executed_margins_stay_above_the_bound_of_executions(name: str) -> None:
    """Each comparison's sides as torch computed them, put together in exact arithmetic."""
    for seed in range(4):
        question, slack = posed(name, 0.1, seed)
        least = slack.least()
        graph, node = question.margin.graph, question.margin.node
        domain = question.domains["x"]
        points = torch.rand(50, 4, generator=torch.Generator().manual_seed(seed)).double()
        for weight in points:
            x = (domain.lower + (domain.upper - domain.lower) * weight).float()
            values = evaluate(graph, {"x": x})
            margin = float(values[node])
            # The margin's own subtraction rounds in float32, by half a unit in the last place of the difference.
            assert least <= margin + abs(margin) * 2**-23
            if least > 0 or (least == 0 and not question.margin.strict):
                assert bool(values[question.holds].all())


@pytest.mark.parametrize(
    "body", ["z >= 0", "torch.where(z >= 0, 1.0, -1.0) >= 0", "torch.stack([z, x * 0 - 1]).argmin() == 1"]
)
def test_a_choice_that_nan_may_turn_is_not_proved(body: str) -> None:
    """The difference of two infinities is NaN, which no interval contains and `relu` keeps."""
    z = "torch.relu(torch.exp(x) - torch.exp(x) * 0.5)"
    assert verdict(body.replace("z", z), "tl.box(80.0, 90.0)").verdict.value != "proved"
    x = torch.tensor(90.0)
    assert not bool(eval(body, {"torch": torch, "x": x, "z": eval(z)}))


def test_a_number_that_is_none_is_in_no_domain_and_refutes_nothing() -> None:
    found = verdict("tl.implies(x != x, x > 0)", 'tl.box(float("-inf"), float("inf"))')
    assert found.verdict.value != "refuted", found.detail


@pytest.mark.parametrize(
    "body",
    [
        "torch.exp(x) * 0.0 <= 1",
        "torch.zeros(()) / (1 + torch.relu(z)) <= 1",
        "torch.tanh(torch.clamp(z, 20.0, 30.0)) <= 1.5",
        "torch.nn.functional.layer_norm(torch.stack([z, x]), (2,), torch.zeros(2)) <= 1",
        "torch.addcmul(x, z, torch.zeros(())) <= 91",
        "torch.stack([z]) @ torch.zeros(1) <= 1",
    ],
)
def test_nan_times_zero_is_not_proved_to_be_zero(body: str) -> None:
    z = "(torch.exp(x) - torch.exp(x) * 0.5)"
    assert verdict(re.sub(r"\bz\b", z, body), "tl.box(80.0, 90.0)").verdict.value != "proved"
    x = torch.tensor(90.0)
    assert not bool(torch.as_tensor(eval(body, {"torch": torch, "x": x, "z": eval(z)})).all())


def test_a_claim_with_assertions_is_proved_only_if_they_hold(tmp_path: Path) -> None:
    text = f"{HEAD}@tl.claim(x=tl.box(0.0, 1.0))\ndef stated(x):\n    assert x <= LIMIT\n    return x >= 0\n"
    for limit, expected in (("1.0", "proved"), ("0.5", "refuted")):
        result = analyse(str(tmp_path / "m.py"), text.replace("LIMIT", limit), Session())
        (unit,) = [unit for unit in result.units if unit.kind == "claim"]
        assert unit.claim is not None and unit.claim.verdict.value == expected


def test_a_claim_that_reads_no_input_and_rests_on_rounding_stays_open() -> None:
    value = torch.tanh(torch.tensor(0.5)).item()
    found = verdict(f"torch.tanh(torch.tensor(0.5)) <= torch.tensor({value})")
    assert found.verdict.value == "unknown"
    found = verdict("torch.tanh(torch.tensor(0.5)) <= 0.4")
    assert found.verdict.value == "refuted"
