"""Reference values for tests of bounds: exact rationals, and mpmath with far more digits than float64.

Bounds are compared without any tolerance: float64 numbers convert exactly to `Fraction` and to `mpf`, and a
reference is rounded to `PRECISION` bits, whose error is far below what any rule adds. Where a bound may equal the
exact value (the results of exact ops), the reference is a `Fraction`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath
from mpmath import mpf

PRECISION = 400
"""Bits. float64 has 53, and no function here cancels more than some 100 of them near its kinks."""

Exact = Fraction | mpf

mpmath.mp.prec = PRECISION


def within(lower: float, value: Exact, upper: float) -> bool:
    """`lower <= value <= upper` in exact arithmetic; an infinite end excludes nothing."""
    number: Callable[[float], Exact] = Fraction if isinstance(value, Fraction) else mpf
    above = lower == -math.inf or number(lower) <= value
    return above and (upper == math.inf or value <= number(upper))


def floor(value: Fraction) -> Fraction:
    return Fraction(math.floor(value))


def trunc(value: Fraction) -> Fraction:
    return Fraction(math.trunc(value))


def analytic(function: Callable[..., mpf]) -> Callable[..., Exact]:
    """A function of mpf as one of `Fraction` arguments."""
    return lambda *values: function(*(mpf(v.numerator) / v.denominator for v in values))
