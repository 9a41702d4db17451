"""Correct rounding by definition: on a table of every value of a small format, or by looking at a result's
neighbours.

Nothing here shares a line with the implementation: no shifting, no remainder against half, only comparisons
of rationals.
"""

from __future__ import annotations

import bisect
from fractions import Fraction

from torchlean.float32 import Environment, Flags, Format, Rounding, Tininess


class Table:
    """Every non-negative finite value of a format, in order; the index of a value is its pattern."""

    def __init__(self, format: Format) -> None:
        self.format = format
        self.values = self._values(format.minimum_exponent, format.maximum_exponent)
        # Rounding "as though the exponent range were unbounded" needs two binades on each side.
        self.wide = self._values(format.minimum_exponent - 12, format.maximum_exponent + 12)

    def _values(self, lowest: int, highest: int) -> list[Fraction]:
        p = self.format.precision
        quantum = Fraction(2) ** (lowest - p + 1)
        values = [quantum * m for m in range(1 << (p - 1))]
        for exponent in range(lowest, highest + 1):
            values += [Fraction(2) ** (exponent - p + 1) * ((1 << (p - 1)) + m) for m in range(1 << (p - 1))]
        return values

    def round(self, exact: Fraction, environment: Environment) -> tuple[int, Flags]:
        """The pattern and flags of a non-zero exact value."""
        size, negative = abs(exact), exact < 0
        sign = self.format.sign_mask if negative else 0
        smallest_normal = Fraction(2) ** self.format.minimum_exponent
        unbounded = self.wide[self._nearest(self.wide, size, negative, environment.rounding)]
        if unbounded > self.values[-1]:
            outward = _may_grow(negative, environment.rounding)
            return sign | (self.format.largest_finite + outward), Flags.OVERFLOW | Flags.INEXACT
        tiny = (size if environment.tininess is Tininess.BEFORE_ROUNDING else unbounded) < smallest_normal
        if tiny and environment.flush_to_zero:
            return sign, Flags.UNDERFLOW | Flags.INEXACT
        pattern = self._nearest(self.values, size, negative, environment.rounding)
        if self.values[pattern] == size:
            return sign | pattern, Flags.NONE
        return sign | pattern, Flags.INEXACT | (Flags.UNDERFLOW if tiny else Flags.NONE)

    @staticmethod
    def _nearest(values: list[Fraction], size: Fraction, negative: bool, rounding: Rounding) -> int:
        above = bisect.bisect_left(values, size)
        if above == len(values) or values[above] == size:
            return min(above, len(values) - 1)
        below = above - 1
        if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
            down, up = size - values[below], values[above] - size
            if down != up:
                return below if down < up else above
            return above if rounding is Rounding.TIES_TO_AWAY or above % 2 == 0 else below
        grows = rounding is (Rounding.TOWARD_NEGATIVE if negative else Rounding.TOWARD_POSITIVE)
        return above if grows else below


def _may_grow(negative: bool, rounding: Rounding) -> bool:
    """Whether a value above the largest number becomes infinite."""
    if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
        return True
    return rounding is (Rounding.TOWARD_NEGATIVE if negative else Rounding.TOWARD_POSITIVE)


def is_correctly_rounded(bits: int, exact: Fraction, rounding: Rounding) -> bool:
    """Whether a binary32 pattern is the rounding of a non-zero value, judged by the pattern's two neighbours."""
    size = abs(exact)
    if bits >> 31 != (exact < 0):
        return False
    pattern = bits & 0x7FFFFFFF
    here, above = _magnitude(pattern), _magnitude(pattern + 1)
    below = _magnitude(pattern - 1) if pattern else -above
    if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
        low, high = (below + here) / 2, (here + above) / 2
        if rounding is Rounding.TIES_TO_AWAY:
            return low <= size < high
        return low <= size <= high if pattern % 2 == 0 else low < size < high
    if rounding is (Rounding.TOWARD_NEGATIVE if exact < 0 else Rounding.TOWARD_POSITIVE):
        return below < size and (size <= here or pattern == 0x7F800000)
    return here <= size < above or (pattern == 0x7F7FFFFF and size >= here)


def _magnitude(pattern: int) -> Fraction:
    """The value of a non-negative pattern, infinity standing for 2^128, and beyond for what never rounds to
    infinity.
    """
    if pattern > 0x7F800000:
        return Fraction(1 << 100000)
    exponent, trailing = pattern >> 23, pattern & 0x7FFFFF
    if exponent == 0:
        return trailing * Fraction(1, 1 << 149)
    return Fraction((1 << 23) + trailing) * Fraction(2) ** (exponent - 150)
