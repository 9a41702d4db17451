"""Large plans are cut into branches that together are the whole tree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.certificate.test_planning import network

from torchlean.certificate import parts as module
from torchlean.certificate.cost import effort
from torchlean.certificate.network import Bound, Done, Plan, Split
from torchlean.certificate.parts import Branch, Joined, Parts, checking, parts, small

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


def bare(plan: Plan) -> Plan:
    """The same with nothing bounded above its leaves, so that nothing is done twice."""
    if isinstance(plan, Bound):
        return plan if isinstance(plan.next, Done) else bare(plan.next)
    assert isinstance(plan, Split)
    return replace(plan, low=bare(plan.low), high=bare(plan.high))


def test_with_no_time_each_leaf_is_a_part(monkeypatch) -> None:
    monkeypatch.setattr(module, "PART_SECONDS", 0.0)
    assert branches(parts(FOUND, bare(tree(4)))) == ends(tree(4))


def test_parts_count_what_each_of_them_bounds_anew(monkeypatch) -> None:
    plan = Bound(LEAF.backward, bare(tree(5)))
    monkeypatch.setattr(module, "PART_SECONDS", 1e9)
    at_once = checking(FOUND, plan)
    monkeypatch.setattr(module, "PART_SECONDS", 0.0)
    count = len(branches(parts(FOUND, plan)))
    again = (count - 1) * effort(FOUND, LEAF.backward).seconds
    assert count > 1 and checking(FOUND, plan).seconds == pytest.approx(at_once.seconds + again)
