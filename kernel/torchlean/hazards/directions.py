"""Unit vectors: their products are cosines, and they are at most 2 apart.

Intervals know of each element only that it is at most one, so that a cosine of 512 of them might be 512.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchlean.graph import Graph, Node
from torchlean.hazards.orders import dims_of, same_values
from torchlean.hazards.patterns import COPIES, COSINE, strip
from torchlean.intervals import Interval
from torchlean.intervals.repetition import one_of_each

Ends = tuple[float, float] | None
"""Where all elements of a node lie, if there is something to say."""

UNIT_SLACK = 1e-6
"""How far a binary32 dot product of two unit vectors may leave [-1, 1]: sixteen roundings, as for short vectors; it is
not nothing, which matters to `acos`."""


def cosines_of_matmul(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    left, right = node.inputs
    if len(graph[left].type.shape) == 1 and same_values(graph, left, right):
        return 0.0, math.inf  # the square of a vector's length
    return _products(graph, left, right, max(len(graph[right].type.shape) - 2, 0), ranges)


def cosines_of_linear(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    return _products(graph, *node.inputs, 1, ranges) if len(node.inputs) == 2 else None


def _products(graph: Graph, left: int, right: int, dim: int, ranges: Sequence[Interval]) -> Ends:
    """Sums of products along the last dimension of `left` and a dimension of `right`, which take one of two signs only
    where factors do, and are cosines where both are unit vectors."""
    if len(graph[left].type.shape) - 1 in unit_dims(graph, left) and dim in unit_dims(graph, right):
        return -1.0 - UNIT_SLACK, 1.0 + UNIT_SLACK
    return (0.0, math.inf) if least(ranges[left]) >= 0 and least(ranges[right]) >= 0 else None


def distance(graph: Graph, node: Node, ranges: Sequence[Interval]) -> Ends:
    """Two unit vectors are at most 2 apart."""
    difference = graph[node.inputs[0]]
    if difference.op != "sub" or node.attributes.get("ord") != 2.0:
        return None
    last = len(difference.type.shape) - 1
    size = difference.type.shape[last]
    unit = dims_of(node) == {last} and all(_is_unit_along_last(graph, id, size) for id in difference.inputs)
    return (0.0, 2.0 + UNIT_SLACK) if unit else None


def _is_unit_along_last(graph: Graph, id: int, size: int) -> bool:
    """Whether the last dimension is that of unit vectors, and is not broadcast to others' size."""
    shape = graph[id].type.shape
    return bool(shape) and shape[-1] == size and len(shape) - 1 in unit_dims(graph, id)


def is_cosine(graph: Graph, id: int) -> bool:
    """Whether numbers are products of two vectors of length one, whose derivative is zero where the vectors agree."""
    node = strip(graph, id)
    if node.op == "sum":
        product = strip(graph, node.inputs[0], frozenset({"clone", "contiguous"}))
        return product.op == "mul" and all(dims_of(node) & unit_dims(graph, id) for id in product.inputs)
    if node.op in ("matmul", "linear") and len(node.inputs) == 2:
        left, right = node.inputs
        last = len(graph[left].type.shape) - 1
        other = len(graph[right].type.shape) - 1 if node.op == "linear" else len(graph[right].type.shape) - 2
        return last in unit_dims(graph, left) and max(other, 0) in unit_dims(graph, right)
    return node.label == COSINE


def unit_dims(graph: Graph, id: int) -> set[int]:
    """Dimensions along which the vectors have a length of at most one."""
    node = graph[id]
    if node.op in ("clone", "contiguous"):
        return unit_dims(graph, node.inputs[0])
    if node.op == "permute":
        order = node.attributes["dims"]
        below = unit_dims(graph, node.inputs[0])
        return {place for place, d in enumerate(order) if d in below} if isinstance(order, tuple) else set()
    if node.op == "reshape":
        return _dims_after_reshape(
            graph[node.inputs[0]].type.shape, node.type.shape, unit_dims(graph, node.inputs[0])
        )
    if node.op == "index" and len(node.inputs) == 2 and len(graph[node.inputs[1]].type.shape) == 1:
        return unit_dims(graph, node.inputs[0]) - dims_of(node)
    if node.op == "cat":
        return set.intersection(*(unit_dims(graph, id) for id in node.inputs)) - {node.attributes["dim"]}
    if node.op == "normalize" and node.attributes.get("p") == 2.0:
        return dims_of(node)
    if node.op == "div":
        length = strip(graph, node.inputs[1], COPIES | {"clamp", "add", "maximum"})
        if length.op == "vector_norm" and same_values(graph, length.inputs[0], node.inputs[0]):
            return dims_of(length) if length.attributes.get("ord") == 2.0 else set()
    return set()


def _dims_after_reshape(before: tuple[int, ...], after: tuple[int, ...], dims: set[int]) -> set[int]:
    """Where dimensions are after a reshape that only puts in dimensions of size 1, or takes such out."""
    places, kept = ([d for d, size in enumerate(shape) if size != 1] for shape in (before, after))
    if [before[d] for d in places] != [after[d] for d in kept]:
        return set()
    return {new for old, new in zip(places, kept, strict=True) if old in dims}


def least(interval: Interval) -> float:
    """The least lower end; 0 for an empty tensor."""
    return float(one_of_each(interval.lower).min()) if interval.lower.numel() else 0.0
