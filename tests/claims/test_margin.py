"""A claim's margin is positive only where the claim is true."""

from __future__ import annotations

import math

import pytest
import torch
from tests.claims.building import CLAIMS, Build, argmax_is

from torchlean.claims.margin import add_margin, shown
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


def test_a_class_that_is_no_whole_number_is_never_the_argmax() -> None:
    for label in (1.7, math.nan, math.inf, -1.0, 4.0):
        build = Build()
        holds = build("eq", build("argmax", build.x, dim=0, keepdim=False), build.number(label))
        assert margin_at(build, holds, [0.0, 5.0, -3.0, 2.0])[1] is False


def test_whole_numbers_and_truths_have_a_margin_below_zero_where_the_comparison_is_false() -> None:
    build = Build()
    byte = build("cast", build.x, dtype=torch.uint8)
    positive = build("gt", build.x, 0.0)
    fifty = build.builder.constant(torch.tensor([50] * 4, dtype=torch.uint8)).id
    for holds in (
        build("ge", byte, fifty),
        build("eq", positive, build.integer(0)),
        build("le", positive, 0.5),
    ):
        assert margin_at(build, holds, [20.0, 20.0, 20.0, 20.0]) == (False, False)
        assert margin_at(build, build("logical_not", holds), [20.0, 20.0, 20.0, 20.0]) == (True, True)


def margin_at(build: Build, holds: int, x: list[float]) -> tuple[bool, bool]:
    """Whether the claim is true at `x`, and whether its margin says so."""
    margin = add_margin(build.builder.graph([holds]), holds)
    values = evaluate(margin.graph, {"x": torch.tensor(x, dtype=torch.float64)})
    return bool(values[holds].all()), shown(float(values[margin.node]), margin)
