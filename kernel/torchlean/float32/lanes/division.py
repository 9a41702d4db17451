"""Division and square root of blocks: exact integer quotients and roots, with what is left over as a sticky
bit.
"""

from __future__ import annotations

import math

import numpy as np

from torchlean.float32.environment import Environment, Flags
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, raise_flag
from torchlean.float32.lanes.packing import jam_product, magnitude, pack, read, sign_bit, unpack
from torchlean.float32.lanes.specials import (
    INFINITY,
    invalid_where,
    is_infinite,
    is_nan,
    is_zero,
    overwrite,
    propagate,
)

_INDEX_SHIFT = 52
"""Radicands have 61 or 62 bits; their top ten index the table of first guesses."""

_FIRST_ROOT = np.array(
    [math.isqrt(((i + 1) << _INDEX_SHIFT) - 1) + 1 for i in range(1 << 10)], dtype=np.uint64
)
"""Upper bounds of the roots of all radicands with these top bits, within 2^-8 of them."""


def divide(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a / b."""
    a, b = (read(x, environment) for x in operands)
    x, ex = unpack(a)
    y, ey = unpack(b)
    # x / y lies between 1/2 and 2, so the quotient has 31 or 32 bits.
    numerator = x.astype(np.uint64) << 31
    denominator = np.maximum(y, np.uint32(1)).astype(np.uint64)
    quotient = numerator // denominator
    rest = quotient * denominator != numerator
    significand, carry = jam_product(quotient.astype(np.uint32) | rest)
    special = np.maximum(magnitude(a), magnitude(b)) >= INFINITY
    special |= is_zero(b)
    exponent = np.where(special, 1, ex - ey + carry + (BINARY32.bias - 1))
    out = pack(sign_bit(a ^ b), significand, exponent, environment, status)
    return overwrite(out, special, (a, b), _special_quotient, environment, status)


def square_root(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The square root: two steps of Heron's method on integers from a table's first guess.

    Each step squares the relative error and halves it: 2^-8, 2^-17, 2^-35. It never falls below the root
    rounded down, so at 31 bits the guess is right or one too large.
    """
    a = read(operands[0], environment)
    x, ex = unpack(a)
    # An even power of two remains outside the root.
    shift = 38 - (ex & 1)
    radicand = x.astype(np.uint64) << shift.astype(np.uint64)
    special = (a > INFINITY) | (x == 0) | (a == INFINITY)
    radicand[special] = 1 << 60
    root = _FIRST_ROOT[(radicand >> _INDEX_SHIFT).astype(np.intp)]
    for _ in range(2):
        root = (root + radicand // root) >> 1
    root -= root * root > radicand
    significand = root.astype(np.uint32) | (root * root != radicand)
    exponent = (ex - shift + (37 + BINARY32.bias)) >> 1
    exponent[special] = 1
    out = pack(np.zeros_like(a), significand, exponent, environment, status)
    return overwrite(out, special, (a,), _special_root, environment, status)


def _special_quotient(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    a, b = operands
    sign = sign_bit(a ^ b)
    by_zero = is_zero(b) & ~is_nan(a)
    raise_flag(status, by_zero & ~is_zero(a) & ~is_infinite(a), Flags.DIVIDE_BY_ZERO)
    out = np.where(is_infinite(a) | by_zero, sign | INFINITY, sign)
    undefined = is_infinite(a) & is_infinite(b) | is_zero(a) & is_zero(b)
    return propagate(invalid_where(out, undefined, status), (a, b), environment, status)


def _special_root(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """Of zeros and +∞ the root is the operand itself; all other lanes here are negative, or NaNs."""
    (a,) = operands
    negative = (sign_bit(a) != 0) & ~is_zero(a) & ~is_nan(a)
    return propagate(invalid_where(a, negative, status), (a,), environment, status)
