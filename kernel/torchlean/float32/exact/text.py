"""Decimal and hexadecimal character sequences, both directions, correctly rounded (IEEE 754-2019, 5.12)."""

from __future__ import annotations

import re
from fractions import Fraction

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result, Rounding
from torchlean.float32.exact.conversion import from_quotient
from torchlean.float32.exact.datum import (
    decode,
    is_finite,
    is_infinite,
    is_nan,
    is_signaling,
    sign_of,
    to_fraction,
)
from torchlean.float32.exact.rounding import round_exact, round_shift
from torchlean.float32.formats import BINARY32, Format

_DIGITS_AT_ONCE = 4000
_POSITIONAL = 7
"""Up to so many digits of an integer are written out: binary32 holds all of those exactly."""
_DECIMAL = re.compile(r"([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d+))?", re.ASCII)
_HEXADECIMAL = re.compile(
    r"([+-]?)0[xX](?:([\da-fA-F]+)\.?([\da-fA-F]*)|\.([\da-fA-F]+))[pP]([+-]?\d+)", re.ASCII
)
_NAMED = re.compile(r"([+-]?)(?:(inf|infinity)|(s?)nan)", re.ASCII | re.IGNORECASE)


def convert_from_decimal(text: str, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """convertFromDecimalCharacter: the number next to a decimal of any length, rounded once.

    Reads also `inf`, `infinity`, `nan` and `snan` in any case, with a sign. Raises ValueError for other text.
    """
    if named := _NAMED.fullmatch(text):
        return Result(_named_bits(named, format), Flags.NONE)
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a decimal number like -1.5e-3, inf or nan, got {text!r}")
    sign = int(found[1] == "-")
    fraction = found[3] or found[4] or ""
    written = ((found[2] or "") + fraction).lstrip("0")
    if not written:
        return Result(format.sign_mask * sign, Flags.NONE)
    digits = _integer(written)
    exponent = _bounded(_integer(found[5] or "0") - len(fraction), len(written), format)
    numerator, denominator = (digits * 10**exponent, 1) if exponent >= 0 else (digits, 10**-exponent)
    return from_quotient(-numerator if sign else numerator, denominator, environment, format)


def convert_to_decimal(
    a: int, digits: int, environment: Environment = DEFAULT, format: Format = BINARY32
) -> str:
    """convertToDecimalCharacter: a to so many significant digits, correctly rounded, as `1.25e-3`.

    Trailing zeros stay. Zeros, infinities and NaNs give `0`, `inf`, `nan` and `snan` with their sign.
    """
    format.check(a)
    if digits < 1:
        raise ValueError(f"expected at least one digit, got {digits}")
    sign = "-" if sign_of(a, format) else ""
    named = _name(a, format)
    if named is not None:
        return sign + named
    significant, exponent = _decimal_digits(
        abs(to_fraction(a, format)), digits, sign_of(a, format), environment.rounding
    )
    return sign + _scientific(significant, exponent)


def shortest_decimal(a: int, format: Format = BINARY32) -> str:
    """The shortest decimal that reads back as a under roundTiesToEven; of several, the one next to a.

    Steele and White, How to print floating-point numbers accurately, 1990. Binary32 needs 9 digits at most
    (5.12.2).
    """
    format.check(a)
    sign = "-" if sign_of(a, format) else ""
    named = _name(a, format)
    if named is not None:
        return sign + named
    value = abs(to_fraction(a, format))
    for digits in range(1, 1 + _enough_digits(format)):
        # Below a power of two the interval that rounds to it is narrower, so the nearest decimal may miss it where the
        # next one on the other side does not.
        around = (
            _decimal_digits(value, digits, 0, direction)
            for direction in (Rounding.TIES_TO_EVEN, Rounding.TOWARD_NEGATIVE, Rounding.TOWARD_POSITIVE)
        )
        for significant, exponent in around:
            text = _readable(significant.rstrip("0"), exponent)
            if convert_from_decimal(sign + text, DEFAULT, format).bits == a:
                return sign + text
    raise AssertionError(f"{_enough_digits(format)} digits did not identify {a:#x}")


def convert_from_hexadecimal(
    text: str, environment: Environment = DEFAULT, format: Format = BINARY32
) -> Result:
    """convertFromHexCharacter: the number next to a hexadecimal one like `-0x1.8p-3`, rounded once. Raises
    ValueError.
    """
    found = _HEXADECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a hexadecimal number like -0x1.8p-3, got {text!r}")
    sign = int(found[1] == "-")
    fraction = found[3] or found[4] or ""
    significand = int((found[2] or "") + fraction, 16)
    if significand == 0:
        return Result(format.sign_mask * sign, Flags.NONE)
    return round_exact(sign, significand, int(found[5]) - 4 * len(fraction), environment, format)


def convert_to_hexadecimal(a: int, format: Format = BINARY32) -> str:
    """convertToHexCharacter with as many digits as the exact value needs: `-0x1.8p-3`."""
    format.check(a)
    sign = "-" if sign_of(a, format) else ""
    if (named := _name(a, format)) is not None:
        return sign + ("0x0p+0" if named == "0" else named)
    x = decode(a, format)
    length = x.significand.bit_length() - 1
    # One leading bit, then groups of four.
    padded, _ = round_shift(0, x.significand, length - 4 * -(-length // 4), Rounding.TOWARD_ZERO)
    digits = f"{padded:x}"
    tail = digits[1:].rstrip("0")
    return f"{sign}0x1{'.' if tail else ''}{tail}p{x.exponent + length:+d}"


def _decimal_digits(value: Fraction, digits: int, sign: int, rounding: Rounding) -> tuple[str, int]:
    """The first digits of a positive value, rounded, and the decimal exponent of the first of them."""
    exponent = len(str(value.numerator)) - len(str(value.denominator))
    if value < Fraction(10) ** exponent:
        exponent -= 1
    scaled = value * Fraction(10) ** (digits - 1 - exponent)
    # Two bits more than the whole part, and a sticky one: enough for any rounding direction.
    whole, rest = divmod(4 * scaled.numerator, scaled.denominator)
    rounded, _ = round_shift(sign, 2 * whole + (rest != 0), 3, rounding)
    if rounded == 10**digits:
        return str(rounded // 10), exponent + 1
    return str(rounded), exponent


def _scientific(digits: str, exponent: int) -> str:
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent}"


def _readable(digits: str, exponent: int) -> str:
    """The same number as people write it: `0.001`, `120`, `1.5e-7`."""
    if -5 < exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1 <= _POSITIONAL:
        return digits + "0" * (exponent + 1 - len(digits))
    if 0 <= exponent < len(digits) - 1:
        return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"
    return _scientific(digits, exponent)


def _name(a: int, format: Format) -> str | None:
    """The text of a datum that has no digits."""
    if is_nan(a, format):
        return "snan" if is_signaling(a, format) else "nan"
    if is_infinite(a, format):
        return "inf"
    return None if is_finite(a, format) and a & format.magnitude_mask else "0"


def _named_bits(found: re.Match[str], format: Format) -> int:
    sign = format.sign_mask if found[1] == "-" else 0
    if found[2]:
        return sign | format.infinity
    # A signaling NaN needs a payload; 1 is the smallest.
    return sign | (format.infinity + 1 if found[3] else format.canonical_nan)


def _integer(text: str) -> int:
    """int(text) for text of any length: Python refuses to read more than 4300 digits at once."""
    if len(text) <= _DIGITS_AT_ONCE:
        return int(text)
    sign = -1 if text[0] == "-" else 1
    value = 0
    for start in range(0, len(text := text.lstrip("+-")), _DIGITS_AT_ONCE):
        part = text[start : start + _DIGITS_AT_ONCE]
        value = value * 10 ** len(part) + int(part)
    return sign * value


def _bounded(exponent: int, digits: int, format: Format) -> int:
    """The decimal exponent, or one as good: text may ask for 1e1000000000, which need not be computed to
    overflow.
    """
    limit = format.maximum_exponent + format.precision
    return min(max(exponent, -limit - digits), limit)


def _enough_digits(format: Format) -> int:
    """Digits that tell every number of the format from its neighbours: 1 + ceil(p log10 2) (5.12.2); 9 for
    binary32.
    """
    return 1 + len(str(1 << format.precision))
