"""Lines around smooth functions that bend at fixed places or nowhere, without a search for each interval.

Such a function (gelu, silu, mish, sine, exponential) is convex and concave in turn. Below it on `[l, u]`, the convex
envelope follows the graph on convex pieces and bridges the rest with lines: from an end to where a tangent runs through
that end, or from end to end. Where such a tangent touches depends on the end alone, so it is looked up in a table, as
in `sigmoids`, which is the case of one bend and an even derivative; `curves` finds the same by trying candidates. The
line that supports the envelope in the middle is the tangent at the point nearest to the middle at which the envelope
follows the graph, or the chord.

**Sound for any table.** For any slope `s`, with a point `t` in the part `[a, b]` of the interval in a convex piece,

- on that part the function lies above its tangent at `t`, so `f(x) - s x` is at least `f(t) - s t` less
  `max(0, s - f'(t)) (b - t)` to the right of `t`, and `max(0, f'(t) - s) (t - a)` to its left;
- on a concave piece's part it is least at one of the part's ends, which are ends of the interval or of a convex part.

So the least of these bounds and of the values at `l` and `u` is an intercept. Where bends are rounded, the function may
fail to be convex or concave by `slack` next to them (`curves.ROUNDED_BENDS`).

The line above is minus the line below `-f`, whose convex pieces are the other ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.approximation import Approximant
from torchlean.intervals.arrays import Array, asked, margin
from torchlean.intervals.rounding import UNIT_ROUNDOFF
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import LookedUp, Table
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import undefined

ENTRIES = 2**12
"""Of a table: neighbours are so close that lines lose less than a thousandth of the gap to interpolation."""

FARTHEST = 1e6
"""How far tables reach from a bend, and tangents are looked for."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of intervals in one piece, (elements,) each.

    Attributes:
        left, right: its ends, the wrong way round where there is none.
        present: whether there is one.
        point: where a tangent is taken.
        touched: whether the envelope follows the graph there; else the point is the end nearest to where it would.
    """

    left: Array
    right: Array
    present: Array
    point: Array
    touched: Array


@dataclass(eq=False)
class Bent(LookedUp):
    """A smooth function that is convex and concave in turn, and changes at every bend.

    Attributes:
        value, slope: the function and its derivative, at finite points.
        bends: from left to right.
        convex: whether it is convex on the left of the first, or everywhere.
        slack: how far it may be from convex or concave next to bends, which are rounded.
        reach: how far from the outer bends ends are looked up, and tangents looked for.
        undefined: for functions with a domain, the intervals that reach outside.
        poles: whether the function has poles at its bends, inside of no interval that it is defined on.
    """

    value: Approximant
    slope: Approximant
    bends: tuple[float, ...] = ()
    convex: bool = True
    slack: float = 0.0
    reach: float = FARTHEST
    undefined: Callable[[Interval], Tensor] | None = None
    poles: bool = False
    _tables: dict[tuple[int, bool], Table] = field(default_factory=dict)

    def relax(
        self, op: Op, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None = None
    ) -> Relaxation:
        if self.undefined is not None and bool(self.undefined(*inputs).any()):
            raise undefined(op)
        return super().relax(op, inputs, attributes, at)

    def lines(self, xp: ModuleType, lower: Array, upper: Array, share: Array | float) -> Sequence[Array]:
        pieces = self.parts(xp, lower, upper, share)
        points = [piece.point for piece in pieces]
        slopes = asked(xp, self.slope, xp.concatenate(points))
        values = asked(xp, self.value, xp.concatenate((*points, lower, upper)))
        return self.around(xp, pieces, (lower, upper), slopes, values)

    def parts(
        self, xp: ModuleType, lower: Array, upper: Array, share: Array | float, origin: Array | float = 0.0
    ) -> list[Part]:
        """The intervals' parts in each piece; `origin` is added to the bends."""
        found = []
        centre = lower + (upper - lower) * share
        for index in range(len(self.bends) + 1):
            left, right, first, last = lower, upper, lower, upper
            if index > 0:
                bend = self.bends[index - 1] + origin
                left = first = lower.clip(bend)
                if not self.poles:
                    first = xp.maximum(lower, bend + self.table(index, True).at(xp, bend - lower))
            if index < len(self.bends):
                bend = self.bends[index] + origin
                right = last = upper.clip(None, bend)
                if not self.poles:
                    last = xp.minimum(upper, bend - self.table(index, False).at(xp, upper - bend))
            present = left <= right
            point = xp.minimum(xp.maximum(centre, first), last)
            point = xp.minimum(xp.maximum(point, left), right)
            found.append(Part(left, right, present, point, (first < last) & present))
        return found

    def around(
        self,
        xp: ModuleType,
        pieces: Sequence[Part],
        ends: tuple[Array, Array],
        slopes: tuple[Array, Array],
        values: tuple[Array, Array],
    ) -> Sequence[Array]:
        """The lines, from what the derivative is at the parts' points, and the function at these and at both ends.

        Args:
            slopes, values: approximations and their errors, the points behind each other, (n elements,).
        """
        count = len(pieces)
        steepness, off_steepness = (each.reshape(count, -1) for each in slopes)
        value, error = (each.reshape(count + 2, -1) for each in values)
        places = xp.stack(ends)
        chord = (value[-1] - value[-2]) / (ends[1] - ends[0])
        found: list[Array] = []
        for sign in (1.0, -1.0):
            line = chord
            chosen = [i for i in range(count) if self._is_convex(i) == (sign > 0)]
            for i in chosen:
                line = xp.where(pieces[i].touched, steepness[i], line)
            line = xp.where(xp.isfinite(line), line, 0.0)
            slope = line * sign
            floors = margin(value[-2:] * sign, slope * places, error[-2:])
            floor = xp.minimum(floors[0], floors[1])
            for i in chosen:
                piece = pieces[i]
                steeper = slope - steepness[i] * sign
                right = (steeper + off_steepness[i]).clip(0.0) * (piece.right - piece.point)
                left = (off_steepness[i] - steeper).clip(0.0) * (piece.point - piece.left)
                off = error[i] + xp.maximum(left, right)
                above = margin(value[i] * sign, slope * piece.point, off)
                floor = xp.minimum(floor, xp.where(piece.present, above, math.inf))
            if self.slack:
                floor = floor - (self.slack + abs(floor) * (2 * UNIT_ROUNDOFF))
            found += [line, floor * sign]
        return found

    def _is_convex(self, piece: int) -> bool:
        return self.convex == (piece % 2 == 0)

    def table(self, piece: int, leftward: bool) -> Table:
        """Where tangents of a piece touch that run through ends on its left (or right)."""
        table = self._tables.get((piece, leftward))
        if table is None:
            table = self._tables[piece, leftward] = self._tabulate(piece, leftward)
        return table

    def _tabulate(self, piece: int, leftward: bool) -> Table:
        # Only functions with bends have tables.
        edges = (self.bends[0] - self.reach, *self.bends, self.bends[-1] + self.reach)
        bend, other = (piece, piece - 1) if leftward else (piece + 1, piece + 2)
        return Table.of(
            self.value,
            self.slope,
            edges[bend],
            leftward=leftward,
            convex=self._is_convex(piece),
            span=edges[piece + 1] - edges[piece],
            reach=abs(edges[other] - edges[bend]),
            entries=ENTRIES,
        )


__all__ = ["Bent", "Part"]
