"""Lines around smooth functions that are convex or concave between known bends.

Below a *convex* piece lies every tangent; below a *concave* one the chord, that is: `f(x) - s x` is least at one of its
ends. Both facts give, for **any** slope `s`, a rigorous lower bound of `f(x) - s x` on an interval (`_Problem.floor`):

- on a concave piece `[a, b]`, the less of `f(a) - s a` and `f(b) - s b`;
- on a convex piece, with the tangent at any `p` in it,
  `f(x) - s x >= f(p) - s p + (f'(p) - s)(x - p)`, which is least at an end. With `s` close to `f'(p)` nothing is lost.

So soundness rests on the bends and on the error bounds of `f` and `f'`, never on how `s` and `p` were found.

The best line is the one that supports the convex envelope in the middle `m` (see `planes`). It touches the graph at
`m`, or runs through one end and touches a convex piece, or runs through both ends. (Lines that touch two convex pieces
exist only for the sine, where they are horizontal; lines through kinks for the functions that have some.) All of these
are tried, and the best is taken. Where the interval lies within one piece, that is the tangent at the middle or the
chord, and nothing need be searched.

Sources: Zhang et al. 2018 (arXiv:1811.00866), section 3.2, for S-shaped functions; the envelope as the criterion is the
usual one of minimal area (Singh et al. 2019, DeepPoly).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.approximation import Approximant
from torchlean.intervals.derivatives import minus
from torchlean.intervals.rounding import down, up
from torchlean.ops.linearization import Relaxation
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import (
    Line,
    best,
    between_ends,
    bounds_of,
    chord,
    finite,
    flat,
    lowest,
    middle,
    relaxation,
    under,
)
from torchlean.ops.roots import increasing_root

ROUNDED_BENDS = 2.0**-80
"""The slack for bends that are rounded to float64.

