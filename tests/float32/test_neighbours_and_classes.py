"""Neighbours, units, exponents, classes and signs; the binary32 value type."""

from __future__ import annotations

import doctest
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from tests.float32.operands import mismatches, random_bits, special_values

from torchlean.float32 import BINARY32, Binary32, Environment, Flags, Result, Rounding, scalar, value

SPECIAL = special_values().tolist()


def test_next_up_walks_through_every_number_in_order() -> None:
    """5.3.1: from -∞ over -0 (never +0) to +∞, sampled by stepping from every special value."""
    for bits in SPECIAL:
        if scalar.is_nan(bits):
            continue
        up, down = scalar.next_up(bits), scalar.next_down(bits)
        assert up.flags == down.flags == Flags.NONE
        if bits != BINARY32.infinity:
            assert scalar.compare("compareQuietLess", bits, up.bits).holds
            # Nothing lies between: going back arrives at the same value.
            assert scalar.compare("compareQuietEqual", scalar.next_down(up.bits).bits, bits).holds
        if bits != BINARY32.infinity | 1 << 31:
            assert scalar.compare("compareQuietGreater", bits, down.bits).holds
    assert scalar.next_up(0x80000001).bits == 0x80000000
    assert scalar.next_up(0x80000000).bits == 1 and scalar.next_down(0).bits == 0x80000001
    assert scalar.next_up(0xFF800000).bits == 0xFF7FFFFF
    assert scalar.next_up(0x7F800001) == Result(0x7FC00001, Flags.INVALID)


def test_next_after_stops_at_its_goal_and_raises_flags_at_the_borders() -> None:
    tiny = Flags.UNDERFLOW | Flags.INEXACT
    assert scalar.next_after(0, 1 << 31) == Result(1 << 31, Flags.NONE)
    assert scalar.next_after(1, 0) == Result(0, tiny)
    assert scalar.next_after(0x7F7FFFFF, 0x7F800000) == Result(0x7F800000, Flags.OVERFLOW | Flags.INEXACT)
    assert scalar.next_after(0x7F800000, 0) == Result(0x7F7FFFFF, Flags.NONE)
    assert scalar.next_after(0x3F800000, 0x40000000) == Result(0x3F800001, Flags.NONE)


def test_the_unit_in_the_last_place_is_numpys_spacing() -> None:
    a = random_bits(20_000, np.random.default_rng(1)) & 0x7FFFFFFF
    ours = np.array([scalar.ulp(x) for x in a.tolist()], np.uint32)
    with np.errstate(all="ignore"):
        theirs = np.spacing(a.view(np.float32))
    finite = a < 0x7F7FFFFF
    assert mismatches(ours[finite], theirs[finite]).size == 0
    assert scalar.ulp(0x7F800000) == 0x7F800000 and scalar.ulp(0xFFC00000) == 0x7FC00000


def test_log_b_is_the_exponent_of_the_value() -> None:
    for bits in SPECIAL:
        if not scalar.is_finite(bits) or scalar.is_zero(bits):
            continue
        exponent = scalar.to_fraction(scalar.log_b(bits).bits)
        assert (
            Fraction(2) ** int(exponent) <= abs(scalar.to_fraction(bits)) < Fraction(2) ** int(exponent + 1)
        )


@pytest.mark.parametrize("n", [-(10**9), -300, -149, -1, 0, 1, 300, 10**9])
def test_scaling_is_multiplication_by_a_power_of_two(n: int) -> None:
    for bits in SPECIAL:
        if not scalar.is_finite(bits):
            continue
        result = scalar.scale_b(bits, n, Environment(Rounding.TOWARD_ZERO))
        if scalar.is_zero(bits):
            assert result == Result(bits, Flags.NONE)
        elif n == 10**9:
            assert result.bits & 0x7FFFFFFF == 0x7F7FFFFF and Flags.OVERFLOW in result.flags
        elif n == -(10**9):
            assert result.bits & 0x7FFFFFFF == 0 and Flags.UNDERFLOW in result.flags
        elif Flags.INEXACT not in result.flags:
            assert scalar.to_fraction(result.bits) == scalar.to_fraction(bits) * Fraction(2) ** n


