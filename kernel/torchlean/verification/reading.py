"""Which points of a region an execution reads as its input: a runtime takes the number of its type that is nearest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor

Ends = Sequence["Fraction | None"]


def exact(values: Tensor) -> list[Fraction]:
    """The numbers of a tensor, flat."""
    return [Fraction(value) for value in values.to(torch.float64).flatten().tolist()]


def points_read_as(numbers: Tensor, lower: Ends, upper: Ends) -> Iterator[tuple[Fraction, ...]]:
    """Points of a box that may be read as given numbers, the simplest first; the caller checks that they are.

    The second is away from the sides of the box, for conditions that leave these out: of `0 < x < 1e-50` float32 reads
    every number as 0.

    Args:
        numbers: flat, of the network's type, finite.
        lower, upper: the box.
    """
    read = exact(numbers)
    nearest = tuple(_clamped(*each) for each in zip(read, lower, upper, strict=True))
    yield nearest
    if all(x not in ends for x, *ends in zip(nearest, lower, upper, strict=True)):
        return
    after = exact(torch.nextafter(numbers, torch.full_like(numbers, torch.finfo(numbers.dtype).max)))
    before = exact(torch.nextafter(numbers, torch.full_like(numbers, torch.finfo(numbers.dtype).min)))
    inside = []
    for x, number, below, above, low, high in zip(nearest, read, before, after, lower, upper, strict=True):
        least, greatest = (number + below) / 2, (number + above) / 2
        least = least if low is None else max(low, least)
        greatest = greatest if high is None else min(high, greatest)
        inside.append((least + greatest) / 2 if x in (low, high) and least < greatest else x)
    yield tuple(inside)


def _clamped(value: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value


__all__ = ["exact", "points_read_as"]
