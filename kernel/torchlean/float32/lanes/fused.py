"""fusedMultiplyAdd of blocks, in one word of 64 bits.

The exact sum of a product of 48 bits and an addend of 24 may need hundreds of bits, but not to round it. Both
are aligned to bit 60 of a word, and the one with the smaller exponent is shifted right with a sticky bit. The
product has 14 zeros below it and the addend 37, so a shift that loses bits leaves the shifted term below bit
47; then nothing but one bit of the other can cancel, the sum still has 60 bits, and the sticky bit lies far
below the rounding position. Where much cancels, nothing was lost.
"""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, bit_length, shift_right_jam
from torchlean.float32.lanes.packing import high_half, magnitude, pack, read, sign_bit, unpack, zero_sign
from torchlean.float32.lanes.specials import (
    INFINITY,
    is_infinite,
    overwrite,
    product_with_infinity,
    propagate,
    sum_with_infinity,
)

_ALIGNED = 60
"""The leading bit of an aligned addend; a product's is this one or the next, and their sum stays below bit
63.
"""
_PRODUCT_SHIFT = _ALIGNED - 2 * BINARY32.trailing_bits
_ADDEND_SHIFT = _ALIGNED - BINARY32.trailing_bits
_TOP = 62
"""The leading bit of the normalised sum, whose upper half is then a significand for `pack`."""


def fused_multiply_add(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a * b + c, rounded once."""
    a, b, c = (read(x, environment) for x in operands)
    product, product_exponent = _product(a, b)
    addend, addend_exponent = _addend(c)
    distance = product_exponent - addend_exponent
    product = shift_right_jam(product, _distance(-distance))
    addend = shift_right_jam(addend, _distance(distance))
    product_sign = sign_bit(a ^ b)
    opposite = ((product_sign ^ c) >> 31).astype(np.int64)
    total = product.view(np.int64) + ((addend.view(np.int64) ^ -opposite) + opposite)
    negative = total >> 63
    size = ((total ^ negative) - negative).view(np.uint64)
    length = bit_length(size)
    significand = high_half(size << (np.uint64(_TOP + 1) - length))
    exponent = np.maximum(product_exponent, addend_exponent) + length.astype(np.int32) - (_ALIGNED + 1)
    sign = product_sign ^ sign_bit(negative.astype(np.uint32))
    zero = length == 0
    if zero.any():
        sign = np.where(zero, zero_sign(product_sign, c, environment.rounding), sign)
        exponent = np.where(zero, 0, exponent)
    out = pack(sign, significand, exponent, environment, status)
    special = np.maximum(np.maximum(magnitude(a), magnitude(b)), magnitude(c)) >= INFINITY
    return overwrite(out, special, (a, b, c), _special, environment, status)


def _product(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    x, ex = unpack(a)
    y, ey = unpack(b)
    product = x.astype(np.uint64) * (y.astype(np.uint64) << _PRODUCT_SHIFT)
    return product, ex + ey - BINARY32.bias


def _addend(c: Lanes) -> tuple[Lanes, Lanes]:
    z, ez = unpack(c)
    return z.astype(np.uint64) << _ADDEND_SHIFT, ez


def _distance(difference: Lanes) -> Lanes:
    """How far to shift the term whose exponent is smaller by this; all that is farther is below the sticky
    bit anyway.
    """
    return np.clip(difference, 0, 63).astype(np.uint64)


def _special(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    a, b, c = operands
    infinite = is_infinite(a) | is_infinite(b)
    nan = np.maximum(np.maximum(magnitude(a), magnitude(b)), magnitude(c)) > INFINITY
    raised = None if status is None else np.zeros(status.size, dtype=np.uint8)
    product = np.where(infinite, product_with_infinity(a, b, raised), sign_bit(a ^ b))
    # A NaN product has raised its flag and stays a quiet NaN; a finite one is a zero here, c being infinite.
    out = propagate(sum_with_infinity(product, c, raised), (product, c), environment, None)
    if status is not None and raised is not None:
        # The standard leaves open whether 0 * ∞ + NaN is invalid (7.2 c); the scalar form explains the choice.
        status |= np.where(nan, 0, raised).astype(np.uint8)
    return propagate(out, (a, b, c), environment, status)
