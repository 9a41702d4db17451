"""Bounds as short decimal text that claims no more than the bound: lower ends are rounded down, upper ends up.

The same for exact fractions as float64 numbers; and what an element of a tensor is called.
"""

from __future__ import annotations

import decimal
import math
import sys
from collections.abc import Sequence
from fractions import Fraction

DIGITS = 5
"""Significant digits: enough to see an edit's effect, few enough to read at a glance."""

NEAR = decimal.Decimal("1e-9")
"""Relative distance below which a bound counts as a short number plus the traces of outward rounding: far above what
rounding adds to a sum of thousands of terms, far below what anybody reads off a bound."""

NEAR_DIGITS = 2
"""More digits for such a bound: `2.000001` is read as 2 and a trace, where `2.0001` looks like a result. With these
two, bounds get the seven digits at which binary32 itself ends."""


def rounded_down(value: Fraction) -> float:
    """The greatest float64 number that is not above `value`; minus infinity below all of them."""
    try:
        nearest = float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -math.inf
    return nearest if Fraction(nearest) <= value else math.nextafter(nearest, -math.inf)


def rounded_up(value: Fraction) -> float:
    """The least float64 number that is not below `value`; infinity above all of them."""
    return -rounded_down(-value)


def lower_text(value: float, digits: int = DIGITS) -> str:
    """A decimal that is not above `value`: `0.33333` for 1/3, `-0.33334` for -1/3."""
    return _text(value, digits, decimal.ROUND_FLOOR)


def upper_text(value: float, digits: int = DIGITS) -> str:
    """A decimal that is not below `value`: `0.33334` for 1/3."""
    return _text(value, digits, decimal.ROUND_CEILING)


def interval_text(lower: float, upper: float, digits: int = DIGITS) -> str:
    """`[-1, 0.33334]`; infinite ends as `-∞` and `∞`."""
    return f"[{lower_text(lower, digits)}, {upper_text(upper, digits)}]"


def _text(value: float, digits: int, rounding: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    rounded = _rounded(decimal.Decimal(value), digits, rounding)
    if rounded == 0:
        return "0"
    exponent = rounded.adjusted()
    if -5 <= exponent < digits + 2:
        text = format(rounded, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = format(rounded.scaleb(-exponent), "f")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{exponent}"


def _rounded(exact: decimal.Decimal, digits: int, rounding: str) -> decimal.Decimal:
    """`exact` in the direction asked for, with more digits where it lies just outside of a short number.

    Decimal holds a float exactly, so only one rounding happens.
    """
    rounded = decimal.Context(prec=digits, rounding=rounding).create_decimal(exact)
    nearest = decimal.Context(prec=digits).create_decimal(exact)
    if rounded == nearest or abs(exact - nearest) > NEAR * abs(exact):
        return rounded
    return decimal.Context(prec=digits + NEAR_DIGITS, rounding=rounding).create_decimal(exact)


def element_name(name: str, shape: Sequence[int], index: int) -> str:
    """`X[0,3]` for a row-major index; a scalar is its bare name."""
    places: list[int] = []
    for size in reversed(shape):
        index, place = divmod(index, size)
        places.insert(0, place)
    return f"{name}[{','.join(map(str, places))}]" if places else name


def share_below(share: float) -> str:
    """`62.5 %`, rounded down: 99.99 % is not 100 %."""
    return f"{math.floor(share * 1000) / 10:g} %"


def share_above(share: float) -> str:
    """The same rounded up: nothing that is open is called shown."""
    return f"{math.ceil(share * 1000) / 10:g} %"
