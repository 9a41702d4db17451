"""Interval propagation beside the plain float64 evaluation of the same network, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from benchmarks.table import Table, median, milliseconds
from torchlean.bounds import BoundsCache, propagate
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType

RUNS = 40

SHAPES = {
    "4→64→64→64→2": [4, 64, 64, 64, 2],
    "784→512×4→10": [784, 512, 512, 512, 512, 10],
}


def run() -> list[Table]:
    """One input box each; the weights' own bounds are in the cache, as they are after the first analysis."""
    table = Table(
        "Interval bounds of one box",
        ["network", "bounds", "float64 evaluation", "ratio", "goal"],
        note="One thread. An edit of the domain: every weight is cached, every activation is computed again.",
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, widths in SHAPES.items():
            graph = dense(widths)
            x = torch.rand(widths[0])
            bounds = _time(_bounding(graph, x))
            plain = _time(lambda graph=graph, x=x: evaluate(graph, {"x": x}, dtype=torch.float64))
            goal = "≤ 5 ms" if widths[0] == 784 else ""
            table.add(name, milliseconds(bounds), milliseconds(plain), f"{bounds / plain:.1f}", goal)
    finally:
        torch.set_num_threads(threads)
    return [table]


def dense(widths: list[int]) -> Graph:
    """A ReLU network with random weights, one input vector."""
    generator = torch.Generator().manual_seed(0)
    builder = GraphBuilder()
    value = builder.input("x", TensorType((widths[0],), torch.float32))
    for index in range(len(widths) - 1):
        fan_in, fan_out = widths[index], widths[index + 1]
        weight = torch.randn(fan_out, fan_in, generator=generator) / fan_in**0.5
        operands = [
            value.id,
            builder.parameter(weight, "weight").id,
            builder.parameter(torch.zeros(fan_out), "b").id,
        ]
        value = builder.op("linear", operands, {})
        if index < len(widths) - 2:
            value = builder.op("relu", [value.id], {})
    return builder.graph([value.id])


def _bounding(graph: Graph, x: torch.Tensor) -> Callable[[], object]:
    """Each call asks for another box, so that nothing but the weights can come from the cache."""
    cache = BoundsCache()
    steps = iter(range(10**9))

    def bound() -> object:
        radius = 0.03 + next(steps) * 1e-6
        return propagate(graph, {"x": Interval(x.double() - radius, x.double() + radius)}, cache)

    return bound


def _time(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)
