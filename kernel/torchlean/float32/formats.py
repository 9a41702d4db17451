"""Binary interchange formats: how the bits of a number are laid out (IEEE 754-2019, 3.4 and 3.6).

The scalar operations take the format as a parameter although the library is about binary32. It costs nothing
on Python's integers, it gives the conversions between formats for free, and it lets the tests run *every*
pair of operands of an eight-bit format through the very code that computes binary32.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class Format:
    """A binary format of `precision` significant bits (the standard's p) and `exponent_bits` exponent bits
    (w).

    A bit string is, from the top: one sign bit, w bits of biased exponent, p - 1 bits of trailing
    significand.
    """

    name: str
    precision: int
    exponent_bits: int

    @cached_property
    def width(self) -> int:
        """Bits in all (the standard's k)."""
        return self.precision + self.exponent_bits

    @cached_property
    def trailing_bits(self) -> int:
        """Bits of the trailing significand field (t = p - 1)."""
        return self.precision - 1

    @cached_property
    def bias(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1

    @cached_property
    def maximum_exponent(self) -> int:
        """emax: the exponent of the largest finite number."""
        return self.bias

    @cached_property
    def minimum_exponent(self) -> int:
        """emin = 1 - emax: the exponent of the smallest normal number."""
        return 1 - self.bias

    @cached_property
    def quantum_exponent(self) -> int:
        """The exponent of the smallest positive number: every finite number is a multiple of 2 to this power."""
        return self.minimum_exponent - self.trailing_bits

    @cached_property
    def sign_mask(self) -> int:
        return 1 << (self.width - 1)

    @cached_property
    def magnitude_mask(self) -> int:
        return self.sign_mask - 1

    @cached_property
    def hidden_bit(self) -> int:
        """The leading significand bit that a normal number has and does not store; also the smallest normal
        number.
        """
        return 1 << self.trailing_bits

    @cached_property
    def infinity(self) -> int:
        """The bits of +∞; magnitudes above it are NaNs."""
        return ((1 << self.exponent_bits) - 1) << self.trailing_bits

    @cached_property
    def largest_finite(self) -> int:
        return self.infinity - 1

    @cached_property
    def unit_roundoff(self) -> Fraction:
        """u = 2^-p: the largest relative error of rounding a number of normal size to nearest."""
        return Fraction(1, 1 << self.precision)

    @cached_property
    def half_quantum(self) -> Fraction:
        """η: half the smallest positive number, the largest error of rounding a smaller number to nearest."""
        return Fraction(2) ** (self.quantum_exponent - 1)

    @cached_property
    def smallest_normal(self) -> Fraction:
        """2^emin."""
        return Fraction(2) ** self.minimum_exponent

    @cached_property
    def largest_value(self) -> Fraction:
        """The largest finite number, (2 - 2^(1-p)) 2^emax."""
        return (2 - 2 * self.unit_roundoff) * Fraction(2) ** self.maximum_exponent

    @cached_property
    def overflow_threshold(self) -> Fraction:
        """The least magnitude that rounds to nearest to infinity: half a unit above `largest_value` (7.4)."""
        return (2 - self.unit_roundoff) * Fraction(2) ** self.maximum_exponent

    @cached_property
    def quiet_bit(self) -> int:
        """The first bit of the trailing significand, set in quiet NaNs and clear in signaling ones (6.2.1)."""
        return self.hidden_bit >> 1

    @cached_property
    def canonical_nan(self) -> int:
        """The positive quiet NaN without a payload, the answer of every invalid operation here."""
        return self.infinity | self.quiet_bit

    def check(self, *operands: int) -> None:
        """Raise ValueError for an operand that is not a bit string of this format."""
        for bits in operands:
            if not 0 <= bits < 1 << self.width:
                raise ValueError(
                    f"expected the bits of a {self.name} number, 0 <= bits < 2**{self.width}, got {bits}"
                )


BINARY16 = Format("binary16", 11, 5)
BFLOAT16 = Format("bfloat16", 8, 8)
"""Not in the standard: binary32 with its low sixteen bits cut off, used for weights and activations."""
TF32 = Format("TF32", 11, 8)
"""Not in the standard, and not a storage format: what tensor cores read of a binary32 number. Its patterns are
those of binary32 without the low thirteen bits.
"""
BINARY32 = Format("binary32", 24, 8)
BINARY64 = Format("binary64", 53, 11)
