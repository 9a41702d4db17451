"""Conversions between formats, integers and text, against numpy, torch and exact rationals."""

from __future__ import annotations

import random
import struct
from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.float32 import hardware
from tests.float32.operands import mismatches, random_bits, special_values
from tests.float32.oracle import is_correctly_rounded

from torchlean.float32 import (
    BFLOAT16,
    BINARY16,
    BINARY32,
    BINARY64,
    DEFAULT,
    Environment,
    Flags,
    IntegerResult,
    Result,
    Rounding,
    scalar,
    vector,
)


def wide(count: int, seed: int) -> np.ndarray:
    """binary64 numbers around those of binary32: next to them, next to the ties between them, and any."""
    generator = np.random.default_rng(seed)
    bits = vector.to_binary64(random_bits(count, generator))
    bits = bits + (generator.integers(0, 4, count) << 28).astype(np.uint64)
    bits += generator.integers(-1, 2, count).astype(np.uint64)
    return np.where(
        generator.random(count) < 0.9, bits, generator.integers(0, 1 << 64, count, dtype=np.uint64)
    )


@pytest.mark.parametrize("direction", hardware.DIRECTIONS)
def test_binary64_is_rounded_as_the_processor_does(direction: Rounding) -> None:
    a = wide(200_000, 1)
    with np.errstate(all="ignore"), hardware.rounding(direction):
        theirs = a.view(np.float64).astype(np.float32)
    assert mismatches(vector.from_binary64(a, environment=Environment(direction)), theirs).size == 0


def test_the_scalar_form_rounds_binary64_as_the_processor_does() -> None:
    a = wide(100_000, 2)
    ours = np.array([scalar.convert_format(x, BINARY64, BINARY32).bits for x in a.tolist()], np.uint32)
    with np.errstate(all="ignore"):
        theirs = a.view(np.float64).astype(np.float32)
    assert mismatches(ours, theirs).size == 0


def test_binary64_reaches_binary16_without_a_second_rounding() -> None:
    """1 + 2^-11 + 2^-40 is above a tie of binary16, but becomes that tie, and then 1, on the way through
    binary32.
    """
    number = np.array([1 + 2.0**-11 + 2.0**-40]).view(np.uint64)
    once = vector.from_binary64(number, BINARY16)
    twice = vector.to_binary16(vector.from_binary64(number))
    assert once.view(np.float16)[0] == 1 + 2.0**-10 and twice.view(np.float16)[0] == 1


def test_short_formats_are_those_of_numpy_and_torch() -> None:
    a = np.concatenate([special_values(), random_bits(200_000, np.random.default_rng(3))])
    with np.errstate(all="ignore"):
        half = a.view(np.float32).astype(np.float16).view(np.uint16)
    ours = vector.to_binary16(a)
    nan = (a & 0x7FFFFFFF) > 0x7F800000
    assert np.array_equal(ours[~nan], half[~nan])
    brain = torch.from_numpy(a.view(np.float32)).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    assert np.array_equal(vector.to_bfloat16(a)[~nan], brain[~nan])


def test_every_short_number_is_widened_as_by_numpy_and_torch() -> None:
    every = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)
    with np.errstate(all="ignore"):
        assert mismatches(vector.from_binary16(every), every.view(np.float16).astype(np.float32)).size == 0
    brain = torch.from_numpy(every.view(np.int16)).view(torch.bfloat16).to(torch.float32).numpy()
    assert mismatches(vector.from_bfloat16(every), brain).size == 0
    a = random_bits(100_000, np.random.default_rng(4))
    with np.errstate(all="ignore"):
        assert mismatches(vector.to_binary64(a), a.view(np.float32).astype(np.float64)).size == 0


def test_nans_keep_the_top_of_their_payload_between_formats() -> None:
    nan = 0xFFC12345
    assert scalar.convert_format(nan, BINARY32, BFLOAT16) == Result(0xFFC1, Flags.NONE)
    assert scalar.convert_format(0x7F812345, BINARY32, BFLOAT16) == Result(0x7FC1, Flags.INVALID)
    there = scalar.convert_format(nan, BINARY32, BINARY64).bits
    assert scalar.convert_format(there, BINARY64, BINARY32).bits == nan


