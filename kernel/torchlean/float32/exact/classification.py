"""class and its predicates, the operations on signs, NaN payloads (IEEE 754-2019, 5.5.1, 5.7.2, 9.7).

None of them raises a flag, not even for a signaling NaN, and none rounds.
"""

from __future__ import annotations

import enum

from torchlean.float32.exact.datum import is_finite, is_infinite, is_nan, is_signaling, is_zero
from torchlean.float32.formats import BINARY32, Format


class NumberClass(enum.Enum):
    """The ten classes of 5.7.2."""

    SIGNALING_NAN = "signalingNaN"
    QUIET_NAN = "quietNaN"
    NEGATIVE_INFINITY = "negativeInfinity"
    NEGATIVE_NORMAL = "negativeNormal"
    NEGATIVE_SUBNORMAL = "negativeSubnormal"
    NEGATIVE_ZERO = "negativeZero"
    POSITIVE_ZERO = "positiveZero"
    POSITIVE_SUBNORMAL = "positiveSubnormal"
    POSITIVE_NORMAL = "positiveNormal"
    POSITIVE_INFINITY = "positiveInfinity"


def class_of(a: int, format: Format = BINARY32) -> NumberClass:
    """class(a)."""
    format.check(a)
    if is_nan(a, format):
        return NumberClass.SIGNALING_NAN if is_signaling(a, format) else NumberClass.QUIET_NAN
    sign = "negative" if is_sign_minus(a, format) else "positive"
    if is_infinite(a, format):
        return NumberClass(f"{sign}Infinity")
    if is_zero(a, format):
        return NumberClass(f"{sign}Zero")
    return NumberClass(f"{sign}Subnormal" if is_subnormal(a, format) else f"{sign}Normal")


def is_sign_minus(a: int, format: Format = BINARY32) -> bool:
    """isSignMinus: whether the sign bit is set, of zeros and NaNs too."""
    format.check(a)
    return bool(a & format.sign_mask)


def is_normal(a: int, format: Format = BINARY32) -> bool:
    """isNormal: neither zero nor subnormal nor infinite nor a NaN."""
    format.check(a)
    return is_finite(a, format) and a & format.magnitude_mask >= format.hidden_bit


def is_subnormal(a: int, format: Format = BINARY32) -> bool:
    """isSubnormal: finite, not zero, and smaller than the smallest normal number."""
    format.check(a)
    return 0 < a & format.magnitude_mask < format.hidden_bit


def is_canonical(a: int, format: Format = BINARY32) -> bool:
    """isCanonical: always true, since every bit string of a binary interchange format is canonical (3.4)."""
    format.check(a)
    return True


def negate(a: int, format: Format = BINARY32) -> int:
    """negate: the sign bit turned over. It is not 0 - a, which is +0 for +0."""
    format.check(a)
    return a ^ format.sign_mask


def absolute(a: int, format: Format = BINARY32) -> int:
    """abs: the sign bit cleared."""
    format.check(a)
    return a & format.magnitude_mask


def copy_sign(a: int, b: int, format: Format = BINARY32) -> int:
    """copySign: a with the sign of b."""
    format.check(a, b)
    return a & format.magnitude_mask | b & format.sign_mask


def payload(a: int, format: Format = BINARY32) -> int | None:
    """getPayload as an integer; None where the standard answers -1, for data that are no NaN."""
    format.check(a)
    return a & (format.quiet_bit - 1) if is_nan(a, format) else None


def nan_with_payload(value: int, format: Format = BINARY32, *, signaling: bool = False) -> int:
    """setPayload, setPayloadSignaling: the positive NaN with this payload.

    Raises ValueError where the payload does not fit, or is zero in a signaling NaN (that would be infinity).
    """
    if not signaling <= value < format.quiet_bit:
        raise ValueError(f"expected a payload from {int(signaling)} to {format.quiet_bit - 1}, got {value}")
    return format.infinity | (0 if signaling else format.quiet_bit) | value
