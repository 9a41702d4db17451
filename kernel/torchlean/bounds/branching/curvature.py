"""Bounds of the second order for the boxes of a branch and bound, and whether they or linear bounds are asked.

Second-order bounds cost a fraction of what CROWN with optimised slopes costs, and on small boxes of graphs that
multiply they are far better; on large boxes, or where little is multiplied, they may be worse. Nobody can tell
beforehand, so both are asked for a few boxes now and then, and for all others the one that was better on most of these.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from torchlean.bounds.branching.boxes import LEVELS, Boxes
from torchlean.bounds.branching.goal import Goal
from torchlean.bounds.taylor import Combining, Expansion, Pairs, Plan
from torchlean.bounds.taylor.arithmetic import reach

TRIAL = 16
"""Boxes of a batch for which both kinds of bounds are compared."""

AGAIN = 16
"""How many times as many boxes as before must have been bounded before they are compared again."""


CELLS = 2**12
"""Parts of the domain, all alike, on some of which it is foreseen how good second-order bounds get: they are bounded in
about a second."""

FORESEEN = 64
"""How many of these parts are bounded."""

FEW_INPUTS = 3
"""With more inputs, so many parts are still wide."""


class Contest:
    """Which of the two kinds of bounds to ask for.

    Attributes:
        curved: whether second-order bounds are asked.
    """

    def __init__(self) -> None:
        self.curved = True
        self._bounded, self._next = 0, 0

    def due(self, boxes: int) -> bool:
        """Whether to compare on the next boxes, so many."""
        self._bounded += boxes
        return self._bounded >= self._next

    def trust(self, boxes: int) -> None:
        """Ask for second-order bounds alone, until so many boxes were bounded."""
        self.curved = True
        self._next = self._bounded + boxes

    def compare(self, curved: Tensor, straight: Tensor) -> None:
        """Note the worst margins, (boxes,), that both gave: by what they lack, where they decide nothing."""
        first, second = curved.clamp(max=0.0), straight.clamp(max=0.0)
        better, worse = int((first > second).sum()), int((second > first).sum())
        if better or worse:
            self.curved = better >= worse
            self._next = AGAIN * self._bounded


def sample(count: int) -> Tensor:
    """`TRIAL` of so many boxes, spread evenly."""
    return torch.arange(min(TRIAL, count)) * count // min(TRIAL, count)


class Curvature:
    """Second-order bounds of a goal.

    Attributes:
        plan: of the goal's rows.
    """

    def __init__(self, goal: Goal, plan: Plan) -> None:
        self.goal = goal
        self.plan = plan
        self.contest = Contest()
        self._members = goal.members().to(torch.float64)

    def foresee(self) -> int | None:
        """Until how many boxes second-order bounds are worth waiting for: they show most of some fine boxes.

        On the whole domain they may be far worse than linear ones, and still prove the claim with a hundredth of the
        work when the boxes are small.

        Returns:
            None where there are many inputs, or most parts are not shown.
        """
        lower, upper = self.goal.ends()
        varying = (lower < upper).nonzero().flatten()
        if not 0 < len(varying) <= FEW_INPUTS:
            return None
        cuts = round(CELLS ** (1 / len(varying)))
        drawn = torch.Generator().manual_seed(0)
        place = torch.randint(cuts, (FORESEEN, len(varying)), generator=drawn).to(torch.float64)
        low, high = lower.repeat(FORESEEN, 1), upper.repeat(FORESEEN, 1)
        width = (upper - lower)[varying] / cuts
        low[:, varying] = lower[varying] + place * width
        high[:, varying] = torch.minimum(low[:, varying] + width, upper[varying])
        rows = Expansion(self.plan, low, high).rows
        if rows is None:
            return None
        shown = self.goal.shown(self.goal.margins(reach(rows, self.plan.layout).lower)).all(1)
        return 2 * CELLS if 2 * int(shown.sum()) >= FORESEEN else None

    def bound(self, boxes: Boxes) -> Boxes | None:
        """Better margins, what they were found with, points and cuts; None where there are no such bounds."""
        expansion = Expansion(self.plan, boxes.lower, boxes.upper)
        if expansion.rows is None:
            return None
        rows = reach(expansion.rows, self.plan.layout)
        margins = torch.maximum(boxes.margins, self.goal.margins(rows.lower))
        weights = boxes.weights
        if not bool(weights.any()):
            weights = (self._members / self._members.sum(1, keepdim=True)).to(weights.dtype)
            weights = weights.expand(len(boxes), *weights.shape)
        found = replace(boxes, margins=margins, weights=weights.clone())
        open = ~self.goal.shown(margins)
        score = torch.zeros_like(boxes.lower)
        points = boxes.points.clone()
        if bool(open.any()):
            where, clause = open.nonzero(as_tuple=True)
            chosen = self._two(rows.lower, rows.upper, clause, where)
            pairs = Pairs.of(expansion, where, chosen)
            before = weights[where, clause].to(torch.float64).gather(1, chosen)
            best = Combining(expansion).search(pairs, before)
            margins[where, clause] = torch.maximum(margins[where, clause], best.lower)
            self._remember(found.weights, where, clause, chosen, best.shares)
            failed = ~self.goal.shown(margins)[where, clause]
            score.index_add_(0, where, torch.where(failed.unsqueeze(1), best.gaps, 0.0))
            self._point(points, expansion, where, best.lower, best.points)
        open = ~self.goal.shown(margins).all(1)
        cuts = torch.where(open.unsqueeze(1), cut_along(boxes, score), -1)
        return replace(found, margins=margins, points=points, cuts=cuts)

    def _two(self, lower: Tensor, upper: Tensor, clause: Tensor, where: Tensor) -> Tensor:
        """For each open clause the row with the best lower bound, and of the others the one with the best upper
        bound, which may be positive where the first is not; (n, 2)."""
        outside = self._members[clause] == 0
        first = torch.where(outside, -torch.inf, lower[where]).argmax(1)
        others = torch.where(outside, -torch.inf, upper[where])
        others.scatter_(1, first.unsqueeze(1), -torch.inf)
        second = torch.where(others.amax(1) > -torch.inf, others.argmax(1), first)
        return torch.stack((torch.minimum(first, second), torch.maximum(first, second)), 1)

    @staticmethod
    def _remember(weights: Tensor, where: Tensor, clause: Tensor, rows: Tensor, shares: Tensor) -> None:
        """Put shares in the place of the weights of these clauses, in place."""
        single = shares.to(weights.dtype)
        usable = (single.sum(1) > 0) & torch.isfinite(single).all(1)
        where, clause, rows, single = where[usable], clause[usable], rows[usable], single[usable]
        fresh = torch.zeros(len(where), weights.shape[2], dtype=weights.dtype)
        fresh.scatter_add_(1, rows, single)
        weights[where, clause] = fresh

    @staticmethod
    def _point(points: Tensor, expansion: Expansion, where: Tensor, lower: Tensor, least: Tensor) -> None:
        """The least point of the worst pair of each box, in place."""
        count = len(points)
        worst = lower.new_full((count,), torch.inf).scatter_reduce(0, where, lower, "amin")
        rank = torch.arange(len(where))
        candidates = torch.where(lower == worst[where], rank, len(where))
        first = torch.full((count,), len(where)).scatter_reduce(0, where, candidates, "amin")
        some = (first < len(where)).nonzero().flatten()
        inside = torch.addcmul(expansion.centre[some], expansion.radius[some], least[first[some]])
        points[some] = inside.to(points.dtype)


def cut_along(boxes: Boxes, score: Tensor) -> Tensor:
    """The inputs to halve, best first, (boxes, LEVELS), by score (boxes, inputs); -1 where there are no more."""
    width = boxes.upper - boxes.lower
    score = torch.where(score.amax(1, keepdim=True) > 0, score.nan_to_num(posinf=1e300), width)
    middle = (boxes.lower + boxes.upper) / 2
    divisible = (boxes.lower < middle) & (middle < boxes.upper)
    best = torch.where(divisible, score, -1.0).topk(min(LEVELS, score.shape[1]), 1)
    cuts = torch.full((len(boxes), LEVELS), -1)
    cuts[:, : best.indices.shape[1]] = torch.where(best.values >= 0, best.indices, -1)
    return cuts


__all__ = ["Contest", "Curvature", "cut_along", "sample"]
