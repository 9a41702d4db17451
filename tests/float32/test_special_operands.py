"""What the standard prescribes for NaNs, infinities and zeros, written down case by case with its clauses."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from tests.float32.operands import special_values

from torchlean.float32 import (
    DEFAULT,
    Environment,
    Flags,
    NanPolicy,
    Result,
    Rounding,
    Tininess,
    scalar,
)

ZERO, ONE, TWO, INFINITY, NAN = 0, 0x3F800000, 0x40000000, 0x7F800000, 0x7FC00000
MINUS = 1 << 31
SIGNALING = 0x7F800001
SMALLEST, SMALLEST_NORMAL, LARGEST = 1, 0x00800000, 0x7F7FFFFF

add, multiply, divide, fma = scalar.add, scalar.multiply, scalar.divide, scalar.fused_multiply_add


@pytest.mark.parametrize(
    "result",
    [
        scalar.add(INFINITY, INFINITY | MINUS),
        scalar.subtract(INFINITY, INFINITY),
        multiply(ZERO, INFINITY),
        fma(INFINITY, ZERO, ONE),
        fma(INFINITY, ONE, INFINITY | MINUS),
        divide(ZERO, ZERO | MINUS),
        divide(INFINITY, INFINITY),
        scalar.remainder(INFINITY, ONE),
        scalar.remainder(ONE, ZERO),
        scalar.square_root(ONE | MINUS),
        scalar.square_root(INFINITY | MINUS),
    ],
)
def test_operations_without_an_answer_are_invalid_and_give_the_canonical_nan(result: Result) -> None:
    """7.2, a to i."""
    assert result == Result(NAN, Flags.INVALID)


@pytest.mark.parametrize(
    ("result", "bits", "flags"),
    [
        (divide(ONE, ZERO | MINUS), INFINITY | MINUS, Flags.DIVIDE_BY_ZERO),
        (divide(INFINITY, ZERO), INFINITY, Flags.NONE),
        (divide(ONE | MINUS, INFINITY), ZERO | MINUS, Flags.NONE),
        (scalar.log_b(ZERO), INFINITY | MINUS, Flags.DIVIDE_BY_ZERO),
        (scalar.log_b(INFINITY | MINUS), INFINITY, Flags.NONE),
        (scalar.square_root(ZERO | MINUS), ZERO | MINUS, Flags.NONE),
        (scalar.remainder(ONE, INFINITY), ONE, Flags.NONE),
        (scalar.remainder(ONE | MINUS, ONE), ZERO | MINUS, Flags.NONE),
        (fma(ZERO, INFINITY, NAN), NAN, Flags.NONE),
        (add(LARGEST, LARGEST), INFINITY, Flags.OVERFLOW | Flags.INEXACT),
        (multiply(SMALLEST, 0x3F000000), ZERO, Flags.UNDERFLOW | Flags.INEXACT),
        (multiply(SMALLEST_NORMAL, 0x3F000000), 0x00400000, Flags.NONE),
        (add(SMALLEST, SMALLEST | MINUS), ZERO, Flags.NONE),
    ],
)
def test_exact_infinities_zeros_and_borders(result: Result, bits: int, flags: Flags) -> None:
    """5.3, 6.1, 7.3, 7.4, 7.5: exact tiny results raise nothing."""
    assert result == Result(bits, flags)


@pytest.mark.parametrize("rounding", Rounding)
def test_an_exact_zero_sum_is_positive_unless_rounding_toward_negative(rounding: Rounding) -> None:
    """6.3."""
    environment = Environment(rounding)
    expected = MINUS if rounding is Rounding.TOWARD_NEGATIVE else 0
    assert add(ONE, ONE | MINUS, environment).bits == expected
    assert add(ZERO, ZERO | MINUS, environment).bits == expected
    assert fma(ONE, ONE, ONE | MINUS, environment).bits == expected
    assert add(ZERO | MINUS, ZERO | MINUS, environment).bits == MINUS
    assert scalar.subtract(ZERO, ZERO, environment).bits == expected


@pytest.mark.parametrize(
    ("rounding", "positive", "negative"),
    [
        (Rounding.TIES_TO_EVEN, INFINITY, INFINITY),
        (Rounding.TIES_TO_AWAY, INFINITY, INFINITY),
        (Rounding.TOWARD_ZERO, LARGEST, LARGEST),
        (Rounding.TOWARD_POSITIVE, INFINITY, LARGEST),
        (Rounding.TOWARD_NEGATIVE, LARGEST, INFINITY),
    ],
)
def test_overflow_gives_infinity_or_the_largest_number_by_direction(
    rounding: Rounding, positive: int, negative: int
) -> None:
    """7.4."""
    environment = Environment(rounding)
    assert multiply(LARGEST, TWO, environment) == Result(positive, Flags.OVERFLOW | Flags.INEXACT)
    assert multiply(LARGEST | MINUS, TWO, environment) == Result(
        negative | MINUS, Flags.OVERFLOW | Flags.INEXACT
    )


def test_tininess_is_judged_before_or_after_rounding() -> None:
    """7.5: 2^-126 - 2^-160 rounds up to the smallest normal number; (1 - 2^-24) 2^-126 is exact at 24 bits
    and stays below.
    """
    after = Environment(tininess=Tininess.AFTER_ROUNDING)
    before = Environment(tininess=Tininess.BEFORE_ROUNDING)
    tiny = Flags.UNDERFLOW | Flags.INEXACT
    power_100, power_60 = scalar.scale_b(ONE | MINUS, -100).bits, scalar.scale_b(ONE, -60).bits
    assert fma(power_100, power_60, SMALLEST_NORMAL, after) == Result(SMALLEST_NORMAL, Flags.INEXACT)
    assert fma(power_100, power_60, SMALLEST_NORMAL, before) == Result(SMALLEST_NORMAL, tiny)
    for environment in (after, before):
        assert multiply(0x3F7FFFFF, SMALLEST_NORMAL, environment) == Result(SMALLEST_NORMAL, tiny)


@pytest.mark.parametrize("policy", NanPolicy)
def test_nans_are_quiet_and_signaling_ones_raise_invalid(policy: NanPolicy) -> None:
    """6.2.3: the first operand's payload is kept, or no payload at all."""
    environment = Environment(nan_policy=policy)
    payload = SIGNALING | MINUS | 0x1234
    for operation in (add, scalar.subtract, multiply, divide, scalar.remainder, scalar.minimum):
        kept = payload | 0x400000 if policy is NanPolicy.FIRST_OPERAND else NAN
        assert operation(payload, NAN, environment) == Result(kept, Flags.INVALID)
        second = NAN | 7 if policy is NanPolicy.FIRST_OPERAND else NAN
        assert operation(ONE, NAN | 7, environment) == Result(second, Flags.NONE)


