"""Inputs in a Euclidean ball: what rows lose where they end at an input of which less than its box counts.

Of all `d` with `|d| <= radius` (the Euclidean norm) and `-below <= d <= above`, a row `L` is least at

    `L d >= -min(max(L, 0) below + max(-L, 0) above, radius |L'|)`,

the dual norm of a ball being its own (Boyd and Vandenberghe, Convex Optimization, section A.1.6). `L'` has zeros where
the element that `L` would like to move has no room to: pixels that are black already get no blacker.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.crown.anchors import Anchor, flat
from torchlean.intervals import Interval
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma

_HIDDEN = 2.0**-120
"""Per element: more than what a coefficient hides that float32 flushed to zero (2^-126), or whose square float64 did
(2^-511)."""


@dataclass(frozen=True, eq=False, slots=True)
class Ball:
    """Euclidean balls, one for each box.

    Attributes:
        centers: (boxes, *input), float64, inside the boxes.
        radius: of all of them.
    """

    centers: Tensor
    radius: float

    def end(self, interval: Interval) -> tuple[Anchor, BallEnd]:
        """Where deviations are measured from, the centre, and what rows lose there; `interval` is the boxes'."""
        up = 1 + 4 * UNIT_ROUNDOFF
        below, above = (self.centers - interval.lower) * up, (interval.upper - self.centers) * up
        return Anchor.around(self.centers, interval), BallEnd(flat(below), flat(above), self.radius)


@dataclass(frozen=True, eq=False, slots=True)
class BallEnd:
    """The end of a pass at an input in a ball: `below` and `above` are the room at the centre, (boxes, elements)."""

    below: Tensor
    above: Tensor
    radius: float

    def of_boxes(self, boxes: Tensor) -> BallEnd:
        """The same for some of the boxes, given by index."""
        return BallEnd(self.below.index_select(0, boxes), self.above.index_select(0, boxes), self.radius)

    def lost(self, rows: Tensor) -> Tensor:
        """What rows (boxes or 1, rows, elements) lose, (boxes, rows): at least `-L d` for each `d` of the ball."""
        wide = rows.to(torch.float64)
        down, up = wide.clamp(min=0.0), (-wide).clamp(min=0.0)
        below, above = self.below.unsqueeze(2), self.above.unsqueeze(2)
        in_box = (down @ below + up @ above).squeeze(2)
        free = down * (below.squeeze(2) > 0).unsqueeze(1) + up * (above.squeeze(2) > 0).unsqueeze(1)
        in_ball = free.norm(dim=2) * self.radius
        count = rows.shape[2]
        # Sums of so many rounded products or squares, a root and a product: each result is off by less than this.
        share = 1 + gamma(2 * count + 16)
        return torch.minimum(in_box, in_ball) * share + count * _HIDDEN * (1 + self.radius)
