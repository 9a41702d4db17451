"""Addition, subtraction and multiplication of blocks."""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, bit_length, shift_right_jam
from torchlean.float32.lanes.packing import (
    LEADING,
    high_half,
    jam_product,
    magnitude,
    pack,
    read,
    sign_bit,
    unpack,
    zero_sign,
)
from torchlean.float32.lanes.specials import (
    INFINITY,
    overwrite,
    product_with_infinity,
    propagate,
    sum_with_infinity,
)

_HIDDEN = np.uint32(BINARY32.hidden_bit)
_TRAILING = np.uint32(BINARY32.hidden_bit - 1)
_SUM_GUARD = LEADING - 1 - BINARY32.trailing_bits
"""Bits below the larger term's last, so that a carry out of the sum still lands on `LEADING`.

Three are enough: where terms lie so far apart that bits of the smaller are lost, the sum cancels by one bit
at most.
"""


def add(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a + b, in 32-bit integers: the smaller magnitude is shifted to the larger one's exponent."""
    a, b = (read(x, environment) for x in operands)
    larger, smaller = np.maximum(magnitude(a), magnitude(b)), np.minimum(magnitude(a), magnitude(b))
    left, exponent = _aligned(larger)
    right, lower = _aligned(smaller)
    right = shift_right_jam(right, np.minimum(exponent - lower, np.uint32(31)))
    opposite = (a ^ b) >> 31
    # Two's complement where the signs differ: ~x + 1.
    total = left + (right ^ np.negative(opposite)) + opposite
    up = np.uint32(LEADING + 1) - bit_length(total)
    nonzero = total != 0
    exponent = (exponent + 1 - up).view(np.int32) * nonzero
    sign = sign_bit(_of_larger(a, b))
    if not nonzero.all():
        sign = np.where(nonzero, sign, zero_sign(a, b, environment.rounding))
    out = pack(sign, total << up, exponent, environment, status)
    return overwrite(out, larger >= INFINITY, (a, b), _special_sum, environment, status)


def subtract(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a - b. A NaN b keeps its sign."""
    a, b = operands
    out = add((a, b ^ np.uint32(BINARY32.sign_mask)), environment, status)
    nan = magnitude(b) > INFINITY
    return overwrite(out, nan, (a, b), _special_sum, environment, status)


def multiply(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """a * b: the product of two significands has at most 48 bits."""
    a, b = (read(x, environment) for x in operands)
    x, ex = unpack(a)
    y, ey = unpack(b)
    # 2^16 moves the product's leading one to bit 62 or 63, and 31 bits of it above bit 31.
    product = high_half(x.astype(np.uint64) * (y.astype(np.uint64) << 16))
    significand, carry = jam_product(product)
    out = pack(sign_bit(a ^ b), significand, ex + ey + carry - BINARY32.bias, environment, status)
    special = np.maximum(magnitude(a), magnitude(b)) >= INFINITY
    return overwrite(out, special, (a, b), _special_product, environment, status)


def _aligned(x: Lanes) -> tuple[Lanes, Lanes]:
    """Significands above the guard bits, and biased exponents, 1 for subnormal numbers and zeros as well."""
    field = x >> 23
    hidden = np.minimum(field, np.uint32(1))
    significand = (x & _TRAILING | hidden << 23) << _SUM_GUARD
    return significand, np.maximum(field, np.uint32(1))


def _of_larger(a: Lanes, b: Lanes) -> Lanes:
    """The operand of the larger magnitude, by its order: np.where takes five times as long."""
    swap = np.negative((magnitude(b) > magnitude(a)).astype(np.uint32))
    return a ^ ((a ^ b) & swap)


def _special_sum(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    a, b = operands
    return propagate(sum_with_infinity(a, b, status), (a, b), environment, status)


def _special_product(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    a, b = operands
    return propagate(product_with_infinity(a, b, status), (a, b), environment, status)
