"""Neighbours of blocks, and their units in the last place."""

from __future__ import annotations

import numpy as np

from torchlean.float32.environment import Environment, Flags
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, raise_flag
from torchlean.float32.lanes.packing import magnitude, sign_bit
from torchlean.float32.lanes.specials import CANONICAL_NAN, INFINITY, is_infinite, is_nan, is_zero, propagate

_SIGN = np.uint32(BINARY32.sign_mask)
_ONE = np.uint32(1)


def next_up(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The least datum that compares greater; +∞ stays."""
    (a,) = operands
    return propagate(_up(a), (a,), environment, status)


def next_down(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The greatest datum that compares less; -∞ stays."""
    (a,) = operands
    return propagate(_up(a ^ _SIGN) ^ _SIGN, (a,), environment, status)


def next_after(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The neighbour of a on the side of b, b itself where they are equal; flags as C's nextafter raises them."""
    a, b = operands
    left, right = _order(a), _order(b)
    towards = np.where(left < right, _up(a), _up(a ^ _SIGN) ^ _SIGN)
    moved = (left != right) & ~is_nan(a) & ~is_nan(b)
    out = np.where(moved, towards, b)
    raise_flag(status, moved & is_infinite(out) & ~is_infinite(a), Flags.OVERFLOW | Flags.INEXACT)
    small = magnitude(out) < np.uint32(BINARY32.hidden_bit)
    raise_flag(status, moved & small, Flags.UNDERFLOW | Flags.INEXACT)
    return propagate(out, (a, b), environment, status)


def ulp(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """The distance to the next larger magnitude of the same binade, as Goldberg's ulp and Java's."""
    (a,) = operands
    field = np.maximum(magnitude(a) >> BINARY32.trailing_bits, _ONE)
    normal = field > BINARY32.trailing_bits
    down = np.where(normal, field - np.uint32(BINARY32.trailing_bits), 0).astype(np.uint32)
    subnormal = _ONE << np.where(normal, _ONE, field) - _ONE
    out = np.where(normal, down << BINARY32.trailing_bits, subnormal).astype(np.uint32)
    return np.where(magnitude(a) < INFINITY, out, np.where(is_nan(a), CANONICAL_NAN, INFINITY))


def _up(a: Lanes) -> Lanes:
    """nextUp of numbers and infinities."""
    step = np.where(sign_bit(a) != 0, a - _ONE, a + _ONE)
    return np.where(is_zero(a), _ONE, np.where(a == INFINITY, a, step))


def _order(a: Lanes) -> Lanes:
    """Integers in the order of the numbers, both zeros equal."""
    size = magnitude(a).astype(np.int64)
    return np.where(sign_bit(a) != 0, -size, size)
