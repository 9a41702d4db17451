"""A claim's rows and clauses say exactly what its margin says, at every input."""

from __future__ import annotations

import pytest
import torch
from tests.claims.building import CLAIMS, Build, argmax_is

from torchlean.bounds.branching import Goal
from torchlean.claims.domain import Box
from torchlean.claims.goal import MOST_CLAUSES, MOST_ROWS, goal_of
from torchlean.claims.margin import Margin, add_margin
from torchlean.graph import evaluate


def posed(build: Build, holds: int) -> tuple[Margin, Goal]:
    margin = add_margin(build.builder.graph([holds]), holds)
    domain = Box(torch.full((4,), -9.0, dtype=torch.float64), torch.full((4,), 9.0, dtype=torch.float64), "")
    return margin, goal_of(margin, {"x": domain})


def assert_same_everywhere(margin: Margin, goal: Goal, count: int = 300) -> None:
    """Both have the same value at random points, ties included, and so does what follows from it."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        x = torch.randn(4, dtype=torch.float64, generator=generator).mul(2).round(decimals=1)
        number = evaluate(margin.graph, {"x": x})[margin.node]
        rows = evaluate(goal.graph, {"x": x} if goal.names else {})[goal.rows]
        clauses = goal.margins(rows)
        assert float(clauses.min()) == float(number)
        positive = bool(number > 0) or (bool(number == 0) and not margin.strict)
        assert bool(goal.shown(clauses.to(torch.float64)).all()) == positive


@pytest.mark.parametrize("name", CLAIMS)
def test_the_worst_clause_has_the_value_of_the_margin(name: str) -> None:
    build = Build()
    margin, goal = posed(build, CLAIMS[name](build))
    assert goal.strict == (margin.strict,) * len(goal.clauses)
    assert_same_everywhere(margin, goal)


def test_a_classification_is_one_clause_for_each_other_class() -> None:
    build = Build()
    _, goal = posed(build, argmax_is(build, 2))
    assert goal.clauses == ((0,), (1,), (2,))


def test_a_disjunction_over_a_conjunction_is_multiplied_out() -> None:
    build = Build()
    both = build("logical_and", build("le", build.x, 1.0), build("ge", build.x, -1.0))
    either = build("any", both, dim=(0,), keepdim=False)
    _, goal = posed(build, either)
    # Of each of the four elements one of two sides: sixteen clauses of four of the eight rows.
    assert goal.count == 8 and len(goal.clauses) == 16
    assert {len(clause) for clause in goal.clauses} == {4}


def test_what_another_clause_implies_is_left_out() -> None:
    build = Build()
    low, high = build("le", build.x, 1.0), build("ge", build.x, -1.0)
    margin, goal = posed(build, build("logical_and", low, build("logical_or", low, high)))
    assert goal.count == 4 and goal.clauses == ((0,), (1,), (2,), (3,))
    assert_same_everywhere(margin, goal, 50)


def test_what_would_get_too_large_stays_one_row() -> None:
    """One of two sides for each of 16 elements would be 65,536 clauses."""
    build = Build()
    grid = build("add", build("reshape", build.x, shape=(4, 1)), build("reshape", build.x, shape=(1, 4)))
    both = build("logical_and", build("le", grid, 1.0), build("ge", grid, -1.0))
    either = build("any", both, dim=(0, 1), keepdim=False)
    margin, goal = posed(build, build("logical_and", either, argmax_is(build, 0)))
    assert goal.count == 4 and goal.clauses == ((0,), (1,), (2,), (3,))
    assert_same_everywhere(margin, goal, 50)


@pytest.mark.parametrize("count", [MOST_ROWS, MOST_ROWS + 1])
def test_rows_and_clauses_stay_below_their_limits(count: int) -> None:
    build = Build()
    many = build(
        "reshape",
        build("expand", build("reshape", build.x, shape=(4, 1)), shape=(4, count)),
        shape=(4 * count,),
    )
    picked = build("gather", many, build.integers(list(range(count))), dim=0)
    for quantifier in ("all", "any"):
        claim = build(quantifier, build("lt", picked, 1.0), dim=(0,), keepdim=False)
        margin, goal = posed(build, claim)
        assert goal.count <= MOST_ROWS and len(goal.clauses) <= MOST_CLAUSES
        assert (goal.count == 1) == (count > MOST_ROWS)
        assert_same_everywhere(margin, goal, 20)


def test_inputs_that_no_row_depends_on_are_left_out() -> None:
    build = Build()
    other = build.builder.input("unused", build.builder.nodes[build.x].type).id
    holds = build("le", build.x, 1.0)
    ends = torch.ones(4, dtype=torch.float64)
    margin = add_margin(build.builder.graph([holds]), holds)
    goal = goal_of(margin, {"x": Box(-ends, ends, ""), "unused": Box(-ends, ends, "")})
    assert goal.names == ("x",) and set(goal.domain) == {"x"}
    assert margin.graph[other].op == "input"
