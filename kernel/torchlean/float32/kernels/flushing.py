"""The same functions where subnormal numbers are flushed to zero (`torch.set_flush_denormal(True)`)."""

from __future__ import annotations

import dataclasses

from torchlean.float32.kernels.kernel import Kernel

_LOST = 256.0
"""Smallest normal numbers: the largest loss that was met is 171 of them, in mish, which multiplies a flushed e^x by x;
x e^x is below 88 where e^x is subnormal, and twice that with a flushed square. All others lose 2 at most.
"""


def flushed(kernel: Kernel) -> Kernel:
    """The bound for normal operands where intermediate and final results may be flushed to zero.

    It does not cover subnormal operands, which may be read as zeros: that moves them by less than the smallest normal
    number. 1 / (x * x), as torch computes `x ** -2`, may be infinite from an exact result of a quarter of the largest
    number on: its square may be flushed.
    """
    smallest_normal = float(kernel.format.smallest_normal)
    return dataclasses.replace(kernel, absolute=kernel.absolute + _LOST * smallest_normal)
