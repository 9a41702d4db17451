"""Every pair of operands of a format of seven bits, every triple of one of five, in all environments: nothing
is sampled.

Binary32 runs through the same code with other constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import isqrt

import pytest
from tests.float32.oracle import Table

from torchlean.float32 import Environment, Flags, Format, Result, Rounding, Tininess, scalar

SEVEN = Format("seven bits", precision=4, exponent_bits=3)
FIVE = Format("five bits", precision=3, exponent_bits=2)
TABLES = {format.name: Table(format) for format in (SEVEN, FIVE)}
ENVIRONMENTS = [
    *(Environment(rounding) for rounding in Rounding),
    Environment(tininess=Tininess.BEFORE_ROUNDING),
    Environment(flush_to_zero=True),
]


def finite(format: Format) -> list[int]:
    return [bits for bits in range(1 << format.width) if scalar.is_finite(bits, format)]


def value(bits: int, format: Format) -> Fraction:
    """The value by the table, not by the decoder under test."""
    size = TABLES[format.name].values[bits & format.magnitude_mask]
    return -size if bits & format.sign_mask else size


def assert_rounds(result: Result, exact: Fraction, environment: Environment, format: Format) -> None:
    if exact == 0:
        assert result.bits & format.magnitude_mask == 0 and result.flags == Flags.NONE
    else:
        assert tuple(result) == TABLES[format.name].round(exact, environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize(
    ("operation", "exactly"),
    [
        (scalar.add, lambda x, y: x + y),
        (scalar.subtract, lambda x, y: x - y),
        (scalar.multiply, lambda x, y: x * y),
        (scalar.divide, lambda x, y: x / y),
    ],
)
def test_every_pair_is_rounded_as_the_definition_says(
    operation: Callable[..., Result],
    exactly: Callable[[Fraction, Fraction], Fraction],
    environment: Environment,
) -> None:
    numbers = [(bits, value(bits, SEVEN)) for bits in finite(SEVEN)]
    for (a, x), (b, y) in itertools.product(numbers, numbers):
        if operation is scalar.divide and y == 0:
            continue
        assert_rounds(operation(a, b, environment, SEVEN), exactly(x, y), environment, SEVEN)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_every_triple_is_fused_as_the_definition_says(environment: Environment) -> None:
    numbers = [(bits, value(bits, FIVE)) for bits in finite(FIVE)]
    for (a, x), (b, y), (c, z) in itertools.product(numbers, numbers, numbers):
        result = scalar.fused_multiply_add(a, b, c, environment, FIVE)
        assert_rounds(result, x * y + z, environment, FIVE)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_every_conversion_to_a_shorter_format_is_rounded_once(environment: Environment) -> None:
    for bits in finite(SEVEN):
        result = scalar.convert_format(bits, SEVEN, FIVE, environment)
        assert_rounds(result, value(bits, SEVEN), environment, FIVE)


def test_every_square_root_lies_on_the_right_side_of_its_neighbours() -> None:
    values = TABLES[SEVEN.name].values
    for bits in range(1, SEVEN.infinity):
        x = value(bits, SEVEN)
        down = scalar.square_root(bits, Environment(Rounding.TOWARD_ZERO), SEVEN).bits
        up = scalar.square_root(bits, Environment(Rounding.TOWARD_POSITIVE), SEVEN).bits
        near = scalar.square_root(bits, format=SEVEN).bits
        assert values[down] ** 2 <= x < values[down + 1] ** 2
        assert up == down + (values[down] ** 2 != x)
        middle = (values[down] + values[down + 1]) / 2
        assert near == (down if x < middle**2 or values[down] ** 2 == x else up)


def test_every_remainder_is_that_of_the_nearest_multiple() -> None:
    numbers = [(bits, value(bits, SEVEN)) for bits in finite(SEVEN)]
    for (a, x), (b, y) in itertools.product(numbers, numbers):
        if y == 0:
            continue
        result = scalar.remainder(a, b, format=SEVEN)
        # round() on a Fraction is to the nearest integer, ties to even: the definition.
        expected = x - y * round(x / y)
        assert result.flags == Flags.NONE and value(result.bits, SEVEN) == expected
        if expected == 0:
            assert scalar.is_sign_minus(result.bits, SEVEN) == scalar.is_sign_minus(a, SEVEN)


@pytest.mark.parametrize("format", [SEVEN, FIVE], ids=lambda f: f.name)
def test_decoding_gives_the_value_and_encoding_brings_it_back(format: Format) -> None:
    for bits in finite(format):
        assert scalar.to_fraction(bits, format) == value(bits, format)
        assert scalar.encode(scalar.decode(bits, format), format) == bits


def test_encoding_refuses_what_the_format_cannot_hold() -> None:
    for unrepresentable in (
        scalar.Datum(0, 31, 0),
        scalar.Datum(0, 1, -20),
        scalar.Datum(0, 1, isqrt(10**6)),
    ):
        with pytest.raises(ValueError, match="cannot hold"):
            scalar.encode(unrepresentable, SEVEN)
