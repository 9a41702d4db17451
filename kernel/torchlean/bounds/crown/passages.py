"""How a row of coefficients passes a node, with everything that does not depend on the row worked out beforehand.

Passing a node always does three things to a row `L` of coefficients: it adds `L . constant` to the row's total, adds
`|L| . penalty` to its slack, and sends new coefficients to the operands. The penalty collects what this step's
rounding may lose, measured on the magnitudes of the values (statement 3 of the theory, `lean/`):

- a transpose whose results add up `n` rounded products is off by `gamma(n) |L||J|`, which weighs `|J| |operand|`;
- the dot product `L . constant` over `m` elements is off by `gamma(m) |L| . |constant|`, and each addition to the
  running total (one per node of the graph, `additions`) by one rounding of something below the sum of all
  `|L| . |constant|`;
- a product that underflows hides a coefficient of at most `2**-1074`, which weighs the sum of all magnitudes.

Magnitudes hold on every box of a batch and may be crude, since they are multiplied by 1e-16. Where a value has no
bound at all, rows that touch it get none (`fatal`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, gamma
from torchlean.ops.linearization import Affine, Relaxation


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
        constant: (boxes or 1, elements), added to the total; None for zero.
        penalty: (boxes or 1, elements), weighed by |row| into the slack; None for zero.
        fatal: (boxes or 1, elements) of 0 and 1: rows with a coefficient on a 1 have no bound; None for nowhere.
        underflow: added to every row's slack.
        onward: for each operand that coefficients go to, its id and how.
        planes: for a nonlinear node, its relaxation.
    """

    constant: Tensor | None
    penalty: Tensor | None
    fatal: Tensor | None = None
    underflow: float = 0.0
    onward: tuple[tuple[int, Callable[[Tensor], Tensor]], ...] = ()
    planes: Relaxation | None = None


def stop(interval: Interval, additions: int) -> Passage:
    """The end of a pass: the row's least value over the node's interval, shape (boxes or 1, *node)."""
    lower, upper = _flat(interval.lower), _flat(interval.upper)
    count = lower.shape[1]
    if interval.undefined:
        return Passage(None, None, torch.ones_like(lower[:1]))
    fatal = None
    free = ~(torch.isfinite(lower) & torch.isfinite(upper))
    if bool(free.any()):
        fatal = free.to(torch.float64)
        lower, upper = torch.where(free, 0.0, lower), torch.where(free, 0.0, upper)
    center = lower if interval.is_point else lower / 2 + upper / 2
    # Both differences are off by one rounding at most; halving may lose a subnormal bit.
    radius = torch.maximum(upper - center, center - lower) * (1 + 4 * UNIT_ROUNDOFF) + SMALLEST_SUBNORMAL
    rounding = gamma(count + 4 + additions)
    return Passage(
        center,
        radius + (center.abs() + radius) * rounding,
        fatal,
        4 * count * SMALLEST_SUBNORMAL,
    )


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
    penalty = torch.maximum(lower.abs(), upper.abs()) * gamma(count + 2 + additions) + (upper - lower)
    underflow = 2 * count * SMALLEST_SUBNORMAL
    fatal = None
    onward: list[tuple[int, Callable[[Tensor], Tensor]]] = []
    for operand, part, magnitude in zip(operands, parts, magnitudes, strict=True):
        if part is None:
            continue
        onward.append((operand, part.transpose))
        if not part.terms:
            continue
        if math.isfinite(magnitude.total):
            assert part.magnitude is not None, "a part that rounds states its magnitude"
            # The pushed magnitude is itself rounded `terms` times, hence the second factor.
            factor = gamma(part.terms + 1) * (1 + gamma(part.terms + 2))
            penalty = penalty + factor * part.magnitude(magnitude.elements).reshape(1, -1)
            underflow += 2 * part.terms * SMALLEST_SUBNORMAL * (magnitude.total + 1)
        else:
            fatal = torch.ones_like(lower)
    zero = bool((lower == 0).all()) and bool((upper == 0).all())
    return Passage(None if zero else lower, penalty, fatal, underflow, tuple(onward))


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
    intercept = _largest(planes.lower.intercept, planes.upper.intercept)
    penalty = torch.zeros(1, count, dtype=torch.float64)
    if intercept is not None:
        penalty = _flat(intercept) * gamma(count + 2 + additions)
    underflow = 2 * count * SMALLEST_SUBNORMAL
    for index, (shape, magnitude) in enumerate(zip(shapes, magnitudes, strict=True)):
        slope = _largest(planes.lower.slopes[index], planes.upper.slopes[index])
        assert slope is not None
        summed = count // max(1, math.prod(shape))  # how often broadcasting repeats the operand
        weighed = (slope * magnitude.elements).expand(slope.shape[0], *out).reshape(slope.shape[0], -1)
        penalty = penalty + weighed * (gamma(summed + 2) * (1 + 4 * UNIT_ROUNDOFF))
        underflow += 2 * summed * SMALLEST_SUBNORMAL * (magnitude.total + 1)
    onward = tuple((id, _summing_to(shape)) for id, shape in zip(operands, shapes, strict=True))
    return Passage(None, penalty, None, underflow, onward, planes)


def _largest(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        present = first if second is None else second
        return None if present is None else present.abs()
    return torch.maximum(first.abs(), second.abs())


def _summing_to(shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Undo broadcasting: sum (rows, *output) over the dimensions that `shape` does not have, or has once."""

    def sum_to(rows: Tensor) -> Tensor:
        extra = rows.dim() - 1 - len(shape)
        if extra:
            rows = rows.sum(dim=tuple(range(1, 1 + extra)))
        once = tuple(1 + i for i, size in enumerate(shape) if size == 1 and rows.shape[1 + i] != 1)
        return rows.sum(dim=once, keepdim=True) if once else rows

    return sum_to


def _flat(values: Tensor) -> Tensor:
    return values.reshape(values.shape[0], -1)


__all__ = ["Magnitude", "Passage", "affine", "between", "stop"]
