"""Claims that one set of bounds cannot decide: split, proved or refuted, and never said to be more than they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from torchlean.analysis.verdicts import claim_result
from torchlean.bounds import BoundsCache
from torchlean.cancellation import Cancelled
from torchlean.capture.result import Unit, UnitKind
from torchlean.claims.decide import Decision, Question, decide, pose, proved
from torchlean.claims.domain import box
from torchlean.claims.splitting import Progress
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.ops import TensorType
from torchlean.rounding import rounding_errors
from torchlean.source import Span

UNIT = Unit(UnitKind.CLAIM, "c", Span("m.py", 0, 0, 0, 1))


def product_at_least(limit: float) -> tuple[Graph, int]:
    """`x[0] * x[0] + x[1] * x[1] >= limit`, with the squares written as products of two different nodes.

    The products are fused with a sum: those that stand alone have bounds of the second order, which need no splitting.
    """
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    same = builder.op("reshape", [x.id], {"shape": (2,)})
    zero = builder.constant(torch.zeros(2))
    squares = builder.op("addcmul", [zero.id, x.id, same.id], {"value": 1.0})
    total = builder.op("sum", [squares.id], {"dim": (0,), "keepdim": False})
    holds = builder.op("ge", [total.id, builder.constant(torch.tensor(limit)).id], {})
    return builder.graph([holds.id]), holds.id


def ask(limit: float, seconds: float = 5.0) -> Decision:
    graph, holds = product_at_least(limit)
    domain = box(torch.full((2,), -1.0), torch.full((2,), 1.3), "box(-1, 1.3)")
    question = pose(graph, holds, {"x": domain}, BoundsCache())
    return decide(question, seconds=seconds)


def test_splitting_proves_what_one_box_cannot() -> None:
    decision = ask(-0.1)
    assert decision.proved and decision.finished
    assert decision.boxes > 1
    assert decision.verified == 1.0
    assert decision.margin >= 0


def test_the_margin_of_a_split_proof_is_below_every_sample() -> None:
    decision = ask(-0.1)
    graph, holds = product_at_least(-0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        x = torch.rand(2, generator=generator) * 2.3 - 1
        total = evaluate(graph, {"x": x}, dtype=torch.float64)[graph[holds].inputs[0]]
        assert decision.margin <= float(total) + 0.1 + 1e-7


def test_a_claim_that_fails_in_a_small_hole_is_refuted_inside_it() -> None:
    decision = ask(0.01)
    assert not decision.proved
    assert decision.violation is not None
    x = decision.violation["x"].double()
    assert float((x * x).sum()) < 0.01


def test_running_out_of_time_is_unknown_with_the_share_that_was_shown() -> None:
    """The margin is zero at one point, so no number of boxes is enough for this method."""
    decision = ask(0.0, seconds=1.0)
    assert not decision.proved and decision.violation is None
    assert not decision.finished
    assert decision.boxes > decision.shown and 0.0 < decision.verified < 1.0


def test_where_rounding_leaves_no_margin_splitting_ends_before_its_time() -> None:
    graph, holds = product_at_least(0.0)
    domain = box(torch.full((2,), -1.0), torch.full((2,), 1.3), "box(-1, 1.3)")
    question = pose(graph, holds, {"x": domain}, BoundsCache(), executed=True)
    question = replace(question, errors=rounding_errors(question.margin.graph, question.bounds))
    decision = decide(question, seconds=300.0)
    assert not decision.proved and decision.violation is None
    assert decision.finished, (
        "near zero the margin is less than what rounding may take, however small the boxes"
    )


def test_splitting_stops_when_asked() -> None:
    graph, holds = product_at_least(0.0)
    domain = box(torch.full((2,), -1.0), torch.full((2,), 1.3), "box(-1, 1.3)")
    question = pose(graph, holds, {"x": domain}, BoundsCache())
    calls = iter(range(10**9))
    with pytest.raises(Cancelled):
        decide(question, cancelled=lambda: next(calls) > 300, seconds=60.0)


def network_at_most(limit: float) -> Question:
    """A random network of 20 inputs, two layers of relus and one output."""
    generator = torch.Generator().manual_seed(0)
    builder = GraphBuilder()
    value = builder.input("x", TensorType((20,), torch.float32))
    for width in (12, 12, 1):
        count = value.type.shape[0]
        weight = builder.parameter(torch.randn(width, count, generator=generator) / count**0.5, "weight")
        bias = builder.parameter(torch.randn(width, generator=generator) * 0.1, "bias")
        value = builder.op("linear", [value.id, weight.id, bias.id], {})
        if width > 1:
            value = builder.op("relu", [value.id], {})
    holds = builder.op("le", [value.id, builder.constant(torch.tensor(limit)).id], {})
    domain = box(torch.full((20,), -1.0), torch.full((20,), 1.0), "box(-1, 1)")
    return pose(builder.graph([holds.id]), holds.id, {"x": domain}, BoundsCache())


def test_claims_with_many_inputs_are_proved_by_cutting_relus() -> None:
    reports: list[Progress] = []
    decision = decide(network_at_most(3.0), seconds=60.0, report=reports.append)
    assert decision.proved and decision.finished and decision.phased and decision.searched
    assert decision.boxes == decision.shown > 1
    assert [report.verified for report in reports] == sorted(report.verified for report in reports)
    assert all(report.open < report.boxes for report in reports[1:])
    first, last = reports[0], reports[-1]
    assert first.boxes == first.open == 1 and first.verified == 0.0
    assert first.hardest is not None and first.hardest.bound < 0
    assert (first.hardest.lower.tolist(), first.hardest.upper.tolist()) == ([-1.0] * 20, [1.0] * 20)
    assert first.text.startswith("0 of 1 boxes shown (0 %), hardest: margin at least -")
    assert first.text.endswith(" on the whole domain") and " keep their sign" in reports[-2].text
    assert last.open == 0 and last.hardest is None and last.verified == 1.0


def test_one_box_with_searched_slopes_is_enough_where_single_bounds_are_not() -> None:
    question = network_at_most(5.0)
    assert not proved(question)
    decision = decide(question, seconds=60.0)
    assert decision.proved and decision.boxes == 1 and decision.searched and decision.verified == 1.0


def test_of_cut_relus_a_message_tells_boxes_and_no_share_of_the_domain() -> None:
    question = network_at_most(1.5)
    decision = decide(question, seconds=1.0)
    assert not decision.proved and not decision.finished and decision.violation is None
    detail = claim_result(UNIT, question, decision).detail
    assert f"on {decision.boxes:,} boxes show it on {decision.shown:,} of the boxes" in detail
    assert "optimised slopes" in detail and "%" not in detail
    by_volume = claim_result(UNIT, question, replace(decision, phased=False, verified=0.99999)).detail
    assert "show it on 99.9 % of the domain" in by_volume


def test_an_answer_without_time_for_bounds_of_its_own_names_the_bounds_it_has() -> None:
    question = network_at_most(1.5)
    decision = decide(question, seconds=1e-9)
    assert not decision.searched and not decision.finished and decision.boxes == 1
    detail = claim_result(UNIT, question, decision).detail
    assert "optimised" not in detail and "interval bounds only show a margin" in detail
