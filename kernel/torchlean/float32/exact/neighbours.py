"""nextUp, nextDown, nextAfter, ulp, logB, scaleB (IEEE 754-2019, 5.3.1, 5.3.3)."""

from __future__ import annotations

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result
from torchlean.float32.exact.comparison import Relation, relation
from torchlean.float32.exact.datum import (
    decode,
    decode_operand,
    is_finite,
    is_infinite,
    is_nan,
    is_zero,
    propagate,
)
from torchlean.float32.exact.integral import convert_from_integer
from torchlean.float32.exact.rounding import round_exact
from torchlean.float32.formats import BINARY32, Format


def next_up(a: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The least datum that compares greater: of both zeros the smallest subnormal, of the smallest negative
    number -0.
    """
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    if a == format.infinity:
        return Result(a, Flags.NONE)
    if is_zero(a, format):
        return Result(1, Flags.NONE)
    return Result(a - 1 if a & format.sign_mask else a + 1, Flags.NONE)


def next_down(a: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The greatest datum that compares less: -nextUp(-a)."""
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    up = next_up(a ^ format.sign_mask, environment, format)
    return Result(up.bits ^ format.sign_mask, up.flags)


def next_after(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The neighbour of a on the side of b; b itself where they are equal (754-1985's and C's nextafter).

    Unlike nextUp it raises flags: overflow and inexact when a finite number is left for infinity, underflow
    and inexact when the neighbour is subnormal or zero.
    """
    format.check(a, b)
    found = relation(a, b, DEFAULT, format)
    if found is Relation.UNORDERED:
        return propagate(a, b, environment=environment, format=format)
    if found is Relation.EQUAL:
        return Result(b, Flags.NONE)
    step = next_up if found is Relation.LESS else next_down
    bits = step(a, environment, format).bits
    if is_infinite(bits, format) and is_finite(a, format):
        return Result(bits, Flags.OVERFLOW | Flags.INEXACT)
    if bits & format.magnitude_mask < format.hidden_bit:
        return Result(bits, Flags.UNDERFLOW | Flags.INEXACT)
    return Result(bits, Flags.NONE)


def ulp(a: int, format: Format = BINARY32) -> int:
    """The bits of the unit in the last place of a: the distance to the next larger magnitude of its binade.

    Of subnormals and zeros it is the smallest positive number, of infinities +∞, of NaNs the canonical NaN.
    (Goldberg's ulp, as in Java's Math.ulp; the standard has no such operation.)
    """
    format.check(a)
    if is_nan(a, format):
        return format.canonical_nan
    if is_infinite(a, format):
        return format.infinity
    return round_exact(0, 1, decode(a, format).exponent, DEFAULT, format).bits


def log_b(a: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The exponent of |a|, as a number of the format, subnormals taken as normalised.

    A zero gives -∞ and raises divideByZero; infinities give +∞.
    """
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    if is_infinite(a, format):
        return Result(format.infinity, Flags.NONE)
    x = decode_operand(a, environment, format)
    if x.significand == 0:
        return Result(format.infinity | format.sign_mask, Flags.DIVIDE_BY_ZERO)
    return convert_from_integer(x.significand.bit_length() - 1 + x.exponent, environment, format)


def scale_b(a: int, n: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """a * 2^n, rounded once. Zeros, infinities and NaNs stay what they are, whatever n is."""
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    if not is_finite(a, format):
        return Result(a, Flags.NONE)
    x = decode_operand(a, environment, format)
    if x.significand == 0:
        return Result(a & format.sign_mask, Flags.NONE)
    # Beyond this every number has overflowed, or is far below the smallest one: the power need not be larger.
    limit = 4 * (format.maximum_exponent + format.precision)
    return round_exact(x.sign, x.significand, x.exponent + min(max(n, -limit), limit), environment, format)
