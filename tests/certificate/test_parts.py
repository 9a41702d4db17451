"""Large plans are cut into branches that together are the whole tree."""

from __future__ import annotations

import pytest
from tests.certificate.test_planning import network

from torchlean.certificate import parts as module
from torchlean.certificate.network import Bound, Done, Plan, Split
from torchlean.certificate.parts import Branch, Joined, Parts, parts, small

FOUND = network(0)
LEAF = Bound(tuple(True for _ in FOUND.nodes), Done())


def tree(depth: int) -> Plan:
    if depth == 0:
        return LEAF
    return Bound(
        LEAF.backward, Split(0, depth % 2, 0, tree(depth - 1), tree(depth - 2) if depth > 1 else LEAF)
    )


def branches(found: Parts) -> list[Branch]:
    return [*branches(found.low), *branches(found.high)] if isinstance(found, Joined) else [found.branch]


def ends(plan: Plan, branch: Branch = ()) -> list[Branch]:
    """The branches of all leaves."""
    if isinstance(plan, Bound):
        return ends(plan.next, branch)
    if isinstance(plan, Split):
        return [*ends(plan.low, (*branch, False)), *ends(plan.high, (*branch, True))]
    return [branch]


def test_a_small_plan_is_one_theorem() -> None:
    assert small(FOUND, LEAF)
    assert branches(parts(FOUND, LEAF)) == [()]


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 1e9])
def test_every_leaf_stands_below_exactly_one_part(seconds, monkeypatch) -> None:
    monkeypatch.setattr(module, "PART_SECONDS", seconds)
    found = branches(parts(FOUND, tree(5)))
    for end in ends(tree(5)):
        assert sum(end[: len(branch)] == branch for branch in found) == 1


def test_with_no_time_each_leaf_is_a_part(monkeypatch) -> None:
    monkeypatch.setattr(module, "PART_SECONDS", 0.0)
    assert branches(parts(FOUND, tree(4))) == ends(tree(4))
