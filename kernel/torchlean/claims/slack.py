"""What rounding leaves of a claim's margin: lower bounds that hold for executions, not only for exact numbers.

A claim compares what an execution has computed, so each side of a comparison may be off by its rounding error, and the
comparison itself by nothing: comparing two floats is exact, once they are read in one dtype. The nodes that `margin`
appends to a claim's graph are no part of the program. Errors therefore pass through them, and they add none of their
own; a margin above its error leaves every comparison as exact numbers decide it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.bounds import Bounds
from torchlean.claims.goal import Row, clauses_of
from torchlean.claims.margin import Margin, moves_elements, shown
from torchlean.graph import Graph, Node
from torchlean.intervals import Interval, up
from torchlean.ops import OPS
from torchlean.ops.noise.arithmetic import DEFAULT
from torchlean.ops.noise.reading import as_read
from torchlean.ops.noise.values import Noisy
from torchlean.rounding import Errors


@dataclass(frozen=True, slots=True)
class Aim:
    """What branch and bound has to show of executions.

    Attributes:
        clauses: those of the margin's that are not shown yet, without rows that prove nothing.
        kept: a lower bound of the executed margin over the other clauses.
        smallest, largest: of what the rows lose.
    """

    clauses: list[list[Row]]
    kept: float
    smallest: float
    largest: float


@dataclass(eq=False)
class Slack:
    """The margin of one claim under the rounding errors of its graph.

    Attributes:
        margin: of the claim, and `own` the number of nodes that are the claim's: those that are executed.
        bounds: of every node's exact value.
        errors: of the same nodes.
    """

    margin: Margin
    own: int
    bounds: Bounds
    errors: Errors
    _lost: dict[int, Tensor] = field(default_factory=dict)
    _reached: dict[int, Interval] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        return self.margin.graph

    @property
    def lost(self) -> float:
        """How much of the margin rounding may take away; infinite where nothing is known."""
        return float(self.error(self.margin.node))

    @property
    def reason(self) -> str:
        """Why that is infinite."""
        stack, seen = [self.margin.node], set()
        while stack:
            id = stack.pop()
            if id not in seen:
                seen.add(id)
                if id < self.own and self.errors[id].reason:
                    return str(self.errors[id].reason)
                stack.extend(self.graph[id].inputs)
        return ""

    def least(self) -> float:
        """A lower bound of the margin of every execution; `-inf` where there is none."""
        clauses = clauses_of(self.margin)
        by_rows = min(max(self.row_least(row) for row in clause) for clause in clauses)
        return max(by_rows, self.row_least((self.margin.node, 0)))

    def aim(self) -> Aim | None:
        """What is left to show. None where rounding may take anything: then no bound of exact values is enough."""
        kept, clauses = math.inf, []
        for clause in clauses_of(self.margin):
            least = max(self.row_least(row) for row in clause)
            if shown(least, self.margin):
                kept = min(kept, least)
            else:
                clauses.append([row for row in clause if math.isfinite(self.row_error(row))])
        if not all(clauses):
            return None
        lost = [self.row_error(row) for clause in clauses for row in clause]
        return Aim(clauses, kept, min(lost, default=0.0), max(lost, default=0.0))

    def row_least(self, row: Row) -> float:
        """A lower bound of one element in every execution: its exact bound less its error, or what intervals of
        executed values give, which is more where ops keep a sign whatever their error (a square)."""
        id, place = row
        error = float(self.error(id).reshape(-1)[place])
        exact = self.bounds[id]
        if exact.undefined or not math.isfinite(error):
            # An infinite error says that the value may even be NaN.
            return -math.inf
        lower = float(exact.lower.reshape(-1)[place])
        kept = lower if error == 0 else math.nextafter(lower - error, -math.inf)
        return max(kept, float(self._reach(id).lower.reshape(-1)[place]))

    def row_error(self, row: Row) -> float:
        """How much rounding may take from one element."""
        id, place = row
        return float(self.error(id).reshape(-1)[place])

    def error(self, id: int) -> Tensor:
        """A bound on |executed - exact| of each element, in the node's shape."""
        if id not in self._lost:
            node = self.graph[id]
            found = self._own_error(node) if id < self.own else self._passed(node)
            self._lost[id] = found.expand(node.type.shape)
        return self._lost[id]

    def _own_error(self, node: Node) -> Tensor:
        known = self.errors[node.id].error
        return torch.zeros((), dtype=torch.float64) if known is None else known

    def _passed(self, node: Node) -> Tensor:
        """Through a node of the margin, which rounds nothing."""
        before = [self.error(id) for id in node.inputs]
        if not before:
            return torch.zeros((), dtype=torch.float64)
        if node.op == "sub":
            left, right = (self._read(id, node) for id in node.inputs)
            total = left.errors + right.errors
            return torch.where(total == 0, total, up(total))
        if node.op in ("minimum", "maximum"):
            return torch.maximum(*before)
        if node.op in ("amin", "amax"):
            # Neither the least nor the greatest moves further than what moves furthest.
            return OPS["amax"].evaluate(before, node.attributes)
        if node.op == "gather":
            index = self.graph[node.inputs[1]].data
            assert index is not None, "the margin picks known places"
            return OPS["gather"].evaluate([before[0], index], node.attributes)
        if moves_elements(self.graph, node):
            return OPS[node.op].evaluate(before, node.attributes)
        # A sign, a magnitude, or a truth as a number. Whatever else there may be is left to its op's own rule.
        return before[0] if node.op in ("abs", "neg", "cast") else self._own_error(node)

    def _read(self, id: int, by: Node) -> Noisy:
        """A side of a comparison, as the comparison reads it."""
        value = self._noisy(id)
        return value if id >= self.own else as_read(value, by.type.dtype, DEFAULT)

    def _noisy(self, id: int) -> Noisy:
        known = self.errors[id]
        error = self.error(id) if id >= self.own else known.error
        return Noisy(self.bounds[id], error, self.graph[id].type, known.least, known.greatest)

    def _reach(self, id: int) -> Interval:
        """Contains what every execution has at a node, NaN apart."""
        if id not in self._reached:
            self._reached[id] = self._executed(self.graph[id])
        return self._reached[id]

    def _executed(self, node: Node) -> Interval:
        if node.id < self.own or not node.inputs:
            return self._noisy(node.id).reach
        reached = [self._reach(id) for id in node.inputs]
        if node.op == "sub":
            reached = [self._read(id, node).reach if id < self.own else self._reach(id) for id in node.inputs]
        return OPS[node.op].interval(reached, node.attributes, node.type)
