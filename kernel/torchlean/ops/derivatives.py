"""The op `derivative`: derivatives of tanh, silu and gelu as functions of one number, with bounds of their own.

`1 - tanh(z)**2` is a bell between 0 and 1. Put together from the planes of tanh, a square and a difference its planes
lie far from it; as one op it has the exact range, and planes as close as those of any activation. Derivatives of
networks are products of such values, so this decides how close their bounds are.

**Range.** A derivative `f = g^(k)` is monotone between the zeros of `g^(k+1)`, which are known: over an interval it is
least and greatest at the ends, or at zeros inside. Zeros are rounded to float64 and are closer than `2**-40` to the
true ones; `f` is flat there.

**Planes.** By Taylor's theorem, for `m` and `x` in an interval that reaches at most `r` from `m`,
`f(x) - f(m) - f'(m) (x - m)` is between `r**2 / 2` times the least of `f''` there, or 0, and `r**2 / 2` times its
greatest, or 0. On an interval where `f` is convex the lower plane is a tangent; on wide ones flat planes are better.
The envelope that `ops/curves.py` looks for would be a little closer, at a hundred times the work: these functions bend
up to six times.

With `y = tanh z` and `s = 1 - y**2`, `tanh^(k) = s Q_k(y)` for `Q_1 = 1`, `Q_(k+1) = Q_k' (1 - y**2) - 2 y Q_k`:
polynomials with small whole coefficients and simple zeros in (-1, 1). `sigmoid^(k)(x) = tanh^(k)(x / 2) / 2**(k+1)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.approximation import Approximant, Approximation, relative
from torchlean.intervals.derivatives import SQRT_TWO_PI, square_hyperbolic_secant
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, down, up
from torchlean.intervals.shapes import at_ends
from torchlean.intervals.smooth import KERNEL
from torchlean.ops.curves import Curved
from torchlean.ops.elementwise import Elementwise, number
from torchlean.ops.linearization import Relaxation
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.planes import Line, best, between_ends, flat, middle, relaxation, under
from torchlean.ops.rearrangement import Rearrangement

_FAR = 1000.0
"""Beyond, powers of `e**-|x|` times polynomials of the degrees here are below the smallest subnormal."""

_UNDERFLOW = 2.0**60 * SMALLEST_SUBNORMAL
"""A kernel that underflows is off by a few subnormals, times polynomials below `2**50` where it does so."""

_SIZED = 2 * KERNEL + 80 * UNIT_ROUNDOFF
"""Relative to the sum of magnitudes of the terms: two kernels, a polynomial of degree 5 in a kernel's value, each power
of which has that kernel's error once more (`6 KERNEL < 48 u`), and Horner's scheme (Higham, section 5.1)."""

_BESIDE = 2.0**-40
"""A zero that was rounded is nearer to the true one."""

_FLAT = 2.0**-68
"""What an extremum may exceed the value at a rounded zero by: half a second derivative, below `2**10`, times the square
of that distance."""

Values = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AutogradRounding(Rule):
    """None is known."""

    def noise(self, call: Call) -> Noise:
        raise UnsupportedError("no bound is known for the rounding of derivatives that autograd computes")


@dataclass(frozen=True)
class Derivative:
    """One derivative of a function.

    Attributes:
        value: how it is computed, in the dtype of the points.
        size: the same with magnitudes for all terms: the computed value is off by a small share of that.
        condition: how often the rounding unit enters besides `_SIZED`.
        zeros: all of them, rising; it changes its sign at each.
        greatest: no value's magnitude is larger.
    """

    value: Values
    size: Values
    zeros: tuple[float, ...]
    greatest: float
    condition: Values | None = None

    def approximation(self, points: Tensor) -> Approximation:
        """The value at float64 points, with its error."""
        near = points.clamp(-_FAR, _FAR)
        bound: Tensor | float = _SIZED
        if self.condition is not None:
            bound = self.condition(near) * UNIT_ROUNDOFF + _SIZED
        return Approximation(self.value(points), relative(self.size(near), bound, _UNDERFLOW).error)

    @cached_property
    def lost(self) -> float:
        """No error of `approximation` is larger. Errors are largest near zero, and fall like `e**-|x|`; from one point
        of this grid to the next, by less than half."""
        return 2.0 * float(
            self.approximation(torch.linspace(-64.0, 64.0, 2**13, dtype=torch.float64)).error.max()
        )


@dataclass(frozen=True)
class Function:
    """A function whose derivatives are ops, of the orders 1 to `orders`; those of three orders more are known."""

    orders: int
    derivative: Callable[[int], Derivative]


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Horner's scheme, lowest coefficient first."""
    total = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def _sized(coefficients: Sequence[float]) -> tuple[float, ...]:
    return tuple(abs(c) for c in coefficients)


