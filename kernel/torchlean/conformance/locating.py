"""The first node where an execution and the graph part.

The execution is repeated on the input that shows it, and every result of torch's calls is kept with the lines that led
to it, in order. Each node of the graph looks for its result behind those of its operands: it is met where one of its
shape lies within what is proved of the node at this input; it is missed where results come from its own line, or from
calls there, and none of them does. From a node that is known to differ the search goes down to operands that are
missed, through those of which the program shows no result, as far as it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.conformance.reference import Allowed
from torchlean.graph import Graph, Node

Records = Sequence[tuple[list[tuple[str, int]], Tensor]]


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of a node: `met`, or `missed`, or neither; `after` is the first record behind its result."""

    met: bool
    missed: bool
    after: int


def first_difference(graph: Graph, last: int, allowed: Allowed, records: Records) -> int:
    """The node; `last` where nothing below it is missed.

    Args:
        last: a node that is known to differ.
        allowed: of every node, at the input.
        records: what the execution showed, in order.
    """
    looks: list[_Look] = []
    for node in graph:
        start = max((looks[id].after for id in node.inputs), default=0)
        looks.append(_look(node, allowed, records, start) if node.inputs else _Look(True, False, start))
    place = last
    while (below := _missed_below(graph, place, looks)) is not None:
        place = below
    return place


def _missed_below(graph: Graph, place: int, looks: Sequence[_Look]) -> int | None:
    """The first missed node among the operands, and the operands of those that are not seen."""
    waiting, visited = list(graph[place].inputs), set()
    found: list[int] = []
    while waiting:
        id = waiting.pop()
        if id in visited:
            continue
        visited.add(id)
        if looks[id].missed:
            found.append(id)
        elif not looks[id].met:
            waiting.extend(graph[id].inputs)
    return min(found, default=None)


def _look(node: Node, allowed: Allowed, records: Records, start: int) -> _Look:
    value, error = allowed.values[node.id], allowed.errors[node.id]
    lines = {(span.path, span.line) for span in node.spans[:1]}
    missed: int | None = None
    for place in range(start, len(records)):
        made, result = records[place]
        if tuple(result.shape) != node.type.shape or result.is_complex():
            continue
        if _inside(result, value, error):
            return _Look(True, False, place + 1)
        if missed is None and lines.intersection(made):
            missed = place
    return _Look(False, missed is not None, start if missed is None else missed + 1)


def _inside(result: Tensor, value: Tensor, error: Tensor) -> bool:
    found, wanted = result.double(), value.double()
    same = (found == wanted) | (torch.isnan(found) & torch.isnan(wanted))
    return bool((same | ((found - wanted).abs() <= error)).all())
