"""The vector form: the operations of `scalar` on numpy arrays of bit patterns, bit for bit the same.

Operands are uint32 arrays (`x.view(numpy.uint32)` of a float32 array `x`), broadcast against each other.
Inside there are integer operations on 32 and 64 bits only, so a result does not depend on the processor's
floating-point unit, its modes, or a compiler's contraction of products and sums. On one core an addition
takes about twenty times as long as numpy's own.

Every function takes an `Environment`. Exceptions are raised in an array on request:

    flags = numpy.zeros(a.shape, numpy.uint8)
    total = vector.add(a, b, flags=flags)
    overflowed = flags & Flags.OVERFLOW != 0

Flags are sticky: they are added to what the array shows already.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from torchlean.float32.environment import DEFAULT, Environment
from torchlean.float32.exact.integral import INT32, IntegerType
from torchlean.float32.formats import BFLOAT16, BINARY16, BINARY32, TF32, Format
from torchlean.float32.lanes import arithmetic, conversion, division, fused, neighbours, selection
from torchlean.float32.lanes import remainder as long_division
from torchlean.float32.lanes.blocks import run

Bits: TypeAlias = npt.NDArray[np.uint32]
FlagArray: TypeAlias = "npt.NDArray[np.uint8] | None"


def add(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """a + b."""
    return run(arithmetic.add, (a, b), environment, flags)


def subtract(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """a - b."""
    return run(arithmetic.subtract, (a, b), environment, flags)


def multiply(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """a * b."""
    return run(arithmetic.multiply, (a, b), environment, flags)


def divide(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """a / b."""
    return run(division.divide, (a, b), environment, flags)


def fused_multiply_add(
    a: Bits, b: Bits, c: Bits, environment: Environment = DEFAULT, flags: FlagArray = None
) -> Bits:
    """a * b + c, rounded once."""
    return run(fused.fused_multiply_add, (a, b, c), environment, flags)


def square_root(a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The square root."""
    return run(division.square_root, (a,), environment, flags)