# -- tanh --------------------------------------------------------------------------------------------------------------


def tanh_polynomial(order: int) -> tuple[int, ...]:
    """`Q_order`, lowest coefficient first."""
    if order == 1:
        return (1,)
    previous = tanh_polynomial(order - 1)
    found = [0] * (len(previous) + 1)
    for power, coefficient in enumerate(previous):
        # y**p becomes p y**(p-1) - (p + 2) y**(p+1).
        if power:
            found[power - 1] += power * coefficient
        found[power + 1] -= (power + 2) * coefficient
    return tuple(found)


def _greatest_of_tanh(order: int) -> float:
    """Of `(1 - y**2) Q(y)` on [-1, 1]: between points of a grid it changes by at most its coefficients allow."""
    whole = np.polynomial.Polynomial([1.0, 0.0, -1.0]) * np.polynomial.Polynomial(tanh_polynomial(order))
    steps = 2**14
    steepest = sum(power * abs(c) for power, c in enumerate(whole.coef))
    grid = np.abs(whole(np.linspace(-1.0, 1.0, steps + 1)))
    return float(grid.max()) + 2.0 * float(steepest) / steps


@cache
def _tanh(order: int) -> Derivative:
    coefficients = tanh_polynomial(order)
    inner = np.sort(np.real(np.polynomial.Polynomial(coefficients).roots()))
    return Derivative(
        lambda x: square_hyperbolic_secant(x) * _polynomial(coefficients, torch.tanh(x)),
        lambda x: square_hyperbolic_secant(x) * _polynomial(_sized(coefficients), torch.tanh(x).abs()),
        tuple(math.atanh(float(y)) for y in inner),
        _greatest_of_tanh(order),
    )


# -- silu --------------------------------------------------------------------------------------------------------------

_SILU_ZEROS: dict[int, tuple[float, ...]] = {
    1: (-1.27846454276107379510935873902298,),
    2: (-2.39935728051546766783273969728228, 2.39935728051546766783273969728228),
    3: (-3.43584099353511068895164134386198, 0.0, 3.43584099353511068895164134386198),
    4: (
        *(-4.42923510055722797956641652198302, -1.03195824178074912340126591594192),
        *(1.03195824178074912340126591594192, 4.42923510055722797956641652198302),
    ),
    5: (
        *(-5.40081873949521586843032318407669, -1.81977561172501272653088784431526, 0.0),
        *(1.81977561172501272653088784431526, 5.40081873949521586843032318407669),
    ),
}
_SILU_GREATEST = {1: 1.1, 2: 0.5, 3: 0.3082, 4: 0.5, 5: 1.0}


@cache
def _silu(order: int) -> Derivative:
    """`k s^(k-1) + x s^(k)` with the sigmoid `s`."""

    def of_sigmoid(k: int, x: Tensor, sized: bool) -> Tensor:
        if k == 0:
            return torch.sigmoid(x)
        derivative = _tanh(k)
        return (derivative.size if sized else derivative.value)(x / 2) * 2.0 ** -(k + 1)

    def value(x: Tensor) -> Tensor:
        near = x.clamp(-_FAR, _FAR)
        return order * of_sigmoid(order - 1, near, False) + near * of_sigmoid(order, near, False)

    def size(x: Tensor) -> Tensor:
        return order * of_sigmoid(order - 1, x, True) + x.abs() * of_sigmoid(order, x, True)

    return Derivative(value, size, _SILU_ZEROS[order], _SILU_GREATEST[order])


# -- gelu --------------------------------------------------------------------------------------------------------------

_GELU_POLYNOMIALS = {2: (2.0, 0.0, -1.0), 3: (0.0, -4.0, 0.0, 1.0), 4: (-4.0, 0.0, 7.0, 0.0, -1.0)}
_GELU_POLYNOMIALS[5] = (0.0, 18.0, 0.0, -11.0, 0.0, 1.0)
"""`gelu^(k)` is this times the normal density; the next is `p' - x p`."""

_OUTER, _INNER = math.sqrt((7.0 + math.sqrt(33.0)) / 2.0), math.sqrt((7.0 - math.sqrt(33.0)) / 2.0)
_GELU_ZEROS: dict[int, tuple[float, ...]] = {
    1: (-0.75179152469356445745790494677952,),
    2: (-math.sqrt(2.0), math.sqrt(2.0)),
    3: (-2.0, 0.0, 2.0),
    4: (-_OUTER, -_INNER, _INNER, _OUTER),
    5: (-3.0, -math.sqrt(2.0), 0.0, math.sqrt(2.0), 3.0),
}
_GELU_GREATEST = {1: 1.13, 2: 0.798, 3: 0.779, 4: 1.596, 5: 3.5}


