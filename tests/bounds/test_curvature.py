"""Branch and bound with bounds of the second order: nothing false is shown, and Lyapunov conditions take few boxes."""

from __future__ import annotations

import pytest
import torch
from tests.bounds.branching_problems import Samples, explored, goal_of, leaf_of, worst
from tests.bounds.exact_networks import Writer

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.curvature import Contest, sample
from torchlean.bounds.branching.explore import Exploration
from torchlean.graph import GraphBuilder, Node
from torchlean.intervals import Interval

BOTH = ((0, 1),)
EACH = ((0,), (1,))


def decrease(seed: int, radius: float, clauses: tuple[tuple[int, ...], ...], below: float) -> Goal:
    """Two rows: what `x . P x` falls by in a step under a controller with relus, and how far `x` is outside a level.

    Shifted so that the worst margin of the samples is `below`.
    """
    writer = Writer(torch.Generator().manual_seed(seed), 0.5)
    x = writer.input(3)
    control = writer.linear(writer.op("relu", writer.linear(x, 4)), 3)
    after = writer.op("add", x, writer.op("mul", control, writer.linear(x, 3)))
    weight = writer.builder.nodes[writer.random(3, 3)]

    def energy(state: Node) -> Node:
        return writer.op("mul", state, writer.op("linear", state, weight))

    fall = writer.op("sub", energy(x), energy(after))
    rows = writer.linear(writer.op("cat", fall, energy(x), dim=0), 2)
    graph = writer.builder.graph([rows.id])
    centre = torch.randn(3, generator=writer.generator).double()
    domain = Interval(centre - radius, centre + radius)
    least = min(
        min(max(at[row] for row in clause) for clause in clauses) for _, at in Samples(graph, domain, seed)
    )
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    shift = builder.constant(torch.full((2,), float(least) - below, dtype=torch.float64))
    margins = builder.op("sub", [rows.id, shift.id], {})
    return goal_of(builder.graph([margins.id]), margins, domain, clauses)


@pytest.mark.parametrize("clauses", [BOTH, EACH])
@pytest.mark.parametrize("radius", [1e-9, 0.3, 1.5])
@pytest.mark.parametrize("below", [-0.01, 0.02])
def test_no_leaf_has_a_bound_above_the_margin_of_an_input_in_it(
    clauses: tuple[tuple[int, ...], ...], radius: float, below: float
) -> None:
    for seed in range(2):
        goal = decrease(seed, radius, clauses, below)
        exploration = explored(goal, 6)
        assert exploration.bounder.curvature is not None, "the graph multiplies"
        if below < 0:
            assert not exploration.proved, "the worst sample is a counterexample"
        for point, rows in Samples(goal.graph, goal.domain["x"], seed):
            leaf = leaf_of(exploration.bounder, exploration.tree, point)
            assert exploration.tree.bounds[leaf] <= worst(goal, rows)


def turned() -> Goal:
    """`|x|^2 - |0.9 R x|^2 + 0.001 >= 0` for a rotation `R`, where nothing knows that the squares belong together."""
    builder = GraphBuilder()
    writer = Writer(torch.Generator().manual_seed(0))
    writer.builder = builder
    x = writer.input(2)
    turn = builder.parameter(torch.tensor([[0.72, -0.54], [0.54, 0.72]]), "turn")
    unit = builder.parameter(torch.eye(2), "unit")
    after = writer.op("linear", x, turn)
    squares = [writer.op("mul", state, writer.op("linear", state, unit)) for state in (x, after)]
    ones = builder.parameter(torch.ones(1, 2), "ones")
    fall = writer.op("linear", writer.op("sub", *squares), ones)
    rows = writer.op("add", fall, builder.constant(torch.tensor([1e-3])))
    domain = Interval(torch.tensor([-1.0, -1.0]).double(), torch.tensor([1.0, 1.5]).double())
    return goal_of(builder.graph([rows.id]), rows, domain, ((0,),))


def test_a_convex_decrease_is_shown_on_the_whole_domain_at_once() -> None:
    exploration = explored(turned(), 0)
    assert exploration.proved and exploration.tree.leaves == 1


def test_linear_bounds_alone_need_many_boxes_for_the_same() -> None:
    bounder = Bounder(turned())
    bounder.curvature = None
    exploration = Exploration.begin(bounder)
    for _ in range(4):
        exploration.step()
    assert not exploration.proved and exploration.tree.leaves > 16


def test_the_kind_of_bounds_that_was_better_is_asked_until_they_are_compared_again() -> None:
    contest = Contest()
    assert contest.due(1) and contest.curved
    contest.compare(torch.tensor([-2.0, -2.0, 1.0]), torch.tensor([-1.0, -1.0, 0.5]))
    assert not contest.curved and not contest.due(8)
    assert contest.due(10**6), "after many more boxes"
    contest.compare(torch.tensor([-1.0]), torch.tensor([-2.0]))
    assert contest.curved


def test_what_both_decide_says_nothing_about_which_is_better() -> None:
    contest = Contest()
    assert contest.due(1)
    contest.compare(torch.tensor([0.1]), torch.tensor([0.3]))
    assert contest.curved and contest.due(1)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 500])
def test_samples_are_boxes_of_the_batch_each_once(count: int) -> None:
    chosen = sample(count).tolist()
    assert len(set(chosen)) == len(chosen) and min(chosen) >= 0 and max(chosen) < count
