"""Linear bounds (CROWN): width and time beside auto_LiRPA's recorded ones, and a count of exact values they exclude."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.intervals import dense
from benchmarks.table import Table, median, milliseconds
from torchlean.bounds import BoundsCache
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

BASELINES = Path(__file__).parents[2] / "shared" / "data" / "baselines"
"""Networks, boxes and what auto_LiRPA 0.7.1 gave on them; not part of the repository."""

MODELS = {"tanh_small": "≤ 1.5 ms", "acas_1_1_prop1": "≤ 4 ms", "cnn_small": "≤ 14 ms"}
RUNS = 15
HALF_WIDTHS = [0.0, 1e-12, 1e-9, 1e-7, 1e-6, 1e-3, 1.0]
TRIALS = 50
BOXES = 1024


def run() -> list[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        tables = [exclusions()]
        if (BASELINES / "autolirpa.json").is_file():
            return [single(), many(), *tables]
        print(f"the networks with recorded figures are not at {BASELINES}: only soundness is measured")
        return tables
    finally:
        torch.set_num_threads(threads)


def single() -> Table:
    """One box: ours beside the recorded figures."""
    table = Table(
        "Linear bounds of one box (CROWN)",
        ["network", "width", "width, auto_LiRPA", "time", "time, auto_LiRPA", "goal"],
        note="One thread, weights in the cache, another box each time (median); widths summed over outputs. "
        "auto_LiRPA: float32, not rounded outward, recorded on a quiet machine (minimum).",
    )
    recorded = json.loads((BASELINES / "autolirpa.json").read_text(encoding="utf-8"))
    for name, goal in MODELS.items():
        graph, box = baseline(name)
        rows = [r for r in recorded if r["model"] == name and r["method"] == "CROWN"]
        (best,) = [r for r in rows if (r["batch"], r["dtype"], r["threads"]) == (1, "float32", 1)]
        seconds, width = _timed(graph, box)
        theirs = milliseconds(best["min_s"])
        table.add(name, f"{width:.6g}", f"{best['width']:.6g}", milliseconds(seconds), theirs, goal)
    graph = dense([784, 256, 256, 256, 256, 10])
    x = torch.rand(784, generator=torch.Generator().manual_seed(0)).double()
    seconds, width = _timed(graph, Interval(x - 0.01, x + 0.01))
    table.add("784→256×4→10, ±0.01", f"{width:.6g}", "", milliseconds(seconds), "", "≤ 4 ms")
    return table


def many() -> Table:
    """A thousand boxes in one call, as branch and bound asks for them."""
    table = Table(
        f"Linear bounds of {BOXES} boxes at once",
        ["network", "time", "time, one by one", "goal"],
        note="Random boxes of a quarter of the root's width inside the root, one thread.",
    )
    for name, goal in (("tanh_small", "≤ 60 ms"), ("acas_1_1_prop1", "≤ 150 ms")):
        graph, root = baseline(name)
        generator = torch.Generator().manual_seed(0)
        size = (root.upper - root.lower) / 4
        shift = torch.rand(BOXES, *root.shape, generator=generator, dtype=torch.float64)
        low = root.lower + shift * (root.upper - root.lower - size)
        boxes = Interval(low, torch.minimum(low + size, root.upper))
        call = partial(crown_boxes, graph, {"x": boxes}, {"x": root}, BoundsCache())
        together = _median(call, 3)
        alone, _ = _timed(graph, Interval(boxes.lower[0], boxes.upper[0]))
        table.add(name, milliseconds(together), milliseconds(alone * BOXES), goal)
    return table


def exclusions() -> Table:
    """How often the exact value of the centre lies outside: it never may."""
    table = Table(
        "Exact values that bounds exclude",
        ["half-width", "ours", "plain float64", "plain float32", "of"],
        note=f"{TRIALS} random 8→16→16→4 ReLU networks each; the value of the box's centre in rational arithmetic. "
        "Plain: the same relaxation without accounting for rounding.",
    )
    for half_width in HALF_WIDTHS:
        counts = [0, 0, 0]
        for seed in range(TRIALS):
            graph, weights, centre = _random_network(seed)
            box = Interval(centre - half_width, centre + half_width)
            exact = _exact(weights, centre)
            bound = crown(graph, {"x": box})[graph.outputs[0]]
            ends = [(bound.lower, bound.upper)]
            ends += [_plain(weights, box, dtype) for dtype in (torch.float64, torch.float32)]
            for i, (lower, upper) in enumerate(ends):
                counts[i] += sum(
                    not Fraction(float(low)) <= value <= Fraction(float(high))
                    for low, value, high in zip(lower, exact, upper, strict=True)
                )
        table.add(f"{half_width:g}", *map(str, counts), str(4 * TRIALS))
    return table


def baseline(name: str) -> tuple[Graph, Interval]:
    """A network with recorded figures, and its box."""
    data = dict(np.load(BASELINES / f"{name}.npz"))
    meta: dict[str, Any] = json.loads(str(data.pop("meta")))
    lower, upper = (torch.tensor(data.pop(key)).double() for key in ("x_L", "x_U"))
    if meta["arch"] == "cnn":
        lower, upper = lower.unsqueeze(0), upper.unsqueeze(0)
    builder = GraphBuilder()
    value = builder.input("x", TensorType(tuple(lower.shape), torch.float32))
    window = {name: (meta.get(name, 1),) * 2 for name in ("stride", "padding")}
    for index in range(sum(key.startswith("C") for key in data)):
        operands = _with_weights(builder, value, data, f"C{index}", f"c{index}")
        value = builder.op("conv", operands, {**window, "dilation": (1, 1), "groups": 1})
        value = builder.op(meta["act"], [value.id], {})
    if len(value.type.shape) > 1:
        value = builder.op("reshape", [value.id], {"shape": (1, value.type.numel)})
    layers = sum(key.startswith("W") for key in data)
    for index in range(layers):
        operands = _with_weights(builder, value, data, f"W{index}", f"b{index}")
        value = builder.op("linear", operands, {})
        if index < layers - 1:
            value = builder.op(meta["act"], [value.id], {})
    return builder.graph([value.id]), Interval(lower, upper)


def _with_weights(
    builder: GraphBuilder, value: Node, data: Mapping[str, Any], weight: str, bias: str
) -> list[int]:
    return [value.id, *(builder.parameter(torch.tensor(data[key]), key).id for key in (weight, bias))]


def _timed(graph: Graph, box: Interval) -> tuple[float, float]:
    """The time of one box, and the width summed over the outputs."""
    cache = BoundsCache()
    steps = iter(range(10**9))

    def bound() -> Interval:
        nudge = next(steps) * 1e-9  # another box, so that nothing but the weights comes from the cache
        domain = {"x": Interval(box.lower - nudge, box.upper + nudge)}
        return crown(graph, domain, cache)[graph.outputs[0]]

    found = bound()
    return _median(bound, RUNS), float((found.upper - found.lower).sum())


def _median(call: Callable[[], object], runs: int) -> float:
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


Weights = list[tuple[Tensor, Tensor]]


def _random_network(seed: int) -> tuple[Graph, Weights, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    builder = GraphBuilder()
    value = builder.input("x", TensorType((8,), torch.float32))
    weights: Weights = []
    sizes = (8, 16, 16, 4)
    for index in range(3):
        weight = torch.randn(sizes[index + 1], sizes[index], generator=generator)
        bias = torch.randn(sizes[index + 1], generator=generator)
        weights.append((weight, bias))
        operands = [value.id, builder.parameter(weight, "weight").id, builder.parameter(bias, "bias").id]
        value = builder.op("linear", operands, {})
        value = builder.op("relu", [value.id], {}) if index < 2 else value
    return builder.graph([value.id]), weights, torch.randn(8, generator=generator).double()


def _exact(weights: Weights, x: Tensor) -> list[Fraction]:
    values = [Fraction(number) for number in x.tolist()]
    for index, (weight, bias) in enumerate(weights):
        values = [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
            for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
        ]
        values = [max(value, Fraction(0)) for value in values] if index < 2 else values
    return values


def _plain(weights: Weights, box: Interval, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """CROWN of a ReLU network as it is usually written: every number as it comes."""
    layers = [(weight.to(dtype), bias.to(dtype)) for weight, bias in weights]
    centre = ((box.lower + box.upper) / 2).to(dtype)
    radius = ((box.upper - box.lower) / 2).to(dtype)
    relaxed: list[tuple[Tensor, Tensor, Tensor]] = []
    lower = upper = centre
    for depth in range(len(layers)):
        ends = []
        for sign in (1.0, -1.0):
            rows, total = sign * layers[depth][0], sign * layers[depth][1]
            for (below, above, excess), (weight, bias) in zip(
                reversed(relaxed), reversed(layers[:depth]), strict=True
            ):
                positive, negative = rows.clamp(min=0), rows.clamp(max=0)
                total = total + negative @ excess
                rows = positive * below + negative * above
                rows, total = rows @ weight, total + rows @ bias
            ends.append(sign * (total + rows @ centre - rows.abs() @ radius))
        lower, upper = ends
        crossing = (lower < 0) & (upper > 0)
        open_ = (lower >= 0).to(dtype)
        slope = torch.where(crossing, upper / (upper - lower), open_)
        chosen = torch.where(crossing, (upper > -lower).to(dtype), open_)
        relaxed.append((chosen, slope, torch.where(crossing, -slope * lower, torch.zeros((), dtype=dtype))))
    return lower, upper
