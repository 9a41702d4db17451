"""Splitting covers the domain, never loses a box, and proves what single bounds cannot."""

from __future__ import annotations

import torch
from torch import Tensor

from torchlean.bounds.split import SplitTree, start, step

LOWER = torch.tensor([-1.0, -1.0], dtype=torch.float64)
UPPER = torch.tensor([1.25, 1.25], dtype=torch.float64)
"""Not symmetric, so that no cut happens to meet the kink at zero; dyadic, so that volumes are exact."""


def interval_bound(lower: Tensor, upper: Tensor) -> Tensor:
    """A loose but valid lower bound of `x*x + y*y + 0.1`, each factor taken by itself."""
    corners = torch.stack([lower * lower, lower * upper, upper * upper])
    return corners.amin(0).sum(1) + 0.1


def gradient(lower: Tensor, upper: Tensor) -> Tensor:
    return 2 * torch.maximum(lower.abs(), upper.abs())


def everywhere(lower: Tensor, upper: Tensor) -> Tensor:
    return torch.ones_like(lower)


def run(tree: SplitTree, steps: int, batch: int = 64) -> SplitTree:
    for _ in range(steps):
        if tree.proved or not step(tree, interval_bound, gradient, batch):
            break
    return tree


def fresh(strict: bool = False) -> SplitTree:
    return start(LOWER, UPPER, interval_bound, strict)


def test_a_property_that_one_box_cannot_show_is_proved_by_halving() -> None:
    tree = fresh()
    assert not tree.proved and tree.root.bound < 0
    run(tree, 100)
    assert tree.proved
    assert tree.least >= 0
    assert tree.verified == 1.0


def test_the_leaves_are_the_domain_without_gaps_or_overlap() -> None:
    tree = run(fresh(), 6)
    leaves = tree.all_leaves()
    assert len(leaves) == tree.leaves > 10
    volume = sum(float((leaf.upper - leaf.lower).prod()) for leaf in leaves)
    assert volume == 2.25**2
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2.25 - 1
    for point in points:
        assert any(bool(((leaf.lower <= point) & (point <= leaf.upper)).all()) for leaf in leaves)


def test_a_split_box_is_the_union_of_its_halves() -> None:
    tree = run(fresh(), 6)
    stack = [tree.root]
    while stack:
        box = stack.pop()
        if box.halves is None:
            continue
        assert box.split is not None
        dim, at = box.split
        below, above = box.halves
        assert float(below.upper[dim]) == at == float(above.lower[dim])
        others = [i for i in range(2) if i != dim]
        assert torch.equal(below.lower, box.lower) and torch.equal(above.upper, box.upper)
        assert all(below.upper[i] == box.upper[i] and above.lower[i] == box.lower[i] for i in others)
        stack.extend(box.halves)


def test_verified_and_open_volume_add_up_to_the_whole() -> None:
    tree = fresh()
    for _ in range(8):
        step(tree, interval_bound, gradient, 16)
        open_volume = sum(2.0**-box.depth for box in tree.open)
        assert tree.verified + open_volume == 1.0


def test_a_false_property_is_never_proved_and_ends_at_single_points() -> None:
    def false_at_one_point(lower: Tensor, upper: Tensor) -> Tensor:
        inside = (lower <= 0.3) & (upper >= 0.3)
        return torch.where(inside.all(1), -1.0, 1.0)

    lower, upper = torch.tensor([0.0], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    tree = start(lower, upper, false_at_one_point, strict=False)
    steps = 0
    while not tree.proved and step(tree, false_at_one_point, everywhere, 8):
        steps += 1
        assert steps < 200
    assert not tree.proved
    assert all(bool((box.lower <= 0.3).all()) and bool((box.upper >= 0.3).all()) for box in tree.open)


def test_a_strict_property_is_not_shown_by_a_margin_of_zero() -> None:
    def zero(lower: Tensor, upper: Tensor) -> Tensor:
        return torch.zeros(len(lower), dtype=torch.float64)

    lower, upper = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    assert start(lower, upper, zero, strict=False).proved
    assert not start(lower, upper, zero, strict=True).proved


def test_an_input_of_width_zero_is_never_split() -> None:
    lower = torch.tensor([-1.0, 0.5], dtype=torch.float64)
    upper = torch.tensor([1.0, 0.5], dtype=torch.float64)
    tree = start(lower, upper, lambda a, b: (a * b).amin(1), strict=False)
    for _ in range(5):
        step(tree, lambda a, b: (a * b).amin(1), lambda a, b: torch.tensor([[0.0, 9.0]]).expand_as(a), 8)
    assert all(float(leaf.lower[1]) == 0.5 == float(leaf.upper[1]) for leaf in tree.all_leaves())


def test_a_half_is_never_worse_than_the_box_it_came_from() -> None:
    def growing_looser(lower: Tensor, upper: Tensor) -> Tensor:
        return -1.0 / (upper - lower).amin(1)

    lower, upper = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    tree = start(lower, upper, growing_looser, strict=False)
    for _ in range(4):
        step(tree, growing_looser, everywhere, 8)
    assert all(leaf.bound == -1.0 for leaf in tree.all_leaves())