Between a bend `c` and its float64, at a distance `d`, the second derivative has the wrong sign, but is at most `M d`
for a third derivative below `M`. Tangents and chords are off by at most `M d**3` for it (integrate `f''` twice over the
sliver; beyond it `f''` has the right sign and grows). Here `M` is below 4, and `d` below `2**-30` (multiples of pi up
to `2**20`) or `2**-51` (all others).
"""

Bends = Callable[[Interval], Sequence[Tensor | float]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A convex or concave part of a graph; `value` and `slope` are asked at points of the part only."""

    value: Approximant
    slope: Approximant
    convex: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A function on the whole line (or on its domain) as pieces between bends.

    Attributes:
        pieces: from left to right.
        bends: where they meet, one less than pieces; given the interval, where they depend on it.
        slack: pays for bends that are rounded: how far the function may be from convex or concave there.
        kinked: the derivative jumps at bends, so that the best line may run through one.
        applies: elements for which the pieces cover the interval; None for all.
    """

    pieces: tuple[Piece, ...]
    bends: Bends = lambda x: ()
    slack: float = 0.0
    kinked: bool = False
    applies: Callable[[Interval], Tensor] | None = None


def curve(
    value: Approximant, slope: Approximant, bends: Sequence[float] = (), *, convex: bool, slack: float = 0.0
) -> Curve:
    """A function that is convex or concave on the left, and changes at every bend."""
    pieces = tuple(Piece(value, slope, convex is (i % 2 == 0)) for i in range(len(bends) + 1))
    places = tuple(bends)
    return Curve(pieces, lambda x: places, slack)


def between(
    op: Op,
    x: Interval,
    attributes: Attributes,
    curves: Sequence[Curve],
    bounds: Interval | None = None,
    at: Tensor | None = None,
) -> Relaxation:
    """The planes of an op whose function is one of `curves` (usually there is one), all with the same pieces.

    Args:
        bounds: of the op's result, where the op has more operands than `x`.
        at: where in the interval the lines shall be close, in [0, 1] from the lower to the upper end; default: the
            middle. Whatever it is, the lines are sound.

    Raises:
        UnsupportedError: the op is undefined somewhere on these intervals.
    """
    bounds = bounds_of(op, [x], attributes) if bounds is None else bounds
    centre = middle(x) if at is None else between_ends(x, at)
    return relaxation(
        _line(x, bounds.lower, curves, centre),
        _line(x, -bounds.upper, [_negated(each) for each in curves], centre),
    )


class Curved:
    """What `between` is to an op of one operand, mixed into it: `lines` says how; both facets follow."""

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        """The planes; `at` as for `between`."""
        raise NotImplementedError

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return self.lines(inputs, attributes, None)

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return self.lines(inputs, attributes, alpha)


def _negated(curve: Curve) -> Curve:
    pieces = tuple(Piece(minus(p.value), minus(p.slope), not p.convex) for p in curve.pieces)
    return replace(curve, pieces=pieces)


def _line(x: Interval, bound: Tensor, curves: Sequence[Curve], centre: Tensor) -> Line:
    """The line below all curves that is highest at `centre`; the first of the curves decides the slope."""
    bends = [torch.as_tensor(bend, dtype=torch.float64) for bend in curves[0].bends(x)]
    # A bend that is an end of the interval does not cut it.
    cut = torch.zeros_like(x.lower, dtype=torch.bool)
    for bend in bends:
        cut |= (x.lower < bend) & (bend < x.upper)
    applies = curves[0].applies
    usable = torch.ones_like(cut) if applies is None else applies(x)
    result = best([flat(bound), _within_pieces(x, bends, curves, usable & ~cut, centre)], x, centre)
    cut &= usable
    if not bool(cut.any()):
        return result
    part, centre = Interval(x.lower[cut], x.upper[cut]), centre[cut]
    inner = [bend[cut] if bend.dim() else bend.expand(part.shape) for bend in bends]
    within = Line(result.slope[cut], result.intercept[cut])
    found = best([within, *_across_bends(part, inner, curves, centre)], part, centre)
    slope, intercept = result.slope.clone(), result.intercept.clone()
    slope[cut], intercept[cut] = found.slope, found.intercept
    return Line(slope, intercept)


def _within_pieces(
    x: Interval, bends: Sequence[Tensor], curves: Sequence[Curve], where: Tensor, centre: Tensor
) -> Line:
    """Intervals inside one piece: the tangent at `centre`, or the chord; no line elsewhere."""
    slope = torch.zeros_like(x.lower)
    intercept = torch.full_like(x.lower, -math.inf)
    edges = _edges(bends)
    for index, piece in enumerate(curves[0].pieces):
        inside = where & (edges[index] <= x.lower) & (x.upper <= edges[index + 1])
        if not bool(inside.any()):
            continue
        if piece.convex:
            chosen = finite(piece.slope(centre).value)
            floors = [touching(c.pieces[index], chosen, centre, x) for c in curves]
        else:
            chosen = _secant(piece, x)
            floors = [hanging(c.pieces[index], chosen, x) for c in curves]
        slope = torch.where(inside, chosen, slope)
        intercept = torch.where(inside, _lowered(lowest(floors), curves[0].slack), intercept)
    return Line(slope, intercept)


def _secant(piece: Piece, x: Interval) -> Tensor:
    """The chord, kept between the derivatives at the ends: the quotient of tiny differences may be anything."""
    ends = [piece.slope(end).value for end in (x.lower, x.upper)]
    steepness = chord(piece.value(x.lower).value, piece.value(x.upper).value, x)
    return finite(torch.minimum(torch.maximum(steepness, torch.minimum(*ends)), torch.maximum(*ends)))


def touching(piece: Piece, slope: Tensor, p: Tensor, x: Interval) -> Tensor:
    """A lower bound of `f - slope x` on `x`, where `f` is convex, from the tangent at `p` in `x`."""
    derivative = piece.slope(p)
    rises = up(slope - derivative.below()).clamp(min=0.0)
    falls = up(derivative.above() - slope).clamp(min=0.0)
    # What the tangent's slope differs by, times the distance to either end; exact where there is none.
    right = torch.where(rises > 0, up(rises * up(x.upper - p)), 0.0)
    left = torch.where(falls > 0, up(falls * up(p - x.lower)), 0.0)
    loss = torch.maximum(right, left)
    base = under(piece.value(p).below(), slope, p)
    return torch.where(loss > 0, down(base - loss), base)


def hanging(piece: Piece, slope: Tensor, x: Interval) -> Tensor:
    """A lower bound of `f - slope x` on `x`, where `f` is concave: at one of the ends."""
    return lowest([under(piece.value(end).below(), slope, end) for end in (x.lower, x.upper)])


def _lowered(intercept: Tensor, slack: float) -> Tensor:
    return down(intercept - slack) if slack else intercept


def _edges(bends: Sequence[Tensor]) -> list[Tensor]:
    infinity = torch.full((), math.inf, dtype=torch.float64)
    return [-infinity, *bends, infinity]


def _across_bends(
    x: Interval, bends: Sequence[Tensor], curves: Sequence[Curve], centre: Tensor
) -> list[Line]:
    """Lines that may be the best for intervals with bends inside."""
    problem = _Problem.of(x, bends, curves[0])
    lines = problem.candidates(centre)
    slack = curves[0].slack
    problems = [problem, *(_Problem.of(x, bends, curve) for curve in curves[1:])]
    touched = problem.points(lines)
    floors = lowest([each.floor(lines.slopes, touched) for each in problems])
    return [Line(s, _lowered(c, slack)) for s, c in zip(lines.slopes, floors, strict=True)]


@dataclass(frozen=True, eq=False, slots=True)
class _Candidates:
    """Slopes, shape (candidates, elements), and for some candidates the point where they touch a piece.

    `known` is a list of (index of the piece, index of the candidate, points).
    """

    slopes: Tensor
    known: list[tuple[int, int, Tensor]]


@dataclass(frozen=True, eq=False, slots=True)
class _Problem:
    """Intervals cut by bends: for each piece, the part of the interval in it, and where there is one."""

    x: Interval
    pieces: tuple[Piece, ...]
    parts: list[Interval]
    present: list[Tensor]
    kinked: bool
    convex: list[int]

    @staticmethod
    def of(x: Interval, bends: Sequence[Tensor], curve: Curve) -> _Problem:
        edges = _edges(bends)
        parts, present = [], []
        for left, right in itertools.pairwise(edges):
            inside = (left < x.upper) & (right > x.lower)
            low = torch.minimum(torch.maximum(left, x.lower), x.upper)
            high = torch.minimum(torch.maximum(right, x.lower), x.upper)
            parts.append(Interval(low, high))
            present.append(inside)
        convex = [i for i, piece in enumerate(curve.pieces) if piece.convex and bool(present[i].any())]
        return _Problem(x, curve.pieces, parts, present, curve.kinked, convex)

    def candidates(self, centre: Tensor) -> _Candidates:
        """The chord; per convex piece the tangent nearest to `centre`, and those through either end."""
        low, high = self._at_ends()
        slopes = [chord(low, high, self.x)]
        if self.kinked:
            slopes += self._chords_from_kinks(low, high)
        known = []
        for i in self.convex:
            piece, part = self.pieces[i], self.parts[i]
            nearest = torch.minimum(torch.maximum(centre, part.lower), part.upper)
            for p in (nearest, *self._tangents_through_ends(piece, part, low, high)):
                known.append((i, len(slopes), p))
                slopes.append(piece.slope(p).value)
        least, greatest = self._steepness()
        stacked = torch.stack(slopes)
        return _Candidates(finite(torch.minimum(torch.maximum(stacked, least), greatest)), known)

    def _chords_from_kinks(self, low: Tensor, high: Tensor) -> list[Tensor]:
        """From every bend inside to either end and to the next bend."""
        slopes = []
        for piece, part in zip(self.pieces, self.parts, strict=True):
            left, right = piece.value(part.lower).value, piece.value(part.upper).value
            slopes += [
                chord(left, right, part),
                chord(left, high, Interval(part.lower, self.x.upper)),
                chord(low, right, Interval(self.x.lower, part.upper)),
            ]
        return slopes

    def _at_ends(self) -> tuple[Tensor, Tensor]:
        """The function at both ends: that of the first and of the last piece present."""
        low = high = torch.zeros_like(self.x.lower)
        for piece, part, present in zip(self.pieces, self.parts, self.present, strict=True):
            high = torch.where(present, piece.value(part.upper).value, high)
        for piece, part, present in reversed(list(zip(self.pieces, self.parts, self.present, strict=True))):
            low = torch.where(present, piece.value(part.lower).value, low)
        return low, high

    def _steepness(self) -> tuple[Tensor, Tensor]:
        """The derivative's range: it is monotone on each piece, so it is extreme at ends and bends.

        Slopes outside are never the best; they come from rounding on tiny intervals.
        """
        least = torch.full_like(self.x.lower, math.inf)
        greatest = -least
        for piece, part, present in zip(self.pieces, self.parts, self.present, strict=True):
            for end in (part.lower, part.upper):
                steepness = piece.slope(end).value
                least = torch.where(present & ~(steepness >= least), steepness, least)
                greatest = torch.where(present & ~(steepness <= greatest), steepness, greatest)
        return least, greatest

    def _tangents_through_ends(
        self, piece: Piece, part: Interval, low: Tensor, high: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Points of a convex piece whose tangents run through the graph at the upper and at the lower end.

        `f(e) - f(p) - f'(p) (e - p)` has the derivative `-f''(p) (e - p)`: it falls with `p` for an end on the right
        of the piece and rises for one on the left.
        """

        def through_upper(p: Tensor) -> Tensor:
            return piece.value(p).value + piece.slope(p).value * (self.x.upper - p) - high

        def through_lower(p: Tensor) -> Tensor:
            return low - piece.value(p).value - piece.slope(p).value * (self.x.lower - p)

        return increasing_root(through_upper, part), increasing_root(through_lower, part)

    def points(self, lines: _Candidates) -> dict[int, Tensor]:
        """For each convex piece, about where each candidate line comes closest to it: where `f' = slope`."""
        result = {}
        for i in self.convex:
            known = {index: p for j, index, p in lines.known if j == i}
            open = [index for index in range(len(lines.slopes)) if index not in known]
            known |= zip(open, self._nearest(i, lines.slopes[open]), strict=True)
            result[i] = torch.stack([known[index] for index in range(len(lines.slopes))])
        return result

    def _nearest(self, i: int, slopes: Tensor) -> Tensor:
        """Where the derivative of piece `i` is about the slope, for each of (candidates, elements)."""
        part, slope = self.parts[i], self.pieces[i].slope

        def excess(p: Tensor) -> Tensor:
            return slope(p).value - slopes

        return increasing_root(excess, Interval(part.lower.expand_as(slopes), part.upper.expand_as(slopes)))

    def floor(self, slopes: Tensor, points: dict[int, Tensor]) -> Tensor:
        """A lower bound of `f - slope x` over the interval, for each candidate slope."""
        floors = torch.full_like(slopes, math.inf)
        for i, (piece, part, present) in enumerate(zip(self.pieces, self.parts, self.present, strict=True)):
            if not bool(present.any()):
                continue
            if piece.convex:
                bound = touching(piece, slopes, points[i], part)
            else:
                bound = hanging(piece, slopes, part)
            floors = torch.where(present, torch.minimum(floors, bound), floors)
        return floors


__all__ = ["Bends", "Curve", "Curved", "Piece", "between", "curve", "hanging", "touching"]
