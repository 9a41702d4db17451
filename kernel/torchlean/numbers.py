"""Bounds as short decimal text that claims no more than the bound: lower ends are rounded down, upper ends up."""

from __future__ import annotations

import decimal
import math

DIGITS = 5
"""Significant digits: enough to see an edit's effect, few enough to read at a glance."""


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
    context = decimal.Context(prec=digits, rounding=rounding)
    # Decimal holds a float exactly, so only this one rounding happens, in the direction asked for.
    rounded = context.create_decimal(decimal.Decimal(value))
    if rounded == 0:
        return "0"
    exponent = rounded.adjusted()
    if -5 <= exponent < digits + 2:
        text = format(rounded, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = format(rounded.scaleb(-exponent), "f")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{exponent}"
