"""How plain rows pass each node on the way down, and values on the way up: one kind of station for each kind of node.

A row is a batch of coefficients, (boxes, rows, *node). On the way down a station adds to the row's total and sends new
coefficients to its operands. On the way up it is given the operands' values *at the input where the row is least*, and
returns its own there, computed through the same planes that the row took. That is all a gradient needs: the total is

    total = sum over stations of <coefficients arriving, what the station adds>,

linear in the coefficients that arrive at any one node; the value sent up is the total's derivative by them. So the
derivative by a slope that a coefficient was multiplied with is the coefficient times the operand's value.

A station that has a choice (`free`) takes it from `alpha`, (boxes, rows, *node) in [0, 1], and returns the derivative
by it. Everything is float32 and unrounded: what is found is proved by `torchlean.bounds.alpha.problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from torchlean.bounds.alpha.maps import SINGLE, Map
from torchlean.intervals import Interval
from torchlean.ops.adjoint import sum_to
from torchlean.ops.linearization import Plane, Relaxation


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of rows at a station.

    Attributes:
        gain: added to the total, (boxes, rows).
        onward: coefficients for each operand, (boxes, rows, *operand).
        taken: what the way up needs to know.
    """

    gain: Tensor
    onward: Sequence[Tensor] = ()
    taken: Sequence[Tensor] = ()


