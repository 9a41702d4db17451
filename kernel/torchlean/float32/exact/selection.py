"""Minimum and maximum in the forms of 2019 (9.6) and of 2008 (5.3.1 there).

The forms differ in what a NaN does. `minimum` and `maximum` give a NaN when either operand is one;
`minimum_number` and `maximum_number` give the other operand, and a NaN only of two NaNs. `min_num_2008` and
`max_num_2008` do the same for quiet NaNs but answer a signaling one with a NaN, which makes them depend on
the order in which a reduction combines its elements: that is why the standard dropped them. All take -0 for
less than +0, as 2019 requires and 2008 permits.
"""

from __future__ import annotations

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result
from torchlean.float32.exact.datum import is_nan, is_signaling, propagate
from torchlean.float32.formats import BINARY32, Format


def minimum(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The smaller operand; a NaN if there is one (what torch.minimum computes)."""
    return _propagating(a, b, 1, environment, format)


def maximum(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The larger operand; a NaN if there is one (what torch.maximum computes)."""
    return _propagating(a, b, -1, environment, format)


def minimum_number(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The smaller operand, or the one that is a number. A signaling NaN raises invalid, and is passed over
    all the same.
    """
    return _preferring_numbers(a, b, 1, environment, format)


def maximum_number(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The larger operand, or the one that is a number. A signaling NaN raises invalid, and is passed over all
    the same.
    """
    return _preferring_numbers(a, b, -1, environment, format)


def min_num_2008(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """minNum of 754-2008: like `minimum_number`, but a signaling NaN gives a quiet NaN."""
    return _of_2008(a, b, 1, environment, format)


def max_num_2008(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """maxNum of 754-2008: like `maximum_number`, but a signaling NaN gives a quiet NaN."""
    return _of_2008(a, b, -1, environment, format)


def _propagating(a: int, b: int, direction: int, environment: Environment, format: Format) -> Result:
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return propagate(a, b, environment=environment, format=format)
    return Result(_least(a, b, direction, format), Flags.NONE)


def _preferring_numbers(a: int, b: int, direction: int, environment: Environment, format: Format) -> Result:
    format.check(a, b)
    numbers = [bits for bits in (a, b) if not is_nan(bits, format)]
    if not numbers:
        return propagate(a, b, environment=environment, format=format)
    signals = is_signaling(a, format) or is_signaling(b, format)
    chosen = _least(numbers[0], numbers[-1], direction, format)
    return Result(chosen, Flags.INVALID if signals else Flags.NONE)


def _of_2008(a: int, b: int, direction: int, environment: Environment, format: Format) -> Result:
    format.check(a, b)
    if is_signaling(a, format) or is_signaling(b, format):
        return propagate(a, b, environment=environment, format=format)
    return _preferring_numbers(a, b, direction, environment, format)


def _least(a: int, b: int, direction: int, format: Format) -> int:
    """The first operand in the order of values, -0 before +0 (direction 1), or in the opposite order (-1)."""

    def key(bits: int) -> int:
        magnitude = bits & format.magnitude_mask
        return direction * (-1 - magnitude if bits & format.sign_mask else magnitude)

    return min(a, b, key=key)
