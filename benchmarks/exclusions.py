"""How often the exact value of a box's centre lies outside of its linear bounds: ours may never."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.crown import BASELINES, baseline
from benchmarks.table import Table
from torchlean.bounds.crown import crown_boxes
from torchlean.graph import Graph, GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType

Weights = list[tuple[Tensor, Tensor]]

HALF_WIDTHS = [0.0, 1e-12, 1e-9, 1e-7, 1e-6, 1e-3, 1.0]
BOXES = 1500
"""Per half-width: more than 10,000 boxes of the recorded network in all."""

NETWORKS, BOXES_EACH = 50, 30


def run() -> list[Table]:
    tables = [_random()]
    if (BASELINES / "acas_1_1_prop1.npz").is_file():
        tables.append(_recorded())
    return tables


def _table(title: str, note: str) -> Table:
    return Table(title, ["half-width", "ours", "plain float64", "plain float32", "boxes"], note=note)


PLAIN = "Plain: the same relaxation without accounting for rounding. The centre's value in exact integer arithmetic."


def _random() -> Table:
    table = _table(
        "Boxes whose bounds exclude an exact value: random networks",
        f"{NETWORKS} random 8→16→16→4 relu networks, {BOXES_EACH} boxes each. {PLAIN}",
    )
    for half_width in HALF_WIDTHS:
        counts = np.zeros(3, dtype=int)
        for seed in range(NETWORKS):
            graph, weights, _ = random_network(seed)
            generator = torch.Generator().manual_seed(seed)
            centres = torch.randn(BOXES_EACH, 8, generator=generator).double()
            counts += _excluded(graph, weights, centres, half_width)
        table.add(f"{half_width:g}", *map(str, counts), str(NETWORKS * BOXES_EACH))
    return table


def _recorded() -> Table:
    table = _table(
        "Boxes whose bounds exclude an exact value: ACAS Xu 1_1",
        f"Random centres in the box of property 1. {PLAIN}",
    )
    graph, root = baseline("acas_1_1_prop1")
    data = [node.data for node in graph if node.data is not None]
    weights = list(zip(data[::2], data[1::2], strict=True))
    for half_width in HALF_WIDTHS:
        share = torch.rand(
            BOXES, *root.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
        )
        centres = root.lower + share * (root.upper - root.lower)
        counts = _excluded(graph, weights, centres, half_width)
        table.add(f"{half_width:g}", *map(str, counts), str(BOXES))
    return table


def _excluded(graph: Graph, weights: Weights, centres: Tensor, half_width: float) -> Any:
    """Boxes that exclude their centre's value: ours, plain float64, plain float32."""
    boxes = Interval(centres - half_width, centres + half_width)
    ours = crown_boxes(graph, {"x": boxes})[graph.outputs[0]]
    exact, scale = exact_values(weights, centres)
    counts = [_outside(ours.lower, ours.upper, exact, scale)]
    for dtype in (torch.float64, torch.float32):
        low, high = plain_bounds(weights, boxes, dtype)
        counts.append(_outside(low, high, exact, scale))
    return np.array(counts)


def _outside(lower: Tensor, upper: Tensor, exact: Any, scale: int) -> int:
    """Rows with a value below `lower` or above `upper`, compared as integers."""
    low, high = (_integers(end.double(), scale) for end in (lower, upper))
    return int(((exact < low) | (exact > high)).any(axis=1).sum())


def exact_values(weights: Weights, x: Tensor) -> tuple[Any, int]:
    """A relu network's outputs in exact arithmetic.

    Args:
        x: (points, inputs), float64.

    Returns:
        Integers of shape (points, outputs) and the scale: values are the integers times `2**-scale`.
    """
    scale = _scale(x)
    values = _integers(x, scale)
    for index, (weight, bias) in enumerate(weights):
        step = max(_scale(weight), _scale(bias) - scale)
        values = values @ _integers(weight.double(), step).T
        scale += step
        values = values + _integers(bias.double(), scale)
        if index < len(weights) - 1:
            values = np.maximum(values, 0)
    # Bounds are float64 numbers: a finer scale holds them too.
    return values << 1100, scale + 1100


def _scale(values: Tensor) -> int:
    """The least `s` so that all values times `2**s` are integers."""
    return max(value.as_integer_ratio()[1].bit_length() - 1 for value in values.double().flatten().tolist())


def _integers(values: Tensor, scale: int) -> Any:
    def exact(value: float) -> int:
        numerator, denominator = value.as_integer_ratio()
        return (numerator << scale) // denominator

    return np.vectorize(exact, otypes=[object])(values.double().numpy())


def random_network(seed: int) -> tuple[Graph, Weights, Tensor]:
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


def plain_bounds(weights: Weights, box: Interval, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """CROWN of a relu network as it is usually written: every number as it comes. Boxes are (boxes, inputs)."""
    layers = [(weight.to(dtype), bias.to(dtype)) for weight, bias in weights]
    centre = ((box.lower + box.upper) / 2).to(dtype)
    radius = ((box.upper - box.lower) / 2).to(dtype)
    relaxed: list[tuple[Tensor, Tensor, Tensor]] = []
    lower = upper = centre
    for depth in range(len(layers)):
        ends = []
        for sign in (1.0, -1.0):
            rows = (sign * layers[depth][0]).expand(len(centre), -1, -1)
            total = (sign * layers[depth][1]).expand(len(centre), -1)
            for (below, above, excess), (weight, bias) in zip(
                reversed(relaxed), reversed(layers[:depth]), strict=True
            ):
                positive, negative = rows.clamp(min=0), rows.clamp(max=0)
                total = total + _times(negative, excess)
                rows = positive * below.unsqueeze(1) + negative * above.unsqueeze(1)
                rows, total = rows @ weight, total + rows @ bias
            ends.append(sign * (total + _times(rows, centre) - _times(rows.abs(), radius)))
        lower, upper = ends
        crossing = ((lower < 0) & (upper > 0)).to(dtype)
        open_ = (lower >= 0).to(dtype)
        slope = crossing * upper / (upper - lower).clamp(min=torch.finfo(dtype).tiny) + (1 - crossing) * open_
        chosen = crossing * (upper > -lower).to(dtype) + (1 - crossing) * open_
        relaxed.append((chosen, slope, crossing * -slope * lower))
    return lower, upper


def _times(rows: Tensor, values: Tensor) -> Tensor:
    """(boxes, rows, n) and (boxes, n) to (boxes, rows)."""
    return (rows @ values.unsqueeze(2)).squeeze(2)
