"""A claim's margin is positive only where the claim is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from torchlean.claims.margin import add_margin
from torchlean.graph import GraphBuilder, evaluate
from torchlean.ops import Attribute, TensorType


class Build:
    """Writes claims over one input `x` of four numbers."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.x = self.builder.input("x", TensorType((4,), torch.float64)).id

    def __call__(self, op: str, *inputs: int | float, **attributes: Attribute) -> int:
        ids = [i if isinstance(i, int) else self.number(i) for i in inputs]
        return self.builder.op(op, ids, attributes).id

    def number(self, value: float) -> int:
        return self.builder.constant(torch.tensor(value, dtype=torch.float64)).id

    def integer(self, value: int) -> int:
        return self.builder.constant(torch.tensor(value)).id


def argmax_is(b: Build, k: int) -> int:
    return b("eq", b("argmax", b.x, dim=0, keepdim=False), b.integer(k))


CLAIMS: dict[str, Callable[[Build], int]] = {
    "le": lambda b: b("le", b.x, 1.0),
    "lt": lambda b: b("lt", b.x, 1.0),
    "ge": lambda b: b("ge", b.x, -1.0),
    "gt": lambda b: b("gt", b.x, -1.0),
    "ne": lambda b: b("ne", b.x, 0.5),
    "eq": lambda b: b("eq", b("sub", b.x, b.x), 0.0),
    "and": lambda b: b("logical_and", b("le", b.x, 1.0), b("gt", b.x, -2.0)),
    "bitwise and": lambda b: b("bitwise_and", b("le", b.x, 1.0), b("gt", b.x, -2.0)),
    "or": lambda b: b("logical_or", b("le", b.x, -1.0), b("gt", b.x, 0.0)),
    "not of or": lambda b: b("logical_not", b("logical_or", b("le", b.x, -1.0), b("gt", b.x, 1.5))),
    "all": lambda b: b("all", b("le", b.x, 1.5), dim=(0,), keepdim=False),
    "any": lambda b: b("any", b("le", b.x, -1.0), dim=(0,), keepdim=False),
    "not of any": lambda b: b("logical_not", b("any", b("gt", b.x, 1.0), dim=(0,), keepdim=True)),
    "argmax": lambda b: argmax_is(b, 2),
    "argmin": lambda b: b("eq", b("argmin", b.x, dim=0, keepdim=False), b.integer(1)),
    "argmax or bound": lambda b: b("logical_or", argmax_is(b, 0), b("le", b.x, 0.5)),
    "no comparison": lambda b: b("cast", b("relu", b.x), dtype=torch.bool),
    "truth of a number": lambda b: b("logical_not", b("relu", b.x)),
}


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
