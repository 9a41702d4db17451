"""A binary32 number as an immutable value: the scalar reference with operators, for interactive use and for
tests.

>>> a = Binary32.from_text("0.1")
>>> a + a + a, (a + a + a).to_fraction() - Fraction(3, 10)
(Binary32('0.3'), Fraction(1, 83886080))
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

from torchlean.float32 import scalar
from torchlean.float32.environment import DEFAULT, Environment
from torchlean.float32.formats import BINARY32, BINARY64


@dataclass(frozen=True, slots=True, eq=False)
class Binary32:
    """A datum of binary32, NaNs included. Operators round to nearest even; methods take an environment.

    Comparisons are the standard's quiet ones: the zeros are equal, and a NaN equals nothing. Compare `bits`
    for identity. Flags are returned by the functions of `torchlean.float32.scalar`, on bits; operators drop
    them.
    """

    bits: int

    def __post_init__(self) -> None:
        BINARY32.check(self.bits)

    @classmethod
    def from_bits(cls, bits: int) -> Binary32:
        """The datum with these 32 bits. Raises ValueError for other integers."""
        return cls(bits)

    @classmethod
    def from_float(cls, number: float, environment: Environment = DEFAULT) -> Binary32:
        """The number next to a Python float (binary64), rounded once, from its bits."""
        (bits,) = struct.unpack("<Q", struct.pack("<d", number))
        return cls(scalar.convert_format(bits, BINARY64, BINARY32, environment).bits)

    @classmethod
    def from_fraction(cls, number: Fraction | int, environment: Environment = DEFAULT) -> Binary32:
        """The number next to a rational, rounded once; 0 gives +0."""
        number = Fraction(number)
        return cls(scalar.from_quotient(number.numerator, number.denominator, environment).bits)

    @classmethod
    def from_text(cls, text: str, environment: Environment = DEFAULT) -> Binary32:
        """The number next to a decimal or hexadecimal one, rounded once. Raises ValueError for other text."""
        read = scalar.convert_from_hexadecimal if "0x" in text.lower() else scalar.convert_from_decimal
        return cls(read(text, environment).bits)

    def to_fraction(self) -> Fraction:
        """The exact value. Raises ValueError for infinities and NaNs."""
        return scalar.to_fraction(self.bits)

    def to_float(self) -> float:
        """The same number as a Python float, which holds every binary32 number exactly."""
        wide = scalar.convert_format(self.bits, BINARY32, BINARY64).bits
        number: float = struct.unpack("<d", struct.pack("<Q", wide))[0]
        return number

    def __add__(self, other: Binary32) -> Binary32:
        return Binary32(scalar.add(self.bits, other.bits).bits)

    def __sub__(self, other: Binary32) -> Binary32:
        return Binary32(scalar.subtract(self.bits, other.bits).bits)

    def __mul__(self, other: Binary32) -> Binary32:
        return Binary32(scalar.multiply(self.bits, other.bits).bits)

    def __truediv__(self, other: Binary32) -> Binary32:
        """IEEE division: by zero it gives an infinity or a NaN, and raises nothing."""
        return Binary32(scalar.divide(self.bits, other.bits).bits)

    def fma(self, factor: Binary32, addend: Binary32, environment: Environment = DEFAULT) -> Binary32:
        """self * factor + addend, rounded once."""
        return Binary32(scalar.fused_multiply_add(self.bits, factor.bits, addend.bits, environment).bits)

    def sqrt(self, environment: Environment = DEFAULT) -> Binary32:
        return Binary32(scalar.square_root(self.bits, environment).bits)

    def remainder(self, divisor: Binary32) -> Binary32:
        """The IEEE remainder, of at most half the divisor's magnitude: not Python's %."""
        return Binary32(scalar.remainder(self.bits, divisor.bits).bits)

    def next_up(self) -> Binary32:
        return Binary32(scalar.next_up(self.bits).bits)

    def next_down(self) -> Binary32:
        return Binary32(scalar.next_down(self.bits).bits)

    def ulp(self) -> Binary32:
        return Binary32(scalar.ulp(self.bits))

    def __neg__(self) -> Binary32:
        return Binary32(scalar.negate(self.bits))

    def __abs__(self) -> Binary32:
        return Binary32(scalar.absolute(self.bits))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binary32):
            return NotImplemented
        return scalar.compare("compareQuietEqual", self.bits, other.bits).holds

    def __hash__(self) -> int:
        # The zeros are equal, so they must hash alike.
        return hash(0 if scalar.is_zero(self.bits) else self.bits)

    def __lt__(self, other: Binary32) -> bool:
        return scalar.compare("compareQuietLess", self.bits, other.bits).holds

    def __le__(self, other: Binary32) -> bool:
        return scalar.compare("compareQuietLessEqual", self.bits, other.bits).holds

    def __gt__(self, other: Binary32) -> bool:
        return scalar.compare("compareQuietGreater", self.bits, other.bits).holds

    def __ge__(self, other: Binary32) -> bool:
        return scalar.compare("compareQuietGreaterEqual", self.bits, other.bits).holds

    @property
    def is_nan(self) -> bool:
        return scalar.is_nan(self.bits)

    @property
    def is_finite(self) -> bool:
        return scalar.is_finite(self.bits)

    @property
    def number_class(self) -> scalar.NumberClass:
        return scalar.class_of(self.bits)

    def __str__(self) -> str:
        """The shortest decimal that reads back as this number."""
        return scalar.shortest_decimal(self.bits)

    def __repr__(self) -> str:
        return f"Binary32({str(self)!r})"
