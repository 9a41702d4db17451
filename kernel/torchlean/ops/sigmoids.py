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

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from torchlean.intervals.approximation import Approximant
from torchlean.intervals.arrays import Array, asked, margin
from torchlean.ops.looked_up import LookedUp, Table

ENTRIES = 2**14
"""Of a table: neighbours are so close that lines lose some 1e-7 of the gap to interpolation."""

FARTHEST = 1e12
"""The last upper end in the table. Beyond, the tangent through this one is taken, which is sound and nearly as good."""


@dataclass(eq=False)
class Sigmoidal(LookedUp):
    """An S-shaped function with an even derivative.

    Attributes:
        value: the function; infinite arguments are not asked for, nor what is known at single points.
        slope: its derivative, positive.
    """

    value: Approximant
    slope: Approximant
    _table: Table | None = None

    def lines(self, xp: ModuleType, lower: Array, upper: Array, share: Array | float) -> Sequence[Array]:
        count = len(lower)
        # The second half is mirrored, and so is the place: lines below `x -> -f(-x)`.
        low, high = xp.concatenate((lower, -upper)), xp.concatenate((upper, -lower))
        centre = lower + (upper - lower) * share
        centre = xp.concatenate((centre, -centre))
        touch = -self.table.at(xp, high)
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
        intercept = xp.minimum(margins[: 2 * count], margins[2 * count :])
        # The upper line of f(x) has the slope of the lower line of -f(-x).
        return slope[:count], intercept[:count], slope[count:], -intercept[count:]

    @property
    def table(self) -> Table:
        """How far left of 0 the tangents through upper ends touch."""
        if self._table is None:
            self._table = Table.of(
                self.value,
                self.slope,
                0.0,
                leftward=False,
                convex=True,
                span=FARTHEST,
                reach=FARTHEST,
                entries=ENTRIES,
            )
        return self._table


__all__ = ["Sigmoidal"]
