"""Counterexamples are real: inside the domain, of the program's number type, and false when executed."""

from __future__ import annotations

import pytest
import torch

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
