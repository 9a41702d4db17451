"""division, squareRoot, remainder (IEEE 754-2019, 5.3.1, 5.4.1, 7.2, 7.3)."""

from __future__ import annotations

import math

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result
from torchlean.float32.exact.datum import decode_operand, invalid, is_infinite, is_nan, propagate, sign_of
from torchlean.float32.exact.rounding import round_exact
from torchlean.float32.formats import BINARY32, Format


def divide(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a / b, rounded once. 0 / 0 and ∞ / ∞ are invalid; a finite non-zero number by 0 raises divideByZero."""
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    sign_bits = (a ^ b) & format.sign_mask
    if is_infinite(a, format):
        return invalid(format) if is_infinite(b, format) else Result(sign_bits | format.infinity, Flags.NONE)
    if is_infinite(b, format):
        return Result(sign_bits, Flags.NONE)
    x, y = decode_operand(a, environment, format), decode_operand(b, environment, format)
    if y.significand == 0:
        if x.significand == 0:
            return invalid(format)
        return Result(sign_bits | format.infinity, Flags.DIVIDE_BY_ZERO)
    if x.significand == 0:
        return Result(sign_bits, Flags.NONE)
    significand, exponent = quotient(x.significand, y.significand, format.precision)
    return round_exact(x.sign ^ y.sign, significand, x.exponent - y.exponent + exponent, environment, format)


def quotient(numerator: int, denominator: int, precision: int) -> tuple[int, int]:
    """(q, e) such that numerator / denominator is q * 2^e, or lies strictly between the even q - 1 and q + 1
    times 2^e.

    q has at least precision + 2 bits, as `round_exact` asks.
    """
    shift = max(precision + 3 - numerator.bit_length() + denominator.bit_length(), 0)
    whole, rest = divmod(numerator << shift, denominator)
    return whole | (rest != 0), -shift


def square_root(a: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The square root, rounded once; that of -0 is -0, that of any other negative number is invalid."""
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    if a == format.infinity:
        return Result(a, Flags.NONE)
    if is_infinite(a, format):
        return invalid(format)
    x = decode_operand(a, environment, format)
    if x.significand == 0:
        return Result(a & format.sign_mask, Flags.NONE)
    if x.sign:
        return invalid(format)
    # An even exponent halves exactly; a radicand of 2p + 6 bits has a root of p + 3.
    shift = max(2 * format.precision + 6 - x.significand.bit_length(), 0)
    shift += (x.exponent - shift) % 2
    radicand = x.significand << shift
    root = math.isqrt(radicand)
    return round_exact(0, root | (root * root != radicand), (x.exponent - shift) // 2, environment, format)


def remainder(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a - b * n for the integer n nearest to a / b, the even one of two (5.3.1): always exact.

    Invalid where a is infinite or b is zero. A zero result has the sign of a.
    """
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    if is_infinite(a, format):
        return invalid(format)
    x = decode_operand(a, environment, format)
    zero = a & format.sign_mask
    if is_infinite(b, format):
        if x.significand == 0:
            return Result(zero, Flags.NONE)
        # Rounding an exact value changes nothing but applies flush_to_zero.
        return round_exact(*x, environment, format)
    y = decode_operand(b, environment, format)
    if y.significand == 0:
        return invalid(format)
    exponent = min(x.exponent, y.exponent)
    left = x.significand << (x.exponent - exponent)
    right = y.significand << (y.exponent - exponent)
    n, rest = divmod(left, right)
    if 2 * rest > right or (2 * rest == right and n % 2 == 1):
        rest -= right
    if rest == 0:
        return Result(zero, Flags.NONE)
    return round_exact(sign_of(a, format) ^ (rest < 0), abs(rest), exponent, environment, format)
