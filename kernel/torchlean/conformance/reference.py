"""What executions are compared with: the graph in float64, and how far from it any execution may be.

The proved bound E of a node is on |executed - exact|. The exact value is not at hand, but the graph is evaluated in
float64, for which the same analysis proves a bound e, some 2**29 times smaller. So an execution is outside of what is
proved exactly when |executed - float64| > E + e somewhere. Where the domain is so large that E is infinite, the same is
asked at single inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds import BoundsCache, propagate
from torchlean.claims.domain import Box
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.rounding import Errors, rounding_errors

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})

CHUNK = 256
"""Inputs evaluated together."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Of each node: the float64 value and how far an execution may be from it; (inputs, *shape) or (*shape)."""

    values: list[Tensor]
    errors: list[Tensor]


class Reference:
    """The graph of one unit, whose weights all are numbers.

    Attributes:
        graph: of the unit.
        wide: the same with every number type replaced by float64, and the same numbers.
        double: what the program is in float64: numbers that it spells out have all their digits there.
        observed: its nodes that are compared, in order; for a claim the operands of comparisons.
        logic: of a claim, the comparisons that its result is joined of, in order.
    """

    def __init__(self, graph: Graph, domains: Mapping[str, Box]) -> None:
        self.graph = graph
        self.domains = {name: box.interval() for name, box in domains.items()}
        self.wide = widened(graph)
        self.double = widened(graph, written=True)
        self.compares = len(graph.outputs) == 1 and graph[graph.outputs[0]].type.dtype == torch.bool
        self.logic = _logic(graph, graph.outputs[0]) if self.compares else []
        self._errors: dict[tuple[int, Arithmetic], Errors] = {}

    def observed(self, count: int) -> list[int] | None:
        """The nodes that `count` observed tensors stand for; None where the program compares other things.

        A number that stands in the program is a tensor in the graph, and mostly none in the program.
        """
        if not self.compares:
            return list(self.graph.outputs) if count == len(self.graph.outputs) else None
        # Comparisons inside of a network are the program's, too; those of a derivative are the graph's alone.
        everywhere = [node.id for node in self.graph if node.op in COMPARISONS]
        for comparisons in (self.logic, everywhere):
            operands = [id for node in comparisons for id in self.graph[node].inputs]
            unknown = [id for id in operands if self.graph[id].op != "constant"]
            for found in (unknown, operands):
                if len(found) == count:
                    return found
        return None

    def allowed(
        self,
        nodes: Sequence[int],
        points: Mapping[str, Tensor],
        arithmetic: Arithmetic | None,
        double: bool = False,
    ) -> Allowed:
        """The reference at points (inputs, *shape), and what an execution may be off anywhere on the domain.

        Args:
            arithmetic: None for exact values, which float64 has rounded once.
            double: the program is executed in float64.
        """
        graph = self.double if double else self.wide
        main = None if arithmetic is None else self._error(self.double if double else self.graph, arithmetic)
        fine = self._error(graph, DEFAULT)
        values = self.values(graph, nodes, points)
        return Allowed(
            values, [_room(main, fine, id, value) for id, value in zip(nodes, values, strict=True)]
        )

    def at_point(
        self, point: Mapping[str, Tensor], arithmetic: Arithmetic | None, double: bool = False
    ) -> Allowed:
        """The same for every node of the graph, at one input alone."""
        box = {name: Interval(value.double(), value.double()) for name, value in point.items()}
        graph = self.double if double else self.wide
        program = self.double if double else self.graph
        main = None if arithmetic is None else _errors(program, box, arithmetic)
        fine = _errors(graph, box, DEFAULT)
        values = evaluate(graph, point, by_steps=True)
        return Allowed(values, [_room(main, fine, id, value) for id, value in enumerate(values)])

    def values(self, graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
        """Of these nodes, (inputs, *shape) each."""
        count = len(next(iter(points.values()))) if points else 0
        rows = [
            _chunk(graph, nodes, {name: value[start : start + CHUNK] for name, value in points.items()})
            for start in range(0, count, CHUNK)
        ]
        return [torch.cat(column) for column in zip(*rows, strict=True)] if rows else []

    def _error(self, graph: Graph, arithmetic: Arithmetic) -> Errors:
        key = (id(graph), arithmetic)
        if key not in self._errors:
            self._errors[key] = _errors(graph, self.domains, arithmetic)
        return self._errors[key]


def _chunk(graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
    def one(point: dict[str, Tensor]) -> tuple[Tensor, ...]:
        values = evaluate(graph, point, by_steps=True)
        return tuple(values[id].clone() for id in nodes)

    try:
        return list(torch.vmap(one)(dict(points)))
    except RuntimeError:  # an op without a batching rule, or one that looks at its numbers
        count = len(next(iter(points.values())))
        rows = [one({name: value[place] for name, value in points.items()}) for place in range(count)]
        return [torch.stack(column) for column in zip(*rows, strict=True)]


def _logic(graph: Graph, result: int) -> list[int]:
    """The comparisons that are reached from a truth value through truth values alone."""
    waiting, found = [result], set()
    while waiting:
        id = waiting.pop()
        if graph[id].op in COMPARISONS:
            found.add(id)
        elif graph[id].type.dtype == torch.bool:
            waiting.extend(graph[id].inputs)
    return sorted(found)


def _errors(graph: Graph, domains: Mapping[str, Interval], arithmetic: Arithmetic) -> Errors:
    bounds = propagate(graph, domains, BoundsCache())
    return rounding_errors(graph, bounds, arithmetic=arithmetic)


def _room(main: Errors | None, fine: Errors, id: int, values: Tensor) -> Tensor:
    """E + e of one node, rounded up. Without an E, of exact values that were rounded to float64: e, and twice as much
    again as that may take, which covers coefficients that a certificate's network has to 64 places only."""
    total = torch.zeros(values.shape, dtype=torch.float64)
    for errors in (fine,) if main is None else (main, fine):
        error = errors[id].error
        if error is not None:
            total = total + error
    if main is None and values.is_floating_point():
        total = 2 * (total + values.abs() * torch.finfo(torch.float64).eps)
    return torch.where(total > 0, torch.nextafter(total, torch.tensor(math.inf, dtype=torch.float64)), total)


def widened(graph: Graph, *, written: bool = False) -> Graph:
    """The graph with every floating type replaced by float64.

    Args:
        written: numbers that stand in the program are taken as they are written, not as float32 rounds them.
    """
    builder = GraphBuilder()
    places: list[int] = []
    for node in graph:
        if node.op == "input":
            name, position = str(node.attributes["name"]), node.attributes["position"]
            assert isinstance(position, int)
            places.append(builder.input(name, _wide_type(node.type), node.spans, position).id)
        elif node.data is not None:
            data = node.data.double() if node.data.is_floating_point() else node.data
            if written and node.op == "constant" and data.dim() == 0 and node.data.is_floating_point():
                data = torch.tensor(_number(node.label, float(data)), dtype=torch.float64)
            places.append(builder.parameter(data, node.label or "", node.spans).id)
        else:
            attributes = {key: _wide(value) for key, value in node.attributes.items()}
            made = builder.op(node.op, [places[id] for id in node.inputs], attributes, node.spans, node.label)
            places.append(made.id)
    return builder.graph([places[id] for id in graph.outputs])


def _number(label: str | None, otherwise: float) -> float:
    """A constant's label is the number as the program has it."""
    try:
        return float(label or "")
    except ValueError:
        return otherwise


def _wide_type(type: TensorType) -> TensorType:
    return replace(type, dtype=torch.float64) if type.dtype.is_floating_point else type


def _wide(value: object) -> object:
    return torch.float64 if isinstance(value, torch.dtype) and value.is_floating_point else value


def decided(reference: Reference, compared: Sequence[Tensor]) -> Tensor | None:
    """The claim's result as its graph joins the truth values of its comparisons, given these; None where it computes
    with more than those."""
    graph = reference.graph
    values: dict[int, Tensor] = dict(zip(reference.logic, compared, strict=True))
    for node in graph:
        if node.id in values:
            continue
        if node.data is not None:
            values[node.id] = node.data
        elif node.inputs and all(id in values for id in node.inputs):
            values[node.id] = OPS[node.op].evaluate([values[id] for id in node.inputs], node.attributes)
    return values.get(graph.outputs[0])
