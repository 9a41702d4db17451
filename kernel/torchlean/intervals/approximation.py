"""A computed float64 with a bound on its error: how functions without exact rounding enter interval rules.

`Approximation(value, error)` states `|value - exact| <= error` element by element. An `Approximant` is a
function from exact float64 points to approximations of `f` there; `torchlean.intervals.shapes` turns one into
bounds over an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, TRANSCENDENTAL_ULPS, UNIT_ROUNDOFF, down, up

_LARGEST = torch.finfo(torch.float64).max


@dataclass(frozen=True, eq=False, slots=True)
class Approximation:
    """`value` is within `error` of the exact result; `error` is finite, also where `value` is infinite.

    An infinite value from a finite argument is an overflow: the exact result is then at least the largest
    float64 less `error`. NaN in `value` stands for "nothing known".
    Where `exact` is set the value is the result itself. `least` and `greatest` bound the result, too, where given.
    """

    value: Tensor
    error: Tensor
    exact: Tensor | None = None
    least: Tensor | None = None
    greatest: Tensor | None = None

    def below(self) -> Tensor:
        """A lower bound of the exact result. The step down covers the rounding of this subtraction."""
        bound = down(self.value.clamp(max=_LARGEST) - self.error)
        bound = bound if self.exact is None else torch.where(self.exact, self.value, bound)
        return bound if self.least is None else torch.maximum(bound, self.least)

    def above(self) -> Tensor:
        """An upper bound of the exact result."""
        bound = up(self.value.clamp(min=-_LARGEST) + self.error)
        bound = bound if self.exact is None else torch.where(self.exact, self.value, bound)
        return bound if self.greatest is None else torch.minimum(bound, self.greatest)


Approximant = Callable[[Tensor], Approximation]


def relative(
    value: Tensor, bound: Tensor | float, underflow: float = 0.0, exact: Tensor | None = None
) -> Approximation:
    """`value` with relative error at most `bound`, and absolute error at most `underflow` besides.

    `bound` is taken by half more than stated, which pays for the rounding of the error itself and for
    measuring it against the computed value instead of the exact one; the smallest subnormals pay for its
    underflow.
    """
    magnitude = value.abs().clamp(max=_LARGEST)
    return Approximation(value, magnitude * (bound * 1.5) + (underflow + 4 * SMALLEST_SUBNORMAL), exact)


def crossing(function: Approximant, at: float, value: float, *, rises: bool = True) -> Approximant:
    """The same, with what is known of a function that has this value at one point, and lies on one side of it on
    either side of the point: `tanh` is not negative on `[0, 1]`, so that a root may be taken of it.

    Args:
        rises: whether the function lies above `value` to the right of the point, else to its left.
    """

    def approximant(points: Tensor) -> Approximation:
        found = function(points)
        if not bool(((points - at).abs() < _NEAR).any()):
            return found  # farther away the error bound does not reach beyond the value
        right, left = (points >= at, points <= at) if rises else (points <= at, points >= at)
        least = torch.where(right, value, -math.inf).to(found.value.dtype)
        greatest = torch.where(left, value, math.inf).to(found.value.dtype)
        return replace(found, least=least, greatest=greatest)

    return approximant


_NEAR = 2.0**-40
"""Where error bounds of some ulps may reach beyond a known value."""


def vanishing(function: Approximant) -> Approximant:
    """`crossing` for a function that has the sign of its argument."""
    return crossing(function, 0.0, 0.0)


_KNOWN: dict[Callable[[Tensor], Tensor], tuple[float, float]] = {
    **dict.fromkeys((torch.asin, torch.atan, torch.tanh, torch.asinh, torch.atanh), (0.0, 0.0)),
    **dict.fromkeys((torch.erf, torch.expm1, torch.log1p), (0.0, 0.0)),
    **dict.fromkeys((torch.log, torch.log2, torch.log10), (1.0, 0.0)),
    **dict.fromkeys((torch.exp, torch.exp2, torch.erfc), (0.0, 1.0)),
}
"""A point where the value of a monotone function is a float64."""


@cache
def computed(function: Callable[[Tensor], Tensor], ulps: int = TRANSCENDENTAL_ULPS) -> Approximant:
    """A torch function that is accurate to `ulps` units in the last place everywhere it is used.

    One ulp is at most `2 u` relative, or one smallest subnormal.
    """

    def approximant(points: Tensor) -> Approximation:
        return relative(function(points), 2 * ulps * UNIT_ROUNDOFF, ulps * SMALLEST_SUBNORMAL)

    return approximant


@cache
def kernel(function: Callable[[Tensor], Tensor], ulps: int = TRANSCENDENTAL_ULPS) -> Approximant:
    """`computed`, with a known point of the function where it has one: what bounds the result asks for that."""
    known = _KNOWN.get(function)
    plain = computed(function, ulps)
    return plain if known is None else crossing(plain, *known, rises=function is not torch.erfc)
