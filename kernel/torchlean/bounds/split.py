"""Branch and bound over the input: boxes that bounds cannot decide are halved until they can.

A property `margin >= 0` on a box holds if it holds on both halves, and bounds get tighter with smaller boxes. The state
is the tree of splits, each leaf with the bound found for it: coverage holds by construction, because a split keeps both
halves, so a finished tree is a proof that anybody can check leaf by leaf. It can be stopped after any step and
continued.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

BoundBoxes = Callable[[Tensor, Tensor], Tensor]
"""Lower and upper ends of boxes, (boxes, inputs) each, to sound lower bounds of the margin, (boxes,)."""

Sensitivity = Callable[[Tensor, Tensor], Tensor]
"""Ends of boxes, (boxes, inputs) each, to how strongly the margin depends on each input there, (boxes, inputs), not
negative. A heuristic: any answer is sound."""

BATCH = 512
"""Boxes bounded together: enough to make the overhead of one call small, few enough to pick the worst again often."""


@dataclass(slots=True)
class Box:
    """A node of the split tree.

    Attributes:
        lower, upper: ends, shape (inputs,).
        depth: number of halvings: the box is `2**-depth` of the domain's volume.
        bound: sound lower bound of the margin on it.
        split: input that was halved, and where; None for a leaf.
        halves: the two parts, below and above.
    """

    lower: Tensor
    upper: Tensor
    depth: int
    bound: float
    split: tuple[int, float] | None = None
    halves: tuple[Box, Box] | None = None


@dataclass(slots=True)
class SplitTree:
    """The state of a branch and bound.

    Attributes:
        root: the whole domain.
        open: leaves that are not decided, worst bound first after each step.
        strict: whether the margin must be above zero rather than at least zero.
        leaves: number of leaves.
        verified: share of the domain's volume on which the property is shown.
    """

    root: Box
    strict: bool
    open: list[Box] = field(default_factory=list)
    leaves: int = 1
    verified: float = 0.0

    @property
    def proved(self) -> bool:
        """Whether every leaf is decided."""
        return not self.open

    @property
    def least(self) -> float:
        """A lower bound of the margin on the whole domain."""
        return min(leaf.bound for leaf in self.all_leaves())

    def all_leaves(self) -> list[Box]:
        """The leaves from left to right; together they are the domain."""
        found: list[Box] = []
        stack = [self.root]
        while stack:
            box = stack.pop()
            if box.halves is None:
                found.append(box)
            else:
                stack.extend(reversed(box.halves))
        return found


def start(lower: Tensor, upper: Tensor, bound: BoundBoxes, strict: bool) -> SplitTree:
    """The tree of one leaf.

    Args:
        lower, upper: the domain, shape (inputs,), finite.
    """
    root = Box(lower, upper, 0, float(bound(lower.unsqueeze(0), upper.unsqueeze(0))[0]))
    tree = SplitTree(root, strict)
    _settle(tree, [root])
    return tree


def step(tree: SplitTree, bound: BoundBoxes, sensitivity: Sensitivity, batch: int = BATCH) -> bool:
    """Halve the worst open boxes and bound the halves.

    Returns:
        False where nothing can be split any more: the open boxes are single points of float64.
    """
    chosen, rest = tree.open[: max(1, batch // 2)], tree.open[max(1, batch // 2) :]
    if not chosen:
        return False
    lower = torch.stack([box.lower for box in chosen])
    upper = torch.stack([box.upper for box in chosen])
    dims = _choose(lower, upper, sensitivity(lower, upper))
    split = [box for box, dim in zip(chosen, dims, strict=True) if dim is not None]
    if not split:
        return False
    halves: list[Box] = []
    for box, dim in zip(chosen, dims, strict=True):
        if dim is not None:
            halves += _halve(box, dim)
    found = bound(torch.stack([box.lower for box in halves]), torch.stack([box.upper for box in halves]))
    for half, value in zip(halves, found.tolist(), strict=True):
        half.bound = value
    # What holds on a box holds on its halves: a half's own bound may be looser by rounding or by other slopes.
    for box in split:
        assert box.halves is not None
        for half in box.halves:
            half.bound = max(half.bound, box.bound)
    tree.leaves += len(split)
    tree.open = rest + [box for box, dim in zip(chosen, dims, strict=True) if dim is None]
    _settle(tree, halves)
    return True


def _settle(tree: SplitTree, boxes: list[Box]) -> None:
    """Sort new leaves into verified and open ones."""
    for box in boxes:
        if box.bound > 0 or (box.bound == 0 and not tree.strict):
            tree.verified += 2.0**-box.depth
        else:
            tree.open.append(box)
    tree.open.sort(key=lambda box: box.bound)


def _choose(lower: Tensor, upper: Tensor, sensitivity: Tensor) -> list[int | None]:
    """The input to halve for each box: the one whose range moves the margin most. None where none can be halved."""
    width = upper - lower
    middle = (lower + upper) / 2
    divisible = (lower < middle) & (middle < upper)
    # The part of the width alone keeps inputs from being forgotten where the gradient happens to be zero.
    known = sensitivity.nan_to_num(nan=0.0, posinf=1e300)
    score = width * (known + 0.1 * known.amax(dim=1, keepdim=True))
    score = torch.where(score.amax(dim=1, keepdim=True) > 0, score, width)
    score = torch.where(divisible, score, -1.0)
    best = score.max(dim=1)
    return [
        index if value >= 0 else None
        for index, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def _halve(box: Box, dim: int) -> tuple[Box, Box]:
    """The two halves; they share the face in the middle, so together they are the box."""
    middle = float((box.lower[dim] + box.upper[dim]) / 2)
    below, above = box.upper.clone(), box.lower.clone()
    below[dim] = above[dim] = middle
    first = Box(box.lower, below, box.depth + 1, box.bound)
    second = Box(above, box.upper, box.depth + 1, box.bound)
    box.split, box.halves = (dim, middle), (first, second)
    return first, second
