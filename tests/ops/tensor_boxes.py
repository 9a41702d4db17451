"""Boxes of tensors to attack rules with, and exactly representable points inside them."""

from __future__ import annotations

import itertools
import math
import random

import torch
from tests.ops.boxes import LARGEST, MAGNITUDES
from torch import Tensor

from torchlean.intervals import Interval

KINDS = (
    "point",
    "narrow",
    "unit",
    "positive",
    "wide",
    "cancelling",
    "huge",
    "subnormal",
    "mixed",
    "rays",
    "line",
)
"""What boxes look like. `cancelling`: large numbers that nearly cancel next to small ones. `rays`: some ends infinite;
`line`: all of them."""

BOUNDED = KINDS[:-2]


def make(kind: str, shape: tuple[int, ...], source: random.Random) -> Interval:
    """A box of this kind; a `point` shares one tensor for both ends."""
    pairs = [_pair(kind, source) for _ in range(math.prod(shape))]
    lower, upper = (
        torch.tensor([pair[end] for pair in pairs], dtype=torch.float64).reshape(shape) for end in (0, 1)
    )
    return Interval(lower, lower) if kind == "point" else Interval(lower, upper)


def _pair(kind: str, source: random.Random) -> tuple[float, float]:
    centre = source.gauss(0.0, 1.0)
    if kind == "point":
        return centre, centre
    if kind == "narrow":
        return centre - 1e-12, centre + 1e-12
    if kind == "unit":
        return centre - source.random(), centre + source.random()
    if kind == "positive":
        return abs(centre), abs(centre) + source.random()
    if kind == "wide":
        return centre - source.uniform(0, 1000), centre + source.uniform(0, 1000)
    if kind == "cancelling":
        large = source.choice((-1e16, 1e16, -1e16, 1e16, 0.0)) + centre
        return large, large + abs(large) * source.choice((0.0, 2**-52, 2**-50)) + source.random()
    if kind == "huge":
        return _ordered(
            source.uniform(-1, 1) * 1e200, source.choice((1e200, LARGEST)) * source.uniform(-1, 1)
        )
    if kind == "subnormal":
        return _ordered(
            *(source.choice((5e-324, 1e-310, 1e-300, 0.0)) * source.uniform(-3, 3) for _ in range(2))
        )
    if kind == "mixed":
        return _ordered(*(source.choice((-1, 1)) * source.choice(MAGNITUDES) for _ in range(2)))
    if kind == "rays":
        low, high = _ordered(source.gauss(0, 3), source.gauss(0, 3))
        return source.choice(((low, high), (-math.inf, high), (low, math.inf), (low, high)))
    return -math.inf, math.inf


def _ordered(a: float, b: float) -> tuple[float, float]:
    return (a, b) if a <= b else (b, a)


def points(x: Interval, count: int, source: random.Random) -> list[Tensor]:
    """The two extreme corners, random corners and random inner points; infinite ends are replaced by finite numbers."""
    stand_in = source.choice((10.0, 1e5, LARGEST))
    lower = torch.where(x.lower == -math.inf, x.upper.clamp(max=stand_in) - stand_in, x.lower)
    lower = lower.clamp(min=-LARGEST)
    upper = torch.where(x.upper == math.inf, lower.abs().clamp(min=stand_in), x.upper)
    found = [lower, upper]
    for k in range(count):
        share = torch.tensor([source.random() for _ in range(lower.numel())], dtype=torch.float64).reshape(
            lower.shape
        )
        share = share.round() if k % 3 else share
        inner = lower * (1 - share) + upper * share
        found.append(
            torch.where(share == 0, lower, torch.where(share == 1, upper, inner)).clamp(lower, upper)
        )
    return found


def candidates(x: Interval, source: random.Random, limit: int) -> list[Tensor]:
    """`limit` combinations of ends (and of zero, where inside) of a bounded box; all of them where it is small."""
    ends = []
    for low, high in zip(x.lower.reshape(-1).tolist(), x.upper.reshape(-1).tolist(), strict=True):
        ends.append([low, high] + ([0.0] if low < 0 < high else []))
    total = math.prod(len(options) for options in ends)
    if total <= limit and not x.is_point:
        rows = [list(row) for row in itertools.product(*ends)]
        rows += [source.choice(rows) for _ in range(limit - total)]
    else:
        rows = [[options[0] for options in ends], [options[1] for options in ends]]
        rows += [[source.choice(options) for options in ends] for _ in range(limit - 2)]
    return [torch.tensor(row, dtype=torch.float64).reshape(x.shape) for row in rows]
