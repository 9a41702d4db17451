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

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.approximation import Approximant
from torchlean.intervals.arrays import Array, arrays, asked, margin, module_of
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
        at = None if at is None else at.expand(x.shape)
        if x.lower.is_cpu and each < x.shape[0]:
            wanted = itertools.repeat(None) if at is None else at.split(each)
            ends = zip(x.lower.split(each), x.upper.split(each), wanted)  # noqa: B905
            parts = [self.relax(op, [Interval(low, high)], attributes, place) for low, high, place in ends]
            return Relaxation(_together([p.lower for p in parts]), _together([p.upper for p in parts]))
        xp = module_of(x.lower)
        with np.errstate(all="ignore"):
            found = self._lines(xp, *arrays(xp, (x.lower, x.upper, at)))
        slope, intercept = map(torch.as_tensor, found)
        finite = bool(xp.isfinite(found[1]).all())
        if not finite:
            slope, intercept = _or_flat(slope, intercept, bounds_of(op, inputs, attributes))
        count = x.lower.shape[0]
        # The upper line of f(x) has the slope of the lower line of -f(-x).
        return Relaxation(
            Plane((slope[:count],), intercept[:count]), Plane((slope[count:],), -intercept[count:])
        )

    def _lines(self, xp: ModuleType, lower: Array, upper: Array, at: Array | None) -> tuple[Array, Array]:
        """Slopes and intercepts of lines below `f` and, behind them, below `x -> -f(-x)`, (2 boxes, *node) each.

        Args:
            xp: what the arrays are of (`module_of`).
            lower, upper: (boxes, *node).
            at: as for `relax`.
        """
        count = len(lower)
        # The second half is mirrored, and so is the place.
        low, high = xp.concatenate((lower, -upper)), xp.concatenate((upper, -lower))
        centre = low / 2 + high / 2 if at is None else low + xp.concatenate((at, 1.0 - at)) * (high - low)
        touch = self._touching(xp, high)
        nearest = xp.minimum(low.clip(0.0), high)
        t = xp.minimum(xp.maximum(xp.minimum(centre, touch), low), nearest)
        steepest, off_steepest = asked(xp, self.slope, t)
        # The second half's ends are the first one's, mirrored: both are asked for once, as is their chord.
        value, error = asked(xp, self.value, xp.concatenate((t[:count], -t[count:], upper, lower)))
        chord = (value[2 * count : 3 * count] - value[3 * count :]) / (upper - lower)
        # Any slope up to the tangent's is sound where t is the lower end. Of single points the quotient is NaN.
        chord = xp.fmin(xp.concatenate((chord, chord)).clip(0.0), steepest)
        # Arithmetic, because selecting by a mask takes ten times as long.
        chords = xp.asarray(touch <= low, dtype=xp.float64)
        slope = xp.minimum(steepest - chords * (steepest - chord), steepest)
        for mirrored in (value[count : 2 * count], value[3 * count :]):
            xp.negative(mirrored, out=mirrored)
        error[: 2 * count] += off_steepest * (nearest - low)
        margins = margin(value, xp.concatenate((slope * t, slope * high)), error)
        return slope, xp.minimum(margins[: 2 * count], margins[2 * count :])

    def _touching(self, xp: ModuleType, high: Array) -> Array:
        """About where the tangents through upper ends touch; 0 for ends that are not positive."""
        device = torch.device("cpu") if xp is np else high.device
        table = self._tables.get(device)
        if table is None:
            table = self._tables[device] = self._tabulate()
        place = xp.log1p(high.clip(0.0, FARTHEST)) * (1.0 / _STEP)
        index = xp.asarray(place, dtype=xp.int64).clip(0, ENTRIES - 2)
        near = (table.numpy() if xp is np else table)[index]
        return near[..., 0] + (place - index) * (near[..., 1] - near[..., 0])

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


def _or_flat(slope: Tensor, intercept: Tensor, bounds: Interval) -> tuple[Tensor, Tensor]:
    """Where an end is so far out that a line has no finite intercept: the horizontal line at the bound."""
    usable = torch.isfinite(intercept)
    least = torch.cat((bounds.lower, -bounds.upper))
    return torch.where(usable, slope, 0.0), torch.where(usable, intercept, least)


__all__ = ["SShaped", "Sigmoidal"]
