"""Affine forms: `value = point + sum_i coefficients[i] x_i + e` with `|x_i| <= 1` and `|e| <= error`, per element.

The symbols `x_i` are the inputs' elements, scaled to their ranges, and common to all nodes, so that what two nodes owe
to the same input cancels. What rounding and nonlinear ops add is no symbol of its own but goes into `error`, which
keeps the cost at one coefficient for each input: affine arithmetic (de Figueiredo and Stolfi, Affine Arithmetic:
Concepts and Applications, Numerical Algorithms 37, 2004) with its error terms collected, as in Singh et al., "Fast and
Effective Robustness Certification", NeurIPS 2018 (DeepZ), where each would be kept.

- Through an affine op `J a + c`, coefficients and point become their images, and the error `|J| error`.
- A nonlinear op lies between two planes. With `mid` and `half` half the sum and half the difference of their slopes,
  `d` the deviation of the operand from its point, `|d| <= spread`, and the point half-way between the planes there, the
  result deviates by `mid d +- (|half| spread + gap)`, `gap` being half the planes' distance.

All is float64. What rounding may lose is bounded a priori (`gamma`, Higham, section 3.1) on the sizes that meet: the
magnitudes of the point, of the sum of the coefficients, and of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma
from torchlean.ops import OPS
from torchlean.ops.linearization import Affine, Plane, Relaxation
from torchlean.ops.op import Attributes

_TINY = 64 * 2.0**-1022
"""For products that underflow, flushed to zero or not: some of the smallest normal number."""


@dataclass(frozen=True, eq=False)
class Form:
    """An affine form of every element of a node in every box.

    Attributes:
        point, error: (boxes or 1, *node), finite; `error` is not negative.
        coefficients: (symbols, boxes or 1, *node).
    """

    point: Tensor
    coefficients: Tensor
    error: Tensor

    @cached_property
    def size(self) -> Tensor:
        """About the sum of the coefficients' magnitudes; asked for several times."""
        return self.coefficients.abs().sum(0)

    @staticmethod
    def around(interval: Interval, count: int) -> Form:
        """A bounded interval of shape (boxes or 1, *node), without any of `count` symbols."""
        point = interval.lower / 2 + interval.upper / 2
        nothing = torch.zeros(count, 1, *point.shape[1:], dtype=torch.float64)
        return Form(point, nothing, _radius(interval, point))

    def interval(self) -> Interval:
        """All values of the form, shape (boxes or 1, *node)."""
        count = len(self.coefficients)
        radius = (self.size + self.error) * (1 + 2 * gamma(count + 4))
        radius = torch.add(radius, self.point.abs(), alpha=4 * UNIT_ROUNDOFF) + _TINY
        return Interval(self.point - radius, self.point + radius)


def symbols(interval: Interval, first: int, count: int) -> Form:
    """The form of an input: its elements are the symbols from `first` on, of `count`.

    Args:
        interval: bounded, shape (boxes, *node).
    """
    point = interval.lower / 2 + interval.upper / 2
    radius = _radius(interval, point)
    boxes, shape = point.shape[0], point.shape[1:]
    coefficients = torch.zeros(count, boxes, radius[0].numel(), dtype=torch.float64)
    place = torch.arange(radius[0].numel())
    coefficients[first + place, :, place] = radius.reshape(boxes, -1).t()
    return Form(point, coefficients.reshape(count, boxes, *shape), torch.full_like(point, 0.0))


def affine(parts: Sequence[Affine | None], forms: Sequence[Form | None], offset: Interval) -> Form | None:
    """Through an affine op.

    Args:
        parts, forms: for each operand; both None for known ones.
        offset: the op's value where the unknown operands are zero, shape of the output.

    Returns:
        None where the op cannot compute its value for a batch, or something is not finite.
    """
    maps = [
        (part, form) for part, form in zip(parts, forms, strict=True) if part is not None and form is not None
    ]
    if not maps or any(part.forward is None for part, _ in maps):
        return None
    share = gamma(max(part.terms for part, _ in maps) + len(maps) + 8)
    point = offset.lower.unsqueeze(0)
    error = (offset.upper - offset.lower).unsqueeze(0) + point.abs() * share
    coefficients: Tensor | None = None
    for part, form in maps:
        assert part.forward is not None
        point = point + part.forward(form.point)
        carried = part.forward(form.coefficients.flatten(0, 1)).unflatten(0, form.coefficients.shape[:2])
        coefficients = carried if coefficients is None else coefficients + carried
        lost = torch.add(form.error, form.point.abs() + form.size + form.error, alpha=2 * share)
        error = error + _pushed(part, lost + _TINY)
    assert coefficients is not None
    return finite(Form(point, coefficients, error * (1 + 4 * share) + _TINY))


