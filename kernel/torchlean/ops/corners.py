"""Planes around functions of several operands: products, quotients, the larger of two.

As with lines, slopes may come from anywhere; the intercept is a rigorous bound of `f - sum(slope * operand)` on the
box. Two shapes make it easy:

- a function that is *affine in each operand* (a product, an interpolation) stays so when a plane is subtracted, and
  such a function has its extremes at corners of the box: fix all operands but one, move that to its better end, repeat;
- a *convex* function stays convex, and has its maximum at a corner.

Of the planes tried the best is the one that is highest in the middle of the box, where the volume below it is decided.
Of planes that are about equally high there, the one with the slopes of the function in the middle is taken, from below
as from above: where both planes have the same slopes, rows pass it as they would an affine one, and what operands have
in common cancels. (Planes of different slopes lose their difference times the operands' radii, which is of first order,
where the gap between the planes is of second.) Products have a choice of their own (`product_slopes`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.directed import round_down, round_up, two_product, two_sum
from torchlean.intervals.rounding import down, up
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import bounds_of, finite, middle, negated, plane, under

_TIE = 2.0**-10
"""How much it counts what a plane's slopes, times the operands' radii, differ from the first candidate's: enough to
decide between planes that are about equally high in the middle."""

Slopes = Sequence[Tensor]
"""One tensor per operand."""


def multiaffine(
    op: Op, operands: Sequence[Interval], attributes: Attributes, candidates: Sequence[Slopes]
) -> Relaxation:
    """The planes of an op that is affine in each operand.

    Args:
        operands: all of the same shape (`planes.operands_of`).
        candidates: slopes worth trying, for the lower as for the upper plane; first those of the op in the middle.
    """
    bounds = bounds_of(op, operands, attributes)
    slopes = stacked(candidates)
    least, greatest = at_corners(op, operands, attributes)
    below = best_plane(operands, slopes, corner_floor(operands, least, slopes), bounds.lower)
    opposite = [-slope for slope in slopes]
    above = best_plane(operands, opposite, corner_floor(operands, -greatest, opposite), -bounds.upper)
    return Relaxation(below, negated(above))


def with_slopes(
    op: Op, operands: Sequence[Interval], attributes: Attributes, below: Slopes, above: Slopes
) -> Relaxation:
    """The lower and the upper plane with these slopes, of an op that is affine in each operand.

    Args:
        operands: all of the same shape (`planes.operands_of`).
        below, above: one tensor per operand, of that shape.
    """
    least, greatest = at_corners(op, operands, attributes)
    lower = corner_floor(operands, least, [slope.unsqueeze(0) for slope in below])[0]
    minus_upper = corner_floor(operands, -greatest, [-slope.unsqueeze(0) for slope in above])[0]
    return Relaxation(plane(below, lower), plane(above, -minus_upper))


def product_slopes(a: Interval, b: Interval) -> tuple[Slopes, Slopes]:
    """Slopes of two of McCormick's planes (1976) around `a * b`, the lower and the upper one.

    `ab - q a - p b = (a - p)(b - q) - p q` for ends `p` and `q`, where the first product has one sign: the plane
    touches `ab` along two edges, and lies below for both lower or both upper ends, above for others. All four are
    equally high in the middle; they differ in what rows become. Here the wider factor has the same slope below and
    above, so that what rows have in common of it cancels as in an affine op, and that slope is the end of the narrower
    factor with the smaller magnitude, so that rows weigh the wider one least. (On attention blocks this was 1 to 10 %
    tighter than the means of both planes on either side.)

    Args:
        a, b: of the same shape.
    """
    narrower = a.upper - a.lower <= b.upper - b.lower
    low = torch.where(narrower, _nearer_below(a), _nearer_below(b))
    # Above, the narrower factor stays at the same end, and the wider one changes to its other end.
    switched = low ^ narrower
    return (_end(b, low), _end(a, low)), (_end(b, switched), _end(a, ~switched))


def product_planes(a: Interval, b: Interval) -> Relaxation:
    """The planes of `a * b` with the slopes of `product_slopes`.

    Their intercepts are known: `ab - q a - p b + p q` is zero along two edges, and has one sign elsewhere.

    Args:
        a, b: bounded, of the same shape.
    """
    (q, p), (switched_q, switched_p) = product_slopes(a, b)
    below = round_down(*two_product(-p, q))
    above = round_up(*two_product(-switched_p, switched_q))
    return Relaxation(plane((q, p), below), plane((switched_q, switched_p), above))


def larger(a: Interval, b: Interval, alpha: Tensor | None = None) -> Relaxation:
    """`max(a, b)`, both of the same shape: exact where it is known which one is larger.

    Below lies every mean of the two; by default the operand with the larger middle is taken. Above, `b + max(a - b, 0)`
    suggests the slopes `t` and `1 - t` with the chord's `t = u / (u - l)` for `a - b` in `[l, u]`; the function is
    convex.

    Args:
        alpha: in [0, 1], the share of `a` below, where the order is not known.
    """
    first, second = a.lower >= b.upper, b.lower >= a.upper
    most, least = a.upper - b.lower, a.lower - b.upper
    share = finite(most / (most - least)).clamp(0.0, 1.0)
    share = torch.where(first, 1.0, torch.where(second, 0.0, share))
    slopes = [share.unsqueeze(0), (1.0 - share).unsqueeze(0)]
    corners = [torch.maximum(x, y) for x, y in itertools.product((a.lower, a.upper), (b.lower, b.upper))]
    opposite = [-slope for slope in slopes]
    excess = corner_floor([a, b], -torch.stack(corners), opposite)[0]
    chosen = (middle(a) >= middle(b)).to(share.dtype) if alpha is None else alpha
    chosen = torch.where(first, 1.0, torch.where(second, 0.0, chosen))
    lower = _spread(Plane((chosen,)), b)
    return Relaxation(lower, plane([slope[0] for slope in slopes], torch.where(first | second, 0.0, -excess)))


def smaller(a: Interval, b: Interval, alpha: Tensor | None = None) -> Relaxation:
    """`min(a, b) = -max(-a, -b)`: the same slopes, the other way round."""
    mirrored = larger(_mirrored(a), _mirrored(b), alpha)
    return Relaxation(_opposite(mirrored.upper), _opposite(mirrored.lower))


def plus_difference(b: Interval, planes: Relaxation) -> Relaxation:
    """The planes of `b + f(a - b)` for the operands `a` and `b`, from those of `f`.

    A line `s d + c` becomes `s a + (1 - s) b + c`. The stored `1 - s` may be rounded; the difference is known exactly,
    and weighs the largest `|b|`.
    """
    return Relaxation(_spread(planes.lower, b), negated(_spread(negated(planes.upper), b, -1.0)))


def _spread(line: Plane, b: Interval, sign: float = 1.0) -> Plane:
    """A lower line of `f` (for the sign -1 of `-f`) as a lower plane of `b + f(a - b)` (or of its negative)."""
    (slope,) = line.slopes
    rest, lost = two_sum(torch.full_like(slope, sign), -slope)
    largest = torch.maximum(b.lower.abs(), b.upper.abs())
    # What is lost is not differentiated: the slope may be an optimiser's.
    lost = lost.detach().abs()
    loss = torch.where(lost == 0, 0.0, up(lost * largest))
    base = torch.zeros_like(slope) if line.intercept is None else line.intercept
    return plane((slope, rest), torch.where(loss > 0, down(base - loss), base))


def at_corners(op: Op, operands: Sequence[Interval], attributes: Attributes) -> tuple[Tensor, Tensor]:
    """Bounds of the op at all corners of the box, stacked in the order of `corner_floor`."""
    found = [
        bounds_of(op, [Interval.point(end) for end in corner], attributes)
        for corner in itertools.product(*((x.lower, x.upper) for x in operands))
    ]
    shape = operands[0].shape
    return (
        torch.stack([at.lower.expand(shape) for at in found]),
        torch.stack([at.upper.expand(shape) for at in found]),
    )


def corner_floor(operands: Sequence[Interval], values: Tensor, slopes: Slopes) -> Tensor:
    """The least `value - sum(slope * operand)` over the corners, rounded down.

    Args:
        values: lower bounds at the corners, shape (corners, *box).
        slopes: per operand, shape (candidates, *box).

    Returns:
        Shape (candidates, *box).
    """
    rests = values.unsqueeze(0)
    corners = list(itertools.product(*((x.lower, x.upper) for x in operands)))
    for index, slope in enumerate(slopes):
        ends = torch.stack([corner[index] for corner in corners]).unsqueeze(0)
        rests = under(rests, slope.unsqueeze(1), ends)
    return rests.amin(1)


def best_plane(operands: Sequence[Interval], slopes: Slopes, intercepts: Tensor, bound: Tensor) -> Plane:
    """The best of several planes, and of the horizontal one at `bound`; shapes (candidates, *box).

    The slopes of the first candidate are those of the function in the middle (of candidates as high, it is the best).
    """
    slopes = [
        torch.cat([torch.zeros_like(bound).unsqueeze(0).expand_as(slope[:1]), slope]) for slope in slopes
    ]
    intercepts = torch.cat([bound.expand_as(intercepts[0]).unsqueeze(0), intercepts])
    score = intercepts
    for slope, x in zip(slopes, operands, strict=True):
        centre = middle(x)
        score = score + slope * centre - _TIE * (slope - slope[1]).abs() * (x.upper - centre)
    score = torch.nan_to_num(score, nan=-math.inf, neginf=-math.inf)
    choice = score.argmax(0, keepdim=True)
    return plane(
        [slope.gather(0, choice)[0] for slope in slopes],
        intercepts.gather(0, choice)[0],
    )


def stacked(candidates: Sequence[Slopes]) -> list[Tensor]:
    """Per operand the slopes of all candidates, shape (candidates, *box), without any that is not a number."""
    return [finite(torch.stack(list(slopes))) for slopes in zip(*candidates, strict=True)]


def corner_pairs(a: Interval, b: Interval) -> list[tuple[Tensor, Tensor]]:
    """The pair of middles, and pairs of ends: `ab` lies above or below the plane that touches it along two edges.

    For a pair `(p, q)`: `ab - q a - p b = (a - p)(b - q) - p q`, of which the first product has one sign on the box if
    both are ends (McCormick 1976); the middles give the mean of two such planes.
    """
    ends = itertools.product((a.lower, a.upper), (b.lower, b.upper))
    return [(middle(a), middle(b)), *ends]


def _nearer_below(x: Interval) -> Tensor:
    """Whether the lower end has the smaller magnitude."""
    return x.lower.abs() <= x.upper.abs()


def _end(x: Interval, low: Tensor) -> Tensor:
    return torch.where(low, x.lower, x.upper)


def _mirrored(x: Interval) -> Interval:
    return Interval(-x.upper, -x.lower)


def _opposite(of: Plane) -> Plane:
    """The plane of `-f(-x)`: only the intercept changes its sign."""
    return Plane(of.slopes, None if of.intercept is None else -of.intercept)


__all__ = [
    "at_corners",
    "best_plane",
    "corner_floor",
    "corner_pairs",
    "larger",
    "multiaffine",
    "product_planes",
    "product_slopes",
    "smaller",
    "stacked",
    "with_slopes",
]
