"""Lines around S-shaped functions: tanh, sigmoid and their kin, which networks evaluate by the thousand.

The function rises, is convex left of 0 and concave right of it, and its derivative is even. `curves` would find the
same lines by trying candidates; here the best one is known beforehand, and one pass over all elements finds it.

Below the function on `[l, u]`, the convex envelope follows the graph up to a point `p <= 0` and then the line from
there to the upper end, where `p` is where a tangent runs through the upper end: `f(u) - f(p) = f'(p) (u - p)`. It
depends on `u` alone, so it is looked up in a table. The line that supports the envelope in the middle `m` is the
tangent at `min(m, p)`, or the chord where `p <= l` (Zhang et al. 2018, arXiv:1811.00866, section 3.2).

**Sound for any table.** With `t` in `[l, e]`, `e` the point of `[l, u]` nearest to 0, and any slope `s`:

- on `[l, e]` the function is convex or the interval is a point, so it lies above its tangent at `t`, and
  `f(x) - s x >= f(t) - s t - |f'(t) - s| |x - t|` where the sign of `f'(t) - s` is against `x - t`;
- on `[e, u]` it is concave or the interval is a point, so `f(x) - s x` is at least the lesser of its values at `e`
  (which the first case covers) and at `u`.

For a tangent `s` is the computed `f'(t)`, off by its error bound. For a chord `t = l` and `s` is at most the computed
`f'(t)`, so only that error counts again. So the loss is the error bound of `f'(t)` times `e - l`, at most.

The line above `f` on `[l, u]` is minus the line below `x -> -f(-x)` on `[-u, -l]`, a function of the same kind with the
same table: both are found at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.approximation import Approximant
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import bounds_of

ENTRIES = 2**14
"""Of a table: neighbours are so close that lines lose some 1e-7 of the gap to interpolation."""

FARTHEST = 1e12
"""The last upper end in the table. Beyond, the tangent through this one is taken, which is sound and nearly as good."""

HALVINGS = 60
"""Until a table's points are exact to about the last digit."""

CHUNK = 2**13
"""Elements worked on at a time, so that the twenty tensors in between stay in the processor's cache."""

_STEP = math.log1p(FARTHEST) / (ENTRIES - 1)


class SShaped:
    """Mixed into an op of one operand that has such `planes`."""

    planes: ClassVar[Sigmoidal]

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        assert isinstance(self, Op)
        return self.planes.relax(self, inputs, attributes)

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        assert isinstance(self, Op)
        return self.planes.relax(self, inputs, attributes, alpha)


