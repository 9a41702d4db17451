"""Interval bounds of minima and maxima of affine functions, for the boxes of a branch and bound in few inputs.

The ends of affine functions on a box are exact, and extrema take ends to ends, so intervals converge as boxes shrink: a
box is decided once its width times the slopes is less than the margin. Each costs a few operations per function, where
linear bounds write an extremum of `n` functions as `n - 1` relus and pass rows through all of them. That takes
thousands of times as long, and in few inputs it saves no such factor of boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.curvature import FEW_INPUTS, cut_along
from torchlean.bounds.branching.goal import Goal
from torchlean.graph import Graph, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType

EXTREMA = frozenset({"amax", "amin"})

FOLLOWED = EXTREMA | {"input", "linear", "reshape", "cast", "index"}
"""Beside weights and constants; of these casts to a wider type alone, and indices that are constants."""


class Extrema:
    """Interval bounds of a goal that is made of extrema of affine functions.

    Attributes:
        goal: the question.
        slopes: per input how much the widest row grows with it, on the whole domain; (inputs,).
    """

    def __init__(self, goal: Goal, nodes: Graph) -> None:
        self.goal = goal
        self._nodes = nodes
        lower, _ = goal.ends()
        self._known = {
            node.id: Interval.point(node.data.to(lower.device, torch.float64))
            for node in nodes
            if node.data is not None
        }
        self.slopes = self._slopes()

    @staticmethod
    def of(goal: Goal) -> Extrema | None:
        """None where something else is computed, or where more than `FEW_INPUTS` inputs vary."""
        lower, upper = goal.ends()
        nodes, _ = goal.graph.cone([goal.rows])
        if int((lower < upper).sum()) > FEW_INPUTS or not any(node.op in EXTREMA for node in nodes):
            return None
        return Extrema(goal, nodes) if all(_followed(nodes, node) for node in nodes) else None

    def bound(self, boxes: Boxes) -> Boxes:
        """Better margins, points in the middle, and cuts along the inputs that widen the rows most."""
        rows = self._rows(boxes.lower, boxes.upper)
        margins = boxes.margins
        if not rows.undefined:
            margins = torch.maximum(margins, self.goal.margins(rows.lower))
        open = ~self.goal.shown(margins).all(1)
        cuts = cut_along(boxes, (boxes.upper - boxes.lower) * self.slopes)
        points = ((boxes.lower + boxes.upper) / 2).to(boxes.points.dtype)
        return replace(boxes, margins=margins, points=points, cuts=torch.where(open.unsqueeze(1), cuts, -1))

    def _slopes(self) -> Tensor:
        lower, upper = self.goal.ends()
        middle, one = (lower + upper) / 2, torch.eye(len(lower), dtype=torch.bool)
        rows = self._rows(torch.where(one, lower, middle), torch.where(one, upper, middle))
        return torch.where(upper > lower, (rows.upper - rows.lower).amax(1) / (upper - lower), 0.0)

    def _rows(self, lower: Tensor, upper: Tensor) -> Interval:
        """The goal's rows, (boxes, rows), on boxes with these ends, (boxes, inputs)."""
        lows, highs = self.goal.named(lower), self.goal.named(upper)
        found = dict(self._known)
        for node in self._nodes:
            if node.op == "input":
                name = str(node.attributes["name"])
                found[node.id] = Interval(lows[name], highs[name])
            elif node.data is None:
                found[node.id] = self._bounds(node, found, len(lower))
        return found[self._nodes.outputs[0]]

    def _bounds(self, node: Node, found: Mapping[int, Interval], boxes: int) -> Interval:
        """A node's interval on every box, (boxes, *node)."""
        x, attributes, shape = found[node.inputs[0]], node.attributes, (boxes, *node.type.shape)
        if node.op == "linear":
            operands = [x, *(found[id] for id in node.inputs[1:])]
            return OPS["linear"].interval(operands, attributes, TensorType(shape, torch.float64))
        if node.op == "cast":
            return x
        if node.op == "reshape":
            return _of_ends(x, lambda end: end.reshape(shape))
        if node.op == "index":
            places = found[node.inputs[1]].lower.to(torch.int64)
            return _of_ends(x, lambda end: end[:, places])
        function = torch.amax if node.op == "amax" else torch.amin
        reduced: Any = attributes["dim"]
        dims = [dim + 1 for dim in reduced]
        return _of_ends(x, lambda end: function(end, dim=dims, keepdim=bool(attributes["keepdim"])))


def _of_ends(x: Interval, function: Callable[[Tensor], Tensor]) -> Interval:
    """What takes ends to ends; an interval that was undefined somewhere stays so."""
    return Interval(function(x.lower), function(x.upper), x.undefined)


def _followed(nodes: Graph, node: Node) -> bool:
    if node.data is not None:
        return True
    operands = [nodes[id] for id in node.inputs]
    known = all(operand.data is not None for operand in operands[1:])
    if node.op == "cast":
        # Real numbers stay what they are in every type that bounds take for exact.
        return all(type.dtype.is_floating_point for type in (node.type, operands[0].type))
    if node.op == "index":
        return known and node.attributes["dims"] == (0,)
    return node.op in FOLLOWED and known and (not operands or operands[0].data is None)


__all__ = ["Extrema"]
