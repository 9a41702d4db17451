"""Lower bounds of the greatest of two rows of a clause, from quadratic forms.

Some row is positive where a combination of them is. For a Lyapunov function, "the point is outside the level set, or
the function decreases" is bounded far better by one combination than by either row, and what is not convex in one is
outweighed by the curvature of the other (the S-procedure: Boyd and Vandenberghe, Convex Optimization, appendix B.2).
The bound is a concave function of the combination's weight; whether more weight helps is seen at the least point.

A relu that a combination counts positively is convex. Its symbol `h` (`arithmetic.Bend`) then need not be taken at its
worst, -1 everywhere: with `relu(v) >= t v` for `t` 0 or 1, whatever `m` is not negative,

    row >= row + m ((t - slope) v - middle - middle h),

and with `m middle` the coefficient of `h`, `h` is gone and a form of `v` has come in its place, from the side of the
kink where the least point lies. Relus further up are given back first: their `v` may contain symbols of those below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.taylor.arithmetic import Bend
from torchlean.bounds.taylor.expansion import Expansion
from torchlean.bounds.taylor.layout import Layout
from torchlean.bounds.taylor.minimum import minimum
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma

TRIES = 6
"""Weights by bisection, before the two rows alone."""

_TINY = 2.0**-1000


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Two rows of the same box, for each of many pairs.

    Attributes:
        boxes: which box, (pairs,).
        polynomials: coefficients of 1 and of all symbols, (pairs, 2, 1 + count).
        errors: of the forms, (pairs, 2).
    """

    boxes: Tensor
    polynomials: Tensor
    errors: Tensor

    @staticmethod
    def of(expansion: Expansion, boxes: Tensor, rows: Tensor) -> Pairs:
        """The pairs of rows (pairs, 2) of the expansion's node, which has one dimension."""
        form = expansion.rows
        assert form is not None
        where = boxes.unsqueeze(1)
        point = form.point[where, rows].unsqueeze(2)
        return Pairs(
            boxes,
            torch.cat((point, form.coefficients[:, where, rows].permute(1, 2, 0)), 2),
            form.error[where, rows],
        )

    def some(self, index: Tensor) -> Pairs:
        return Pairs(self.boxes[index], self.polynomials[index], self.errors[index])


@dataclass(eq=False, slots=True)
class Findings:
    """The best that was found for each pair.

    Attributes:
        lower: bounds of the greater row, (pairs,).
        shares: how the rows were combined, not negative, (pairs, 2).
        points: where the combination is least, (pairs, inputs).
        gaps: what each input may have to do with the bound's looseness, (pairs, inputs).
    """

    lower: Tensor
    shares: Tensor
    points: Tensor
    gaps: Tensor

    def improve(self, index: Tensor, other: Findings) -> None:
        better = index[other.lower > self.lower[index]]
        chosen = other.lower > self.lower[index]
        self.lower[better] = other.lower[chosen]
        self.shares[better] = other.shares[chosen]
        self.points[better] = other.points[chosen]
        self.gaps[better] = other.gaps[chosen]


