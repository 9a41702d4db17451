"""Printed bounds never claim more than the bounds they print."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlean.numbers import interval_text, lower_text, upper_text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(min_value=1, max_value=17))
def test_the_printed_interval_contains_the_number(value: float, digits: int) -> None:
    assert Fraction(lower_text(value, digits)) <= Fraction(value) <= Fraction(upper_text(value, digits))


@given(st.floats(min_value=1e-300, max_value=1e300), st.integers(min_value=2, max_value=12))
def test_the_printed_ends_are_within_one_unit_of_the_last_digit(value: float, digits: int) -> None:
    gap = Fraction(upper_text(value, digits)) - Fraction(lower_text(value, digits))
    assert gap <= Fraction(value) * Fraction(10) ** (1 - digits) * (1 + Fraction(1, 10**6))


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (0.0, 1.0, "[0, 1]"),
        (-1 / 3, 1 / 3, "[-0.33334, 0.33334]"),
        (-math.inf, math.inf, "[-∞, ∞]"),
        (-1e30, 2.5e-20, "[-1.000001e30, 2.5e-20]"),
        (100000.0, 1234567.0, "[100000, 1234600]"),
        (-0.05, 0.05, "[-0.05000001, 0.05000001]"),
        (math.nextafter(-1.0, -2.0), math.nextafter(2.0, 3.0), "[-1.000001, 2.000001]"),
        (math.nextafter(-1.0, 0.0), math.nextafter(100.0, 0.0), "[-1, 100]"),
        (-100.001, 2.0001, "[-100.01, 2.000101]"),
    ],
)
def test_intervals_read_naturally(lower: float, upper: float, text: str) -> None:
    assert interval_text(lower, upper) == text
