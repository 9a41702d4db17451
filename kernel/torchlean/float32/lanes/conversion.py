"""Conversions of blocks between formats, and from and to integers."""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment, Flags, NanPolicy
from torchlean.float32.exact.integral import IntegerType
from torchlean.float32.formats import BINARY32, BINARY64, Format
from torchlean.float32.lanes.blocks import Kernel, Lanes, Status, bit_length, raise_flag, shift_right_jam
from torchlean.float32.lanes.packing import (
    LEADING,
    high_half,
    magnitude,
    pack,
    read,
    round_off,
    sign_bit,
    unpack,
)
from torchlean.float32.lanes.specials import INFINITY, is_nan, is_signaling

_GUARD = LEADING - BINARY32.trailing_bits
_WIDE_MAGNITUDE = np.uint64(BINARY64.magnitude_mask)
_WIDE_INFINITY = np.uint64(BINARY64.infinity)
_WIDE_TRAILING = np.uint64(BINARY64.hidden_bit - 1)
_WIDE_QUIET = np.uint64(BINARY64.quiet_bit)
_FROM_WIDE = BINARY64.trailing_bits - LEADING
"""Bits of a binary64 significand below the 31 that `pack` takes; they go into the sticky bit."""


def from_binary64(target: Format) -> Kernel:
    """The kernel that rounds uint64 patterns of binary64 once, to a format of at most 32 bits."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a = operands[0]
        sign = (a >> 32).astype(np.uint32) & np.uint32(1 << 31)
        size = a & _WIDE_MAGNITUDE
        field = (size >> BINARY64.trailing_bits).astype(np.int32)
        significand = (size & _WIDE_TRAILING) | np.uint64(BINARY64.hidden_bit)
        # Subnormals of binary64 lie below half the smallest number of the target: any non-zero significand will do.
        zero = size == 0
        if environment.denormals_are_zero:
            zero = field == 0
        significand[zero] = 0
        exponent = field + np.int32(target.bias - BINARY64.bias)
        kept = shift_right_jam(significand, np.uint64(_FROM_WIDE)).astype(np.uint32)
        special = size >= _WIDE_INFINITY
        exponent[special] = 1
        raised = None if status is None else np.zeros_like(status)
        out = pack(sign, kept, exponent, environment, raised, target)
        if status is not None and raised is not None:
            status |= raised * ~special
        if special.any():
            payload = (size & _WIDE_TRAILING) >> (BINARY64.trailing_bits - target.trailing_bits)
            raise_flag(status, (size > _WIDE_INFINITY) & (a & _WIDE_QUIET == 0), Flags.INVALID)
            out = np.where(special, _special(sign, payload, size > _WIDE_INFINITY, environment, target), out)
        return out

    return kernel


def narrowing(target: Format) -> Kernel:
    """The kernel from binary32 to a shorter format, in uint32."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a = read(operands[0], environment)
        significand, exponent = unpack(a)
        special = magnitude(a) >= INFINITY
        significand[special] = 0
        exponent += np.int32(target.bias - BINARY32.bias)
        out = pack(sign_bit(a), significand << _GUARD, exponent, environment, status, target)
        raise_flag(status, is_signaling(a), Flags.INVALID)
        payload = (a & np.uint32(BINARY32.hidden_bit - 1)) >> (BINARY32.trailing_bits - target.trailing_bits)
        return np.where(special, _special(sign_bit(a), payload, is_nan(a), environment, target), out)

    return kernel


