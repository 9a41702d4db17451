"""Properties of many regions: what asks the same is bounded together, and each bound is one of its own region."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import onnx
import pytest
import torch
from tests.verification.networks import Exact, mlp, saved
from tests.verification.properties import decimal, read, text

from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.device import device_of
from torchlean.capture.onnx import load_onnx
from torchlean.verification import Progress, verify
from torchlean.verification.posing import pose
from torchlean.verification.together import PORTION

COUNT = PORTION + 70
"""Regions: more than are bounded in one pass."""

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")

Case = tuple[Fraction, Fraction, Fraction]
"""The ends of a region, and what its output shall stay above."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(mlp(random.Random(3), [1, 6, 4, 2]), tmp_path)


def below(value: Fraction) -> Fraction:
    """The next number below that a short decimal states."""
    return Fraction(math.floor(value * 2**12), 2**12)


def cells(path: Path) -> list[tuple[Fraction, Fraction, Fraction]]:
    """Parts of [-1, 1], each with the exact least value of the first output on it."""
    network = Exact(onnx.load(path))
    found = []
    for index in range(COUNT):
        low, high = (below(Fraction(2 * place, COUNT) - 1) for place in (index, index + 1))
        found.append((low, high, min(network([point])[0] for point in network.breakpoints(low, high))))
    return found


def property_of(cases: Sequence[Case]) -> str:
    regions = " ".join(
        f"(and (>= X_0 {decimal(low)}) (<= X_0 {decimal(high)}) (<= Y_0 {decimal(floor)}))"
        for low, high, floor in cases
    )
    return text([("-1", "1")], 2, f"(or {regions})")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=cuda)])
def test_bounds_of_regions_that_ask_the_same_hold_in_each_and_none_is_searched_alone(
    device: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = cells(path)
    floor = below(min(least for _, _, least in found)) - 4
    monkeypatch.setattr(Exploration, "begin", lambda bounder: pytest.fail("searched alone"))
    asked = read(property_of([(low, high, floor) for low, high, _ in found]))
    result = verify(load_onnx(path), asked, device=device_of(device))
    assert result.verdict == "unsat" and result.boxes == COUNT and result.verified == 1.0
    # Errors on what surrounds all regions are errors on each.
    assert "more than float32 rounding can take away" in result.message
    margins = [least - floor for _, _, least in found]
    assert len(result.trees) == COUNT and all(tree.finished for tree in result.trees)
    assert all(0 < tree.least <= margin for tree, margin in zip(result.trees, margins, strict=True))
    # Boxes so small are bounded nearly exactly: each has the bound of its own, not of what surrounds all of them.
    assert all(
        tree.least > margin - Fraction(1, 4) for tree, margin in zip(result.trees, margins, strict=True)
    )


@pytest.mark.parametrize("wrong", [None, 0, PORTION - 1, PORTION, COUNT - 1])
def test_verdicts_of_regions_whose_conditions_differ_are_what_exact_arithmetic_says(
    wrong: int | None, path: Path
) -> None:
    """Two conditions by turns, and in one region a floor that is reached."""
    cases = [
        (low, high, below(least) - 1 if index % 2 else Fraction(-1000))
        for index, (low, high, least) in enumerate(cells(path))
    ]
    if wrong is not None:
        low, high, least = cells(path)[wrong]
        cases[wrong] = (low, high, below(least + Fraction(1, 8)))
    property = read(property_of(cases))
    result = verify(load_onnx(path), property)
    if wrong is None:
        assert result.verdict == "unsat" and len(result.trees) == COUNT
        return
    assert result.verdict == "sat" and result.counterexample is not None
    (x,) = result.counterexample.x
    assert cases[wrong][0] <= x <= cases[wrong][1]
    assert property.holds_at(result.counterexample.x, result.counterexample.y) is not None


def test_a_search_that_is_stopped_has_a_tree_for_each_region_up_to_the_last_one_it_knows(path: Path) -> None:
    """Regions that are shown together come after one that is still open."""
    found = cells(path)
    floor = below(min(least for _, _, least in found)) - 4
    # Hardly missed: many splits are needed there.
    first = (Fraction(-1), Fraction(1), below(min(least for _, _, least in found)))
    content = property_of([first, *((low, high, floor) for low, high, _ in found)])
    reports: list[Progress] = []
    result = verify(
        load_onnx(path),
        read(content.replace("(<= Y_0", "(< Y_0")),
        report=reports.append,
        stopped=lambda: bool(reports) and " where X_0" in reports[-1].hardest,
    )
    assert result.verdict == "unknown" and not result.trees[0].finished
    assert len(result.trees) == COUNT + 1
    assert sum(tree.finished for tree in result.trees[1:]) == COUNT
    again = verify(load_onnx(path), read(property_of([(low, high, floor) for low, high, _ in found])))
    assert [tree.least for tree in again.trees] == [tree.least for tree in result.trees[1:]]


def test_regions_share_the_graph_of_what_they_ask(path: Path) -> None:
    found = cells(path)
    cases = [(low, high, Fraction(-8 - index % 2)) for index, (low, high, _) in enumerate(found)]
    queries = pose(load_onnx(path), read(property_of(cases)))
    assert len({id(query.goal.graph) for query in queries}) == 2
    for query, (low, high, floor) in zip(queries, cases, strict=True):
        (box,) = query.goal.domain.values()
        assert (box.lower.item(), box.upper.item()) == (low, high)
        found_bounds = Bounder(query.goal).whole().margins
        assert float(found_bounds) > 0 and floor < 0
