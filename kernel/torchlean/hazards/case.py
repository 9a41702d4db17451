"""What a detector may look at: one unit's graph, its ranges, and what the person wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from torchlean.graph import Graph, Node
from torchlean.hazards.finding import Finding
from torchlean.hazards.ranges import Ranges
from torchlean.hazards.regions import WORKING, Known
from torchlean.numbers import lower_text, upper_text

GROUNDS = {
    Known.CERTAIN: "",
    Known.LIKELY: " (normal draws within 8.6 deviations)",
    Known.NOTHING: f" (unknown numbers taken from [-{WORKING:g}, {WORKING:g}])",
}
"""What a range rests on, where it is not certain."""


@dataclass(frozen=True, slots=True)
class Case:
    """One unit under examination.

    Attributes:
        graph, ranges: see there.
        users: the ids of the nodes that use each node.
        mine: for each node whether the file spells out this very operation.
        recorded: for each node whether it is written where autograd records it, not under `torch.no_grad()`.
        additions: for each node how often it adds to the same sum, where the file says so; else 1.
        differentiated: nodes that the program wants gradients of, or through, beside weights that initialisers draw.
    """

    graph: Graph
    ranges: Ranges
    users: list[list[int]]
    mine: list[bool]
    recorded: list[bool]
    additions: list[float]
    differentiated: frozenset[int] = frozenset()

    def extent(self, id: int) -> tuple[float, float]:
        """Least and greatest number at the node."""
        return self.ranges.extent(id)

    def range_text(self, id: int) -> str:
        """`[-10000, 1]`, with what it rests on where that is not certain."""
        return text_of(*self.extent(id)) + GROUNDS[self.ranges.known[id]]

    def unknown(self, id: int) -> bool:
        """Whether the node's range rests on a working range."""
        return self.ranges.known[id] is Known.NOTHING

    def floating(self, id: int) -> bool:
        return bool(self.graph[id].type.dtype.is_floating_point)


def text_of(low: float, high: float) -> str:
    """An interval with ends rounded outward; ends that are as good as infinite for a reader are written shortly."""
    return f"[{lower_text(low, 4)}, {upper_text(high, 4)}]"


def largest(dtype: torch.dtype) -> float:
    """The greatest finite number."""
    return float(torch.finfo(dtype).max)


def smallest(dtype: torch.dtype) -> float:
    """The least positive number, subnormal ones included."""
    info = torch.finfo(dtype)
    return float(info.smallest_normal * info.eps)


def overflow_argument(dtype: torch.dtype) -> float:
    """Where `exp` begins to overflow: 88.72 in binary32."""
    return math.log(largest(dtype))


Detector = Callable[[Case, Node], "Finding | None"]
"""Looks at one node; the first detector of an op that finds something speaks for the node."""