def widening(source: Format) -> Kernel:
    """The kernel from a shorter format, in uint32, to binary32. Exact but for flush_to_zero."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a = operands[0]
        sign = a >> (source.width - 1) << 31
        size = a & np.uint32(source.magnitude_mask)
        field = size >> source.trailing_bits
        trailing = size & np.uint32(source.hidden_bit - 1)
        hidden = np.minimum(field, np.uint32(1)) << source.trailing_bits
        significand = np.where(field == 0, 0, trailing) if environment.denormals_are_zero else trailing
        significand = (significand | hidden).astype(np.uint32)
        special = size >= np.uint32(source.infinity)
        significand[special] = 0
        left = np.uint32(LEADING + 1) - bit_length(significand)
        bias = BINARY32.bias - source.bias + LEADING - source.trailing_bits
        exponent = np.maximum(field, np.uint32(1)).view(np.int32) + np.int32(bias) - left.view(np.int32)
        out = pack(sign, significand << left, np.where(significand == 0, 0, exponent), environment, status)
        nan = size > np.uint32(source.infinity)
        raise_flag(status, nan & (a & np.uint32(source.quiet_bit) == 0), Flags.INVALID)
        payload = trailing << (BINARY32.trailing_bits - source.trailing_bits)
        return np.where(special, _special(sign, payload, nan, environment, BINARY32), out)

    return kernel


def to_binary64(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """uint64 patterns of the same numbers in binary64, which holds them all."""
    a = read(operands[0], environment)
    significand, exponent = unpack(a)
    wide = BINARY64.trailing_bits - BINARY32.trailing_bits
    rebased = (exponent + np.int32(BINARY64.bias - BINARY32.bias - 1)).astype(np.uint64)
    # The hidden bit adds the one that the exponent field lacks.
    out = (rebased << BINARY64.trailing_bits) + (significand.astype(np.uint64) << wide)
    out[significand == 0] = 0
    nan = is_nan(a)
    raise_flag(status, is_signaling(a), Flags.INVALID)
    payload = (a & np.uint32(BINARY32.hidden_bit - 1)).astype(np.uint64) << wide
    if environment.nan_policy is NanPolicy.CANONICAL:
        payload = np.where(nan, np.uint64(0), payload)
    special = _WIDE_INFINITY | payload | np.where(nan, _WIDE_QUIET, np.uint64(0))
    out = np.where(magnitude(a) >= INFINITY, special, out)
    sign = np.where(nan, 0, sign_bit(a)) if environment.nan_policy is NanPolicy.CANONICAL else sign_bit(a)
    return out | sign.astype(np.uint64) << 32


def from_integers(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The numbers next to int64 values."""
    a = operands[0]
    negative = a >> 63
    size = ((a ^ negative) - negative).view(np.uint64)
    length = bit_length(size)
    # 2^63 needs all 64 bits: shift it right with the sticky bit, which it leaves alone.
    significand = high_half(np.where(length == 64, size >> 1, size << (np.uint64(63) - length)))
    exponent = length.astype(np.int32) + np.int32(BINARY32.bias - 1)
    exponent[length == 0] = 0
    return pack(sign_bit(negative.astype(np.uint32)), significand, exponent, environment, status)


def to_integers(target: IntegerType, *, exact: bool) -> Kernel:
    """The kernel to integers in int64, saturating, NaNs to 0; invalid for what does not fit, inexact where
    asked.
    """

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a = read(operands[0], environment)
        size, changed = _integral_magnitude(a, environment)
        negative = a >> 31 == 1
        largest = np.uint64(target.largest)
        room = np.where(negative, np.uint64(-target.smallest), largest)
        beyond = size > room
        nan = is_nan(a)
        raise_flag(status, beyond | nan, Flags.INVALID)
        if exact:
            raise_flag(status, changed & ~beyond & ~nan, Flags.INEXACT)
        clipped = np.where(nan, np.uint64(0), np.minimum(size, room)).view(np.int64)
        return np.where(negative, np.negative(clipped), clipped)

    return kernel


def to_integral(*, exact: bool) -> Kernel:
    """The kernel of roundToIntegral."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a = read(operands[0], environment)
        size, changed = _integral_magnitude(a, environment)
        # Numbers with an exponent of 23 or more are integral; the others' integers are below 2^24.
        small = magnitude(a) < np.uint32((BINARY32.bias + BINARY32.trailing_bits) << BINARY32.trailing_bits)
        integer = np.where(small, size, np.uint64(0)).astype(np.uint32)
        left = np.uint32(LEADING + 1) - bit_length(integer)
        exponent = np.int32(BINARY32.bias + LEADING) - left.view(np.int32)
        exact_bits = pack(
            sign_bit(a), integer << left, np.where(integer == 0, 0, exponent), environment, None
        )
        if exact:
            raise_flag(status, changed & small, Flags.INEXACT)
        raise_flag(status, is_signaling(a), Flags.INVALID)
        quiet = np.where(is_nan(a), _special(sign_bit(a), a, is_nan(a), environment, BINARY32), a)
        return np.where(small, exact_bits, quiet)

    return kernel


def _integral_magnitude(a: Lanes, environment: Environment) -> tuple[Lanes, Lanes]:
    """|a| rounded to an integer, as uint64, and where that changed it. Numbers from 2^64 give more than any
    int64.
    """
    significand, exponent = unpack(a)
    power = exponent - np.int32(BINARY32.bias + BINARY32.trailing_bits)
    fixed = shift_right_jam(significand << _GUARD, np.clip(-power, 0, 31).astype(np.uint32))
    rounded = round_off(fixed, a >> 31, _GUARD, environment.rounding).astype(np.uint64)
    room = 64 - BINARY32.precision
    size = rounded << np.clip(power, 0, room).astype(np.uint64)
    size = np.where(power > room, ~np.uint64(0), size)
    return size, fixed & np.uint32((1 << _GUARD) - 1) != 0


def _special(sign: Lanes, payload: Lanes, nan: Lanes, environment: Environment, target: Format) -> Lanes:
    """The infinities and NaNs of a format, with signs in bit 31 and payloads aligned to the format's trailing
    significand.
    """
    infinity = sign >> (32 - target.width) | np.uint32(target.infinity)
    if environment.nan_policy is NanPolicy.CANONICAL:
        return np.where(nan, np.uint32(target.canonical_nan), infinity)
    kept = payload.astype(np.uint32) & np.uint32(target.hidden_bit - 1)
    return np.where(nan, infinity | kept | np.uint32(target.quiet_bit), infinity)
