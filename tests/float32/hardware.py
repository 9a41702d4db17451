"""The machine's own arithmetic, for comparison: numpy's float32, the C library's functions, rounding modes
and flags.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from torchlean.float32 import Flags, Rounding

Bits = npt.NDArray[np.uint32]

_X86 = {Rounding.TOWARD_NEGATIVE: 0x400, Rounding.TOWARD_POSITIVE: 0x800, Rounding.TOWARD_ZERO: 0xC00}
_ARM = {
    Rounding.TOWARD_POSITIVE: 0x400000,
    Rounding.TOWARD_NEGATIVE: 0x800000,
    Rounding.TOWARD_ZERO: 0xC00000,
}
_MODES = {"x86_64": _X86, "AMD64": _X86, "aarch64": _ARM, "arm64": _ARM}.get(platform.machine(), {})
"""fenv.h's macros: they are constants of the platform's binary interface."""

_X86_FLAGS = {
    1: Flags.INVALID,
    4: Flags.DIVIDE_BY_ZERO,
    8: Flags.OVERFLOW,
    16: Flags.UNDERFLOW,
    32: Flags.INEXACT,
}
"""Only x86's: it judges tininess after rounding, as the default environment does."""

_NAME = ctypes.util.find_library("m")
LIBM = ctypes.CDLL(_NAME) if _NAME and platform.system() == "Linux" else None

HAS_DIRECTIONS = LIBM is not None and bool(_MODES)
HAS_FLAGS = LIBM is not None and platform.machine() in ("x86_64", "AMD64")

DIRECTIONS = [Rounding.TIES_TO_EVEN, *(_MODES if HAS_DIRECTIONS else ())]


@contextmanager
def rounding(direction: Rounding) -> Iterator[None]:
    """The processor's rounding direction, for numpy's loops too; restored on the way out."""
    if direction is Rounding.TIES_TO_EVEN:
        yield
        return
    assert LIBM is not None
    before = LIBM.fegetround()
    assert LIBM.fesetround(_MODES[direction]) == 0
    try:
        yield
    finally:
        LIBM.fesetround(before)


def compute(operation: Callable[..., npt.NDArray[np.float32]], *operands: Bits, direction: Rounding) -> Bits:
    """A numpy function on patterns, under a rounding direction."""
    floats = [x.view(np.float32) for x in operands]
    with np.errstate(all="ignore"), rounding(direction):
        return operation(*floats).view(np.uint32)


def fused_multiply_add(a: Bits, b: Bits, c: Bits, direction: Rounding = Rounding.TIES_TO_EVEN) -> Bits:
    """a * b + c rounded once, by numpy's float64 (Boldo and Melquiond, Emulation of FMA and correctly rounded
    sums, 2008).

    The product is exact in binary64. Their sum is rounded to odd there, which spoils no later rounding to 24
    bits.
    """
    with np.errstate(all="ignore"):
        x, y, z = (bits.view(np.float32).astype(np.float64) for bits in (a, b, c))
        p = x * y
        s = p + z
        back = s - p
        error = (p - (s - back)) + (z - back)
        even = s.view(np.uint64) & 1 == 0
        odd = np.where(
            (error != 0) & even & np.isfinite(s), np.nextafter(s, np.where(error > 0, np.inf, -np.inf)), s
        )
        if direction is Rounding.TOWARD_NEGATIVE:
            # The sum was formed to nearest, where an exact zero is positive.
            odd = np.where(
                (s == 0) & ~(np.signbit(p) & np.signbit(z)) & (np.signbit(p) | np.signbit(z)), -0.0, odd
            )
        with rounding(direction):
            return odd.astype(np.float32).view(np.uint32)


def c_function(name: str, *arguments: type[ctypes._SimpleCData[float]]) -> Callable[..., float]:
    """A function of the C library with float result."""
    assert LIBM is not None
    function = getattr(LIBM, name)
    function.argtypes, function.restype = list(arguments), ctypes.c_float
    return function  # type: ignore[no-any-return]  # ctypes attributes have no type


def flags_of(function: Callable[..., float], *arguments: float) -> Flags:
    """What a C function raises. Arguments must be exact in float, or passing them raises inexact."""
    assert LIBM is not None
    LIBM.feclearexcept(0x3D)
    function(*arguments)
    raised = LIBM.fetestexcept(0x3D)
    return Flags(sum(flag for bit, flag in _X86_FLAGS.items() if raised & bit))
