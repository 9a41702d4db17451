"""roundToIntegral and the conversions from and to integers (IEEE 754-2019, 5.3.1, 5.4.1, 5.8, 5.9, 7.2 j)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from torchlean.float32.environment import DEFAULT, Environment, Flags, IntegerResult, Result
from torchlean.float32.exact.datum import Datum, decode_operand, encode, is_finite, is_nan, propagate, sign_of
from torchlean.float32.exact.rounding import round_exact, round_shift
from torchlean.float32.formats import BINARY32, Format


class OutOfRange(enum.Enum):
    """The integer that stands for NaNs and for what does not fit; the standard only asks for the invalid
    flag.

    `SATURATE` gives the nearest integer of the type, and 0 for NaNs (Arm, WebAssembly's saturating form);
    `INDEFINITE` gives the smallest integer of a signed type and the largest of an unsigned one (x86).
    """

    SATURATE = "saturate"
    INDEFINITE = "indefinite"


@dataclass(frozen=True)
class IntegerType:
    """Integers of `bits` bits, in two's complement where signed."""

    bits: int
    signed: bool = True

    @property
    def smallest(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def largest(self) -> int:
        return (1 << (self.bits - self.signed)) - 1


INT32 = IntegerType(32)
INT64 = IntegerType(64)
UINT8 = IntegerType(8, signed=False)
UINT32 = IntegerType(32, signed=False)


def round_to_integral(
    a: int, environment: Environment = DEFAULT, format: Format = BINARY32, *, exact: bool = False
) -> Result:
    """The integral number next to a in the environment's rounding direction (roundToIntegralTiesToEven and
    its siblings).

    With `exact`, a changed value raises inexact (roundToIntegralExact); without it nothing does but a
    signaling NaN. A zero result keeps the sign of a, and infinities stay.
    """
    format.check(a)
    if is_nan(a, format):
        return propagate(a, environment=environment, format=format)
    if not is_finite(a, format):
        return Result(a, Flags.NONE)
    x = decode_operand(a, environment, format)
    magnitude, changed = round_shift(x.sign, x.significand, -x.exponent, environment.rounding)
    bits = encode(Datum(x.sign, magnitude, 0), format)
    return Result(bits, Flags.INEXACT if changed and exact else Flags.NONE)


def convert_to_integer(
    a: int,
    target: IntegerType = INT32,
    environment: Environment = DEFAULT,
    format: Format = BINARY32,
    *,
    exact: bool = False,
    out_of_range: OutOfRange = OutOfRange.SATURATE,
) -> IntegerResult:
    """The integer next to a in the environment's rounding direction (convertToIntegerTiesToEven and its
    siblings).

    NaNs, infinities and numbers whose rounded value does not fit are invalid. With `exact`, a changed value
    raises inexact (the convertToIntegerExact operations). The conversion of C and of torch is that with
    rounding toward zero.
    """
    format.check(a)
    if is_nan(a, format):
        return _unrepresentable(0, target, out_of_range)
    beyond = target.smallest - 1 if sign_of(a, format) else target.largest + 1
    if not is_finite(a, format):
        return _unrepresentable(beyond, target, out_of_range)
    x = decode_operand(a, environment, format)
    magnitude, changed = round_shift(x.sign, x.significand, -x.exponent, environment.rounding)
    value = -magnitude if x.sign else magnitude
    if not target.smallest <= value <= target.largest:
        return _unrepresentable(value, target, out_of_range)
    return IntegerResult(value, Flags.INEXACT if changed and exact else Flags.NONE)


def convert_from_integer(value: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Result:
    """The number next to an integer of any size (convertFromInt). Zero gives +0 (6.3)."""
    if value == 0:
        return Result(0, Flags.NONE)
    return round_exact(int(value < 0), abs(value), 0, environment, format)


def _unrepresentable(value: int, target: IntegerType, policy: OutOfRange) -> IntegerResult:
    if policy is OutOfRange.INDEFINITE:
        return IntegerResult(target.smallest if target.signed else target.largest, Flags.INVALID)
    return IntegerResult(min(max(value, target.smallest), target.largest), Flags.INVALID)
