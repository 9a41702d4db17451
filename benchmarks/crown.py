"""Linear bounds (CROWN): width and time beside auto_LiRPA's recorded ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

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
BOXES = 1024


def run() -> list[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if (BASELINES / "autolirpa.json").is_file():
            return [single(), many()]
        print(f"the networks with recorded figures are not at {BASELINES}: linear bounds are not measured")
        return []
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
