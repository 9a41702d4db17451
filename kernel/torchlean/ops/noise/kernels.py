"""The stated errors of torch's functions (`torchlean.float32.kernels`), for every dtype.

They were measured for binary32 and for the two 16-bit formats. In binary64 they are taken to be no worse in its own
units: the kernels come from the same libraries with the same promises.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchlean.float32 import BFLOAT16, BINARY16, BINARY32, Format
from torchlean.float32.kernels import KERNELS, Kernel, of_op
from torchlean.ops.noise.arithmetic import Precision
from torchlean.ops.noise.values import Call

BINARY32_UNIT = 2.0**-24

NEAR_UNDERFLOW = 2.0**-100
"""Absolute errors below this come from underflow; they go with the smallest normal number, others with the unit."""

LOST = 1024.0
"""What a kernel may lose where `e**-x` overflows or underflows on the way, in smallest normal numbers: `x e**-x` at the
border of either is below 256 of them in binary32 and below 800 in binary64."""


def of_call(call: Call) -> Kernel:
    """What is stated about the kernel of this call."""
    format = _format(call.precision)
    return of_op(call.op.name, call.attributes, format, compiled=call.arithmetic.compiled)


def _format(precision: Precision) -> Format:
    """The format whose statements apply: told by the unit, since autocast may compute float32 in another one."""
    short = (BINARY16, BFLOAT16)
    return next(
        (format for format in short if format.unit_roundoff <= precision.unit < 2 * format.unit_roundoff),
        BINARY32,
    )


def bound(kernel: Kernel, precision: Precision) -> tuple[float, float]:
    """The error of one evaluation, as (relative to the exact result, absolute).

    One ulp is at most `2 u` of the result, or the smallest subnormal number, which is twice η.
    """
    absolute = 2.0 * kernel.ulps * precision.tiny
    if kernel.format != BINARY32 and not precision.flushed:
        # Stated in this format's own ulps, from all its inputs.
        return 2.0 * kernel.ulps * precision.unit, absolute + kernel.absolute
    if precision.flushed or 0.0 < kernel.absolute < NEAR_UNDERFLOW:
        absolute += LOST * precision.smallest_normal
    if kernel.absolute >= NEAR_UNDERFLOW:
        scale = precision.unit / BINARY32_UNIT if kernel.format == BINARY32 else 1.0
        absolute += kernel.absolute * scale
    return 2.0 * kernel.ulps * precision.unit, absolute


def relative(name: str, precision: Precision) -> float:
    """The relative error of a function that has no absolute one, above the subnormal numbers.

    It is asked for functions inside normalisations and softmax, which compiled kernels compute no worse.
    """
    return bound(KERNELS[name], precision)[0]


def error(call: Call, size: Tensor) -> Tensor:
    """The error of the call's kernel for results up to `size` in magnitude."""
    proportion, absolute = bound(of_call(call), call.precision)
    return size * proportion + absolute


def peak(call: Call, size: Tensor) -> Tensor | None:
    """Where the kernel may overflow before its result does: infinite there; None where it never does."""
    limit = of_call(call).finite_below
    if limit == math.inf:
        return None
    if call.out.dtype != torch.float32:
        # The same functions overflow early in other dtypes, by a factor of less than 8 in the result.
        return size * 8.0
    largest = call.operands[0].magnitude
    return torch.zeros_like(largest).masked_fill(largest >= limit, math.inf)