def remainder(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """a - b * n for the integer n nearest to a / b, the even one of two: exact, and not Python's or torch's %."""
    return run(long_division.remainder, (a, b), environment, flags)


def next_up(a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The least datum that compares greater."""
    return run(neighbours.next_up, (a,), environment, flags)


def next_down(a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The greatest datum that compares less."""
    return run(neighbours.next_down, (a,), environment, flags)


def next_after(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The neighbour of a on the side of b; b itself where they are equal."""
    return run(neighbours.next_after, (a, b), environment, flags)


def ulp(a: Bits) -> Bits:
    """The unit in the last place of each: 2^-149 for subnormals and zeros, +∞ for infinities."""
    return run(neighbours.ulp, (a,), DEFAULT, None)


def minimum(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The smaller of each two, a NaN where there is one (2019)."""
    return run(selection.extremum(smaller=True), (a, b), environment, flags)


def maximum(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The larger of each two, a NaN where there is one (2019)."""
    return run(selection.extremum(smaller=False), (a, b), environment, flags)


def minimum_number(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The smaller of each two, or the one that is a number (2019)."""
    return run(selection.extremum_number(smaller=True), (a, b), environment, flags)


def maximum_number(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The larger of each two, or the one that is a number (2019)."""
    return run(selection.extremum_number(smaller=False), (a, b), environment, flags)


def min_num_2008(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """minNum of 754-2008."""
    return run(selection.extremum_2008(smaller=True), (a, b), environment, flags)


def max_num_2008(a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """maxNum of 754-2008."""
    return run(selection.extremum_2008(smaller=False), (a, b), environment, flags)


def compare(
    predicate: str, a: Bits, b: Bits, environment: Environment = DEFAULT, flags: FlagArray = None
) -> npt.NDArray[np.bool_]:
    """One of the standard's `PREDICATES` by its name. Raises KeyError for a name that is not in the tables."""
    return run(selection.comparison(predicate), (a, b), environment, flags, result=np.bool_)


def round_to_integral(
    a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None, *, exact: bool = False
) -> Bits:
    """The integral number next to each; with `exact`, inexact is raised where that changes it."""
    return run(conversion.to_integral(exact=exact), (a,), environment, flags)


def convert_to_integer(
    a: Bits,
    target: IntegerType = INT32,
    environment: Environment = DEFAULT,
    flags: FlagArray = None,
    *,
    exact: bool = False,
) -> npt.NDArray[np.int64]:
    """The integer next to each, saturated to the type, 0 for NaNs. Raises ValueError for types that int64
    does not hold.
    """
    if target.largest >= 1 << 63 or target.smallest < -(1 << 63):
        raise ValueError(f"expected an integer type within int64, got {target}")
    return run(conversion.to_integers(target, exact=exact), (a,), environment, flags, result=np.int64)


def convert_from_integer(
    values: npt.NDArray[np.integer], environment: Environment = DEFAULT, flags: FlagArray = None
) -> Bits:
    """The number next to each integer of any type within int64. Raises TypeError for other arrays."""
    if not np.can_cast(values.dtype, np.int64) or values.dtype.kind not in "iu":
        raise TypeError(f"expected integers within int64, got {values.dtype}")
    wide = values.astype(np.int64)
    return run(conversion.from_integers, (wide,), environment, flags, source=np.int64)


def from_binary64(
    a: npt.NDArray[np.uint64],
    target: Format = BINARY32,
    environment: Environment = DEFAULT,
    flags: FlagArray = None,
) -> npt.NDArray[np.unsignedinteger]:
    """Patterns of binary64 rounded once, to binary32 (uint32) or a shorter format (uint16)."""
    element = _element(target)
    return run(conversion.from_binary64(target), (a,), environment, flags, source=np.uint64, result=element)


def to_binary64(
    a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None
) -> npt.NDArray[np.uint64]:
    """The same numbers in binary64."""
    return run(conversion.to_binary64, (a,), environment, flags, result=np.uint64)


def to_binary16(
    a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None
) -> npt.NDArray[np.uint16]:
    """The numbers of binary16 next to each."""
    return run(conversion.narrowing(BINARY16), (a,), environment, flags, result=np.uint16)


def to_bfloat16(
    a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None
) -> npt.NDArray[np.uint16]:
    """The numbers of bfloat16 next to each."""
    return run(conversion.narrowing(BFLOAT16), (a,), environment, flags, result=np.uint16)


def to_tf32(a: Bits, environment: Environment = DEFAULT, flags: FlagArray = None) -> Bits:
    """The numbers of TF32 next to each, as patterns of binary32 whose low 13 bits are zero."""
    bits: Bits = run(conversion.narrowing(TF32), (a,), environment, flags)
    bits <<= np.uint32(BINARY32.width - TF32.width)
    return bits


def from_binary16(
    a: npt.NDArray[np.uint16], environment: Environment = DEFAULT, flags: FlagArray = None
) -> Bits:
    """Numbers of binary16, exactly."""
    return _widen(a, BINARY16, environment, flags)


def from_bfloat16(
    a: npt.NDArray[np.uint16], environment: Environment = DEFAULT, flags: FlagArray = None
) -> Bits:
    """Numbers of bfloat16, exactly."""
    return _widen(a, BFLOAT16, environment, flags)


def _widen(a: npt.NDArray[np.uint16], source: Format, environment: Environment, flags: FlagArray) -> Bits:
    if a.dtype != np.uint16:
        raise TypeError(f"expected the bit patterns of {source.name} as uint16, got {a.dtype}")
    return run(conversion.widening(source), (a.astype(np.uint32),), environment, flags)


def _element(format: Format) -> type[np.unsignedinteger]:
    if format.width > 32:
        raise ValueError(f"expected a format of at most 32 bits, got {format.name}")
    return np.uint32 if format.width == 32 else np.uint16
