"""From an exact value to a format: the one place where anything is rounded (IEEE 754-2019, 4.3, 7.4, 7.5).

Every operation of the scalar reference computes its exact result, or enough leading bits of it with a sticky
bit below, and hands it over here. So correct rounding, overflow and underflow are right everywhere if they
are right once.
"""

from __future__ import annotations

from torchlean.float32.environment import DEFAULT, Environment, Flags, Result, Rounding, Tininess
from torchlean.float32.formats import BINARY32, Format


def round_exact(
    sign: int,
    significand: int,
    exponent: int,
    environment: Environment = DEFAULT,
    format: Format = BINARY32,
) -> Result:
    """Round (-1)^sign * significand * 2^exponent, with significand > 0, to the format.

    A caller that knows only the leading bits of a significand (a quotient, a root) passes at least p + 2 of
    them and sets the lowest bit when anything non-zero was cut off: then no tie and no exact value is
    mistaken for another.
    """
    leading = significand.bit_length() - 1 + exponent
    quantum = max(leading, format.minimum_exponent) - format.trailing_bits
    kept, inexact = round_shift(sign, significand, quantum - exponent, environment.rounding)
    # A carry out of the significand moves into the exponent field by itself, and out of the subnormals too.
    magnitude = (max(leading - format.minimum_exponent, 0) << format.trailing_bits) + kept
    if magnitude >= format.infinity:
        return _overflow(sign, environment.rounding, format)
    tiny = _is_tiny(sign, significand, exponent, environment, format)
    sign_bits = format.sign_mask if sign else 0
    if tiny and environment.flush_to_zero:
        return Result(sign_bits, Flags.UNDERFLOW | Flags.INEXACT)
    if not inexact:
        return Result(sign_bits | magnitude, Flags.NONE)
    return Result(sign_bits | magnitude, Flags.INEXACT | Flags.UNDERFLOW if tiny else Flags.INEXACT)


def round_shift(sign: int, significand: int, shift: int, rounding: Rounding) -> tuple[int, bool]:
    """significand / 2^shift rounded to an integer as the magnitude of a number of that sign, and whether that
    lost anything.
    """
    if shift <= 0:
        return significand << -shift, False
    # Beyond its own length and two, shifting changes neither the kept part nor which side of half the rest lies on.
    shift = min(shift, significand.bit_length() + 2)
    kept = significand >> shift
    rest = significand - (kept << shift)
    if rest and _rounds_up(sign, kept, rest, 1 << (shift - 1), rounding):
        kept += 1
    return kept, rest != 0


def zero_sign_of_sum(rounding: Rounding) -> int:
    """The sign of an exact zero that a sum of numbers of opposite sign gives (6.3)."""
    return 1 if rounding is Rounding.TOWARD_NEGATIVE else 0


def _rounds_up(sign: int, kept: int, rest: int, half: int, rounding: Rounding) -> bool:
    """Whether the magnitude grows, for a remainder `rest` > 0 below the kept part's unit, of which `half` is
    half.
    """
    if rounding is Rounding.TIES_TO_EVEN:
        return rest > half or (rest == half and kept % 2 == 1)
    if rounding is Rounding.TIES_TO_AWAY:
        return rest >= half
    if rounding is Rounding.TOWARD_ZERO:
        return False
    return sign == (1 if rounding is Rounding.TOWARD_NEGATIVE else 0)


def _overflow(sign: int, rounding: Rounding, format: Format) -> Result:
    """The result of an overflow (7.4): infinity, or the largest finite number where the direction forbids
    infinity.
    """
    inward = {
        Rounding.TIES_TO_EVEN: False,
        Rounding.TIES_TO_AWAY: False,
        Rounding.TOWARD_ZERO: True,
        Rounding.TOWARD_POSITIVE: sign == 1,
        Rounding.TOWARD_NEGATIVE: sign == 0,
    }[rounding]
    magnitude = format.largest_finite if inward else format.infinity
    return Result((format.sign_mask if sign else 0) | magnitude, Flags.OVERFLOW | Flags.INEXACT)


def _is_tiny(sign: int, significand: int, exponent: int, environment: Environment, format: Format) -> bool:
    """Whether the value lies strictly between -2^emin and 2^emin, before or after rounding it to p bits
    (7.5).
    """
    leading = significand.bit_length() - 1 + exponent
    if leading >= format.minimum_exponent:
        return False
    if environment.tininess is Tininess.BEFORE_ROUNDING or leading < format.minimum_exponent - 1:
        return True
    # Just below 2^emin: with an unbounded exponent it would keep p bits, and may round up to 2^emin.
    shift = leading - format.trailing_bits - exponent
    kept, _ = round_shift(sign, significand, shift, environment.rounding)
    return kept < 1 << format.precision
