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

from benchmarks import autolirpa
from benchmarks.intervals import dense
from benchmarks.table import Table, milliseconds
from torchlean.bounds import BoundsCache
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

BASELINES = Path(__file__).parents[2] / "shared" / "data" / "baselines"
"""Networks, boxes and what auto_LiRPA 0.7.1 gave on them; not part of the repository."""

MODELS = {"tanh_small": "≤ 1.5 ms", "acas_1_1_prop1": "≤ 4 ms", "cnn_small": "≤ 14 ms"}
MANY = (
    ("tanh_small", 1 / 4, "≤ 60 ms"),
    ("acas_1_1_prop1", 1 / 4, "≤ 150 ms"),
    ("acas_1_1_prop1", 1 / 16, "≤ 147 ms"),
)
ACTIVATIONS = ("tanh", "sigmoid", "silu", "gelu", "mish", "sin")
RUNS = 15
BOXES = 1024


def run() -> list[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if (BASELINES / "autolirpa.json").is_file():
            return [single(), many(), activations()]
        print(f"the networks with recorded figures are not at {BASELINES}: linear bounds are not measured")
        return []
    finally:
        torch.set_num_threads(threads)


def single() -> Table:
    """One box: ours beside the recorded figures."""
    table = Table(
        "Linear bounds of one box (CROWN)",
        ["network", "width", "width, auto_LiRPA", "time", "time, auto_LiRPA", "ratio", "goal"],
        note="One thread, weights in the cache, another box each time (minimum); widths summed over outputs. "
        f"auto_LiRPA: float32, not rounded outward, {autolirpa.how()}.",
    )
    recorded = json.loads((BASELINES / "autolirpa.json").read_text(encoding="utf-8"))
    for name, goal in MODELS.items():
        graph, box = baseline(name)
        rows = [r for r in recorded if r["model"] == name and r["method"] == "CROWN"]
        (best,) = [r for r in rows if (r["batch"], r["dtype"], r["threads"]) == (1, "float32", 1)]
        seconds, width = _timed(graph, box)
        theirs = autolirpa.seconds(graph, box) or best["min_s"]
        ratio = f"{seconds / theirs:.2f}"
        times = milliseconds(seconds), milliseconds(theirs), ratio
        table.add(name, f"{width:.6g}", f"{best['width']:.6g}", *times, goal)
    graph = dense([784, 256, 256, 256, 256, 10])
    x = torch.rand(784, generator=torch.Generator().manual_seed(0)).double()
    box = Interval(x - 0.01, x + 0.01)
    seconds, width = _timed(graph, box)
    found = autolirpa.seconds(graph, box)
    times = ["", ""] if found is None else [milliseconds(found), f"{seconds / found:.2f}"]
    table.add("784→256×4→10, ±0.01", f"{width:.6g}", "", milliseconds(seconds), *times, "≤ 4 ms")
    return table


def many() -> Table:
    """A thousand boxes in one call, as branch and bound asks for them."""
    table = Table(
        f"Linear bounds of {BOXES} boxes at once",
        ["network", "boxes of the root's width", "time", "time, auto_LiRPA", "ratio", "goal"],
        note=f"Random boxes inside the root, one thread (minimum). auto_LiRPA: {autolirpa.how()}.",
    )
    for name, share, goal in MANY:
        graph, root = baseline(name)
        boxes = boxes_of(root, share, BOXES)
        call = partial(crown_boxes, graph, {"x": boxes}, {"x": root}, BoundsCache())
        together, theirs = _best(call, 5), autolirpa.seconds(graph, boxes, batch=True)
        times = ["", ""] if theirs is None else [milliseconds(theirs), f"{together / theirs:.2f}"]
        table.add(name, f"{share:g}", milliseconds(together), *times, goal)
    return table


def activations() -> Table:
    """Other activations than the recorded networks have."""
    table = Table(
        "Linear bounds of smooth activations",
        [
            "activation",
            "width",
            "width, auto_LiRPA",
            "time",
            "time, auto_LiRPA",
            "ratio",
            f"{BOXES} boxes",
            f"{BOXES} boxes, auto_LiRPA",
            "ratio",
        ],
        note="2→64→64→1 with torch's first weights, one box of ±1 and random boxes of a quarter of its width, one "
        f"thread (minimum). auto_LiRPA: {autolirpa.how()}; it has no rules for gelu and mish.",
    )
    for name in ACTIVATIONS:
        graph = activated(name)
        root = Interval(torch.full((2,), -1.0).double(), torch.ones(2).double())
        boxes = boxes_of(root, 1 / 4, BOXES)
        seconds, width = _timed(graph, root)
        together = _best(partial(crown_boxes, graph, {"x": boxes}, {"x": root}, BoundsCache()), 5)
        theirs = several = None
        if name in autolirpa.ACTIVATIONS:
            theirs, several = autolirpa.measured(graph, root), autolirpa.measured(graph, boxes, batch=True)
        table.add(
            name,
            f"{width:.6g}",
            "" if theirs is None else f"{theirs[1]:.6g}",
            milliseconds(seconds),
            *_beside(seconds, theirs),
            milliseconds(together),
            *_beside(together, several),
        )
    return table


def _beside(seconds: float, theirs: tuple[float, float] | None) -> tuple[str, str]:
    return ("", "") if theirs is None else (milliseconds(theirs[0]), f"{seconds / theirs[0]:.2f}")


def activated(name: str) -> Graph:
    """2→64→64→1 with this activation and the weights that torch draws for a layer."""
    torch.manual_seed(0)
    builder = GraphBuilder()
    value = builder.input("x", TensorType((2,), torch.float32))
    attributes = {"approximate": "none"} if name == "gelu" else {}
    for index, (before, after) in enumerate(((2, 64), (64, 64), (64, 1))):
        layer = torch.nn.Linear(before, after)
        weight = builder.parameter(layer.weight.detach(), f"w{index}")
        bias = builder.parameter(layer.bias.detach(), f"b{index}")
        value = builder.op("linear", [value.id, weight.id, bias.id], {})
        if index < 2:
            value = builder.op(name, [value.id], attributes)
    return builder.graph([value.id])


def boxes_of(root: Interval, share: float, count: int) -> Interval:
    """Random boxes inside the root, of a share of its width."""
    generator = torch.Generator().manual_seed(0)
    size = (root.upper - root.lower) * share
    shift = torch.rand(count, *root.shape, generator=generator, dtype=torch.float64)
    low = root.lower + shift * (root.upper - root.lower - size)
    return Interval(low, torch.minimum(low + size, root.upper))


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
    return _best(bound, RUNS), float((found.upper - found.lower).sum())


def _best(call: Callable[[], object], runs: int) -> float:
    """The least of several times: the machine is shared, and only its quiet moments are comparable."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
