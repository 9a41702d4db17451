"""Backward passes over deviations: how a row of coefficients passes a node, and what it loses there.

Every node `v` has an *anchor*, a number near its values for each element, and rows speak of the deviation
`d = v - anchor`. Nothing else of a linear bound then needs to be carried along:

- through an affine op `v = J a + c` rows pass as `L J`. Its anchor is `J anchor(a) + c`, so there is no constant;
- a nonlinear op lies between two planes. With `mid` and `half` half the sum and half the difference of their slopes
  (upper less lower), and with the anchor half-way between the planes at the anchor of the operand,
  `L d >= (L mid - |L| half) d_a - |L| gap`, `gap` being half the planes' distance at the operand's anchor;
- at an input, `L d >= -|L| radius`.

So a lower bound of `L v` is `L anchor` less a sum of terms that are not negative, one product `|L| loss` for each node:
half the work of carrying totals, and no cancellation. Above all, rounding errors of coefficients weigh no more than the
deviations do (`spread`): where a box is small, or the values large beside their range, a coefficient may be
rounded to float32 and costs some 1e-6 of the *width* (`narrowed`).

Rounding, for an arithmetic of unit roundoff `u` (statement 3 of the theory, `lean/`):

- an affine op's coefficients add up at most `n` rounded products of rounded weights, so they are off by at most
  `gamma(n + 2) |L||J|`, which weighs `|J| spread`;
- `L mid - |L| half` is rounded three times, `mid` and `half` once: together less than `8 u |L| max|slope|`;
- a product that underflows, also on hardware that flushes small numbers to zero, hides less than the smallest normal
  number, which weighs the sum of all spreads;
- the anchor of an affine op is computed in float64, and off by `gamma(n + 2) (|J||anchor| + |c|)`.

All of it is in `loss`, but for what does not depend on the row (`underflow`) and for the rounding of the sums of losses
themselves, which `descent` inflates at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds.crown.anchors import TINY, Anchor, Constant, flat
from torchlean.bounds.crown.balls import BallEnd
from torchlean.bounds.crown.origins import Origin
from torchlean.intervals import Interval
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma
from torchlean.ops.linearization import Affine, Plane, Relaxation, Transpose, Window

NARROW_ROUNDOFF = 2.0**-24
"""The unit roundoff of float32."""

SMALLEST = {torch.float64: 2.0**-1022, torch.float32: 2.0**-126}
"""The smallest normal numbers."""

_UP = 1.0 + 2.0**-22
"""More than rounding to float32 takes away."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node as rows of deviations pass it.

    Attributes:
        loss: (boxes or 1, elements): what `|L|` is multiplied with and taken off.
        rounding: the part of the loss that is due to rounding coefficients, over the unit roundoff, (boxes or 1,
            elements); `loss` counts it for float64, so it is found only for rows of float32.
        underflow: weight of the smallest normal number in what every row loses.
        onward: for each operand that rows go to, its id and how; an operand's origin in the place of the operand.
        slopes: for a nonlinear op, `mid` and `half` for each operand, (boxes or 1, 1, *node).
        sums: for a nonlinear op not joined with another, of each operand the shape, to which `onward` sums up rows,
            and the way from there to its origin, if it has one.
        steepness: for a nonlinear op of one operand of its own shape, at least `|mid| + |half|`, (boxes or 1,
            elements).
        terms: the most products that a coefficient on an operand adds up.
        unit: for an affine op that can tell, per operand the coefficients of single elements (`Affine.unit`).
        window: for a convolution, and a nonlinear op joined with one, what lets rows pass as patches (`patches`).
        rows: for a nonlinear op joined with an affine one of one small operand, the matrix of the affine one.
        live: the elements (n,) that `slopes` and `onward` speak of, where many slopes are zero; None for all.
        constant: where the op cannot compute its anchor, (1, elements), its value where the unknown operands are zero:
            its anchor is zero and rows go on to values instead of deviations, of operands anchored at `absolute`.
        ball: for an input of which less than its box counts, what rows lose there, in the place of `loss`.
        fatal: (1, elements) of 0 and 1: rows with a coefficient on a 1 have no bound; None for nowhere.
    """

    loss: Tensor
    rounding: Callable[[], Tensor]
    underflow: float = 0.0
    onward: tuple[tuple[int, Transpose], ...] = ()
    slopes: tuple[tuple[Tensor, Tensor], ...] | None = None
    sums: tuple[tuple[tuple[int, ...], Transpose | None], ...] = ()
    steepness: Tensor | None = None
    terms: int = 0
    unit: tuple[Transpose, ...] | None = None
    window: Window | None = None
    rows: Tensor | None = None
    live: Tensor | None = None
    constant: Tensor | None = None
    absolute: tuple[Tensor, ...] = ()
    ball: BallEnd | None = None
    fatal: Tensor | None = None

    def of_boxes(self, boxes: Tensor) -> Step:
        """The same for some of the boxes, given by index."""

        def chosen(values: Tensor) -> Tensor:
            return values if values.shape[0] == 1 else values.index_select(0, boxes)

        # Not by `replace`, which takes longer than all the rest: this is done for every group of boxes.
        return Step(
            loss=chosen(self.loss),
            rounding=_spent,
            underflow=self.underflow,
            onward=self.onward,
            slopes=None if self.slopes is None else tuple((chosen(m), chosen(h)) for m, h in self.slopes),
            sums=self.sums,
            terms=self.terms,
            unit=self.unit,
            window=self.window,
            rows=self.rows,
            live=self.live,
            constant=self.constant,
            absolute=tuple(chosen(point) for point in self.absolute),
            ball=None if self.ball is None else self.ball.of_boxes(boxes),
            fatal=self.fatal,
        )

    def narrowed(self) -> Step:
        """The same for rows of float32."""
        loss = torch.add(self.loss, self.rounding(), alpha=1.02 * NARROW_ROUNDOFF)
        slopes, steepest = self.slopes, 1.0
        if slopes is not None:
            steepest += sum(float((mid.abs() + half.abs()).sum(0).amax()) for mid, half in slopes)
            slopes = tuple((mid.float(), half.float()) for mid, half in slopes)
        # Weights and slopes that float32 flushes to zero weigh up to the sum of all spreads.
        loss = loss * _UP + (self.underflow + 1.0) * steepest * (4 * SMALLEST[torch.float32])
        rows = None if self.rows is None else self.rows.float()
        return replace(self, loss=loss.float(), slopes=slopes, steepness=None, rounding=_spent, rows=rows)


def inflation(unit_roundoff: float, summed: int, terms: int, visited: int) -> float:
    """The relative error of what a pass has lost.

    Args:
        unit_roundoff: of the rows.
        summed: the most products of one `|L| loss`.
        terms: the most products that a coefficient adds up.
        visited: how many nodes.
    """
    return 1.05 * unit_roundoff * (summed + 4) + 2 * gamma(terms + 4 * visited + _ROUNDINGS)


_ROUNDINGS = 128
"""More than the roundings behind any one loss, and the additions of losses at all nodes but for `visited`."""


def _spent() -> Tensor:
    raise AssertionError("a step of some boxes or of float32 is final")


def stop(interval: Interval) -> tuple[Anchor, Step]:
    """The end of a pass: at an input, or where nothing but an interval of shape (boxes or 1, *node) is known."""
    lower, upper = interval.lower, interval.upper
    free = torch.isinf(lower) | torch.isinf(upper)
    fatal = None
    if interval.undefined:
        lower = upper = torch.zeros_like(lower[:1])
        fatal = torch.ones_like(lower).reshape(1, -1)
    elif bool(free.any()):
        fatal = flat(free.any(0, keepdim=True)).to(torch.float64)
        lower, upper = (end.masked_fill(free, 0.0) for end in (lower, upper))
    anchor = Anchor.around(lower if interval.is_point else lower / 2 + upper / 2, Interval(lower, upper))
    loss = flat(anchor.spread)
    step = Step(loss, lambda: torch.zeros_like(loss[:1]), float(loss.shape[1]), fatal=fatal)
    if fatal is not None:
        anchor = Anchor.around(anchor.point, interval)
    return anchor, step


def affine(
    operands: Sequence[int],
    parts: Sequence[Affine | None],
    constant: Constant,
    anchors: Mapping[int, Anchor],
    origins: Mapping[int, Origin],
) -> tuple[Tensor, Step]:
    """Through an affine op.

    Args:
        operands: ids.
        parts: the linear map from each unknown operand.
        constant: the op's value where the unknown operands are zero.
        anchors: of the operands.
        origins: of operands that have one.

    Returns:
        The node's anchor, (boxes or 1, *node), and the step.
    """
    maps = [(id, part, anchors[id]) for id, part in zip(operands, parts, strict=True) if part is not None]
    if any(part.forward is None for _, part, _ in maps):
        return _affine_of_values(maps, constant)
    point = constant.point
    terms = max((part.terms for _, part, _ in maps), default=0)
    # An anchor's error, that of adding it to a distance, and that of coefficients weigh what values can be.
    loss = torch.add(constant.slack, constant.size, alpha=gamma(terms + len(maps) + 8))
    share = 1.02 * UNIT_ROUNDOFF * (terms + len(maps) + 8)
    underflow, fatal = float(loss.shape[1]), None
    spreads: list[tuple[Affine, Tensor]] = []
    for _, part, anchor in maps:
        assert part.forward is not None
        point = point + part.forward(anchor.point)
        if math.isfinite(anchor.total):
            weight = anchor.reach
            spreads.append((part, anchor.spread))
            underflow += part.terms * (anchor.total + 1.0)
        else:
            weight = anchor.point.abs()
            fatal = torch.ones(1, loss.shape[1], dtype=torch.float64) if part.terms else fatal
        loss = torch.add(loss, flat(_pushed(part, weight)), alpha=share)

    def rounding() -> Tensor:
        total = torch.zeros(1, loss.shape[1], dtype=torch.float64)
        for part, spread in spreads:
            if part.terms:
                total = torch.add(total, flat(_pushed(part, spread)), alpha=part.terms + 4)
        return total

    known = fatal is None
    window = maps[0][1].window if len(maps) == 1 and known else None
    # Patches are laid on the operand itself.
    below = [None if window else origins.get(id) for id, _, _ in maps]
    units = tuple(_to(end, part.unit) for end, (_, part, _) in zip(below, maps, strict=True) if part.unit)
    return point, Step(
        loss,
        rounding,
        underflow,
        tuple(_onward(id, part.transpose, end) for end, (id, part, _) in zip(below, maps, strict=True)),
        terms=terms,
        unit=units if len(units) == len(maps) and known else None,
        window=window,
        fatal=fatal,
    )


def _affine_of_values(maps: Sequence[tuple[int, Affine, Anchor]], constant: Constant) -> tuple[Tensor, Step]:
    """Through an affine op that cannot compute its anchor: rows meet values, not deviations, and sum up constants."""
    count = constant.size.shape[1]
    rounding = torch.zeros(1, count, dtype=torch.float64)
    underflow, fatal = float(count), None
    for _, part, anchor in maps:
        if part.terms and math.isfinite(anchor.total):
            pushed = _pushed(part, anchor.reach.amax(0))
            rounding = torch.add(rounding, pushed.reshape(1, -1), alpha=part.terms + 4)
            underflow += part.terms * (anchor.total + 1.0)
        elif part.terms:
            fatal = torch.ones(1, count, dtype=torch.float64)
    # The weights of the sum meet the totals in `descent`, which adds up `count` products.
    loss = torch.add(constant.slack, constant.size, alpha=gamma(count + 8))
    return torch.zeros_like(constant.point), Step(
        torch.add(loss, rounding, alpha=1.02 * UNIT_ROUNDOFF),
        lambda: rounding,
        underflow,
        tuple((id, part.transpose) for id, part, _ in maps),
        terms=max((part.terms for _, part, _ in maps), default=0),
        constant=flat(constant.point),
        absolute=tuple(flat(anchor.point) for _, _, anchor in maps),
        fatal=fatal,
    )


def enclosure(
    parts: Sequence[Affine | None], operands: Sequence[Interval], offset: Interval
) -> Interval | None:
    """An affine op's interval in every box from those of its operands, (boxes or 1, *operand), in two products.

    Returns:
        Shape (boxes or 1, *node); None where the op cannot compute its value for a batch, or something is infinite.
    """
    maps = [(part, x) for part, x in zip(parts, operands, strict=True) if part is not None]
    if any(part.forward is None for part, _ in maps):
        return None
    terms = max((part.terms for part, _ in maps), default=0) + len(maps) + 8
    centre, radius = offset.lower.unsqueeze(0), (offset.upper - offset.lower).unsqueeze(0)
    radius = torch.add(radius, centre.abs(), alpha=gamma(terms))
    for part, x in maps:
        assert part.forward is not None
        middle = x.lower / 2 + x.upper / 2
        centre = centre + part.forward(middle)
        half = torch.maximum(x.upper - middle, middle - x.lower)
        radius = radius + _pushed(part, torch.add(half, middle.abs(), alpha=gamma(terms)) + TINY)
    # The radius is a sum of nonnegative numbers, off by less than its own gamma; the ends round once more.
    radius = torch.add(radius * (1 + 2 * gamma(terms)), centre.abs(), alpha=2 * UNIT_ROUNDOFF) + terms * TINY
    lower, upper = centre - radius, centre + radius
    return Interval(lower, upper) if bool(torch.isfinite(lower + upper).all()) else None


def between(
    operands: Sequence[int],
    shapes: Sequence[tuple[int, ...]],
    out: tuple[int, ...],
    planes: Relaxation,
    anchors: Mapping[int, Anchor],
    collect: Callable[[tuple[int, ...]], Transpose],
    origins: Mapping[int, Origin],
) -> tuple[Tensor, Step]:
    """Through a nonlinear op between its planes.

    Args:
        operands, shapes: ids, and shapes without the batch.
        out: shape of the output.
        collect: for an operand's shape, how coefficients of the output are summed up to it (`adjoint.sum_to`).
        origins: of operands that have one.
    """
    # From here on intercepts are halves, like the sum and the difference of the planes.
    low, high = (_half_intercept(plane) for plane in (planes.lower, planes.upper))
    point, gap, size = _halves(low, high, out)
    underflow, terms = float(math.prod(out)), 1
    slopes: list[tuple[Tensor, Tensor]] = []
    weights: list[tuple[Tensor, Tensor, float]] = []
    steepest = None
    for index, (id, shape) in enumerate(zip(operands, shapes, strict=True)):
        below, anchor = planes.lower.slopes[index], anchors[id]
        half = (planes.upper.slopes[index] - below).mul_(0.5)
        mid = below + half
        steepest = half.abs().add_(mid.abs()).add_(_LEAST_SLOPE)
        centre, spread, reach = (_aligned(x, shape, out) for x in (anchor.point, anchor.spread, anchor.reach))
        point, gap = torch.addcmul(point, mid, centre), torch.addcmul(gap, half, centre)
        # How often broadcasting repeats the operand; rows may add up products with both slopes at once (`descent`).
        summed = math.prod(out) // max(1, math.prod(shape))
        summed = 2 * summed if summed > 1 else 1
        # (steepest) * reach covers the rounding of coefficients, which weighs the spread, and that of the anchor.
        size = torch.addcmul(size, steepest, reach, value=float(summed + len(operands) + 16))
        weights.append((steepest, spread, float(summed + 8)))
        underflow += summed * (anchor.total + 1.0)
        slopes.append((mid.unsqueeze(1), half.unsqueeze(1)))
        terms = max(terms, summed)
    loss = torch.add(gap.clamp_(min=0.0), size, alpha=1.02 * UNIT_ROUNDOFF).add_(TINY)

    def rounding() -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for steep, spread, share in weights:
            total = torch.add(total, steep * spread, alpha=share)
        return flat(total)

    alone = steepest is not None and len(operands) == 1 and shapes[0] == out
    below = [origins.get(id) for id in operands]
    onward = tuple(
        _onward(id, collect(shape), end) for id, shape, end in zip(operands, shapes, below, strict=True)
    )
    step = Step(
        flat(loss),
        rounding,
        underflow,
        onward,
        tuple(slopes),
        tuple((shape, None if end is None else end.back) for shape, end in zip(shapes, below, strict=True)),
        flat(steepest) if alone and steepest is not None else None,
        terms,
    )
    return point, step


def _onward(id: int, transpose: Transpose, origin: Origin | None) -> tuple[int, Transpose]:
    return (id, transpose) if origin is None else (origin.source, origin.after(transpose))


def _to(origin: Origin | None, unit: Transpose) -> Transpose:
    return unit if origin is None else origin.after(unit)


_LEAST_SLOPE = 2.0**-960
"""A slope that underflows counts like this one."""


def _half_intercept(plane: Plane) -> Tensor | None:
    return None if plane.intercept is None else plane.intercept / 2


def _halves(low: Tensor | None, high: Tensor | None, out: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Sum, difference and 32 times the size of two intercepts; each of them is rounded a few times at most."""
    if low is None and high is None:
        zero = torch.zeros(1, *out, dtype=torch.float64)
        return zero, zero, zero
    if low is None:
        assert high is not None
        return high, high, high.abs().mul_(32)
    if high is None:
        return low, -low, low.abs().mul_(32)
    return high + low, high - low, low.abs().add_(high.abs()).mul_(32)


def _pushed(part: Affine, sizes: Tensor) -> Tensor:
    """`|J| sizes`."""
    if part.magnitude is not None:
        return part.magnitude(sizes)
    assert part.forward is not None, "a part that rounds states its magnitude"
    return part.forward(sizes).abs()


def _aligned(values: Tensor, shape: tuple[int, ...], out: tuple[int, ...]) -> Tensor:
    """(boxes, *operand) so that it broadcasts with (boxes, *out)."""
    missing = len(out) - len(shape)
    return values.reshape(values.shape[0], *(1,) * missing, *shape) if missing else values


__all__ = [
    "NARROW_ROUNDOFF",
    "SMALLEST",
    "Step",
    "affine",
    "between",
    "enclosure",
    "inflation",
    "stop",
]