def between(
    planes: Relaxation, operands: Sequence[Interval], forms: Sequence[Form], out: tuple[int, ...]
) -> Form | None:
    """Through a nonlinear op between its planes.

    Args:
        operands: the intervals that the planes were made for, (boxes or 1, *operand).
        forms: of the operands.
        out: shape of the output.

    Returns:
        None where something is not finite.
    """
    zero = torch.zeros(1, *out, dtype=torch.float64)
    low, high = (zero if p.intercept is None else p.intercept for p in (planes.lower, planes.upper))
    met = torch.maximum(low.abs(), high.abs())  # all that rounding is measured on
    coefficients: Tensor | None = None
    error = zero
    for index, (interval, form) in enumerate(zip(operands, forms, strict=True)):
        below, above = planes.lower.slopes[index], planes.upper.slopes[index]
        point, size = aligned(form.point, out), aligned(form.size, out)
        carried = aligned(form.coefficients, out, 2)
        spread, own = aligned(_radius(interval, form.point), out), aligned(form.error, out)
        mid, half = (below + above) / 2, (above - below) / 2
        low, high = torch.addcmul(low, below, point), torch.addcmul(high, above, point)
        # A slope that underflows counts like one of 2**-960.
        steepest = torch.maximum(below.abs(), above.abs()) + 2.0**-960
        met = torch.addcmul(met, steepest, point.abs() + spread + size + own)
        error = torch.addcmul(torch.addcmul(error, mid.abs(), own), half.abs(), spread)
        scaled = carried * mid
        coefficients = scaled if coefficients is None else coefficients + scaled
    assert coefficients is not None
    error = error + ((high - low) / 2).clamp(min=0.0)
    # Fewer than 32 roundings of numbers below `met` for each operand.
    error = torch.add(error * (1 + 32 * UNIT_ROUNDOFF), met, alpha=32 * len(forms) * UNIT_ROUNDOFF) + _TINY
    return finite(Form((low + high) / 2, coefficients, error))


def parallel(op: str, operands: Sequence[Interval], attributes: Attributes) -> Relaxation:
    """Planes for forms: for relu and products parallel ones, which lose less than those that are best for rows.

    Raises:
        UnsupportedError: the op has no planes on these intervals.
    """
    if op == "mul":
        return OPS[op].relax_with(operands, attributes, torch.full((), 0.5, dtype=torch.float64))
    planes = OPS[op].relax(operands, attributes)
    if op != "relu":
        return planes
    # The slope of relu's upper plane is in [0, 1], and relu's own where the sign is known: a line of this slope through
    # the origin is never above relu.
    return Relaxation(Plane(planes.upper.slopes), planes.upper)


def finite(form: Form) -> Form | None:
    total = form.point.abs().sum() + form.error.sum() + form.size.sum()
    return form if bool(torch.isfinite(total)) else None


def _radius(interval: Interval, point: Tensor) -> Tensor:
    """How far values may be from the point, rounded up."""
    spread = torch.maximum(interval.upper - point, point - interval.lower).clamp(min=0.0)
    return spread * (1 + 4 * UNIT_ROUNDOFF) + _TINY


def _pushed(part: Affine, sizes: Tensor) -> Tensor:
    """`|J| sizes`."""
    if part.magnitude is not None:
        return part.magnitude(sizes)
    assert part.forward is not None
    return part.forward(sizes).abs()


def aligned(values: Tensor, out: tuple[int, ...], lead: int = 1) -> Tensor:
    """(boxes, *operand), or with `lead` dimensions before the operand's, so that it broadcasts with the result's."""
    missing = len(out) - (values.dim() - lead)
    return values.reshape(*values.shape[:lead], *(1,) * missing, *values.shape[lead:]) if missing else values


__all__ = ["Form", "affine", "aligned", "between", "finite", "parallel", "symbols"]
