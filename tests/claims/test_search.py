"""Counterexamples are real: inside the domain, of the program's number type, and false when executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from tests.ops import bivariate_cases, tensor_cases, univariate_cases

from torchlean.claims.domain import Box, ball, box
from torchlean.claims.margin import add_margin
from torchlean.claims.search import Search, search
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.ops import TensorType


def bump(width: int, needle: float) -> tuple[Graph, int]:
    """`sum(relu(x)) <= needle` over `width` numbers in float32."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((width,), torch.float32))
    total = builder.op("sum", [builder.op("relu", [x.id], {}).id], {"dim": (0,), "keepdim": False})
    limit = builder.constant(torch.tensor(needle))
    holds = builder.op("le", [total.id, limit.id], {})
    return builder.graph([holds.id]), holds.id


def find(graph: Graph, holds: int, domain: Box) -> Search:
    margin = add_margin(graph, holds)
    return search(margin.graph, holds, margin.node, {"x": domain})


def unit_box(width: int) -> Box:
    return box(torch.full((width,), -1.0), torch.full((width,), 1.0), "box(-1, 1)")


@pytest.mark.parametrize("needle", [0.0, 5.0, 9.5])
def test_a_violation_is_a_float32_input_of_the_domain_for_which_the_claim_is_false(needle: float) -> None:
    graph, holds = bump(10, needle)
    found = find(graph, holds, unit_box(10)).violation
    assert found is not None
    assert found["x"].dtype == torch.float32
    assert bool((found["x"].abs() <= 1).all())
    assert not bool(evaluate(graph, found)[holds])


def test_a_true_claim_has_no_violation_and_the_count_of_tries_is_told() -> None:
    graph, holds = bump(4, 4.0)
    found = find(graph, holds, unit_box(4))
    assert found.violation is None
    assert found.tried > 100


def test_descent_finds_a_violation_that_random_inputs_miss() -> None:
    """A corner of 40 dimensions, away from both extreme ones: one of 2**40."""
    width = 40
    builder = GraphBuilder()
    x = builder.input("x", TensorType((width,), torch.float32))
    signs = torch.randn(width, generator=torch.Generator().manual_seed(3)).sign()
    weighed = builder.op("mul", [x.id, builder.constant(signs).id], {})
    total = builder.op("sum", [weighed.id], {"dim": (0,), "keepdim": False})
    holds = builder.op("le", [total.id, builder.constant(torch.tensor(width - 0.5)).id], {})
    graph = builder.graph([holds.id])
    found = find(graph, holds.id, unit_box(width))
    assert found.violation is not None
    assert torch.equal(found.violation["x"].sign(), signs)


def test_a_box_without_any_float32_number_has_no_violation() -> None:
    graph, holds = bump(1, -1.0)
    between = box(
        *torch.tensor([[1.0 + 2.0**-30], [1.0 + 2.0**-29]], dtype=torch.float64), "between two floats"
    )
    assert find(graph, holds, between) == Search(None, 0)


def test_the_ends_of_a_box_are_rounded_inward_to_float32() -> None:
    graph, holds = bump(1, -1.0)
    thin = box(
        torch.tensor([0.1], dtype=torch.float64), torch.tensor([0.1 + 1e-7], dtype=torch.float64), "thin"
    )
    found = find(graph, holds, thin).violation
    assert found is not None
    assert 0.1 <= float(found["x"]) <= 0.1 + 1e-7


def test_the_same_question_gets_the_same_answer() -> None:
    graph, holds = bump(10, 5.0)
    first, second = find(graph, holds, unit_box(10)), find(graph, holds, unit_box(10))
    assert first.violation is not None and second.violation is not None
    assert torch.equal(first.violation["x"], second.violation["x"])


def test_a_ball_is_searched_inside_its_clip() -> None:
    graph, holds = bump(3, -1.0)
    found = find(graph, holds, ball(torch.zeros(3), 0.5, (0.0, 1.0), "ball")).violation
    assert found is not None
    assert bool((found["x"] >= 0).all())


ONE_OF_EACH = {
    "batch_norm": ({"has_weight": True, "has_bias": True, "eps": 1e-5}, [(2, 3), *[(3,)] * 4]),
    **{case.op: (case.attributes, list(case.shapes)) for case in tensor_cases.CASES},
    **{
        case.op: (case.attributes, [(4, 3), (3,)] if case.op == "prelu" else [(4,)] * case.operands)
        for case in bivariate_cases.CASES
        if case.dtype == torch.float64
    },
    **{case.op: (case.attributes, [(4,)]) for case in univariate_cases.CASES},
}


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_a_claim_about_any_op_can_be_searched(op: str) -> None:
    """Every op runs over a batch of points and lets gradients pass, or has none: an error of torch would end the
    analysis of the whole file."""
    attributes: Mapping[str, Any]
    shapes: Sequence[tuple[int, ...]]
    attributes, shapes = ONE_OF_EACH[op]
    builder = GraphBuilder()
    inputs = [builder.input(f"x{k}", TensorType(shape, torch.float32)).id for k, shape in enumerate(shapes)]
    result = builder.op(op, inputs, attributes)
    if not result.type.dtype.is_floating_point:
        result = builder.op("cast", [result.id], {"dtype": torch.float32})
    holds = builder.op("le", [result.id, builder.constant(torch.tensor(1e30)).id], {})
    margin = add_margin(builder.graph([holds.id]), holds.id)
    low = 1.25 if op == "acosh" else 0.25
    domains = {
        f"x{k}": box(torch.full(shape, low), torch.full(shape, low + 0.5), "")
        for k, shape in enumerate(shapes)
    }
    found = search(margin.graph, holds.id, margin.node, domains)
    assert found.tried > 100 and found.violation is None
