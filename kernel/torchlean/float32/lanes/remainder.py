"""The IEEE remainder of blocks: long division of 24-bit significands, forty bits of the quotient at a time."""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, bit_length
from torchlean.float32.lanes.packing import LEADING, magnitude, pack, read, sign_bit, unpack
from torchlean.float32.lanes.specials import (
    INFINITY,
    invalid_where,
    is_infinite,
    is_zero,
    overwrite,
    propagate,
)

_STEP = 64 - BINARY32.precision
"""Quotient bits of one 64-bit division: the rest before it has at most 24 bits."""


def remainder(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a - b * n for the integer n nearest to a / b, the even one of two: always exact."""
    a, b = (read(x, environment) for x in operands)
    x, ex = unpack(a)
    y, ey = unpack(b)
    # A divisor beyond reach leaves every number as it is: infinite, or of more than twice the magnitude. What a zero
    # divisor gives is overwritten, and must not be waited for: its exponent is far below all others.
    distance = np.where(is_infinite(b) | (y == 0), -2, ex - ey)
    divisor = np.maximum(y, np.uint32(1)).astype(np.uint64)
    rest, odd = _divide(x.astype(np.uint64), divisor, distance)
    # With the divisor one binade above, both are counted in the units of a.
    divisor <<= (distance == -1).astype(np.uint64)
    over = (2 * rest > divisor) | ((2 * rest == divisor) & odd)
    over &= distance >= -1
    rest = np.where(over, divisor - rest, rest).astype(np.uint32)
    length = bit_length(rest)
    exponent = np.where(distance >= 0, ey, ex) + length.view(np.int32) - BINARY32.precision
    exponent[rest == 0] = 0
    sign = sign_bit(a) ^ ((over & (rest != 0)).astype(np.uint32) << 31)
    significand = rest << (np.uint32(LEADING + 1) - np.maximum(length, np.uint32(1)))
    out = pack(sign, significand, exponent, environment, status)
    special = np.maximum(magnitude(a), magnitude(b)) > INFINITY
    special |= is_infinite(a) | is_zero(b)
    return overwrite(out, special, (a, b), _special_remainder, environment, status)


def _divide(x: Lanes, y: Lanes, distance: Lanes) -> tuple[Lanes, Lanes]:
    """x * 2^distance modulo y, and whether the quotient is odd; x and an even quotient for negative distances."""
    rest = np.where(distance >= 0, x % y, x)
    odd = (x // y & np.uint64(1) != 0) & (distance >= 0)
    lanes = np.flatnonzero(distance > 0)
    left = distance[lanes]
    while lanes.size:
        shift = np.minimum(left, _STEP)
        dividend, divisor = rest[lanes] << shift.astype(np.uint64), y[lanes]
        quotient = dividend // divisor
        rest[lanes] = dividend - quotient * divisor
        odd[lanes] = quotient & np.uint64(1) != 0
        left = left - shift
        lanes, left = lanes[left > 0], left[left > 0]
    return rest, odd


def _special_remainder(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """All lanes here have a NaN, an infinite dividend or a zero divisor."""
    a, b = operands
    numbers = (magnitude(a) <= INFINITY) & (magnitude(b) <= INFINITY)
    return propagate(invalid_where(a, numbers, status), (a, b), environment, status)
