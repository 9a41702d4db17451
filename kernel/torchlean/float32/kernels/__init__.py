"""How far torch's float32 functions on a processor may be from the functions they are named after.

Addition, multiplication, division are rounded correctly and need no table. `exp`, `tanh` or `gelu` are not: torch
calls vector math libraries (MKL, SLEEF, oneDNN) for contiguous tensors and the C library for the rest, and none
promises more than "about one unit". So each function has a stated bound here, in units in the last place
(ulps) of its exact result y, with an absolute part where relative accuracy is lost:

    |computed - y| <= ulps * ulp(y) + absolute,    ulp(y) = max(2^(floor(log2 |y|) - 23), 2^-149).

Bounds are stated by hand (`table`), above what was measured and above what the libraries document; a benchmark
measures them, over all 2^32 inputs where the table says so (`measured`), and tests hold the two against each other.
"""

from __future__ import annotations

from torchlean.float32.kernels.flushing import flushed
from torchlean.float32.kernels.kernel import Kernel
from torchlean.float32.kernels.ops import of_op
from torchlean.float32.kernels.reduced import reduced
from torchlean.float32.kernels.table import KERNELS

__all__ = ["KERNELS", "Kernel", "flushed", "of_op", "reduced", "ulps"]


def ulps(name: str) -> float:
    """The stated bound of a function's kernel, in ulps of the exact result. Raises KeyError for other names.

    Names are those of the ops (`gelu_tanh` for `gelu` with `approximate="tanh"`); parameters have their default,
    see `of_op`. The bound is only the relative part: where `KERNELS[name].absolute` is not zero, that is added.
    """
    return KERNELS[name].ulps
