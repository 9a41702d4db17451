"""Binary interchange formats: how the bits of a number are laid out (IEEE 754-2019, 3.4 and 3.6).

The scalar operations take the format as a parameter although the library is about binary32. It costs nothing
on Python's integers, it gives the conversions between formats for free, and it lets the tests run *every*
pair of operands of an eight-bit format through the very code that computes binary32.
"""

from __future__ import annotations

from dataclasses import dataclass
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
BINARY32 = Format("binary32", 24, 8)
BINARY64 = Format("binary64", 53, 11)
