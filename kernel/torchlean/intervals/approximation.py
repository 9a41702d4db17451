"""A computed float64 with a bound on its error: how functions without exact rounding enter interval rules.

`Approximation(value, error)` states `|value - exact| <= error` element by element. An `Approximant` is a
function from exact float64 points to approximations of `f` there; `torchlean.intervals.shapes` turns one into
bounds over an interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    Where `exact` is set the value is the result itself.
    """

    value: Tensor
    error: Tensor
    exact: Tensor | None = None

    def below(self) -> Tensor:
        """A lower bound of the exact result. The step down covers the rounding of this subtraction."""
        bound = down(self.value.clamp(max=_LARGEST) - self.error)
        return bound if self.exact is None else torch.where(self.exact, self.value, bound)

    def above(self) -> Tensor:
        """An upper bound of the exact result."""
        bound = up(self.value.clamp(min=-_LARGEST) + self.error)
        return bound if self.exact is None else torch.where(self.exact, self.value, bound)


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


@cache
def kernel(function: Callable[[Tensor], Tensor], ulps: int = TRANSCENDENTAL_ULPS) -> Approximant:
    """A torch function that is accurate to `ulps` units in the last place everywhere it is used.

    One ulp is at most `2 u` relative, or one smallest subnormal.
    """

    def approximant(points: Tensor) -> Approximation:
        return relative(function(points), 2 * ulps * UNIT_ROUNDOFF, ulps * SMALLEST_SUBNORMAL)

    return approximant
