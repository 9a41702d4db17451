"""addition, subtraction, multiplication, fusedMultiplyAdd (IEEE 754-2019, 5.4.1, 6.1, 6.3, 7.2)."""

from __future__ import annotations

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result
from torchlean.float32.exact.datum import (
    Datum,
    decode_operand,
    invalid,
    is_infinite,
    is_nan,
    propagate,
    reads_as_zero,
    sign_of,
)
from torchlean.float32.exact.rounding import round_exact, zero_sign_of_sum
from torchlean.float32.formats import BINARY32, Format


def add(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a + b, rounded once. ∞ + -∞ is invalid."""
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    if is_infinite(a, format) or is_infinite(b, format):
        return _sum_with_infinity(a, b, format)
    x, y = decode_operand(a, environment, format), decode_operand(b, environment, format)
    return _rounded_sum(x, y, environment, format)


def subtract(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a - b, rounded once. A NaN b keeps its sign: it is not negated on the way."""
    format.check(a, b)
    if is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    return add(a, b ^ format.sign_mask, environment, format)


def multiply(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a * b, rounded once. 0 * ∞ is invalid."""
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    sign = sign_of(a, format) ^ sign_of(b, format)
    if is_infinite(a, format) or is_infinite(b, format):
        if _zero_times_infinity(a, b, environment, format):
            return invalid(format)
        return Result(_signed(sign, format.infinity, format), Flags.NONE)
    product = _product(a, b, environment, format)
    if product.significand == 0:
        return Result(_signed(sign, 0, format), Flags.NONE)
    return round_exact(*product, environment, format)


def fused_multiply_add(
    a: int, b: int, c: int, environment: Environment = DEFAULT, format: Format = BINARY32
) -> Result:
    """a * b + c, rounded once (fusedMultiplyAdd).

    0 * ∞ is invalid, also when c is a quiet NaN: the standard leaves that case open (7.2 c), and here the
    flag is not raised, as on x86; the result is that NaN.
    """
    format.check(a, b, c)
    if any(is_nan(bits, format) for bits in (a, b, c)):
        return propagate(a, b, c, environment=environment, format=format)
    sign = sign_of(a, format) ^ sign_of(b, format)
    if is_infinite(a, format) or is_infinite(b, format):
        if _zero_times_infinity(a, b, environment, format):
            return invalid(format)
        return _sum_with_infinity(_signed(sign, format.infinity, format), c, format)
    if is_infinite(c, format):
        return Result(c, Flags.NONE)
    product = _product(a, b, environment, format)
    return _rounded_sum(product, decode_operand(c, environment, format), environment, format)


def _rounded_sum(x: Datum, y: Datum, environment: Environment, format: Format) -> Result:
    """The sum of two finite numbers of any exponents. The sign of an exact zero follows 6.3."""
    exponent = min(x.exponent, y.exponent)
    total = sum((-n.significand if n.sign else n.significand) << (n.exponent - exponent) for n in (x, y))
    if total == 0:
        agree = x.sign == y.sign
        sign = x.sign if agree else zero_sign_of_sum(environment.rounding)
        return Result(_signed(sign, 0, format), Flags.NONE)
    return round_exact(int(total < 0), abs(total), exponent, environment, format)


def _product(a: int, b: int, environment: Environment, format: Format) -> Datum:
    x, y = decode_operand(a, environment, format), decode_operand(b, environment, format)
    return Datum(x.sign ^ y.sign, x.significand * y.significand, x.exponent + y.exponent)


def _sum_with_infinity(a: int, b: int, format: Format) -> Result:
    """The sum of two operands of which at least one is infinite and none a NaN (6.1)."""
    if is_infinite(a, format) and is_infinite(b, format) and a != b:
        return invalid(format)
    return Result(a if is_infinite(a, format) else b, Flags.NONE)


def _zero_times_infinity(a: int, b: int, environment: Environment, format: Format) -> bool:
    return any(reads_as_zero(bits, environment, format) for bits in (a, b))


def _signed(sign: int, magnitude: int, format: Format) -> int:
    return magnitude | format.sign_mask if sign else magnitude
