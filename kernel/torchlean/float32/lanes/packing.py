"""From significands and exponents to bits, rounding on the way; and back.

In between, a number is a sign bit in place, a significand of 31 bits whose leading one is bit 30 (or zero),
and the biased exponent its format would store if it could store any: 1 to 254 for normal numbers of binary32,
less for subnormal ones. The bits below the format's last are the rounding position and beyond, the lowest of
them a sticky bit where bits are missing.
"""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment, Flags, Rounding, Tininess
from torchlean.float32.formats import BINARY32, Format
from torchlean.float32.lanes.blocks import Lanes, Status, bit_length, raise_flag, shift_right_jam

LEADING = 30
"""The bit of the leading one: a carry out of the significand still fits below bit 32."""

ZERO_EXPONENT = -(1 << 12)
"""The exponent of an unpacked zero: so far below all others that sums and differences of exponents stay below
too.
"""

_SIGN = np.uint32(1 << 31)
_TRAILING = np.uint32(BINARY32.hidden_bit - 1)


def magnitude(x: Lanes) -> Lanes:
    return x & np.uint32(BINARY32.magnitude_mask)


def sign_bit(x: Lanes) -> Lanes:
    return x & _SIGN


def read(x: Lanes, environment: Environment) -> Lanes:
    """The operand, its subnormals replaced by zeros where the environment says so."""
    if not environment.denormals_are_zero:
        return x
    subnormal = magnitude(x) < np.uint32(BINARY32.hidden_bit)
    return np.where(subnormal, sign_bit(x), x)


def unpack(x: Lanes) -> tuple[Lanes, Lanes]:
    """Significands of 24 bits, leading one at bit 23, and biased exponents; subnormal numbers normalised.

    Zeros have significand 0 and `ZERO_EXPONENT`. What infinities and NaNs give means nothing.
    """
    exponent = (magnitude(x) >> 23).view(np.int32)
    significand = x & _TRAILING | np.uint32(BINARY32.hidden_bit)
    if exponent.min() == 0:
        lanes = np.flatnonzero(exponent == 0)
        small = x[lanes] & _TRAILING
        left = np.uint32(BINARY32.precision) - bit_length(small)
        significand[lanes] = small << left
        exponent[lanes] = np.where(small == 0, ZERO_EXPONENT, 1 - left.view(np.int32))
    return significand, exponent


def pack(
    sign: Lanes,
    significand: Lanes,
    exponent: Lanes,
    environment: Environment,
    status: Status,
    format: Format = BINARY32,
) -> Lanes:
    """The bits of the rounded numbers. Signs are bit 31 whatever the format; exponents int32, of any size."""
    guard = LEADING - format.trailing_bits
    negative = sign >> 31
    exact, normalised, below = significand, exponent, None
    if exponent.min() < 1:
        below = exponent < 1
        distance = np.clip(1 - exponent, 0, 31).astype(np.uint32)
        exact, normalised = shift_right_jam(significand, distance), np.maximum(exponent, 1)
    top = np.minimum(normalised, 2 * format.bias + 1).view(np.uint32)
    # The hidden bit adds one to the exponent field, and so does a carry out of the significand.
    bits = ((top - 1) << format.trailing_bits) + round_off(exact, negative, guard, environment.rounding)
    overflow = bits >= np.uint32(format.infinity)
    if status is not None or environment.flush_to_zero:
        inexact = exact & np.uint32((1 << guard) - 1) != 0
        tiny = _tiny(significand, exponent, below, negative, guard, environment)
        raise_flag(status, overflow, Flags.OVERFLOW | Flags.INEXACT)
        raise_flag(status, inexact, Flags.INEXACT)
        raise_flag(status, tiny & (inexact | environment.flush_to_zero), Flags.UNDERFLOW | Flags.INEXACT)
        if environment.flush_to_zero:
            bits[tiny] = 0
    bits = np.minimum(bits, _largest(negative, environment.rounding, format))
    return bits | negative << (format.width - 1)


def round_off(significand: Lanes, negative: Lanes, guard: int, rounding: Rounding) -> Lanes:
    """significand / 2^guard rounded to an integer, in the direction asked for; `negative` is 1 for negative
    numbers.
    """
    half = 1 << (guard - 1)
    below_unit = (1 << guard) - 1
    if rounding is Rounding.TIES_TO_EVEN:
        # Just below half, plus one if that makes a tie even.
        return (significand + (significand >> guard & 1) + (half - 1)) >> guard
    if rounding is Rounding.TIES_TO_AWAY:
        return (significand + half) >> guard
    if rounding is Rounding.TOWARD_ZERO:
        return significand >> guard
    outward = negative if rounding is Rounding.TOWARD_NEGATIVE else 1 - negative
    return (significand + outward * np.uint32(below_unit)) >> guard


def jam_product(product: Lanes) -> tuple[Lanes, Lanes]:
    """A uint32 with bit 30 or 31 as its leading one brought to bit 30, and the carry (int32 0 or 1) for its
    exponent.
    """
    carry = product >> 31
    return product >> carry | product & carry, carry.view(np.int32)


def high_half(x: Lanes) -> Lanes:
    """The upper 32 bits of each uint64, the lowest set where the lower ones are not all zero."""
    low = x & np.uint64(0xFFFFFFFF)
    return ((x >> 32) | (low != 0)).astype(np.uint32)


def zero_sign(first: Lanes, second: Lanes, rounding: Rounding) -> Lanes:
    """The sign bit of a sum that is exactly zero: that of both terms where they agree, else the direction's
    (6.3).
    """
    both, either = first & second, first | second
    return sign_bit(either if rounding is Rounding.TOWARD_NEGATIVE else both)


def _tiny(
    significand: Lanes,
    exponent: Lanes,
    below: Lanes,
    negative: Lanes,
    guard: int,
    environment: Environment,
) -> Lanes:
    """Where a non-zero value is below the normal numbers, before or after rounding it with an unbounded
    exponent (7.5).
    """
    if below is None:
        return np.zeros(significand.shape, dtype=np.bool_)
    tiny: Lanes = below & (significand != 0)
    if environment.tininess is Tininess.AFTER_ROUNDING:
        carries = round_off(significand, negative, guard, environment.rounding) >> (LEADING + 1 - guard) != 0
        tiny &= ~(carries & (exponent == 0))
    return tiny


def _largest(negative: Lanes, rounding: Rounding, format: Format) -> Lanes:
    """The magnitude that no result of this rounding direction exceeds (7.4)."""
    if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
        return np.uint32(format.infinity)
    if rounding is Rounding.TOWARD_ZERO:
        return np.uint32(format.largest_finite)
    if rounding is Rounding.TOWARD_POSITIVE:
        return np.uint32(format.infinity) - negative
    return np.uint32(format.largest_finite) + negative
