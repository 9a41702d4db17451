"""Outward rounding: from a float64 result with a known error to a bound that cannot be passed.

The basic operations `+ - * /` of float64 are correctly rounded (IEEE 754-2019, section 5.4), so one step of `nextafter`
outward encloses the exact result. torch's `sqrt` is not (its vector library was seen 0.53 ulp off, one input in
eighty), but one step is still enough for any error below one ulp. Transcendental functions of the platform are not
correctly rounded; they get `TRANSCENDENTAL_ULPS` steps. Sums and dot products have an a-priori bound that
holds for *every* summation order and any use of fused multiply-add: `|fl(sum) - sum| <= gamma(n) * sum
|terms|` (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1), plus an absolute term
for underflowing products.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

UNIT_ROUNDOFF = 2.0**-53
"""Half the distance from 1 to the next float64: the relative error of one correctly rounded operation."""

SMALLEST_SUBNORMAL = 2.0**-1074
"""The spacing of float64 near zero; a product that underflows is off by at most half of it."""

TRANSCENDENTAL_ULPS = 4
"""Outward steps for exp, log, tanh and their like.

torch's CPU kernels (SLEEF u10, MKL's high-accuracy mode, libm) state at most 1 ulp; tests/intervals compares
with mpmath and found nothing beyond 1. Four leaves room for composed kernels and other platforms.
"""

ERFC_ULPS = 6
"""The same for `erfc`, of which CUDA's mathematical library states 5 ulp; the others' errors are at most 3 there (CUDA
C++ Programming Guide, "Mathematical Functions", double precision)."""

_INFINITY = torch.tensor(math.inf, dtype=torch.float64)
_MINUS_INFINITY = -_INFINITY


def successor(value: Tensor) -> Tensor:
    """The next float64 above every element."""
    return torch.nextafter(value, _INFINITY if value.is_cpu else value.new_full((), math.inf))


def predecessor(value: Tensor) -> Tensor:
    """The next float64 below every element."""
    return torch.nextafter(value, _MINUS_INFINITY if value.is_cpu else value.new_full((), -math.inf))


def up(value: Tensor, ulps: int = 1) -> Tensor:
    """The float64 `ulps` steps above every element; `+inf` stays, and NaN (an undefined bound) becomes
    `+inf`.
    """
    for _ in range(ulps):
        value = successor(value)
    return torch.nan_to_num(value, nan=math.inf, posinf=math.inf, neginf=-math.inf)


def down(value: Tensor, ulps: int = 1) -> Tensor:
    """The float64 `ulps` steps below every element; `-inf` stays, and NaN (an undefined bound) becomes
    `-inf`.
    """
    for _ in range(ulps):
        value = predecessor(value)
    return torch.nan_to_num(value, nan=-math.inf, posinf=math.inf, neginf=-math.inf)


def gamma(terms: int) -> float:
    """Higham's gamma_n = n u / (1 - n u), rounded up, for a sum of `terms` products in any order.

    Raises:
        ValueError: when `terms` is so large (over 2**50) that the bound would be meaningless.
    """
    if terms > 2**50:
        raise ValueError(f"no rounding bound for a sum of {terms} terms")
    # n*u is exact (a power of two times an integer below 2**53); the quotient is off by 2u at most.
    product = terms * UNIT_ROUNDOFF
    return product / (1.0 - product) * (1.0 + 4 * UNIT_ROUNDOFF)
