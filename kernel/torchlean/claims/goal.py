"""From a claim's margin to the rows and clauses that branch and bound decides.

A margin is built from differences by taking the least and the greatest of them (`margin`). Branch and bound knows more
if it sees the differences themselves: each is bounded best alone, and on a part of the domain one of two alternatives
may be hopeless. Least and greatest distribute over each other, so every margin *is* the least, over some clauses, of
the greatest of each clause's rows: the conjunctive normal form, with differences as its literals. Both have the same
value at every input, not only the same sign.

The form of a long disjunction of conjunctions is exponential in length. Where a part of the margin would get too large,
that part itself becomes a row: nothing is lost but tightness.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor

from torchlean.bounds.branching import Goal
from torchlean.claims.domain import Box
from torchlean.claims.margin import Margin, moves_elements
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.ops import OPS

MOST_ROWS = 64
MOST_CLAUSES = 64
"""Slopes are searched for each clause and combinations of rows for each clause on every box: this keeps them at some
kilobytes a box, and is enough for a classification into sixty classes."""

MOST_UNREDUCED = 4 * MOST_CLAUSES
"""Clauses among which those that others imply are looked for, which compares all pairs."""

_LEAST = frozenset({"minimum", "amin"})
_GREATEST = frozenset({"maximum", "amax"})

Row = tuple[int, int]
"""A node and the place of one of its elements, in row-major order."""

Form = frozenset[frozenset[Row]]
"""The least over these clauses of the greatest of each clause's rows."""


def goal_of(
    margin: Margin,
    domains: Mapping[str, Box],
    clauses: Sequence[Sequence[Row]] | None = None,
    lost: Callable[[Row], float] = lambda row: 0.0,
) -> Goal:
    """The claim as branch and bound takes it: shown exactly where the margin is.

    Args:
        domains: a bounded box for each input of the margin's graph.
        clauses: what is left to show, where some of the margin's clauses are shown already.
        lost: what is taken off each row before it has to be positive.

    Returns:
        A goal whose worst margin has at each input the value of the claim's margin, less what is lost. Inputs that no
        row depends on are left out.
    """
    clauses = clauses_of(margin) if clauses is None else clauses
    rows = sorted({row for clause in clauses for row in clause})
    number = {row: index for index, row in enumerate(rows)}
    graph, node = _with_rows(margin.graph, rows, [lost(row) for row in rows])
    names = [str(leaf.attributes["name"]) for leaf in graph.inputs]
    return Goal(
        graph,
        node,
        tuple(tuple(number[row] for row in clause) for clause in clauses),
        (margin.strict,) * len(clauses),
        {name: domains[name].interval() for name in names},
    )


def clauses_of(margin: Margin) -> list[list[Row]]:
    """The rows of each clause: the margin is the least over the clauses of the greatest of their rows."""
    form = _Forms(margin.graph).form(margin.node, 0)
    return sorted(sorted(clause) for clause in form)


def _with_rows(graph: Graph, rows: Sequence[Row], lost: Sequence[float]) -> tuple[Graph, int]:
    """The part of a graph that some elements depend on, and the node that lists them in a vector.

    Args:
        rows: sorted, each once.
        lost: what is taken off each.
    """
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    parts: list[Node] = []
    for id in sorted({id for id, _ in rows}):
        places = [place for own, place in rows if own == id]
        part = builder.op("reshape", [id], {"shape": (graph[id].type.numel,)})
        if len(places) < part.type.numel:
            index = builder.constant(torch.tensor(places))
            part = builder.op("gather", [part.id, index.id], {"dim": 0})
        parts.append(part)
    if len({part.type.dtype for part in parts}) > 1:
        parts = [builder.op("cast", [part.id], {"dtype": torch.float64}) for part in parts]
    vector = parts[0] if len(parts) == 1 else builder.op("cat", [part.id for part in parts], {"dim": 0})
    if any(lost):
        off = builder.constant(torch.tensor(lost, dtype=torch.float64))
        vector = builder.op("sub", [vector.id, off.id], {})
    cut, ids = builder.graph([vector.id]).cone([vector.id])
    return cut, ids[vector.id]