@cache
def _gelu(order: int) -> Derivative:
    """`Phi + x phi`, and from the second on a polynomial times `phi`, whose error grows with `x**2`."""

    def density(x: Tensor) -> Tensor:
        return torch.exp(x.square() * -0.5) / SQRT_TWO_PI

    def first(x: Tensor) -> Tensor:
        near = x.clamp(-_FAR, _FAR)
        return 0.5 * torch.erfc(near * -math.sqrt(0.5)) + near * density(near)

    def sized(x: Tensor) -> Tensor:
        return 0.5 * torch.erfc(x * -math.sqrt(0.5)) + x.abs() * density(x)

    def condition(x: Tensor) -> Tensor:
        return 2.0 * x.square() + 4.0

    if order == 1:
        return Derivative(first, sized, _GELU_ZEROS[1], _GELU_GREATEST[1], condition)
    coefficients = _GELU_POLYNOMIALS[order]

    def value(x: Tensor) -> Tensor:
        near = x.clamp(-_FAR, _FAR)
        return density(near) * _polynomial(coefficients, near)

    return Derivative(
        value,
        lambda x: density(x) * _polynomial(_sized(coefficients), x.abs()),
        _GELU_ZEROS[order],
        _GELU_GREATEST[order],
        condition,
    )


FUNCTIONS = {"tanh": Function(4, _tanh), "silu": Function(2, _silu), "gelu": Function(2, _gelu)}


def derivative_of(attributes: Attributes, more: int = 0) -> Derivative:
    """The derivative that an op stands for, or one of a higher order."""
    return FUNCTIONS[str(attributes["function"])].derivative(int(number(attributes, "order")) + more)


@register
class DerivativeOp(Curved, Elementwise):
    """The derivative of an activation: attributes `function` and `order`."""

    name = "derivative"
    rounding = AutogradRounding()

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if not inputs[0].dtype.is_floating_point:
            raise ShapeError(f"a derivative is taken of floating numbers, got {inputs[0]}")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return derivative_of(attributes).value(inputs[0])

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return _range(inputs[0], attributes, 0)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        (x,) = inputs
        centre = middle(x) if at is None else between_ends(x, at)
        value = derivative_of(attributes).approximation(centre)
        slope = derivative_of(attributes, 1).approximation(centre)
        bounds, bend = (
            self.interval(inputs, attributes, TensorType(x.shape, torch.float64)),
            _range(x, attributes, 2),
        )
        reach = up(torch.maximum(x.upper - centre, centre - x.lower))
        drift = up(slope.error * reach)

        def below(least: Tensor, least_bend: Tensor, base: Tensor, steepness: Tensor) -> Line:
            curved = up(up(reach * reach) * up((-least_bend).clamp(min=0.0) * 0.5))
            intercept = down(under(base, steepness, centre) - up(drift + curved))
            return best([flat(least), Line(steepness, intercept)], x, centre)

        return relaxation(
            below(bounds.lower, bend.lower, value.below(), slope.value),
            below(-bounds.upper, -bend.upper, -value.above(), -slope.value),
        )


def _range(x: Interval, attributes: Attributes, more: int) -> Interval:
    """All values of a derivative of `more` orders more over an interval."""
    function: Approximant = derivative_of(attributes, more).approximation
    first, last = at_ends(x, function)
    lower, upper = torch.minimum(first.below(), last.below()), torch.maximum(first.above(), last.above())
    for zero in derivative_of(attributes, more + 1).zeros:
        extreme = function(torch.tensor(zero, dtype=torch.float64))
        # The true zero may be a little beside it; the function is flat there, to the second order.
        inside = (x.lower <= zero + _BESIDE) & (zero - _BESIDE <= x.upper)
        lower = torch.where(inside, torch.minimum(lower, extreme.below() - _FLAT), lower)
        upper = torch.where(inside, torch.maximum(upper, extreme.above() + _FLAT), upper)
    return Interval(lower, upper)


@register
class Autograd(Rearrangement):
    """A derivative as the program gets it: its exact value is the operand, but it is computed by autograd.

    What is bounded is the derivative's formula in exact arithmetic. Autograd computes the same number by other formulas
    in another order, backward, so the rounding of the graph's own ops would say nothing about it.
    """

    name = "autograd"
    rounding = AutogradRounding()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return inputs[0].clone()


__all__ = ["FUNCTIONS", "Derivative", "derivative_of", "tanh_polynomial"]