class Station(Protocol):
    @property
    def operands(self) -> tuple[int, ...]:
        """Ids that rows go on to."""

    @property
    def free(self) -> bool:
        """Whether `alpha` makes a difference."""

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        """Let rows pass, (boxes, rows, *node)."""

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The node's value at the least point, and the derivative of the total by `alpha` (of the node's shape)."""


@dataclass(frozen=True, eq=False, slots=True)
class End:
    """Rows end at an interval: the least point is a corner of it."""

    centre: Tensor  # (boxes or 1, 1, *node)
    radius: Tensor
    operands: tuple[int, ...] = ()
    free: bool = False

    @staticmethod
    def of(interval: Interval) -> End:
        """At an interval of shape (boxes or 1, *node)."""
        centre = interval.lower if interval.is_point else interval.lower / 2 + interval.upper / 2
        return End(_single(centre), _single(interval.upper - centre))

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        gain = _dot(rows, self.centre) - _dot(rows.abs(), self.radius)
        return Passed(gain, (), (rows,))

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, None]:
        return torch.addcmul(self.centre, self.radius, taken[0].sign(), value=-1), None


@dataclass(frozen=True, eq=False, slots=True)
class Linear:
    """An affine op."""

    map: Map
    shapes: tuple[tuple[int, ...], ...]
    free: bool = False

    @property
    def operands(self) -> tuple[int, ...]:
        return tuple(id for id, _ in self.map.back)

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        flat = rows.flatten(0, 1)
        onward = [
            back(flat).reshape(*rows.shape[:2], *size)
            for (_, back), size in zip(self.map.back, self.shapes, strict=True)
        ]
        return Passed(rows.reshape(*rows.shape[:2], -1) @ self.map.offset, onward)

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, None]:
        batch = values[0].shape[:2]
        found = self.map.forward([value.flatten(0, 1) for value in values])
        return found.unflatten(0, batch), None


@dataclass(frozen=True, eq=False, slots=True)
class Kink:
    """A relu: `alpha` is the slope of the lower plane.

    The choice matters where the sign is open. Where it is settled the relu is linear and `alpha` is its slope, unless a
    phase settled it: any slope in [0, 1] is right on either side of zero, and one in between does what a multiplier
    would do.
    """

    operands: tuple[int, ...]
    above: Tensor  # slope of the upper plane, (boxes or 1, 1, *node)
    intercept: Tensor
    room: Tensor  # 1 where there is a choice, else 0
    start: Tensor  # the slope that has the least area
    free: bool = True

    @staticmethod
    def of(operand: int, x: Interval, sign: Tensor | None) -> Kink:
        """
        Args:
            x: the operand's interval, (boxes or 1, *node).
            sign: its phases, (boxes, 1, *node).
        """
        low, high = _single(x.lower), _single(x.upper)
        falls, rises = low.clamp(max=0), high.clamp(min=0)
        room = (falls * rises).sign().neg()
        above = rises / (rises - falls).clamp(min=torch.finfo(SINGLE).tiny)
        start = torch.where(room > 0, (rises + falls).sign().clamp(min=0), above)
        if sign is not None:
            room = torch.maximum(room, sign.abs())
        return Kink((operand,), above, above * -falls, room, start)

    @property
    def chooses(self) -> bool:
        """There is a choice for some element."""
        return bool(self.room.any())

    def started(self, alpha: Tensor | None, batch: Sequence[int]) -> Tensor:
        """Slopes for (boxes, rows): those given where there is a choice, the analytic ones elsewhere."""
        start = self.start.expand(*batch, *self.start.shape[2:])
        return start.clone() if alpha is None else torch.lerp(start, alpha, self.room)

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        assert alpha is not None
        plus = rows.clamp(min=0)
        below = plus.sign()
        slope = torch.lerp(self.above, alpha, below)
        gain = _dot(rows - plus, self.intercept)
        return Passed(gain, (rows * slope,), (plus, below, slope))

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        plus, below, slope = taken
        (x,) = values
        base = torch.addcmul(self.intercept, self.intercept, below, value=-1)
        return torch.addcmul(base, slope, x), plus * x * self.room


@dataclass(frozen=True, eq=False, slots=True)
class Between:
    """A nonlinear op between planes that leave no choice."""

    operands: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    lower: tuple[Tensor, ...]  # slopes, (boxes or 1, 1, *node) each
    upper: tuple[Tensor, ...]
    base: tuple[Tensor, Tensor]  # intercepts of the lower and of the upper plane
    free: bool = False

    @staticmethod
    def of(
        operands: tuple[int, ...],
        shapes: tuple[tuple[int, ...], ...],
        out: tuple[int, ...],
        planes: Relaxation,
    ) -> Between:
        return Between(
            operands,
            shapes,
            tuple(_single(slope) for slope in planes.lower.slopes),
            tuple(_single(slope) for slope in planes.upper.slopes),
            (_intercept(planes.lower, out), _intercept(planes.upper, out)),
        )

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        plus = rows.clamp(min=0)
        below = plus.sign()
        gain = _dot(plus, self.base[0]) + _dot(rows - plus, self.base[1])
        slopes = [torch.lerp(above, low, below) for low, above in zip(self.lower, self.upper, strict=True)]
        return Passed(
            gain,
            [gathered(rows * s, size) for s, size in zip(slopes, self.shapes, strict=True)],
            (below, *slopes),
        )

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, None]:
        below, *slopes = taken
        value = torch.lerp(self.base[1], self.base[0], below)
        for slope, x in zip(slopes, values, strict=True):
            value = torch.addcmul(value, slope, spread(x, slope.dim()))
        return value, None


def gathered(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Coefficients of an operand that was broadcast to the node's shape, (boxes, rows, *node) to (.., *operand)."""
    return sum_to(shape)(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])


def spread(values: Tensor, rank: int) -> Tensor:
    """(boxes, rows, *operand) with ones before the operand's dimensions, as torch broadcasts it without a batch."""
    missing = rank - values.dim()
    return values.reshape(*values.shape[:2], *(1,) * missing, *values.shape[2:]) if missing else values


def _dot(rows: Tensor, weights: Tensor) -> Tensor:
    """Sums over the node's elements, (boxes, rows, *node) and (boxes or 1, 1, *node) to (boxes, rows)."""
    column = weights.reshape(weights.shape[0], -1, 1)
    flat = rows.reshape(*rows.shape[:2], -1)
    if weights.shape[0] == 1:
        return (flat @ column[0]).squeeze(2)
    return (flat @ column).squeeze(2)


def _single(values: Tensor) -> Tensor:
    return values.unsqueeze(1).to(SINGLE)


def _intercept(plane: Plane, out: tuple[int, ...]) -> Tensor:
    return torch.zeros((1, 1, *out), dtype=SINGLE) if plane.intercept is None else _single(plane.intercept)