def test_integers_come_and_go_as_by_numpy() -> None:
    generator = np.random.default_rng(5)
    values = generator.integers(-(1 << 63), (1 << 63) - 1, 100_000) >> generator.integers(0, 64, 100_000)
    assert np.array_equal(vector.convert_from_integer(values), values.astype(np.float32).view(np.uint32))
    small = values.astype(np.int32)
    assert np.array_equal(vector.convert_from_integer(small), small.astype(np.float32).view(np.uint32))
    a = random_bits(100_000, generator)
    truncating = Environment(Rounding.TOWARD_ZERO)
    floats = a.view(np.float32)
    with np.errstate(all="ignore"):
        fits = np.abs(floats.astype(np.float64)) < 2.0**63
        theirs = floats[fits].astype(np.int64)
    assert np.array_equal(vector.convert_to_integer(a, scalar.INT64, truncating)[fits], theirs)


@pytest.mark.parametrize(
    ("number", "target", "expected"),
    [
        ("2147483520", scalar.INT32, IntegerResult(2147483520, Flags.NONE)),
        ("2147483648", scalar.INT32, IntegerResult(2147483647, Flags.INVALID)),
        ("-2147483648", scalar.INT32, IntegerResult(-2147483648, Flags.NONE)),
        ("255.5", scalar.UINT8, IntegerResult(255, Flags.INVALID)),
        ("254.5", scalar.UINT8, IntegerResult(254, Flags.INEXACT)),
        ("-0.5", scalar.UINT8, IntegerResult(0, Flags.INEXACT)),
        ("-1", scalar.UINT8, IntegerResult(0, Flags.INVALID)),
        ("nan", scalar.INT32, IntegerResult(0, Flags.INVALID)),
        ("-inf", scalar.INT64, IntegerResult(-(1 << 63), Flags.INVALID)),
        ("1e30", scalar.INT64, IntegerResult((1 << 63) - 1, Flags.INVALID)),
    ],
)
def test_integers_saturate_and_signal(
    number: str, target: scalar.IntegerType, expected: IntegerResult
) -> None:
    bits = scalar.convert_from_decimal(number).bits
    assert scalar.convert_to_integer(bits, target, exact=True) == expected
    if expected.flags == Flags.INVALID:
        x86 = scalar.convert_to_integer(bits, target, out_of_range=scalar.OutOfRange.INDEFINITE)
        assert x86.value == (target.smallest if target.signed else target.largest)


def hard_decimals(count: int) -> list[tuple[str, Fraction]]:
    """Decimals at ties between two numbers of binary32, and a hair's breadth from them."""
    source = random.Random(6)
    found = []
    for _ in range(count):
        bits = source.choice([source.randrange(1, 0x7F7FFFFF), source.randrange(1, 0x00900000)])
        middle = (scalar.to_fraction(bits) + scalar.to_fraction(bits + 1)) / 2
        power = 160 + 5
        digits = middle * 10**power
        whole = digits.numerator // digits.denominator + source.choice([-1, 0, 1])
        found.append((f"{whole}e-{power}", Fraction(whole, 10**power)))
    return found


@pytest.mark.parametrize("rounding", Rounding)
def test_decimals_are_rounded_once_however_many_digits_they_have(rounding: Rounding) -> None:
    for text, exact in hard_decimals(800):
        for sign in ("", "-"):
            bits = scalar.convert_from_decimal(sign + text, Environment(rounding)).bits
            assert is_correctly_rounded(bits, -exact if sign else exact, rounding), sign + text


def test_a_decimal_is_not_rounded_through_binary64() -> None:
    """Just above a tie of binary32, by less than binary64 can see."""
    text = "1.00000005960464477539062500000001"
    assert scalar.convert_from_decimal(text).bits == 0x3F800001
    assert np.float32(float(text)).view(np.uint32) == 0x3F800000


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("0", 0),
        ("-0.000e99", 1 << 31),
        ("1e-1000000000", 0),
        ("1e1000000000", 0x7F800000),
        ("." + "0" * 5000 + "1e5001", 0x3F800000),
        ("1" + "0" * 5000 + "e-5000", 0x3F800000),
        ("3.4028235e38", 0x7F7FFFFF),
        ("3.4028235677973367e38", 0x7F800000),
        ("3.4028235677973366e38", 0x7F7FFFFF),
        ("7.006492321624085e-46", 0),
        ("7.006492321624086e-46", 1),
        ("-Infinity", 0xFF800000),
        ("nan", 0x7FC00000),
        ("-sNaN", 0xFF800001),
    ],
)
def test_borders_are_read_right(text: str, bits: int) -> None:
    assert scalar.convert_from_decimal(text).bits == bits


