"""Branch and bound covers the domain, never loses a part of it, and shows nothing that is false."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from tests.bounds.branching_problems import (
    LOWER,
    UPPER,
    Clauses,
    Samples,
    boxes_of,
    explored,
    interval,
    leaf_of,
    network,
    single,
    squares,
    worst,
)
from torch import Tensor

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching import bounder as bounding
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import Boxes, joined
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.tree import LEAF
from torchlean.cancellation import Cancelled

BOTH: Clauses = ((0,), (1,))
EITHER: Clauses = ((0, 1),)


@pytest.fixture(params=["inputs", "phases"])
def cuts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What domains are cut along; phases are for many inputs, which exact arithmetic has no time for."""
    if request.param == "phases":
        monkeypatch.setattr(bounding, "FEW_INPUTS", 0)
    return str(request.param)


def test_a_goal_that_one_box_cannot_show_is_proved_by_halving() -> None:
    exploration = explored(squares(), 0)
    assert not exploration.proved and exploration.tree.least < 0
    exploration = explored(squares(), 100)
    assert exploration.proved and exploration.tree.least >= 0
    assert exploration.tree.verified == 1.0 and not len(exploration.open)


def test_the_leaves_are_the_domain_without_gaps_or_overlap() -> None:
    goal = squares(add=0.01)
    tree = explored(goal, 6).tree
    boxes = boxes_of(tree, goal.domain["x"])
    assert len(boxes) == tree.leaves > 10
    assert sum((high - low).prod() for low, high in boxes) == (Fraction(UPPER) - Fraction(LOWER)) ** 2
    for x in torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2.25 - 1:
        point = [Fraction(float(value)) for value in x]
        inside = [
            box for box in boxes if all(l <= v <= h for l, v, h in zip(box[0], point, box[1], strict=True))
        ]
        assert inside, "every input lies in a leaf"


def test_cuts_are_in_the_middle_of_their_part() -> None:
    goal = squares(add=0.01)
    tree = explored(goal, 6).tree
    for leaf in tree.all_leaves():
        low, high = [LOWER] * 2, [UPPER] * 2
        for variable, at, above in leaf.cuts:
            assert at == (low[variable] + high[variable]) / 2
            (low if above else high)[variable] = at


def test_verified_and_open_shares_add_up_to_the_whole(cuts: str) -> None:
    goal = network(1, "relu", 1.5, BOTH, 0.2) if cuts == "phases" else squares(add=0.01)
    exploration = explored(goal, 0)
    for _ in range(8):
        exploration.step(16)
        tree = exploration.tree
        assert tree.verified + sum(2.0 ** -tree.depth[node] for node in exploration.open.node.tolist()) == 1.0
        assert tree.leaves == tree.closed + len(exploration.open)


def test_a_goal_that_fails_is_never_proved_and_ends_where_nothing_can_be_split() -> None:
    """It holds at the upper end alone, eight numbers above the lower one."""
    low = high = 0.3
    for _ in range(8):
        high = float(torch.nextafter(torch.tensor(high, dtype=torch.float64), torch.tensor(1.0)))
    exploration = Exploration.begin(Bounder(single("relu", interval([low], [high]), minus=high)))
    steps = 0
    while exploration.step(4):
        steps += 1
        assert steps < 100
    assert not exploration.proved and not len(exploration.open)
    assert exploration.stuck + exploration.tree.closed == exploration.tree.leaves
    for leaf in exploration.tree.all_leaves():
        assert len(leaf.cuts) <= 3


def test_a_strict_goal_is_not_shown_by_a_margin_of_zero() -> None:
    domain = interval([-1.0], [0.0])
    assert explored(single("relu", domain, strict=False), 0).proved
    exploration = explored(single("relu", domain, strict=True), 5)
    assert not exploration.proved and exploration.tree.least == 0.0


def test_an_input_of_one_value_is_never_split() -> None:
    exploration = explored(squares(add=-0.3, domain=interval([-1.0, 0.5], [1.25, 0.5])), 6)
    tree = exploration.tree
    assert tree.leaves > 4
    assert all(variable == 0 for leaf in tree.all_leaves() for variable, _, _ in leaf.cuts)


def test_a_part_is_never_worse_than_what_it_was_cut_from(cuts: str) -> None:
    goal = network(1, "relu", 1.5, EITHER, 0.05) if cuts == "phases" else squares(add=0.01)
    tree = explored(goal, 8).tree
    assert tree.leaves > 4
    for id, below in enumerate(tree.first):
        if below != LEAF:
            assert tree.bounds[below] >= tree.bounds[id] and tree.bounds[below + 1] >= tree.bounds[id]


def test_with_many_inputs_the_operands_of_relus_are_cut_at_zero(cuts: str) -> None:
    exploration = explored(network(1, "relu", 1.5, BOTH, 0.0001), 4)
    made = [(variable, at) for leaf in exploration.tree.all_leaves() for variable, at, _ in leaf.cuts]
    relus = [at for variable, at in made if variable >= exploration.bounder.variables.inputs]
    assert made and len(relus) == (len(made) if cuts == "phases" else 0)
    assert not any(relus)


def test_an_undefined_row_is_never_shown() -> None:
    """The logarithm has no value at zero; where it has, it is above -9."""
    domain = interval([-0.5], [1.0])
    assert not explored(single("log", domain, minus=-9.0), 5).proved
    assert explored(single("log", interval([0.5], [1.0]), minus=-9.0), 5).proved


