"""Claims that one set of bounds cannot decide: split, proved or refuted, and never said to be more than they are."""

from __future__ import annotations

import pytest
import torch

from torchlean.bounds import BoundsCache
from torchlean.cancellation import Cancelled
from torchlean.claims.decide import Decision, decide, pose
from torchlean.claims.domain import box
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.ops import TensorType


def product_at_least(limit: float) -> tuple[Graph, int]:
    """`x[0] * x[0] + x[1] * x[1] >= limit`, with the squares written as products of two different nodes."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    same = builder.op("reshape", [x.id], {"shape": (2,)})
    squares = builder.op("mul", [x.id, same.id], {})
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


def test_splitting_stops_when_asked() -> None:
    graph, holds = product_at_least(0.0)
    domain = box(torch.full((2,), -1.0), torch.full((2,), 1.3), "box(-1, 1.3)")
    question = pose(graph, holds, {"x": domain}, BoundsCache())
    calls = iter(range(10**9))
    with pytest.raises(Cancelled):
        decide(question, cancelled=lambda: next(calls) > 300, seconds=60.0)
