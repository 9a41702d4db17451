"""Checking planes without any tolerance, and measuring how tight they are."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from mpmath import mpf
from tests.ops.boxes import Ends
from tests.ops.exact import Exact
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.linearization import Plane, Relaxation

GRID = 100
"""Points per interval among which the touching ones are looked for."""


def lines(plane: Plane, count: int) -> list[tuple[float, float]]:
    """(slope, intercept) of each interval in a batch of `count`, for an op with one operand."""
    slope = plane.slopes[0].flatten()
    intercept = torch.zeros_like(slope) if plane.intercept is None else plane.intercept.flatten()
    assert slope.shape == intercept.shape == (count,), "a plane for every interval"
    assert torch.isfinite(slope).all(), "no slope is infinite"
    assert not torch.isnan(intercept).any()
    return list(zip(slope.tolist(), intercept.tolist(), strict=True))


def exact_line(slope: float, intercept: float, x: float, kind: type) -> Exact:
    """The line's value at `x` without rounding."""
    exact = Fraction(slope) * Fraction(x) + Fraction(intercept)
    return exact if kind is Fraction else mpf(exact.numerator) / exact.denominator


def is_between(value: Exact, x: float, below: tuple[float, float], above: tuple[float, float]) -> bool:
    """Whether a value at `x` lies between two lines; an infinite intercept claims nothing."""
    kind = Fraction if isinstance(value, Fraction) else mpf
    over = below[1] == -math.inf or exact_line(*below, x, kind) <= value
    return over and (above[1] == math.inf or value <= exact_line(*above, x, kind))


def touching(box: Ends, line: tuple[float, float], values: Tensor, grid: Tensor) -> list[float]:
    """Where the graph seems to come closest to a line, from either side, among the points of a grid."""
    gaps = values - grid * line[0]
    places = {int(gaps.argmin()), int(gaps.argmax())}
    return [min(max(float(grid[i]), box[0]), box[1]) for place in places for i in (place,)]


def grid_of(box: Ends, critical: Sequence[float]) -> Tensor:
    """Evenly spread points, finer towards the ends, and the critical ones inside."""
    low, high = box
    even = torch.linspace(0.0, 1.0, GRID, dtype=torch.float64)
    shares = torch.cat([even, even**6, 1.0 - even**6])
    points = (low * (1 - shares) + high * shares).clamp(low, high)
    special = [x for x in critical if low <= x <= high]
    return torch.cat([points, torch.tensor(special, dtype=torch.float64)]).sort().values


def envelope(grid: Tensor, values: Tensor) -> float:
    """The convex envelope of sampled points, in the middle of the interval: no line below them is higher there."""
    centre = float(grid[0]) / 2 + float(grid[-1]) / 2
    left, right = grid <= centre, grid >= centre
    x, y = grid[left, None], values[left, None]
    width = grid[right] - x
    share = torch.where(width > 0, (centre - x) / width, 0.0)
    return float((y * (1 - share) + values[right] * share).min())


def between_ends(box: Ends, count: int, source: random.Random) -> list[float]:
    """The ends and random points, also very close to an end."""
    low, high = box
    points = [low, high, math.nextafter(low, high), math.nextafter(high, low)]
    for _ in range(count):
        share = source.random() ** source.choice((1, 8))
        points.append(low + (high - low) * share if source.random() < 0.5 else high - (high - low) * share)
    return [min(max(x, low), high) for x in points if math.isfinite(x)]


Relax = Callable[[Interval], Relaxation]