class _Forms:
    """The forms of a graph's elements, found from the top down: only what the margin reads is looked at."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._tables: dict[int, Tensor] = {}
        self._known: dict[Row, Form] = {}

    def form(self, id: int, place: int) -> Form:
        """Of one element."""
        row = (id, place)
        if row not in self._known:
            found = self._combined(self.graph[id], place)
            self._known[row] = frozenset({frozenset({row})}) if found is None else found
        return self._known[row]

    def _combined(self, node: Node, place: int) -> Form | None:
        """The form from those of the elements that are combined here. None for other ops, and where it is too large."""
        if node.op in _LEAST or node.op in _GREATEST:
            count = _combines(self.graph, node)
            if count > max(MOST_ROWS, MOST_CLAUSES):
                return None
            forms = (self.form(*source) for source in self._sources(node, place))
            return _least(forms) if node.op in _LEAST else _greatest(forms)
        if moves_elements(self.graph, node):
            ((id, source),) = self._sources(node, place)
            return self.form(id, source)
        return None

    def _sources(self, node: Node, place: int) -> list[Row]:
        """The operands' elements that this element is combined from."""
        if node.id not in self._tables:
            self._tables[node.id] = _table(self.graph, node)
        starts = [0]
        for id in node.inputs:
            starts.append(starts[-1] + self.graph[id].type.numel)
        found = []
        for number in self._tables[node.id][place].tolist():
            (operand,) = (i for i, (low, high) in enumerate(pairwise(starts)) if low <= number < high)
            found.append((node.inputs[operand], number - starts[operand]))
        return found


def _combines(graph: Graph, node: Node) -> int:
    """How many elements each element of a least or greatest is taken of."""
    if node.op in ("minimum", "maximum"):
        return 2
    return math.prod(graph[node.inputs[0]].type.shape[dim] for dim in _dims(graph, node))


def _dims(graph: Graph, node: Node) -> list[int]:
    dims, rank = node.attributes["dim"], len(graph[node.inputs[0]].type.shape)
    assert isinstance(dims, tuple)
    return [int(dim) % rank for dim in dims] if rank else []  # torch lets a scalar be reduced over dim 0


def _table(graph: Graph, node: Node) -> Tensor:
    """Which elements of the operands, numbered through, each element comes from: (elements, combined)."""
    numbers, start = [], 0
    for id in node.inputs:
        type = graph[id].type
        numbers.append(torch.arange(start, start + type.numel).reshape(type.shape))
        start += type.numel
    if node.op in ("minimum", "maximum"):
        return torch.stack([number.expand(node.type.shape).flatten() for number in numbers], 1)
    if node.op in ("amin", "amax"):
        dims = _dims(graph, node)
        kept = [dim for dim in range(numbers[0].dim()) if dim not in dims]
        return numbers[0].permute([*kept, *dims]).reshape(node.type.numel, -1)
    if node.op == "gather":
        index = graph[node.inputs[1]].data
        assert index is not None, "only known places are followed"
        numbers[1] = index
    return OPS[node.op].evaluate(numbers, node.attributes).reshape(-1, 1)


def _least(forms: Iterable[Form]) -> Form | None:
    clauses: Form = frozenset()
    for form in forms:
        found = _reduced(clauses | form)
        if found is None:
            return None
        clauses = found
    return clauses


def _greatest(forms: Iterable[Form]) -> Form | None:
    clauses: Form = frozenset({frozenset()})
    for form in forms:
        found = _reduced(frozenset(one | other for one, other in product(clauses, form)))
        if found is None:
            return None
        clauses = found
    return clauses


def _reduced(clauses: Form) -> Form | None:
    """Without clauses that contain another, which are never less than it. None where too many remain."""
    if len(clauses) > MOST_UNREDUCED:
        return None
    least = frozenset(clause for clause in clauses if not any(other < clause for other in clauses))
    if len(least) > MOST_CLAUSES or len(frozenset().union(*least)) > MOST_ROWS:
        return None
    return least
