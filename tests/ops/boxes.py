"""Intervals to attack a rule with, and points inside them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Sequence

import torch

from torchlean.intervals import Interval

Ends = tuple[float, float]

LARGEST = torch.finfo(torch.float64).max
TINY = 5e-324

MAGNITUDES = (
    *(
        0.0,
        TINY,
        1e-310,
        1e-300,
        1e-170,
        1e-20,
        1e-8,
        0.1,
        0.25,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        5.7,
        6.0,
        10.0,
        19.9,
    ),
    *(20.1, 30.0, 37.5, 40.0, 66.7, 100.0, 500.0, 709.5, 710.2, 745.0, 746.0, 1000.0, 1e6, 2.0**20, 2.0**21),
    *(1e10, 2.0**53, 1e16, 1e154, 1e300, LARGEST),
)
"""Where float64 functions change their ways: zero, subnormals, underflow and overflow of exp, integers, the end."""


def pool(critical: Iterable[float]) -> list[float]:
    """All magnitudes with both signs, and the critical points with their neighbours, in order."""
    numbers = {sign * magnitude for magnitude in MAGNITUDES for sign in (1.0, -1.0)}
    for point in critical:
        numbers |= {point, math.nextafter(point, math.inf), math.nextafter(point, -math.inf)}
        numbers |= {point + distance for size in (1e-6, 1e-3) for distance in (size, -size)}
    return sorted(numbers)


def attacks(critical: Sequence[float], seed: int = 0) -> list[Ends]:
    """Points (negative zero among them), neighbours, random pairs, rays and the whole line."""
    source = random.Random(seed)
    numbers = pool(critical)
    boxes = [(x, x) for x in numbers] + [(-0.0, -0.0), (-0.0, 0.5), (-1.0, -0.0)]
    boxes += list(itertools.pairwise(numbers))
    boxes += [tuple(sorted(source.sample(numbers, 2))) for _ in range(80)]  # type: ignore[misc]
    boxes += [moderate(source, -12.0, 12.0) for _ in range(60)]
    for x in source.sample(numbers, 15):
        boxes += [(-math.inf, x), (x, math.inf)]
    return [*boxes, (-math.inf, math.inf)]


def moderate(source: random.Random, low: float, high: float) -> Ends:
    """An interval of a random scale inside `[low, high]`."""
    width = (high - low) * source.choice((1.0, 0.3, 0.05, 0.005)) * source.uniform(0.5, 1.0)
    start = source.uniform(low, high - width)
    return start, start + width


def inside(ends: Ends, critical: Iterable[float], source: random.Random) -> list[float]:
    """Finite points of an interval: its ends, the critical points and some numbers within."""
    low, high = max(ends[0], -LARGEST), min(ends[1], LARGEST)
    points = {low, high, low / 2 + high / 2, source.uniform(max(low, -50.0), min(high, 50.0))}
    points |= {x for point in critical for x in (point, math.nextafter(point, math.inf))}
    points |= {sign * x for x in source.sample(MAGNITUDES, 4) for sign in (1.0, -1.0)}
    return [x for x in points if low <= x <= high]


def interval(boxes: Sequence[Ends]) -> Interval:
    """All boxes as one tensor."""
    ends = torch.tensor(boxes, dtype=torch.float64)
    return Interval(ends[:, 0].clone(), ends[:, 1].clone())


def point(value: float) -> Interval:
    return Interval.point(torch.tensor([value], dtype=torch.float64))
