"""Convolutions by their structure: kernels and the axes they slide along, each weight once.

The same structure as in `lean/TorchLean/Convolution.lean`, where its meaning is stated and proved. It is general enough
for groups (kernels begin at different elements), for several images (so do copies of a kernel), and for average pooling
(a kernel of ones for each channel). What the checker computes with is the matrix (`Convolution.rows`); a structure is
kept only where it gives the matrix of the op itself exactly (`structured`), so nothing rests on how a layout was found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Ints: TypeAlias = tuple[int, ...]

MOST_CELLS = 2**19
"""Numbers in all matrices. A cell is at least 26 digits of the file and about a millisecond of the kernel's time for
each interval propagation through it: beyond this, checking would take longer than anybody waits."""

Reads: TypeAlias = list[tuple[int, int]]
"""Taps of a kernel and the elements that they read at one position, counted from the kernel's first one."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis that kernels slide along.

    Attributes:
        taps: elements of a kernel along it.
        count: positions, which are the elements of the result along it.
        stride: from one position to the next.
        dilation: from one tap to the next.
        padding: zeros before the first element; behind the last one there are as many as are read.
        size: elements of the operand along it.
        step: from one of them to the next, in the operand as a flat list.
    """

    taps: int
    count: int
    stride: int
    dilation: int
    padding: int
    size: int
    step: int

    def reads(self, position: int) -> Reads:
        """The taps that are inside at a position; elements are counted along the axis."""
        reached = (
            (tap, position * self.stride + tap * self.dilation - self.padding) for tap in range(self.taps)
        )
        return [(tap, element) for tap, element in reached if 0 <= element < self.size]


@dataclass(frozen=True, slots=True)
class Kernel:
    """The operand's element that all axes count from, and weights in row-major order of the axes."""

    first: int
    weights: Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """A convolution without its weights.

    Attributes:
        columns: elements of the operand.
        axes: channels, if there are several, stand last: Lean sums the last axis once for all positions of the others.
        firsts: of the kernels.
    """

    columns: int
    axes: tuple[Axis, ...]
    firsts: Ints

    @property
    def taps(self) -> int:
        """Weights of a kernel."""
        return math.prod(axis.taps for axis in self.axes)

    @property
    def results(self) -> int:
        """Rows of the matrix."""
        return len(self.firsts) * math.prod(axis.count for axis in self.axes)

    def reads(self) -> list[Reads]:
        """For each position, in row-major order."""
        along = [[axis.reads(position) for position in range(axis.count)] for axis in self.axes]
        found = []
        for parts in itertools.product(*along):
            reads = [(0, 0)]
            for axis, part in zip(self.axes, parts, strict=True):
                reads = [
                    (tap * axis.taps + inner, element + axis.step * place)
                    for tap, element in reads
                    for inner, place in part
                ]
            found.append(reads)
        return found


@dataclass(frozen=True, slots=True)
class Convolution:
    """Kernels of one layout, and the matrix that they are.

    Attributes:
        weights: of each kernel, in row-major order of the axes.
    """

    layout: Layout
    weights: tuple[Ints, ...]

    @staticmethod
    def of(columns: int, axes: Sequence[Axis], kernels: Sequence[Kernel]) -> Convolution:
        layout = Layout(columns, tuple(axes), tuple(kernel.first for kernel in kernels))
        return Convolution(layout, tuple(kernel.weights for kernel in kernels))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        return tuple(map(Kernel, self.layout.firsts, self.weights))

    def rows(self) -> tuple[Ints, ...]:
        """`Convolution.mat` of Lean: the matrix, as integers. What a tap reads behind the operand is nothing."""
        columns, found = self.layout.columns, []
        positions = self.layout.reads()
        for kernel in self.kernels:
            for reads in positions:
                row = [0] * columns
                for tap, element in reads:
                    if kernel.first + element < columns:
                        row[kernel.first + element] += kernel.weights[tap]
                found.append(tuple(row))
        return tuple(found)

    @property
    def largest_sum(self) -> int:
        """Of a kernel's positive or negative weights: no number of the matrix exceeds it in magnitude."""
        parts = (sum(max(sign * w, 0) for w in weights) for weights in self.weights for sign in (1, -1))
        return max(parts, default=0)


def structured(layout: Layout, matrix: Sequence[Ints]) -> Convolution | None:
    """A matrix as a convolution of this layout; None where it is none, or is no longer than that."""
    positions = layout.reads()
    if len(matrix) != layout.results or len(layout.firsts) * layout.taps >= len(matrix) * layout.columns:
        return None
    kernels = []
    for number, first in enumerate(layout.firsts):
        weights = [0] * layout.taps
        for place, reads in enumerate(positions, start=number * len(positions)):
            for tap, element in reads:
                weights[tap] = matrix[place][first + element]
        kernels.append(tuple(weights))
    found = Convolution(layout, tuple(kernels))
    return found if found.rows() == tuple(matrix) else None


def laid_out(
    shape: Sequence[int],
    result: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    *,
    kernels: int,
    groups: int,
) -> Layout:
    """The layout of a convolution of torch.

    Args:
        shape, result: (*images, channels, *sizes) of the operand and of the result.
        kernel, stride, dilation, padding: one number for each of the sizes; padding before the first element.
        kernels: channels of the result.
        groups: parts of the channels that have kernels of their own.
    """
    rank = len(kernel)
    sizes, channels, images = shape[-rank:], shape[-rank - 1], math.prod(shape[: -rank - 1])
    area, each = math.prod(sizes), channels // groups
    steps = [math.prod(sizes[place + 1 :]) for place in range(rank)]
    columns = zip(kernel, result[-rank:], stride, dilation, padding, sizes, steps, strict=True)
    axes = [Axis(*numbers) for numbers in columns]
    if each > 1:
        axes.append(Axis(each, 1, 1, 1, 0, each, area))
    firsts = [
        (image * channels + number * groups // kernels * each) * area
        for image in range(images)
        for number in range(kernels)
    ]
    return Layout(math.prod(shape), tuple(axes), tuple(firsts))
