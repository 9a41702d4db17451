"""Bit strings as numbers: decoding, exact values, and the NaNs that operations return (IEEE 754-2019, 3.3,
3.4, 6.2).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from torchlean.float32.environment import DEFAULT, Environment, Flags, NanPolicy, Result
from torchlean.float32.formats import BINARY32, Format


class Datum(NamedTuple):
    """A finite number (-1)^sign * significand * 2^exponent. Zeros have significand 0; nothing is normalised."""

    sign: int
    significand: int
    exponent: int


def decode(bits: int, format: Format = BINARY32) -> Datum:
    """The finite number with these bits, its exponent as small as the format stores it.

    Raises ValueError for infinities and NaNs, which are no numbers (2^exponent would mean nothing).
    """
    format.check(bits)
    if not is_finite(bits, format):
        raise ValueError(f"expected a finite {format.name} number, got the bits {bits:#x}")
    biased = (bits & format.magnitude_mask) >> format.trailing_bits
    trailing = bits & (format.hidden_bit - 1)
    significand = trailing | format.hidden_bit if biased else trailing
    return Datum(sign_of(bits, format), significand, max(biased, 1) - 1 + format.quantum_exponent)


def decode_operand(bits: int, environment: Environment, format: Format) -> Datum:
    """`decode`, with subnormal operands read as zeros where the environment says so."""
    datum = decode(bits, format)
    if environment.denormals_are_zero and datum.significand < format.hidden_bit:
        return Datum(datum.sign, 0, datum.exponent)
    return datum


def encode(datum: Datum, format: Format = BINARY32) -> int:
    """The bits of a number that the format can hold exactly. Raises ValueError for all others."""
    sign, significand, exponent = datum
    sign_bits = format.sign_mask if sign else 0
    if significand == 0:
        return sign_bits
    leading = significand.bit_length() - 1 + exponent
    shift = exponent - (max(leading, format.minimum_exponent) - format.trailing_bits)
    fits = leading <= format.maximum_exponent and (shift >= 0 or significand % (1 << -shift) == 0)
    if not fits:
        raise ValueError(f"{format.name} cannot hold {significand} * 2**{exponent} exactly")
    scaled = significand << shift if shift >= 0 else significand >> -shift
    return sign_bits | (max(leading - format.minimum_exponent, 0) << format.trailing_bits) + scaled


def to_fraction(bits: int, format: Format = BINARY32) -> Fraction:
    """The exact value; both zeros give 0. Raises ValueError for infinities and NaNs."""
    sign, significand, exponent = decode(bits, format)
    magnitude = Fraction(significand) * Fraction(2) ** exponent
    return -magnitude if sign else magnitude


def sign_of(bits: int, format: Format = BINARY32) -> int:
    """The sign bit, of NaNs too."""
    return bits >> (format.width - 1)


def is_finite(bits: int, format: Format = BINARY32) -> bool:
    return bits & format.magnitude_mask < format.infinity


def is_infinite(bits: int, format: Format = BINARY32) -> bool:
    return bits & format.magnitude_mask == format.infinity


def is_nan(bits: int, format: Format = BINARY32) -> bool:
    return bits & format.magnitude_mask > format.infinity


def is_signaling(bits: int, format: Format = BINARY32) -> bool:
    return is_nan(bits, format) and not bits & format.quiet_bit


def is_zero(bits: int, format: Format = BINARY32) -> bool:
    return bits & format.magnitude_mask == 0


def reads_as_zero(bits: int, environment: Environment, format: Format) -> bool:
    """Whether an operation takes these bits for a zero."""
    magnitude = bits & format.magnitude_mask
    return magnitude == 0 or (environment.denormals_are_zero and magnitude < format.hidden_bit)


def invalid(format: Format = BINARY32) -> Result:
    """The result of an operation that no number answers (7.2)."""
    return Result(format.canonical_nan, Flags.INVALID)


def propagate(
    *operands: int, environment: Environment = DEFAULT, format: Format = BINARY32, flags: Flags = Flags.NONE
) -> Result:
    """The quiet NaN that comes of operands with a NaN among them; invalid where one of them signals (6.2, 7.2
    a).
    """
    nans = [bits for bits in operands if is_nan(bits, format)]
    if any(is_signaling(bits, format) for bits in nans):
        flags |= Flags.INVALID
    if environment.nan_policy is NanPolicy.CANONICAL:
        return Result(format.canonical_nan, flags)
    return Result(nans[0] | format.quiet_bit, flags)