def test_every_class_is_found_and_agrees_with_its_predicates() -> None:
    classes = Counter(scalar.class_of(bits) for bits in SPECIAL)
    assert set(classes) == set(scalar.NumberClass)
    for bits in SPECIAL:
        name = scalar.class_of(bits).value
        assert scalar.is_nan(bits) == name.endswith("NaN")
        assert scalar.is_signaling(bits) == (name == "signalingNaN")
        assert scalar.is_subnormal(bits) == name.endswith("Subnormal")
        assert scalar.is_normal(bits) == name.endswith("Normal")
        assert scalar.is_zero(bits) == name.endswith("Zero")
        assert scalar.is_infinite(bits) == name.endswith("Infinity")
        assert scalar.is_canonical(bits)
        if not scalar.is_nan(bits):
            assert scalar.is_sign_minus(bits) == name.startswith("negative")


def test_signs_are_moved_without_looking_at_the_number() -> None:
    for bits in SPECIAL:
        assert scalar.negate(scalar.negate(bits)) == bits != scalar.negate(bits)
        assert scalar.copy_sign(bits, scalar.negate(bits)) == scalar.negate(bits)
        assert scalar.absolute(bits) == scalar.copy_sign(bits, 0)


def test_payloads_are_put_into_nans_and_taken_out() -> None:
    for signaling in (False, True):
        nan = scalar.nan_with_payload(0x1234, signaling=signaling)
        assert scalar.payload(nan) == 0x1234 and scalar.is_signaling(nan) == signaling
    assert scalar.payload(0x7F800000) is None
    for number, signaling in ((0, True), (0x400000, False), (-1, False)):
        with pytest.raises(ValueError, match="expected a payload"):
            scalar.nan_with_payload(number, signaling=signaling)


def test_values_have_operators_that_round_once() -> None:
    source = random.Random(2)
    for _ in range(2000):
        a, b = (Binary32.from_fraction(Fraction(source.randrange(-(10**9), 10**9), 10**4)) for _ in range(2))
        for ours, exact in (
            (a + b, a.to_fraction() + b.to_fraction()),
            (a - b, a.to_fraction() - b.to_fraction()),
            (a * b, a.to_fraction() * b.to_fraction()),
            (a.fma(b, a), a.to_fraction() * b.to_fraction() + a.to_fraction()),
            (-a, -a.to_fraction()),
            (abs(a), abs(a.to_fraction())),
        ):
            assert ours == Binary32.from_fraction(exact)
        assert (a < b, a <= b, a > b, a >= b) == (
            a.to_float() < b.to_float(),
            a.to_float() <= b.to_float(),
            a.to_float() > b.to_float(),
            a.to_float() >= b.to_float(),
        )
        assert Binary32.from_text(str(a)) == a == Binary32.from_float(a.to_float())


def test_values_compare_as_numbers_and_hash_accordingly() -> None:
    zero, minus_zero, nan = Binary32(0), Binary32(1 << 31), Binary32(0x7FC00000)
    assert zero == minus_zero and hash(zero) == hash(minus_zero) and zero.bits != minus_zero.bits
    assert nan != nan and nan.is_nan and not nan.is_finite
    assert zero != 0.0, "a value equals no Python float, however alike"
    assert str(Binary32.from_text("0x1.8p1")) == "3" and repr(Binary32(1)) == "Binary32('1e-45')"
    one = Binary32.from_text("1")
    assert (one / zero).bits == 0x7F800000 and (one.next_up() - one) == one.ulp()
    assert one.next_up().next_down() == one == Binary32.from_text("4").sqrt() - one
    assert Binary32.from_text("7").remainder(Binary32.from_text("4")).to_fraction() == -1
    with pytest.raises(ValueError, match="binary32"):
        Binary32.from_bits(1 << 32)
    with pytest.raises(ValueError, match="finite"):
        nan.to_fraction()


def test_the_example_of_the_value_type_is_true() -> None:
    result = doctest.testmod(value)
    assert result.attempted == 2 and result.failed == 0