def test_subnormal_operands_and_results_can_be_taken_for_zeros() -> None:
    flushing = Environment(flush_to_zero=True)
    reading = Environment(denormals_are_zero=True)
    tiny = Flags.UNDERFLOW | Flags.INEXACT
    assert multiply(SMALLEST_NORMAL | MINUS, 0x3F000000, flushing) == Result(ZERO | MINUS, tiny)
    assert add(SMALLEST_NORMAL, SMALLEST | MINUS, flushing) == Result(ZERO, tiny)
    assert add(SMALLEST, ONE, reading) == Result(ONE, Flags.NONE)
    assert multiply(0x007FFFFF, LARGEST, reading) == Result(ZERO, Flags.NONE)
    assert divide(ONE, SMALLEST, reading) == Result(INFINITY, Flags.DIVIDE_BY_ZERO)
    assert multiply(INFINITY, SMALLEST, reading) == Result(NAN, Flags.INVALID)


@pytest.mark.parametrize(
    ("function", "both", "quiet", "signaling"),
    [
        (scalar.minimum, ONE, NAN, NAN | 1),
        (scalar.maximum, TWO, NAN, NAN | 1),
        (scalar.minimum_number, ONE, ONE, ONE),
        (scalar.maximum_number, TWO, ONE, ONE),
        (scalar.min_num_2008, ONE, ONE, NAN | 1),
        (scalar.max_num_2008, TWO, ONE, NAN | 1),
    ],
)
def test_minimum_and_maximum_differ_in_what_nans_do(
    function: Callable[[int, int], Result], both: int, quiet: int, signaling: int
) -> None:
    """9.6, and 5.3.1 of 2008."""
    for order in (lambda a, b: (a, b), lambda a, b: (b, a)):
        assert function(*order(ONE, TWO)) == Result(both, Flags.NONE)
        assert function(*order(ONE, NAN)) == Result(quiet, Flags.NONE)
        assert function(*order(ONE, SIGNALING)) == Result(signaling, Flags.INVALID)
        zero = function(*order(ZERO, ZERO | MINUS)).bits
        assert zero == (MINUS if "min" in function.__name__ else ZERO)


def test_the_total_order_sorts_every_special_value() -> None:
    """5.10: sign-magnitude order of the patterns, so -NaN first and +NaN last."""
    values = special_values().tolist()
    expected = sorted((v for v in values if v & MINUS), reverse=True) + sorted(
        v for v in values if not v & MINUS
    )
    for (i, a), (j, b) in itertools.product(enumerate(expected), repeat=2):
        assert scalar.total_order(a, b) == (i <= j)
        assert scalar.total_order_magnitude(a, b) == ((a & ~MINUS) <= (b & ~MINUS))


def test_the_tables_of_predicates_agree_with_pythons_comparisons() -> None:
    """5.11, tables 5.1 to 5.3, on binary64 values of the operands."""
    values = special_values()
    floats = values.view(np.float32).tolist()
    python: dict[str, Callable[[float, float], bool]] = {
        "Equal": lambda x, y: x == y,
        "NotEqual": lambda x, y: x != y,
        "Greater": lambda x, y: x > y,
        "GreaterEqual": lambda x, y: x >= y,
        "Less": lambda x, y: x < y,
        "LessEqual": lambda x, y: x <= y,
        "NotGreater": lambda x, y: not x > y,
        "LessUnordered": lambda x, y: not x >= y,
        "NotLess": lambda x, y: not x < y,
        "GreaterUnordered": lambda x, y: not x <= y,
    }
    assert len(scalar.PREDICATES) == 22
    pairs = list(itertools.product(zip(values.tolist(), floats, strict=True), repeat=2))[::7]
    for (a, x), (b, y) in pairs:
        unordered = x != x or y != y
        signals = scalar.is_signaling(a) or scalar.is_signaling(b)
        for name, holds in python.items():
            quiet = scalar.compare(f"compareQuiet{name}", a, b)
            loud = scalar.compare(f"compareSignaling{name}", a, b)
            assert quiet == (holds(x, y), Flags.INVALID if signals else Flags.NONE)
            assert loud == (holds(x, y), Flags.INVALID if unordered else Flags.NONE)
        assert scalar.compare("compareQuietUnordered", a, b).holds == unordered
        assert scalar.compare("compareQuietOrdered", a, b).holds != unordered


def test_operands_that_are_no_patterns_are_refused() -> None:
    for operation in (add, multiply, divide, scalar.minimum, scalar.total_order):
        with pytest.raises(ValueError, match="bits of a binary32 number"):
            operation(1 << 32, ONE)
        with pytest.raises(ValueError, match="bits of a binary32 number"):
            operation(ONE, -1)
    assert Environment() == DEFAULT
