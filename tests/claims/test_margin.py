"""A claim's margin is positive only where the claim is true."""

from __future__ import annotations

import pytest
import torch
from tests.claims.building import CLAIMS, Build, argmax_is

from torchlean.claims.margin import add_margin
from torchlean.graph import evaluate


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_true_wherever_its_margin_is_positive(name: str) -> None:
    build = Build()
    holds = CLAIMS[name](build)
    margin = add_margin(build.builder.graph([holds]), holds)
    generator = torch.Generator().manual_seed(0)
    seen = {True: 0, False: 0}
    for _ in range(400):
        x = torch.randn(4, dtype=torch.float64, generator=generator).mul(2).round(decimals=1)
        values = evaluate(margin.graph, {"x": x})
        truth, number = bool(values[holds].all()), float(values[margin.node])
        positive = number > 0 or (number == 0 and not margin.strict)
        assert truth or not positive, f"margin {number} but the claim is false at {x.tolist()}"
        # Apart from ties the margin is exact: a false claim has a margin that is not positive and the reverse.
        assert not truth or number >= 0, f"margin {number} but the claim is true at {x.tolist()}"
        seen[truth] += 1
    assert seen[True] > 0
    assert name == "eq" or seen[False] > 0


def test_the_margin_measures_how_far_the_nearest_comparison_is_from_failing() -> None:
    build = Build()
    holds = build("logical_and", build("le", build.x, 1.0), build("ge", build.x, -3.0))
    margin = add_margin(build.builder.graph([holds]), holds)
    x = torch.tensor([0.0, 0.75, -2.5, 0.5], dtype=torch.float64)
    assert float(evaluate(margin.graph, {"x": x})[margin.node]) == 0.25


def test_a_strict_comparison_needs_a_positive_margin() -> None:
    for op, strict in (("le", False), ("lt", True), ("ge", False), ("gt", True)):
        build = Build()
        holds = build(op, build.x, 0.0)
        assert add_margin(build.builder.graph([holds]), holds).strict is strict


def test_every_node_of_the_claim_keeps_its_id() -> None:
    build = Build()
    holds = argmax_is(build, 1)
    graph = build.builder.graph([holds])
    extended = add_margin(graph, holds).graph
    assert extended.nodes[: len(graph)] == graph.nodes
