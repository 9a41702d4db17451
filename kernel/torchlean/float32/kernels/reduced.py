"""The same functions on float16 and bfloat16 tensors.

There torch computes in float32 and rounds the result once more, which leaves little more than half an ulp of the
short format. A few functions are not like that: some are put together from operations that each round to the short
format, and `erf` follows a formula with an absolute error. All 65,536 inputs are tried in the tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from torchlean.float32.formats import BFLOAT16, BINARY16, Format
from torchlean.float32.kernels.compiled import COMPILED
from torchlean.float32.kernels.kernel import Kernel
from torchlean.float32.kernels.table import KERNELS

ROUNDED_ONCE = 1.0
"""ulps: twice what one rounding to nearest leaves; the error before it is no more than a tenth of that."""

_OTHERWISE: Mapping[str, float] = MappingProxyType(
    {"rsqrt": 2.0, "pow[-0.5]": 2.0, "softsign": 2.0, "pow[3]": 1.5, "pow[-2]": 5.0, "pow": 5.0}
)
"""ulps of functions that round more than once. Of powers, exponents are numbers of the short format, see `of_op`."""

_ERF = 2.0**-20
"""erf of small numbers keeps no relative accuracy, and is 0 for the smallest; 5.4e-7 was measured."""


def reduced(name: str, format: Format, *, compiled: bool = False) -> Kernel:
    """The bound in ulps of binary16 or bfloat16 where the tensor has that format.

    The function is the one that `KERNELS` calls so. `torch.compile` too computes in binary32 and rounds once, or less
    often: ulps of binary32 hardly count, but where its functions have an absolute error, that stays.

    Raises KeyError for another name, ValueError for another format.
    """
    if format not in (BINARY16, BFLOAT16):
        raise ValueError(f"expected binary16 or bfloat16, got {format.name}")
    kernel = KERNELS[name]
    absolute = kernel.absolute
    if name == "erf":
        absolute = _ERF
    elif name == "tanhshrink":
        # tanh is rounded to the short format before it is subtracted: half an ulp of numbers below 1.
        absolute = float(format.unit_roundoff)
    if compiled and name in COMPILED:
        other = COMPILED[name]
        absolute = max(absolute, other.absolute)
        kernel = dataclasses.replace(kernel, finite_below=min(kernel.finite_below, other.finite_below))
    return Kernel(
        _OTHERWISE.get(name, ROUNDED_ONCE),
        absolute=absolute,
        domain=kernel.domain,
        finite_below=kernel.finite_below,
        format=format,
    )
