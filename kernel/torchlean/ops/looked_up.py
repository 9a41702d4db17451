"""Lines around smooth functions that are looked up: what S-shapes (`sigmoids`) and other functions (`bent`) share.

The best line below a function is often a tangent through an end of the interval. Where it touches depends on that end
alone, so it is looked up in a table. Nothing rests on the table but how close lines are.
"""

from __future__ import annotations

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
from torchlean.intervals.arrays import Array, arrays, module_of
from torchlean.ops.curves import Curved
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op
from torchlean.ops.planes import bounds_of

HALVINGS = 60
"""Until a table's points are exact to about the last digit."""

CHUNK = 2**13
"""Elements worked on at a time, so that the twenty arrays in between stay in the processor's cache."""

PROCESSOR = torch.device("cpu")
"""Where tables are made, wherever they are asked for first."""

NEVER = 1e300
"""Where no tangent of a piece runs through an end."""


class LookedUp:
    """A function with its lines."""

    def lines(self, xp: ModuleType, lower: Array, upper: Array, share: Array | float) -> Sequence[Array]:
        """Slope and intercept of the line below, and those of the line above, (elements,) each; an intercept that is
        not finite is none.

        Args:
            xp: what the arrays are of (`module_of`).
            lower, upper: (elements,).
            share: where between the ends the lines shall be close, in [0, 1].
        """
        raise NotImplementedError

    def relax(
        self, op: Op, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None = None
    ) -> Relaxation:
        """The best planes on bounded intervals, shape (boxes, *node).

        Args:
            at: where they shall be close, as for `curves.between`.

        Raises:
            UnsupportedError: the function is undefined somewhere on these intervals.
        """
        (x,) = inputs
        xp = module_of(x.lower)
        lower, upper, near = arrays(xp, (x.lower, x.upper, None if at is None else at.expand(x.shape)))
        shape = lower.shape
        lower, upper = lower.reshape(-1), upper.reshape(-1)
        share: Array = 0.5 if near is None else near.reshape(-1)
        count = max(1, len(lower))
        size = CHUNK if x.lower.is_cpu else count
        with np.errstate(all="ignore"):
            each = [
                self.lines(xp, lower[part], upper[part], share if near is None else share[part])
                for part in (slice(start, start + size) for start in range(0, count, size))
            ]
            found = each[0] if len(each) == 1 else [xp.concatenate(part) for part in zip(*each, strict=True)]
        planes = [torch.as_tensor(line.reshape(shape)) for line in found]
        if not all(bool(xp.isfinite(line).all()) for line in (found[1], found[3])):
            planes = _or_flat(planes, bounds_of(op, inputs, attributes))
        return Relaxation(Plane((planes[0],), planes[1]), Plane((planes[2],), planes[3]))


def _or_flat(planes: Sequence[Tensor], bounds: Interval) -> list[Tensor]:
    """Where an end is so far out that a line has no finite intercept: the horizontal line at the bound."""
    found: list[Tensor] = []
    for slope, intercept, bound in ((*planes[:2], bounds.lower), (*planes[2:], bounds.upper)):
        usable = torch.isfinite(intercept)
        found += [torch.where(usable, slope, 0.0), torch.where(usable, intercept, bound)]
    return found


class Looked(Curved):
    """Mixed into an op of one operand that has such `planes`."""

    planes: ClassVar[LookedUp]

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        assert isinstance(self, Op)
        return self.planes.relax(self, inputs, attributes, at)


@dataclass(frozen=True, slots=True)
class Table:
    """How far from a bend tangents touch, by how far on the other side of it the end is that they run through.

    Attributes:
        reach: the largest distance of an end.
        distances: for ends at equal steps of `log(1 + distance)`, and the difference to the next, (entries, 2).
    """

    reach: float
    distances: Tensor
    _elsewhere: dict[torch.device, Tensor] = field(default_factory=dict)

    @staticmethod
    def of(
        value: Approximant,
        slope: Approximant,
        bend: float,
        *,
        leftward: bool,
        convex: bool,
        span: float,
        reach: float,
        entries: int,
    ) -> Table:
        """Of a piece that begins (or ends) at a bend, for ends on the left (or right) of it.

        Args:
            convex: whether the piece is.
            span: how far inside of the piece tangents are looked for.
        """
        with PROCESSOR:
            away = -1.0 if leftward else 1.0
            steps = torch.arange(entries, dtype=torch.float64) / (entries - 1)
            ends = bend + away * torch.expm1(steps * math.log1p(reach))
            at_ends, sign = value(ends).value, 1.0 if convex else -1.0

            def short(distance: Tensor) -> Tensor:
                """Whether the tangent so far inside the piece runs above the end still."""
                p = bend - away * distance
                return (value(p).value + slope(p).value * (ends - p) - at_ends) * sign > 0

            low, high = torch.zeros_like(ends), torch.full_like(ends, math.log1p(span))
            without = short(torch.full_like(ends, span))
            for _ in range(HALVINGS):
                centre = low / 2 + high / 2
                inside = short(torch.expm1(centre))
                low, high = torch.where(inside, centre, low), torch.where(inside, high, centre)
            distances = torch.expm1(low / 2 + high / 2).masked_fill(without, NEVER)
            distances[0] = 0.0
            following = torch.cat((distances[1:], distances[-1:]))
            return Table(reach, torch.stack((distances, following - distances), 1))

    def at(self, xp: ModuleType, away: Array) -> Array:
        """For ends that are so far away; 0 for those on the piece itself, whose distance is negative."""
        place = xp.log1p(away.clip(0.0, self.reach)) * ((len(self.distances) - 1) / math.log1p(self.reach))
        index = xp.asarray(place, dtype=xp.int64)
        near = (self.distances.numpy() if xp is np else self._on(away.device))[index]
        return near[..., 0] + (place - index) * near[..., 1]

    def _on(self, device: torch.device) -> Tensor:
        found = self._elsewhere.get(device)
        if found is None:
            found = self._elsewhere[device] = self.distances.to(device)
        return found


__all__ = ["Looked", "LookedUp", "Table"]