class Combining:
    """Finds combinations for pairs of rows of an expansion."""

    def __init__(self, expansion: Expansion) -> None:
        self.layout: Layout = expansion.plan.layout
        self.bends = [_Flat.of(bend, self.layout) for bend in expansion.bends]

    def search(self, pairs: Pairs, first: Tensor) -> Findings:
        """Bounds of the greater row of each pair.

        Args:
            first: shares to begin with, (pairs, 2); zeros where there are none.
        """
        count = len(pairs.boxes)
        sizes = pairs.polynomials.abs().sum(2).clamp(min=_TINY)
        below, above = torch.zeros(count, dtype=torch.float64), torch.ones(count, dtype=torch.float64)
        scaled = first * sizes
        trial = torch.where(scaled.sum(1) > 0, scaled[:, 0] / scaled.sum(1), 0.5).clamp(0.05, 0.95)
        points = torch.zeros(count, self.layout.inputs, dtype=torch.float64)
        best = Findings(
            torch.full((count,), -math.inf, dtype=torch.float64),
            first.clone(),
            points.clone(),
            points.clone(),
        )
        for turn in range(TRIES + 2):
            index = (best.lower <= 0).nonzero().flatten()
            if not len(index):
                break
            share = trial[index] if turn < TRIES else torch.full_like(trial[index], float(turn - TRIES))
            shares = torch.stack((share, 1 - share), 1) / sizes[index]
            shares = shares / shares.sum(1, keepdim=True)
            found, more = self._bounded(pairs.some(index), shares, points[index])
            points[index] = found.points
            best.improve(index, found)
            below[index] = torch.where(more, share, below[index])
            above[index] = torch.where(more, above[index], share)
            trial = (below + above) / 2
        return best

    def _bounded(self, pairs: Pairs, shares: Tensor, start: Tensor) -> tuple[Findings, Tensor]:
        """Bounds with given shares, and whether the first row should have more."""
        layout = self.layout
        polynomial = (pairs.polynomials * shares.unsqueeze(2)).sum(1)
        met = (pairs.polynomials.abs().sum(2) * shares).sum(1)
        cost = (pairs.errors * shares).sum(1)
        kinks = polynomial[:, 1 + layout.inputs : 1 + layout.inputs + layout.kinks].abs()
        at = layout.values(start)
        for bend in reversed(self.bends):
            polynomial, more_met, more_cost = bend.given_back(polynomial, at, pairs.boxes, layout)
            met, cost = met + more_met, cost + more_cost
        left = polynomial[:, 1 + layout.inputs : 1 + layout.inputs + layout.kinks].abs().sum(1)
        matrix = layout.matrices(polynomial[:, 1 + layout.inputs + layout.kinks :])
        linear = polynomial[:, 1 : 1 + layout.inputs]
        found = minimum(polynomial[:, 0], linear, matrix, start)
        terms = 16 * (layout.count + layout.kinks) + 64
        lost = (left + cost) * (1 + 2 * gamma(terms)) + met * (2 * gamma(terms)) + _TINY
        total = shares.sum(1)
        lower = (found.lower - lost) / total
        lower = lower - (lower.abs() + (found.lower.abs() + lost) / total) * (8 * UNIT_ROUNDOFF) - _TINY
        lower = lower.nan_to_num(nan=-math.inf, posinf=-math.inf)
        values = (pairs.polynomials @ layout.values(found.points).unsqueeze(2)).squeeze(2) - pairs.errors
        gaps = found.gaps + self._blamed(kinks, pairs.boxes)
        gaps = gaps + linear.abs() * ((cost / linear.abs().sum(1).clamp(min=_TINY)).unsqueeze(1) + VARIATION)
        return Findings(lower, shares, found.points, gaps), values[:, 0] > values[:, 1]

    def _blamed(self, kinks: Tensor, boxes: Tensor) -> Tensor:
        """Each input's share in the gaps of relus."""
        total = kinks.new_zeros(len(kinks), self.layout.inputs)
        for bend in self.bends:
            own = kinks[:, bend.start : bend.start + bend.elements]
            total += (own.unsqueeze(2) * bend.dependence[boxes]).sum(1)
        return total


VARIATION = 0.02
"""What the variation of the combination along an input counts in the choice of cuts: where the bound fails by
variation alone, it decides."""


@dataclass(frozen=True, eq=False, slots=True)
class _Flat:
    """A `Bend` as matrices.

    Attributes:
        polynomials: of the operand, (boxes, elements, 1 + count).
        errors, slope, middle, total: (boxes, elements); `total` is the size of all of the polynomial.
        dependence: each input's share in how the operand varies, (boxes, elements, inputs).
    """

    polynomials: Tensor
    errors: Tensor
    slope: Tensor
    middle: Tensor
    total: Tensor
    dependence: Tensor
    start: int
    elements: int

    @staticmethod
    def of(bend: Bend, layout: Layout) -> _Flat:
        form, boxes = bend.operand, len(bend.slope)
        point = form.point.reshape(1, boxes, -1)
        polynomials = torch.cat((point, form.coefficients.reshape(layout.count, boxes, -1))).permute(1, 2, 0)
        linear = polynomials[:, :, 1 : 1 + layout.inputs].abs()
        dependence = linear / linear.sum(2, keepdim=True).clamp(min=_TINY)
        return _Flat(
            polynomials.contiguous(),
            form.error.reshape(boxes, -1),
            bend.slope.reshape(boxes, -1),
            bend.middle.reshape(boxes, -1),
            polynomials.abs().sum(2),
            dependence,
            bend.start,
            point.shape[2],
        )

    def given_back(
        self, polynomial: Tensor, at: Tensor, boxes: Tensor, layout: Layout
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Combinations (n, 1 + count) without the symbols that count positively.

        Args:
            at: the symbols' values where the combinations are thought to be least, (n, 1 + count).

        Returns:
            The combinations, what more was rounded, and what errors of the operands cost, (n,) each.
        """
        begin = 1 + layout.inputs + self.start
        own = slice(begin, begin + self.elements)
        middle, slope = self.middle[boxes], self.slope[boxes]
        weight = polynomial[:, own]
        back = (weight > 0) & (middle > _TINY)
        if not bool(back.any()):
            none = polynomial.new_zeros(len(polynomial))
            return polynomial, none, none
        factor = torch.where(back, weight / middle, 0.0)
        forms = self.polynomials[boxes]
        side = ((forms @ at.unsqueeze(2)).squeeze(2) > 0).to(slope.dtype)
        tilt = factor * (side - slope)
        changed = torch.baddbmm(polynomial.unsqueeze(1), tilt.unsqueeze(1), forms).squeeze(1)
        changed[:, 0] -= (factor * middle).sum(1)
        changed[:, own] = torch.where(back, 0.0, changed[:, own])
        met = (tilt.abs() * self.total[boxes] + 2 * factor * middle).sum(1)
        # `factor middle` and `tilt` are rounded, too: their errors weigh what they are multiplied with.
        cost = (tilt.abs() * self.errors[boxes]).sum(1)
        return changed, met, cost


__all__ = ["Combining", "Findings", "Pairs"]
