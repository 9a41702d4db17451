"""What commonly goes wrong between an image or a sensor and the network: layout, and normalising twice or never.

Each check looks at the captured graph and its bounds, so that it sees what is computed, in whichever way it is written.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from torchlean.analysis.units import UnitBounds
from torchlean.bounds import Bounds
from torchlean.capture.result import UnitKind
from torchlean.diagnostics import Diagnostic, Related, diagnostic
from torchlean.graph import Graph, Node
from torchlean.ops import OPS
from torchlean.ops.rearrangement import Rearrangement
from torchlean.source import Span

COLOURS = (3, 4)
"""Channels of a picture in colour, without and with transparency. A single one is nowhere lost."""

PICTURE = 5
"""Rows and columns from which a tensor with as many channels is taken for a picture, and not for a small matrix."""

FAR = 20.0
"""Standard deviations between what a layer gets and the mean that it saved, where both belong to other units: a batch
of the data it was trained on hardly leaves ten."""

WIDE = 500.0
"""Standard deviations that a range may be wide. A filter that cancels what neighbouring pixels have in common may
see a hundredth of its range in data; a picture in bytes where one in [0, 1] is meant is 255 times as wide."""

LEARNED = frozenset({"linear", "matmul", "addmm", "conv", "conv_transpose", "einsum"})
"""Ops that bring trained weights in."""


def preprocessing(unit: UnitBounds) -> list[Diagnostic]:
    """Warnings about what comes before the network of a unit."""
    return [*_scrambled(unit), *_normalised_twice(unit), *_unlike_statistics(unit)]


# -- channels ------------------------------------------------------------------------------------------------------


def _scrambled(unit: UnitBounds) -> Iterator[Diagnostic]:
    """A picture with its channels last that is reshaped to have them first, or the other way round."""
    for node in unit.part.graph:
        if node.op != "reshape":
            continue
        before, after = unit.part.graph[node.inputs[0]].type.shape, node.type.shape
        found = _moved(before, after)
        span = _place(node, unit)
        if found is None or span is None:
            continue
        message = (
            f"this reshape from {before} to {after} does not move the channels: it cuts the rows of numbers anew, so "
            f"that pixels and colours are mixed. To move dimensions write `.permute({found})`"
        )
        yield diagnostic("TL107", span, message)


def _moved(before: tuple[int, ...], after: tuple[int, ...]) -> str | None:
    """The dimensions for `permute` that would have done what the shapes say."""
    if len(before) != len(after) or len(before) < 3 or before == after or before[:-3] != after[:-3]:
        return None
    batch = list(range(len(before) - 3))
    end = len(batch)
    for channels, order in ((before[-1], (end + 2, end, end + 1)), (before[-3], (end + 1, end + 2, end))):
        picture = [before[dim] for dim in (*batch, *order)]
        sides = [size for size in before[-3:] if size != channels]
        if channels in COLOURS and min(sides, default=0) >= PICTURE and picture == list(after):
            return ", ".join(map(str, (*batch, *order)))
    return None


# -- normalisation -------------------------------------------------------------------------------------------------


def _normalised_twice(unit: UnitBounds) -> Iterator[Diagnostic]:
    graph, bounds = unit.part.graph, unit.intervals
    for node in graph:
        step = _normalisation(graph, bounds, node)
        if step is None:
            continue
        earlier = _moved_from(graph, step[0])
        before = _normalisation(graph, bounds, earlier)
        span = _place(node, unit)
        if before is None or span is None or not all(map(_same, step[1:], before[1:])):
            continue
        first = _place(earlier, unit)
        related = () if first is None or first == span else (Related(first, "the first time"),)
        mean, deviation = (_numbers(part) for part in step[1:])
        message = (
            f"the same normalisation (less {mean}, divided by {deviation}) has been applied before: applied twice, it "
            "leaves the range that the network was trained on"
        )
        yield diagnostic("TL314", span, message, *related)


def _normalisation(graph: Graph, bounds: Bounds, node: Node) -> tuple[Node, Tensor, Tensor] | None:
    """Of `(x - mean) / deviation` with known numbers that are no mere zero and one: x, mean and deviation."""
    if node.op != "div" or graph[node.inputs[0]].op != "sub":
        return None
    difference = graph[node.inputs[0]]
    mean, deviation = bounds[difference.inputs[1]], bounds[node.inputs[1]]
    if not (mean.is_point and deviation.is_point) or bounds[difference.inputs[0]].is_point:
        return None
    if not bool((mean.lower != 0).any()) and not bool((deviation.lower != 1).any()):
        return None
    return graph[difference.inputs[0]], mean.lower, deviation.lower


def _moved_from(graph: Graph, node: Node) -> Node:
    """What a node is a rearrangement of: crops, permutations, conversions."""
    while node.inputs and (node.op == "cast" or isinstance(OPS.get(node.op), Rearrangement)):
        node = graph[node.inputs[0]]
    return node


def _same(first: Tensor, second: Tensor) -> bool:
    return bool(first.numel() == second.numel() and torch.equal(first.flatten(), second.flatten()))


def _numbers(values: Tensor) -> str:
    shown = [f"{value:.4g}" for value in values.flatten().tolist()]
    return (
        shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown[:4])}{', ...' if len(shown) > 4 else ''}]"
    )


# -- statistics ----------------------------------------------------------------------------------------------------


def _unlike_statistics(unit: UnitBounds) -> Iterator[Diagnostic]:
    """A claim whose network gets numbers that its first batch normalisation has never seen the like of."""
    captured, graph = unit.part.unit, unit.part.graph
    if captured.kind is UnitKind.MODULE or not captured.trained:
        return
    learned = _learned_before(graph)
    for node in graph:
        if node.op != "batch_norm" or learned[node.inputs[0]] > 1:
            continue
        found = _departure(unit.intervals, node)
        if found is None:
            continue
        span = _place(node, unit)
        related = () if span is None else (Related(span, "this layer"),)
        message = (
            f"{captured.name}: the network's first batch normalisation gets {found}: the domain is in other units than "
            "the training data, or a normalisation before the network is missing or applied twice"
        )
        yield diagnostic("TL315", captured.span, message, *related)
        return


def _learned_before(graph: Graph) -> list[int]:
    """How many layers with weights stand between the input and each node at most; a normalisation counts twice."""
    depths: list[int] = []
    for node in graph:
        # Behind a second one, and behind a normalisation, bounds say little of what data does.
        own = 2 if node.op == "batch_norm" else int(node.op in LEARNED)
        depths.append(own + max((depths[id] for id in node.inputs), default=0))
    return depths


def _departure(bounds: Bounds, node: Node) -> str | None:
    """How far the numbers that a batch normalisation gets are from its statistics, if too far."""
    x, mean, variance = (bounds[id] for id in node.inputs[:3])
    eps = node.attributes["eps"]
    if not (mean.is_point and variance.is_point) or not isinstance(eps, float) or x.lower.numel() == 0:
        return None
    others = [dim for dim in range(x.lower.dim()) if dim != 1]
    low, high = x.lower.amin(others), x.upper.amax(others)
    deviation = (variance.lower + eps).sqrt()
    away = torch.maximum(low - mean.lower, mean.lower - high) / deviation
    width = (high - low) / deviation
    worst = int(torch.maximum(away / FAR, width / WIDE).argmax())
    if not bool((away > FAR).any()) and not float(width.median()) > WIDE:
        return None
    return (
        f"numbers in [{float(low[worst]):.4g}, {float(high[worst]):.4g}] in channel {worst}, where its saved "
        f"statistics have mean {float(mean.lower[worst]):.4g} and deviation {float(deviation[worst]):.4g}"
    )


def _place(node: Node, unit: UnitBounds) -> Span | None:
    """Where the unit's file writes a node."""
    return next((span for span in node.spans if span.path == unit.part.unit.span.path), None)
