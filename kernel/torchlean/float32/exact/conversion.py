"""Conversions between formats, and from rationals (IEEE 754-2019, 5.4.2, 6.2.3).

There is one rounding only: a binary64 number becomes the nearest binary16 number without passing through
binary32, where it might be rounded to a tie that it was not.
"""

from __future__ import annotations

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result
from torchlean.float32.exact.datum import decode_operand, is_finite, is_nan, propagate, sign_of
from torchlean.float32.exact.division import quotient
from torchlean.float32.exact.rounding import round_exact
from torchlean.float32.formats import BINARY32, Format


def convert_format(a: int, source: Format, target: Format, environment: Environment = DEFAULT) -> Result:
    """convertFormat: the number of the format `target` next to one of the format `source`, rounded once.

    A NaN keeps its sign and as much of the top of its payload as there is room for (6.2.3), or becomes
    canonical.
    """
    source.check(a)
    if is_nan(a, source):
        quieted = propagate(a, environment=environment, format=source)
        return Result(_move_nan(quieted.bits, source, target), quieted.flags)
    sign = sign_of(a, source)
    sign_bits = target.sign_mask if sign else 0
    if not is_finite(a, source):
        return Result(sign_bits | target.infinity, Flags.NONE)
    x = decode_operand(a, environment, source)
    if x.significand == 0:
        return Result(sign_bits, Flags.NONE)
    return round_exact(*x, environment, target)


def from_quotient(
    numerator: int, denominator: int = 1, environment: Environment = DEFAULT, format: Format = BINARY32
) -> Result:
    """The number next to a rational, rounded once; 0 gives +0. Raises ValueError unless the denominator is
    positive.
    """
    if denominator <= 0:
        raise ValueError(f"expected a positive denominator, got {denominator}")
    if numerator == 0:
        return Result(0, Flags.NONE)
    significand, exponent = quotient(abs(numerator), denominator, format.precision)
    return round_exact(int(numerator < 0), significand, exponent, environment, format)


def _move_nan(bits: int, source: Format, target: Format) -> int:
    sign_bits = target.sign_mask if sign_of(bits, source) else 0
    payload = bits & (source.hidden_bit - 1)
    shift = target.trailing_bits - source.trailing_bits
    return sign_bits | target.infinity | (payload << shift if shift >= 0 else payload >> -shift)
