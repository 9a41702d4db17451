"""Masks that keep the greatest element of each row: `x.masked_fill(x < x.topk(k).values[..., -1:], -inf)`.

The range of what is masked says only that each element may be -inf. That not all of a row are is a relation between
the mask and what it hides: an element of the row never exceeds the greatest one, which is therefore not less than it.
"""

from __future__ import annotations

from torchlean.graph import Graph, Node
from torchlean.hazards.case import Case
from torchlean.hazards.orders import dims_of, same_values

ORDER = frozenset({"topk", "sort", "kth_value", "amax", "amin"})
"""Ops whose results along a dimension are elements of the operand's rows."""

NESTED = 4
"""Masks inside each other that are looked at: of the greatest, and of a share of the probability."""


def keeps_an_element(case: Case, id: int, dim: int) -> bool:
    """Whether a masked tensor has an element in each row along `dim` that is not masked."""
    for _ in range(NESTED):
        where = case.graph[id]
        if where.op != "where" or dim < 0:
            return False
        condition, chosen, other = where.inputs
        hides = case.ranges[chosen].infinite and not case.graph[chosen].inputs
        shown = other if hides else chosen
        rows = case.graph[shown].type.shape
        if rows != where.type.shape or not _spares_the_greatest(case.graph, condition, shown, dim, hides):
            return False
        if not case.ranges[shown].infinite:
            return True
        id = shown
    return False


def _spares_the_greatest(graph: Graph, condition: int, x: int, dim: int, hides: bool) -> bool:
    """Whether the condition hides (or else shows) elements of `x` by comparing them with an element of their row."""
    comparison = graph[condition]
    if comparison.op not in (("lt", "gt") if hides else ("ge", "le")):
        return False
    left, right = comparison.inputs if comparison.op in ("lt", "ge") else comparison.inputs[::-1]
    return same_values(graph, left, x) and _is_of_the_row(graph, right, x, dim)


def _is_of_the_row(graph: Graph, id: int, x: int, dim: int) -> bool:
    """Whether a tensor that is compared with `x` has, beside each row of it along `dim`, an element of this row."""
    shape = graph[x].type.shape
    node = graph[id]
    alone = (*shape[:dim], 1, *shape[dim + 1 :])
    if node.op == "expand":
        node = graph[node.inputs[0]]
    if node.type.shape != alone:
        return False
    while not (node.op in ORDER and same_values(graph, node.inputs[0], x)):
        if not _stays_in_rows(node, graph, dim, len(shape)):
            return False
        node = graph[node.inputs[0]]
    return dims_of(node) == {dim}


def _stays_in_rows(node: Node, graph: Graph, dim: int, rank: int) -> bool:
    """Whether each element is one of the operand's row at the same place; the rows' dimension may be left out."""
    if not node.inputs:
        return False
    below = graph[node.inputs[0]].type.shape
    if node.op in ORDER or node.op == "index":
        return dims_of(node) == {dim}
    if node.op == "reshape":  # the dimension comes back
        return len(below) == rank - 1 and node.type.shape == (*below[:dim], 1, *below[dim:])
    if node.op != "slice" or len(below) != rank:
        return False
    index = node.attributes["index"]
    assert isinstance(index, tuple)
    taken = [entry for entry in index if entry is not None]
    others = [
        entry == (0, size, 1)
        for place, (entry, size) in enumerate(zip(taken, below, strict=False))
        if place != dim
    ]
    kept = node.type.shape in ((*below[:dim], *below[dim + 1 :]), (*below[:dim], 1, *below[dim + 1 :]))
    return all(others) and kept


__all__ = ["keeps_an_element"]