@pytest.mark.parametrize("text", ["", "-", ".", "e5", "1e", "0x1p0", "1_0", "١", " 1", "infinit"])
def test_text_that_is_no_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a decimal number"):
        scalar.convert_from_decimal(text)


def test_the_shortest_decimal_reads_back_and_none_is_shorter() -> None:
    source = random.Random(7)
    powers_of_two = [e << 23 for e in range(1, 255)]
    for bits in (
        powers_of_two
        + [1, 2, 3, 0x7FFFFF, 0x7F7FFFFF]
        + [source.randrange(1, 0x7F800000) for _ in range(1500)]
    ):
        text = scalar.shortest_decimal(bits)
        assert scalar.convert_from_decimal(text).bits == bits
        digits = len(text.split("e")[0].replace(".", "").strip("0"))
        if digits > 1:
            exact = scalar.to_fraction(bits)
            scale = Fraction(10) ** (digits - 2 - int(np.format_float_scientific(float(exact)).split("e")[1]))
            around = [Fraction(int(exact * scale) + step) / scale for step in (-1, 0, 1, 2)]
            assert bits not in [scalar.from_quotient(x.numerator, x.denominator).bits for x in around], text


def test_the_shortest_decimals_of_binary64_are_pythons() -> None:
    source = random.Random(8)
    for bits in [e << 52 for e in range(1, 2047, 9)] + [
        source.randrange(1, 0x7FF << 52) for _ in range(1500)
    ]:
        number: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
        ours = scalar.shortest_decimal(bits, BINARY64)
        assert Fraction(ours) == Fraction(repr(number)), number


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("digits", [1, 3, 9, 40])
def test_decimals_of_given_length_are_next_to_the_number(digits: int, rounding: Rounding) -> None:
    source = random.Random(9)
    for bits in [0x3F800000, 0x3F7FFFFF, 0x40200000] + [source.randrange(1, 0x7F800000) for _ in range(200)]:
        text = scalar.convert_to_decimal(bits | 1 << 31, digits, Environment(rounding))
        shown, exact = Fraction(text), scalar.to_fraction(bits | 1 << 31)
        unit = Fraction(10) ** (int(text.split("e")[1]) - digits + 1)
        assert len(text.split("e")[0].replace(".", "")) == digits + 1 and (shown / unit).denominator == 1
        error = shown - exact
        if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
            assert abs(error) <= unit / 2
        else:
            outward = {Rounding.TOWARD_NEGATIVE: -1, Rounding.TOWARD_POSITIVE: 1, Rounding.TOWARD_ZERO: 1}[
                rounding
            ]
            assert 0 <= error * outward < unit


def test_hexadecimal_text_is_that_of_python() -> None:
    source = random.Random(10)
    for bits in [0, 1 << 31, 1, 0x7F7FFFFF, *(source.randrange(0x7F800000) for _ in range(500))]:
        number = float(np.array([bits], np.uint32).view(np.float32)[0])
        text = scalar.convert_to_hexadecimal(bits)
        assert float.fromhex(text) == number
        assert scalar.convert_from_hexadecimal(text).bits == bits
        assert scalar.convert_from_hexadecimal(number.hex()).bits == bits
    assert scalar.convert_from_hexadecimal("0x1.000001p0") == Result(0x3F800000, Flags.INEXACT)
    assert scalar.convert_from_hexadecimal("0x1.0000011p0").bits == 0x3F800001
    assert scalar.convert_from_hexadecimal("-0x1p99999999999").bits == 0xFF800000
    with pytest.raises(ValueError, match="hexadecimal"):
        scalar.convert_from_hexadecimal("0x1")


def test_rationals_are_rounded_once_in_every_direction() -> None:
    source = random.Random(11)
    for _ in range(1500):
        exact = Fraction(source.randrange(1, 10**30), source.randrange(1, 10**60)) * Fraction(
            10
        ) ** source.choice([0, 30, -20])
        for rounding in Rounding:
            bits = scalar.from_quotient(-exact.numerator, exact.denominator, Environment(rounding)).bits
            assert is_correctly_rounded(bits, -exact, rounding)
    assert scalar.from_quotient(0, 5, DEFAULT) == Result(0, Flags.NONE)
    with pytest.raises(ValueError, match="positive denominator"):
        scalar.from_quotient(1, 0)
