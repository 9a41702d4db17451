"""How a row of coefficients passes a node, with everything that does not depend on the row worked out beforehand.

Passing a node always does three things to a row `L` of coefficients: it adds `L . constant` to the row's total, adds
`|L| . penalty` to its slack, and sends new coefficients to the operands. Both sums are kept as one product, of the
positive and of the negative part of `L` with two columns each, and a nonlinear op passes its operand's affine op in
the same step (`joined`): small networks spend their time on the number of tensor operations.

The penalty collects what this step's rounding may lose, measured on the magnitudes of the values (statement 3 of the
theory, `lean/`):

- a transpose whose results add up `n` rounded products is off by `gamma(n) |L||J|`, which weighs `|J| |operand|`;
- the dot product `L . constant` over `m` elements is off by `gamma(m) |L| . |constant|`, and each addition to the
  running total (at most two per node of the graph, `additions`) by one rounding of something below the sum of all
  `|L| . |constant|`;
- a product that underflows hides a coefficient of at most `2**-1074`, which weighs the sum of all magnitudes.

Magnitudes hold on every box of a batch and may be crude, since they are multiplied by 1e-16. Where a value has no
bound at all, rows that touch it get none (`fatal`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, gamma
from torchlean.ops.adjoint import sum_to
from torchlean.ops.linearization import Affine, Plane, Relaxation

TINY = 8 * SMALLEST_SUBNORMAL
"""For the products behind a penalty that underflow: a few, each off by half a subnormal at most."""


@dataclass(frozen=True, slots=True)
class Magnitude:
    """A bound on |value| of a node, shape of the node, and the sum of its elements (rounded up)."""

    elements: Tensor
    total: float

    @staticmethod
    def of(interval: Interval) -> Magnitude:
        elements = torch.maximum(interval.lower.abs(), interval.upper.abs())
        # A sum of nonnegative numbers is off by far less than one part in a thousand.
        return Magnitude(elements, float(elements.sum()) * 1.001)


@dataclass(frozen=True, slots=True)
class Passage:
    """A node as rows pass it.

    Attributes:
        positive, negative: (boxes or 1, elements, 2): what each positive (negative) coefficient, multiplied, adds to
            the row's total and to its slack.
        fatal: (1, elements) of 0 and 1: rows with a coefficient on a 1 have no bound; None for nowhere.
        underflow: added to every row's slack.
        onward: for each operand that coefficients go to, its id and how.
        slopes: for a nonlinear op, what positive and negative coefficients are multiplied with on the way to each
            operand, (boxes or 1, 1, *node).
        unit: for an affine op that can tell, per operand the coefficients of single elements (`Affine.unit`).
    """

    positive: Tensor
    negative: Tensor
    fatal: Tensor | None = None
    underflow: float = 0.0
    onward: tuple[tuple[int, Callable[[Tensor], Tensor]], ...] = ()
    slopes: tuple[tuple[Tensor, Tensor], ...] | None = None
    unit: tuple[Callable[[Tensor], Tensor], ...] | None = None

    def of_boxes(self, boxes: slice) -> Passage:
        """The same for some of the boxes."""

        def chosen(values: Tensor) -> Tensor:
            return values if values.shape[0] == 1 else values[boxes]

        slopes = self.slopes
        if slopes is not None:
            slopes = tuple((chosen(plus), chosen(minus)) for plus, minus in slopes)
        return replace(self, positive=chosen(self.positive), negative=chosen(self.negative), slopes=slopes)


def stop(interval: Interval, additions: int) -> Passage:
    """The end of a pass: the row's least value over the node's interval, shape (boxes or 1, *node)."""
    lower, upper = _flat(interval.lower), _flat(interval.upper)
    count = lower.shape[1]
    if interval.undefined:
        nothing = torch.zeros_like(lower[:1])
        return Passage(*_sides(nothing, nothing), torch.ones_like(nothing))
    fatal = None
    free = torch.isinf(lower) | torch.isinf(upper)
    if bool(free.any()):
        free = free.any(0, keepdim=True)
        fatal = free.to(torch.float64)
        lower, upper = torch.where(free, 0.0, lower), torch.where(free, 0.0, upper)
    center = lower if interval.is_point else lower / 2 + upper / 2
    # Both differences are off by one rounding at most; halving may lose a subnormal bit.
    radius = torch.maximum(upper - center, center - lower) * (1 + 4 * UNIT_ROUNDOFF) + SMALLEST_SUBNORMAL
    penalty = radius + (center.abs() + radius) * gamma(_roundings(count, additions))
    return Passage(*_sides(center, penalty), fatal, 4 * count * SMALLEST_SUBNORMAL)


def affine(
    operands: Sequence[int],
    parts: Sequence[Affine | None],
    constant: Interval,
    magnitudes: Sequence[Magnitude],
    additions: int,
) -> Passage:
    """Through an affine op.

    Args:
        operands: ids.
        parts: the linear map from each unknown operand.
        constant: the op's value where the unknown operands are zero, shape of the output.
        magnitudes: of the operands.
    """
    lower, upper = constant.lower.reshape(1, -1), constant.upper.reshape(1, -1)
    count = lower.shape[1]
    size = lower.abs() if constant.is_point else torch.maximum(lower.abs(), upper.abs())
    penalty = torch.add(upper - lower, size, alpha=gamma(_roundings(count, additions))) + TINY
    underflow = 2 * count * SMALLEST_SUBNORMAL
    fatal = None
    linear = [(id, part, size) for id, part, size in zip(operands, parts, magnitudes, strict=True) if part]
    for _, part, magnitude in linear:
        assert part is not None
        if not part.terms:
            continue
        if math.isfinite(magnitude.total):
            assert part.magnitude is not None, "a part that rounds states its magnitude"
            # The pushed magnitude is itself rounded `terms` times, hence the second factor.
            factor = gamma(part.terms + 1) * (1 + gamma(part.terms + 2))
            penalty = torch.add(penalty, part.magnitude(magnitude.elements).reshape(1, -1), alpha=factor)
            underflow += 2 * part.terms * SMALLEST_SUBNORMAL * (magnitude.total + 1)
        else:
            fatal = torch.ones_like(lower)
    units = tuple(part.unit for _, part, _ in linear if part and part.unit)
    return Passage(
        *_sides(lower, penalty),
        fatal,
        underflow,
        tuple((id, part.transpose) for id, part, _ in linear if part),
        unit=units if len(units) == len(linear) else None,
    )


def between(
    operands: Sequence[int],
    shapes: Sequence[tuple[int, ...]],
    out: tuple[int, ...],
    planes: Relaxation,
    magnitudes: Sequence[Magnitude],
    additions: int,
) -> Passage:
    """Through a nonlinear op between its planes.

    Args:
        operands, shapes, magnitudes: of the operands.
        out: shape of the output.
    """
    count = math.prod(out)
    low, high = _intercept(planes.lower, count), _intercept(planes.upper, count)
    penalty = torch.maximum(low.abs(), high.abs()) * gamma(_roundings(count, additions)) + TINY
    underflow = 2 * count * SMALLEST_SUBNORMAL
    for index, (shape, magnitude) in enumerate(zip(shapes, magnitudes, strict=True)):
        slope = torch.maximum(planes.lower.slopes[index].abs(), planes.upper.slopes[index].abs())
        summed = count // max(1, math.prod(shape))  # how often broadcasting repeats the operand
        weighed = (slope * magnitude.elements).expand(slope.shape[0], *out).reshape(slope.shape[0], -1)
        penalty = torch.add(penalty, weighed, alpha=gamma(summed + 2) * (1 + 4 * UNIT_ROUNDOFF))
        underflow += 2 * summed * SMALLEST_SUBNORMAL * (magnitude.total + 1)
    slopes = tuple(
        (below.unsqueeze(1), above.unsqueeze(1))
        for below, above in zip(planes.lower.slopes, planes.upper.slopes, strict=True)
    )
    onward = tuple((id, sum_to(shape)) for id, shape in zip(operands, shapes, strict=True))
    return Passage(
        _pair(low, penalty), _pair(high, -penalty), underflow=underflow, onward=onward, slopes=slopes
    )


def joined(op: Passage, operand: Passage) -> Passage:
    """A nonlinear op and the affine op that its only operand is, passed in one go.

    Args:
        op: from `between`, with an operand of the shape of its output.
        operand: from `affine`, without `fatal`.

    A coefficient `r` of the output becomes `r s` on the operand `J a + c`, so `c` and the penalty there count `s`
    times. What rounding `r s`, `s c` and the sums below costs on `c` is a few units of `|s c|` and of the intercept,
    and a subnormal bit; what rounding `r s` costs on `J a` is below that on `J a + c`, which `op` counts, and on `c`.
    """
    assert op.slopes is not None
    constant, penalty = operand.positive.unbind(2)

    def side(own: Tensor, slope: Tensor, sign: float) -> Tensor:
        slope = slope.reshape(slope.shape[0], -1)
        total, slack = own.unbind(2)
        share = slope * constant
        more = torch.addcmul((share.abs() + total.abs()) * (8 * UNIT_ROUNDOFF), slope.abs(), penalty)
        return _pair(total + share, slack + sign * (more + TINY))

    ((positive, negative),) = op.slopes
    return Passage(
        side(op.positive, positive, 1.0),
        side(op.negative, negative, -1.0),
        None,
        op.underflow + operand.underflow,
        operand.onward,
        op.slopes * len(operand.onward),
    )


def _roundings(count: int, additions: int) -> int:
    """Behind a total: the products of one dot product, two additions to the total at each node, and some to spare."""
    return count + 2 * additions + 8


def _sides(constant: Tensor, penalty: Tensor) -> tuple[Tensor, Tensor]:
    """What positive and negative coefficients are multiplied with; both arguments (boxes or 1, elements)."""
    return _pair(constant, penalty), _pair(constant, -penalty)


def _pair(total: Tensor, slack: Tensor) -> Tensor:
    if total.shape[0] != slack.shape[0]:
        total, slack = torch.broadcast_tensors(total, slack)
    return torch.stack((total, slack), 2)


def _intercept(plane: Plane, count: int) -> Tensor:
    if plane.intercept is None:
        return torch.zeros(1, count, dtype=torch.float64)
    return plane.intercept.reshape(plane.intercept.shape[0], -1)


def _flat(values: Tensor) -> Tensor:
    return values.reshape(values.shape[0], -1)


__all__ = ["Magnitude", "Passage", "affine", "between", "joined", "stop"]