@dataclass(eq=False)
class Sigmoidal:
    """An S-shaped function with an even derivative.

    Attributes:
        value: the function; infinite arguments are not asked for, nor what is known at single points.
        slope: its derivative, positive.
    """

    value: Approximant
    slope: Approximant
    _tables: dict[torch.device, Tensor] = field(default_factory=dict)

    def relax(
        self, op: Op, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None = None
    ) -> Relaxation:
        """The best planes on bounded intervals, shape (boxes, *node).

        Args:
            at: where they shall be close, as for `curves.between`.
        """
        (x,) = inputs
        each = max(1, CHUNK // max(1, x.lower[:1].numel()))
        if x.lower.is_cpu and each < x.shape[0]:
            lower, upper = (end.split(each) for end in (x.lower, x.upper))
            parts = [self.relax(op, [Interval(*ends)], attributes) for ends in zip(lower, upper, strict=True)]
            return Relaxation(_together([p.lower for p in parts]), _together([p.upper for p in parts]))
        minus_upper = -x.upper
        low = torch.stack((x.lower, minus_upper))
        high = torch.stack((x.upper, minus_upper if x.is_point else -x.lower))
        # The second half is mirrored, and so is the place.
        centre = low / 2 + high / 2 if at is None else low + torch.stack((at, 1.0 - at)) * (high - low)
        slope, intercept = self._below(low, high, centre)
        if not bool(torch.isfinite(intercept).all()):
            slope, intercept = _or_flat(slope, intercept, bounds_of(op, inputs, attributes))
        # The upper line of f(x) has the slope of the lower line of -f(-x).
        return Relaxation(Plane((slope[0],), intercept[0]), Plane((slope[1],), -intercept[1]))

    def _below(self, low: Tensor, high: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes and intercepts of lines below `f` (first half) and below `x -> -f(-x)` (second half).

        Args:
            centre: where the lines shall be close, anywhere.
        """
        touch = self._touching(high)
        nearest = torch.minimum(low.clamp(min=0.0), high)
        t = torch.minimum(torch.maximum(torch.minimum(centre, touch), low), nearest)
        steepness = self.slope(t)
        chords = (touch <= low).to(t.dtype)
        # The second half's ends are the first one's, mirrored: both are asked for once.
        found = self.value(torch.stack((t[0], -t[1], high[0], low[0])))
        first_t, second_t, at_upper, at_lower = found.value.unbind(0)
        at_t = torch.stack((first_t, -second_t))
        at_high, at_low = torch.stack((at_upper, -at_lower)), torch.stack((at_lower, -at_upper))
        off_t, off_high = found.error[:2], found.error[2:]
        chord = torch.nan_to_num((at_high - at_low) / (high - low), nan=math.inf).clamp(min=0.0)
        # Arithmetic, because selecting by a mask takes ten times as long. Any slope up to the tangent's is sound where
        # t is the lower end.
        chord = torch.minimum(chord, steepness.value)
        slope = torch.minimum(steepness.value - chords * (steepness.value - chord), steepness.value)
        loss = steepness.error * (nearest - low)
        first = _margin(at_t, slope * t, off_t, loss)
        second = _margin(at_high, slope * high, off_high, torch.zeros((), dtype=t.dtype))
        return slope, torch.minimum(first, second)

    def _touching(self, high: Tensor) -> Tensor:
        """About where the tangents through upper ends touch; 0 for ends that are not positive."""
        table = self._tables.get(high.device)
        if table is None:
            table = self._tables[high.device] = self._tabulate()
        place = torch.log1p(high.clamp(0.0, FARTHEST)) * (1.0 / _STEP)
        index = place.to(torch.int64).clamp(max=ENTRIES - 2)
        left, right = table[index].unbind(-1)
        return torch.addcmul(left, place - index, right - left)

    def _tabulate(self) -> Tensor:
        """Neighbouring points, (entries - 1, 2), for upper ends at equal steps of `log(1 + u)`."""
        ends = torch.expm1(torch.arange(ENTRIES, dtype=torch.float64) * _STEP)
        at_end = self.value(ends).value
        low, high = -ends, torch.zeros_like(ends)
        for _ in range(HALVINGS):
            centre = low / 2 + high / 2
            short = self.value(centre).value + self.slope(centre).value * (ends - centre) < at_end
            low, high = torch.where(short, centre, low), torch.where(short, high, centre)
        points = low / 2 + high / 2
        points[0] = 0.0
        return torch.stack((points[:-1], points[1:]), 1)


def _together(planes: Sequence[Plane]) -> Plane:
    slopes = torch.cat([plane.slopes[0] for plane in planes])
    return Plane((slopes,), torch.cat([plane.intercept for plane in planes if plane.intercept is not None]))


def _margin(value: Tensor, product: Tensor, error: Tensor, loss: Tensor) -> Tensor:
    """A lower bound of `f - s x - loss` from computed values: four roundings of at most `|f| + |s x| + loss`."""
    size = value.abs() + product.abs()
    slack = torch.add(error + loss, size, alpha=4 * UNIT_ROUNDOFF) * (1 + 8 * UNIT_ROUNDOFF)
    return (value - product) - (slack + 4 * SMALLEST_SUBNORMAL)


def _or_flat(slope: Tensor, intercept: Tensor, bounds: Interval) -> tuple[Tensor, Tensor]:
    """Where an end is so far out that a line has no finite intercept: the horizontal line at the bound."""
    usable = torch.isfinite(intercept)
    least = torch.stack((bounds.lower, -bounds.upper))
    return torch.where(usable, slope, 0.0), torch.where(usable, intercept, least)


__all__ = ["SShaped", "Sigmoidal"]
