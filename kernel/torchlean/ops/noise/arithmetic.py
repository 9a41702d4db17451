"""How the machine computes: the rounding of each dtype, and the settings that weaken it.

The model is the rounding interface of `torchlean.float32.rounding_model`: what a single operation returns is within
`u |s| + η` of the exact result `s`. It needs no tie rule and holds for every order of summation. Here the same numbers
stand as float64, for all dtypes, because the analysis works on tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch

from torchlean.float32.rounding_model import NEAREST

_PARAMETERS = {
    # significant bits, exponent of the largest number's binade, exponent of the smallest subnormal
    torch.float64: (53, 1023, -1074),
    torch.float32: (24, 127, -149),
    torch.bfloat16: (8, 127, -133),
    torch.float16: (11, 15, -24),
}

DTYPES = frozenset(_PARAMETERS)
"""The floating dtypes that are known."""

DOUBLE_ROUNDING = 1.0 + 2.0**-12
"""Kernels of 16-bit dtypes compute in binary32 and round once more: `(1 + u32)(1 + u16) - 1 < u16 (1 + 2**-12)`."""

TF32_UNIT = 2.0**-11
"""Matrix products in TF32 read their operands with 11 significant bits."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The rounding of one dtype.

    Attributes:
        unit: the unit roundoff u.
        tiny: η of products and functions: half the smallest subnormal, or the smallest normal number where tiny results
            are flushed to zero.
        tiny_sum: η of sums, zero where subnormal numbers are kept.
        largest: magnitudes from here on may round to infinity.
        smallest_normal: below it functions may lose their relative accuracy.
        flushed: what reading subnormal operands as zeros may change.
    """

    unit: float
    tiny: float
    tiny_sum: float
    largest: float
    smallest_normal: float
    flushed: float = 0.0


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The settings of a run.

    Attributes:
        flush_to_zero: subnormal operands and results count as zeros (`torch.set_flush_denormal(True)`, most
            accelerators).
        tf32: matrix products and convolutions of float32 read 11 bits of their operands
            (`torch.backends.cuda.matmul.allow_tf32`).
        autocast: the dtype in which any float32 operation may be carried out (`torch.autocast`), or None.
        compiled: `torch.compile` may compute functions by the kernels that inductor writes for a processor.
    """

    flush_to_zero: bool = False
    tf32: bool = False
    autocast: torch.dtype | None = None
    compiled: bool = False

    def precision(self, dtype: torch.dtype) -> Precision:
        """The rounding of operations with results of this dtype.

        Raises:
            KeyError: not a floating dtype that is known.
        """
        return _precision(self, dtype)

    @property
    def key(self) -> bytes:
        """The settings as bytes, for content keys."""
        return repr(self).encode()


@cache
def _precision(arithmetic: Arithmetic, dtype: torch.dtype) -> Precision:
    """Asked for several times at each op."""
    if arithmetic.autocast is not None and dtype == torch.float32:
        dtype = arithmetic.autocast
    bits, top, bottom = _PARAMETERS[dtype]
    narrow = dtype in (torch.float16, torch.bfloat16)
    unit = 2.0**-bits * (DOUBLE_ROUNDING if narrow else 1.0)
    # Half a unit above the largest number is the least that rounds to infinity; for float64 that overflows.
    largest = 2.0**top * (2.0 - 2.0**-bits)
    smallest_normal = 2.0 ** (bottom + bits - 1)
    if arithmetic.flush_to_zero:
        return Precision(unit, smallest_normal, smallest_normal, largest, smallest_normal, smallest_normal)
    return Precision(unit, max(2.0 ** (bottom - 1), 2.0**-1074), 0.0, largest, smallest_normal)


def spacing(magnitude: float, dtype: torch.dtype) -> float:
    """The distance of neighbouring numbers of that magnitude (not negative); infinite where that is."""
    info = torch.finfo(dtype)
    least = max(magnitude, float(info.tiny))
    return math.inf if math.isinf(least) else float(info.eps) * 2.0 ** (math.frexp(least)[1] - 1)


DEFAULT = Arithmetic()
"""torch on a CPU as it starts."""

assert DEFAULT.precision(torch.float32) == Precision(
    float(NEAREST.u), float(NEAREST.eta_product), 0.0, float(NEAREST.overflow), 2.0**-126
), "the two statements of the model differ"
