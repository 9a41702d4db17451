"""Multiplying quadratic forms, and bending them through relus and smooth functions.

With `v = p + l + r` for the point, the linear part and the rest (symbols of kinks, products, error), `|l| <= L` and
`|r| <= R`:

- `v w = p q + (p (w - q) + q (v - p)) + l l' + rest`, `|rest| <= R (L' + R') + L R'`; what belongs to the products of
  inputs is kept as such (Makino and Berz, "Taylor models and other validated functional inclusion methods", 2003, cut
  off after the second order);
- a smooth `f(v)` is its Taylor polynomial at the point, with Lagrange's remainder;
- a relu lies between parallel planes, and where in between is a symbol of its own: its gaps in several places of the
  graph then cancel or add up as they do in reality, and a convex one can be given back in the end (`minimum`).

Rounding is bounded a priori on the sizes that meet, as in `torchlean.bounds.forward.forms`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from torchlean.bounds.forward.forms import Form, aligned, finite
from torchlean.bounds.taylor.layout import Layout
from torchlean.intervals import Interval, derivatives
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma
from torchlean.ops import Attribute, Attributes
from torchlean.ops.derivatives import derivative_of

TINY = 64 * 2.0**-1022
"""For products that underflow, flushed to zero or not: some of the smallest normal number."""

OPERATIONS = 16
"""More than the roundings behind any one coefficient that is computed here."""


KERNELS = 2.0**-46
"""Absolute error of a function and its derivatives: of numbers up to 2, by at most two kernels of 4 ulp each and some
operations without cancellation."""


@dataclass(frozen=True, slots=True)
class Smooth:
    """A function with its first two derivatives, and what the third never exceeds.

    Attributes:
        lost: absolute error of how the three are computed.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    bend: Callable[[Tensor], Tensor]
    third: float
    lost: float = KERNELS


_SMOOTH = {
    "sin": Smooth(torch.sin, torch.cos, lambda x: -torch.sin(x), 1.0),
    "cos": Smooth(torch.cos, lambda x: -torch.sin(x), lambda x: -torch.cos(x), 1.0),
    # With t = tanh x the third derivative is (1 - t^2) (6 t^2 - 2), between -2 and 2/3.
    "tanh": Smooth(
        torch.tanh,
        derivatives.square_hyperbolic_secant,
        lambda x: -2.0 * torch.tanh(x) * derivatives.square_hyperbolic_secant(x),
        2.0,
    ),
    # (1 + tanh(x / 2)) / 2.
    "sigmoid": Smooth(
        torch.sigmoid,
        derivatives.logistic_density,
        lambda x: -torch.tanh(x / 2) * derivatives.logistic_density(x),
        0.125,
    ),
}


def smooth_of(op: str, attributes: Attributes) -> Smooth | None:
    """The function that an op is, where it is one of those that are expanded."""
    return (
        _derivative(str(attributes["function"]), attributes["order"])
        if op == "derivative"
        else _SMOOTH.get(op)
    )


@cache
def _derivative(function: str, order: Attribute) -> Smooth:
    value, slope, bend, third = (derivative_of({"function": function, "order": order}, n) for n in range(4))
    lost = max(each.lost for each in (value, slope, bend))
    return Smooth(value.value, slope.value, bend.value, third.greatest, lost)


@dataclass(frozen=True, eq=False, slots=True)
class Bend:
    """A relu of `v`, element by element: `slope v + middle (1 + h)` with a symbol `-1 <= h <= 1` of its own.

    Attributes:
        operand: the form of `v`.
        slope, middle: (boxes, *node); `middle` is zero where the sign of `v` is known.
        start: the place of its first symbol among the kinks.
    """

    operand: Form
    slope: Tensor
    middle: Tensor
    start: int


def reach(form: Form, layout: Layout) -> Interval:
    """All values of a form; squares of inputs are not negative, so this is a little less than `Form.interval`."""
    whole = form.interval()
    squares = form.coefficients[layout.squares]
    share = 1 - 2 * gamma(layout.inputs + 8)
    lower = whole.lower + squares.clamp(min=0.0).sum(0) * share
    upper = whole.upper - squares.clamp(max=0.0).abs().sum(0) * share
    slack = (whole.lower.abs() + whole.upper.abs()) * (4 * UNIT_ROUNDOFF) + TINY
    return Interval(lower - slack, upper + slack)


