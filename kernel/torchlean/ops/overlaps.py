"""Coefficients of many rows through a convolution, back to its image: windows that overlap are added up.

torch's transposed convolution of float64 takes one image after the other, and adds its windows up element by element.
Here rows come last in memory: all windows of some rows are one product of matrices, and each element of the kernel is
one addition of long runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from torch import Tensor

HELD = 2**19
"""Numbers in the windows of the rows that are passed at a time: 4 MiB, what processors keep close to them."""

LEAST_ROWS, LEAST_CHANNELS = 32, 8
"""From how many rows, and channels of the image, this takes less time than torch's way: measured on one processor,
kernels of 3 to 5 elements along each dimension."""


def pays(rows: Tensor, weight: Tensor) -> bool:
    """Whether `added_up` is the faster way for rows (n, channels out, *windows)."""
    return rows.device.type == "cpu" and len(rows) >= LEAST_ROWS and weight.shape[1] >= LEAST_CHANNELS


def added_up(
    rows: Tensor,
    weight: Tensor,
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    before: Sequence[int],
) -> Tensor:
    """The transpose of a convolution without groups.

    Args:
        rows: coefficients of its output, (n, channels out, *windows).
        weight: (channels out, channels in, *kernel).
        sizes: of the image.
        before: padding before the first element of each dimension.

    Returns:
        Coefficients of the image, (n, channels in, *sizes): sums of products, in any order.
    """
    channels, kernel, counts = weight.shape[1], weight.shape[2:], rows.shape[2:]
    matrix = weight.flatten(1).t().contiguous()
    reach = [
        max(stride * (count - 1) + dilation * (k - 1) + 1, low + size)
        for stride, count, dilation, k, low, size in zip(
            strides, counts, dilations, kernel, before, sizes, strict=True
        )
    ]
    every = slice(None)
    inside = (every, *(slice(low, low + size) for low, size in zip(before, sizes, strict=True)))
    found = rows.new_empty(len(rows), channels, *sizes)
    together = max(LEAST_ROWS, HELD // max(1, len(matrix) * math.prod(counts)))
    for part, target in zip(rows.split(together), found.split(together), strict=True):
        last = part.movedim(0, -1)
        windows = (matrix @ last.flatten(1)).view(channels, math.prod(kernel), *counts, len(part))
        image = rows.new_zeros(channels, *reach, len(part))
        for index, offsets in enumerate(itertools.product(*map(range, kernel))):
            steps = zip(offsets, dilations, strides, counts, strict=True)
            firsts = [(dilation * offset, stride, count) for offset, dilation, stride, count in steps]
            under = (
                every,
                *(slice(at, at + stride * (count - 1) + 1, stride) for at, stride, count in firsts),
            )
            image[under] += windows[:, index]
        target.copy_(image[inside].movedim(-1, 0))
    return found


__all__ = ["added_up", "pays"]
