"""Rounding errors: what their analysis costs beside intervals, and how close executions come to the bounds."""

from __future__ import annotations

import math
import time

import numpy as np
import torch

from benchmarks.intervals import SHAPES, dense
from benchmarks.table import Table, milliseconds
from torchlean.bounds import BoundsCache, propagate
from torchlean.float32.rounding_model import UNIT_ROUNDOFF
from torchlean.float32.schedules import Shape, random_dot_products
from torchlean.graph import GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType
from torchlean.rounding import ErrorsCache, rounding_errors

RUNS = 200
TERMS = (64, 256, 1024, 4096)
DOTS = 8
"""Dot products of one length, each in several orders."""

ORDERS = 4


def run() -> list[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_cost(), _tightness()]
    finally:
        torch.set_num_threads(threads)


def _cost() -> Table:
    table = Table(
        "Rounding errors of one box",
        ["network", "intervals", "rounding errors", "ratio of minima", "ratio of medians", "goal"],
        note="One thread. Each run has a box of its own: weights are cached, everything else is computed again. "
        "Intervals and errors take turns.",
    )
    for name, widths in SHAPES.items():
        intervals, errors = _times(widths)
        ratio, middle = min(errors) / min(intervals), sorted(errors)[RUNS // 2] / sorted(intervals)[RUNS // 2]
        table.add(
            name,
            milliseconds(min(intervals)),
            milliseconds(min(errors)),
            f"{ratio:.2f}",
            f"{middle:.2f}",
            "≤ 1",
        )
    return table


def _times(widths: list[int]) -> tuple[list[float], list[float]]:
    graph, x = dense(widths), torch.rand(widths[0]).double()
    bounds_cache, errors_cache = BoundsCache(), ErrorsCache()
    intervals, errors = [], []
    for step in range(RUNS + 1):
        radius = 0.03 + step * 1e-6
        start = time.perf_counter()
        bounds = propagate(graph, {"x": Interval(x - radius, x + radius)}, bounds_cache)
        middle = time.perf_counter()
        rounding_errors(graph, bounds, errors_cache)
        end = time.perf_counter()
        if step:  # the first run fills the caches with the weights
            intervals.append(middle - start)
            errors.append(end - middle)
    return intervals, errors


def _tightness() -> Table:
    table = Table(
        "Rounding errors of dot products: worst observed beside the bound",
        ["terms", "numbers", "order", "observed / bound", "observed / textbook", "bound / textbook"],
        note=f"{DOTS} dot products, {ORDERS} executions each on the executable binary32, half of the products fused. "
        "The bound holds for every order, so random ones stay far below; adversarial ones come close. The textbook's "
        "bound is γ times the sum of magnitudes, without underflow.",
    )
    random = np.random.default_rng(0)
    for terms in TERMS:
        for numbers in ("normal", "positive"):
            for shape in Shape:
                table.add(str(terms), numbers, shape.value, *_ratios(terms, numbers, shape, random))
        table.add(str(terms), "adversarial", "one accumulator, as they come", *_adversarial(terms))
    return table


def _adversarial(terms: int) -> list[str]:
    """One, and then numbers just above half a unit in its last place: every addition rounds up by nearly u."""
    xs = np.ones((1, terms), np.float32)
    ys = np.full((1, terms), np.nextafter(np.float32(2.0**-24), np.float32(1)))
    ys[0, 0] = 1.0
    found = float(np.cumsum(ys[0], dtype=np.float32)[-1])
    exact = math.fsum(ys[0].astype(np.float64))
    return _shown(np.array([abs(found - exact)]), _bounds(xs, ys), _textbook(ys.astype(np.float64)))


def _ratios(terms: int, numbers: str, shape: Shape, random: np.random.Generator) -> list[str]:
    xs, ys = (random.standard_normal((DOTS, terms)).astype(np.float32) for _ in range(2))
    if numbers == "positive":
        xs, ys = np.abs(xs), np.abs(ys)
    bound = _bounds(xs, ys)
    products = xs.astype(np.float64) * ys.astype(np.float64)  # exact: 48 bits
    exact = np.array([math.fsum(row) for row in products])
    again = [np.repeat(values.view(np.uint32), ORDERS, axis=0) for values in (xs, ys)]
    bits = random_dot_products(*again, np.zeros(DOTS * ORDERS, np.uint32), random, shape)
    found = bits.astype(np.uint32).view(np.float32).astype(np.float64).reshape(DOTS, ORDERS)
    worst = np.abs(found - exact[:, None]).max(1)
    return _shown(worst, bound, _textbook(products))


def _textbook(products: np.ndarray) -> np.ndarray:
    """Higham's bound, (3.5)."""
    k = (products.shape[1] + 1) * UNIT_ROUNDOFF
    return np.array([math.fsum(row) for row in np.abs(products)]) * float(k / (1 - k))


def _shown(worst: np.ndarray, bound: np.ndarray, textbook: np.ndarray) -> list[str]:
    assert bool((worst <= bound).all()), "an execution is outside the bound"
    ratios = (worst / bound).max(), (worst / textbook).max(), (bound / textbook).max()
    return [f"{ratio:.2g}" for ratio in ratios[:2]] + [f"{ratios[2]:.5f}"]


def _bounds(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """The error of each dot product, as the analysis bounds it for known numbers."""
    found = []
    for x, y in zip(xs, ys, strict=True):
        builder = GraphBuilder()
        value = builder.input("x", TensorType((len(x),), torch.float32))
        weight = builder.parameter(torch.from_numpy(y.copy())[None], "w")
        graph = builder.graph([builder.op("linear", [value.id, weight.id], {}).id])
        point = torch.from_numpy(x.copy()).double()
        errors = rounding_errors(graph, propagate(graph, {"x": Interval(point, point)}))
        found.append(errors.errors[-1].largest)
    return np.array(found)