def product(a: Form, b: Form, out: tuple[int, ...], layout: Layout) -> Form | None:
    """Of two forms, broadcast to the shape `out`; None where something is not finite."""
    a, b = _spread(a, out), _spread(b, out)
    coefficients = a.coefficients * b.point + b.coefficients * a.point
    coefficients[layout.quadratic] += layout.products(
        a.coefficients[layout.linear], b.coefficients[layout.linear]
    )
    (line_a, rest_a), (line_b, rest_b) = _sizes(a, layout), _sizes(b, layout)
    error = rest_a * (line_b + rest_b) + line_a * rest_b + a.point.abs() * b.error + b.point.abs() * a.error
    met = (a.point.abs() + line_a + rest_a) * (b.point.abs() + line_b + rest_b)
    return finite(Form(a.point * b.point, coefficients, _rounded(error, met, layout)))


def smooth(function: Smooth, a: Form, layout: Layout) -> Form:
    """A smooth function of a form, by its Taylor polynomial."""
    value, slope, bend = function.value(a.point), function.slope(a.point), function.bend(a.point)
    line, rest = _sizes(a, layout)
    far = line + rest
    linear = a.coefficients[layout.linear]
    coefficients = a.coefficients * slope
    coefficients[layout.quadratic] += layout.products(linear, linear) * (bend / 2)
    error = slope.abs() * a.error + bend.abs() / 2 * rest * (far + line) + far**3 * (function.third / 6)
    # What the kernels lose in the coefficients weighs powers of how far the operand goes.
    error = error + function.lost * (1 + far + far * far)
    met = value.abs() + slope.abs() * far + bend.abs() * far * far
    return Form(value, coefficients, _rounded(error, met, layout))


def bend(a: Form, range: Interval, start: int, layout: Layout) -> tuple[Form, Bend]:
    """A relu of a form with these values, and what its symbols mean.

    On `[low, high]` across zero, `relu(v) - s v` with `0 <= s <= 1` is between 0 and the greater of `-s low` and
    `(1 - s) high`, being convex and zero at zero.
    """
    low, high = range.lower, range.upper
    crossing = (low < 0) & (high > 0)
    share = (high / (high - low)).clamp(0.0, 1.0)
    slope = torch.where(crossing, share, (low >= 0).to(high.dtype))
    gap = torch.maximum(-slope * low, (1 - slope) * high) * (1 + 4 * UNIT_ROUNDOFF) + TINY
    middle = torch.where(crossing, gap / 2, 0.0)
    coefficients = a.coefficients * slope
    count = middle[0].numel()
    symbols = layout.inputs + start + torch.arange(count)
    flat = coefficients.reshape(*coefficients.shape[:2], count)
    flat[symbols, :, torch.arange(count)] = middle.reshape(-1, count).t()
    point = a.point * slope + middle
    met = (a.point.abs() + a.size + a.error) * slope + middle
    form = Form(point, flat.reshape(coefficients.shape), _rounded(a.error * slope, met, layout))
    return form, Bend(a, slope, middle, start)


def _sizes(form: Form, layout: Layout) -> tuple[Tensor, Tensor]:
    """Of the linear part and of the rest, error included."""
    size = form.coefficients.abs()
    return size[layout.linear].sum(0), size[layout.inputs :].sum(0) + form.error


def _rounded(error: Tensor, met: Tensor, layout: Layout) -> Tensor:
    """The error with what rounding may add, all that was rounded being below `met`."""
    terms = layout.count + OPERATIONS
    inflated = error * (1 + 2 * gamma(2 * terms))
    return torch.add(inflated, met, alpha=2 * gamma(terms)) + terms * TINY


def _spread(form: Form, out: tuple[int, ...]) -> Form:
    """With as many dimensions as the output, so that forms broadcast."""
    return Form(aligned(form.point, out), aligned(form.coefficients, out, 2), aligned(form.error, out))


__all__ = ["TINY", "Bend", "bend", "product", "reach", "smooth", "smooth_of"]
