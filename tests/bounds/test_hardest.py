"""The hardest open part, as it is told while a search goes on: really the worst, where it really is, and never lost."""

from __future__ import annotations

import pytest
import torch
from tests.bounds.branching_problems import boxes_of, explored, squares
from tests.bounds.fake_executors import Scripted
from tests.bounds.relu_goals import Network

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching import bounder as bounding
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.hardest import NAMED, Hardest, hardest
from torchlean.bounds.branching.parallel import SharedExploration
from torchlean.bounds.branching.tree import SplitTree
from torchlean.bounds.branching.workers import Given


def of(exploration: Exploration) -> Hardest:
    found = hardest([exploration.open], exploration.bounder.goal, exploration.bounder.goal.input_name)
    assert found is not None
    return found


def least_open(tree: SplitTree) -> float:
    return min(leaf.bound for leaf in tree.all_leaves() if not leaf.decided)


def test_before_anything_is_cut_it_is_the_whole_domain() -> None:
    found = of(explored(squares(), 0))
    assert (found.narrowed, found.more, found.phases) == ((), 0, 0)
    # 1.25 * -1 twice, plus 0.1, and a trace of rounding.
    assert found.text == "margin at least -2.400001 on the whole domain"


@pytest.mark.parametrize("steps", range(1, 6))
def test_it_is_the_open_leaf_with_the_least_bound_and_its_box_is_this_leaf(steps: int) -> None:
    goal = squares(add=0.001)
    exploration = explored(goal, steps, batch=4)
    found, tree = of(exploration), exploration.tree
    assert found.bound == least_open(tree) < 0
    boxes = dict(zip((leaf.id for leaf in tree.all_leaves()), boxes_of(tree, goal.domain["x"]), strict=True))
    worst = [boxes[leaf.id] for leaf in tree.all_leaves() if not leaf.decided and leaf.bound == found.bound]
    ends = [float(end) for end in found.lower.tolist()], [float(end) for end in found.upper.tolist()]
    assert ends in [(list(map(float, low)), list(map(float, high))) for low, high in worst]
    for name, low, high in found.narrowed:
        index = ["x[0]", "x[1]"].index(name)
        assert (low, high) == (float(found.lower[index]), float(found.upper[index]))
        assert f"{name} in [" in found.text


def test_of_many_inputs_those_that_were_cut_most_are_named() -> None:
    goal = Network.random(0, 12, 4).goal(0.0)
    exploration = Exploration.begin(Bounder(goal))
    boxes = exploration.open
    # Input i is cut i times, the last one not at all.
    upper = boxes.lower + (boxes.upper - boxes.lower) / 2 ** torch.tensor(
        [*range(11), 0], dtype=torch.float64
    )
    boxes.upper.copy_(upper)
    found = of(exploration)
    assert [name for name, _, _ in found.narrowed] == [f"x[{index}]" for index in range(11 - NAMED, 11)]
    assert found.more == 10 - NAMED
    assert f"{found.more} more inputs are cut" in found.text


def test_where_relus_are_cut_it_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounding, "FEW_INPUTS", 0)
    network = Network.random(5, 6, 16)
    exploration = Exploration.begin(Bounder(network.goal(network.floor(0.002))))
    for _ in range(4):
        exploration.step(4)
    found = of(exploration)
    leaf = next(leaf for leaf in exploration.tree.all_leaves() if leaf.bound == found.bound)
    assert found.phases == len(leaf.cuts) > 1
    assert found.text.endswith(f"where {found.phases} relus keep their sign")


@pytest.fixture(scope="module")
def goal() -> Goal:
    network = Network.random(5, 6, 32)
    return network.goal(network.floor(0.002))


def test_what_is_handed_out_is_looked_at_too(goal: Goal) -> None:
    exploration = explored(goal, 6)
    executor = Scripted(["hold"] * 1000)
    with SharedExploration(exploration, Given(executor, 3)) as shared:
        for _ in range(3):
            assert shared.step(1)
            assert executor.held
            found = shared.hardest(goal.input_name)
            assert found is not None and found.bound == least_open(exploration.tree)


def test_when_all_is_shown_there_is_none() -> None:
    exploration = explored(squares(), 100)
    assert exploration.proved
    assert hardest([exploration.open], exploration.bounder.goal, exploration.bounder.goal.input_name) is None