ATTACKED: list[tuple[str, str, float, Clauses]] = [
    ("inputs", "relu", 0.3, BOTH),
    ("inputs", "relu", 1.0, EITHER),
    ("inputs", "tanh", 0.4, BOTH),
    ("inputs", "tanh", 0.4, EITHER),
    ("phases", "relu", 0.3, EITHER),
    ("phases", "relu", 1.5, BOTH),
    ("phases", "relu", 1.5, EITHER),
]
attacked = pytest.mark.parametrize(("cuts", "act", "radius", "clauses"), ATTACKED, indirect=["cuts"])


@pytest.mark.parametrize("seed", range(4))
@attacked
def test_no_goal_is_proved_that_an_exact_input_violates(
    cuts: str, act: str, radius: float, clauses: Clauses, seed: int
) -> None:
    goal = network(seed, act, radius, clauses, -1e-9)
    known = Samples(goal.graph, goal.domain["x"], seed)
    assert min(worst(goal, rows) for _, rows in known) < 0
    exploration = explored(goal, 12)
    assert not exploration.proved
    assert exploration.tree.verified < 1.0


@pytest.mark.parametrize("seed", range(4))
@attacked
def test_no_bound_of_a_leaf_is_above_the_exact_margin_inside_it(
    cuts: str, act: str, radius: float, clauses: Clauses, seed: int
) -> None:
    goal = network(seed, act, radius, clauses, 0.02)
    exploration = explored(goal, 6)
    tree = exploration.tree
    hit = set()
    for point, rows in Samples(goal.graph, goal.domain["x"], seed + 100):
        leaf = leaf_of(exploration.bounder, tree, point)
        hit.add(leaf)
        assert Fraction(tree.bounds[leaf]) <= worst(goal, rows)
        if tree.done[leaf]:
            assert worst(goal, rows) >= 0
    assert hit


def test_combined_rows_bound_the_greatest_and_not_their_weighted_sum() -> None:
    """Weights are float32 numbers whose sum is not quite one."""
    combined = torch.tensor([[0.75, -0.75, 0.0, 1.0]], dtype=torch.float64)
    weights = torch.tensor([[[0.25, 0.5000001], [0.25, 0.4999999], [0.5, 0.5], [0.0, 0.0]]])
    each = bounding._of_the_best(combined, weights)[0]
    for bound, value, weight in zip(each[:3].tolist(), combined[0].tolist(), weights[0], strict=False):
        total = sum(Fraction(float(number)) for number in weight)
        assert Fraction(bound) <= Fraction(value) / total
        assert bound == pytest.approx(value / float(total), rel=1e-12)
    assert float(each[3]) == -float("inf"), "no weights say nothing"
    broken = bounding._of_the_best(
        combined[:, :2], torch.tensor([[[float("nan"), 1.0], [float("inf"), 1.0]]])
    )
    assert broken.tolist() == [[-float("inf"), -float("inf")]]


@pytest.mark.parametrize("seed", range(3))
def test_goals_with_room_are_proved(cuts: str, seed: int) -> None:
    goal = network(seed, "relu", 0.3, BOTH if seed % 2 else EITHER, 0.3)
    assert explored(goal, 60).proved


PROBLEMS: dict[str, Callable[[], Goal]] = {
    "squares": lambda: squares(add=0.02),
    "relu": lambda: network(2, "relu", 1.0, BOTH, 0.0001),
    "tanh": lambda: network(2, "tanh", 0.4, EITHER, 0.02),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_run_stopped_after_any_step_goes_on_as_if_it_had_not_been(cuts: str, name: str) -> None:
    goal = PROBLEMS[name]()
    through = explored(goal, 5, batch=4).tree
    stopped = explored(goal, 0)
    for _ in range(5):
        # As it would be kept: the tree and what is known of the open boxes, without the bounder and its caches.
        kept = copy.deepcopy((stopped.tree, stopped.open, stopped.stuck))
        stopped = Exploration(Bounder(goal), *kept)
        if stopped.proved or not stopped.step(4):
            break
    assert stopped.tree == through


class _Asked:
    """Cancels when it has been asked so often."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_run_can_be_cancelled_in_the_middle_of_anything_and_claims_nothing_then(
    cuts: str, name: str
) -> None:
    goal = PROBLEMS[name]()
    counting = _Asked(10**9)
    whole = Exploration.begin(Bounder(goal, check=counting))
    first = 10**9 - counting.left
    whole.step(4)
    total = 10**9 - counting.left
    assert 0 < first < total
    for times in range(0, first, max(1, first // 5)):
        with pytest.raises(Cancelled):
            Exploration.begin(Bounder(goal, check=_Asked(times)))
    for times in range(first, total, max(1, (total - first) // 5)):
        exploration = Exploration.begin(Bounder(goal, check=_Asked(times)))
        with pytest.raises(Cancelled):
            exploration.step(4)
        assert not exploration.proved and exploration.tree.verified < 1.0


def test_boxes_keep_their_phases_when_they_are_joined_with_boxes_that_have_none() -> None:
    def boxes(count: int, phases: dict[int, Tensor]) -> Boxes:
        flat = torch.zeros(count, 2, dtype=torch.float64)
        none = torch.full((count, 1), -1)
        return Boxes(
            torch.arange(count), flat, flat, flat[:, :1], {}, {}, phases, flat, {}, dict(phases), flat, none
        )

    signs = torch.tensor([[1, 0, -1]], dtype=torch.int8)
    together = joined([boxes(2, {}), boxes(1, {7: signs})])
    assert together.phases[7].tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, -1]]
    assert together.betas[7].tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, -1]]
