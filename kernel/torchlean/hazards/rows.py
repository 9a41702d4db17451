"""Masks that keep an element of each row: the greatest, `x.masked_fill(x < x.topk(k).values[..., -1:], -inf)`, or one
whose place the program itself writes `False` into.

The range of what is masked says only that each element may be -inf. That not all of a row are is a relation between
the mask and what it hides: an element of the row never exceeds the greatest one, which is therefore not less than it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torchlean.graph import Graph, Node
from torchlean.hazards.orders import WHOLE, dims_of, same_values
from torchlean.hazards.patterns import number, strip
from torchlean.intervals import Interval

if TYPE_CHECKING:
    from torchlean.hazards.case import Case

ORDER = frozenset({"topk", "sort", "kth_value", "amax", "amin"})
"""Ops whose results along a dimension are elements of the operand's rows."""

NESTED = 4
"""Masks inside each other that are looked at: of the greatest, and of a share of the probability."""


def keeps_an_element(case: Case, id: int, dim: int) -> bool:
    """Whether a masked tensor has an element in each row along `dim` that is not masked."""
    graph = case.graph
    for _ in range(NESTED):
        where = unsorted(graph, id, dim)
        if where.op != "where" or dim < 0:
            return False
        condition, chosen, other = where.inputs
        hides = case.ranges[chosen].infinite and not graph[chosen].inputs
        shown = other if hides else chosen
        if graph[shown].type.shape != where.type.shape:
            return False
        last = not case.ranges[shown].infinite
        greatest = _spares_the_greatest(graph, condition, shown, dim, hides) or (
            hides and spares(graph, condition, dim, greatest_of=shown)
        )
        if not greatest and not (last and hides and spares(graph, condition, dim)):
            return False
        if last:
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


def spares(graph: Graph, mask: int, dim: int, greatest_of: int | None = None) -> bool:
    """Whether a mask is false somewhere in each row along `dim`, because that was written into it.

    So begins the choice among tokens that make up a share of the probability: `remove[..., 0] = False` of a mask in
    the order of the sorted scores, which is then put back into the order of the vocabulary.

    Args:
        greatest_of: the place has to be that of the greatest element of this tensor's row.
    """
    node = graph[mask]
    sorting: Node | None = None
    if _reorders(graph, node, dim):
        sorting = graph[graph[node.inputs[1]].inputs[0]]
        node = graph[node.inputs[0]]
    while node.op in WHOLE:
        node = graph[node.inputs[0]]
    place = _written_false(graph, node, dim)
    if place is None or greatest_of is None:
        return place is not None
    if sorting is None:  # the mask is of the sorted scores themselves
        scores = strip(graph, greatest_of, WHOLE)
        if scores.op != "sort" or dims_of(scores) != {dim}:
            return False
        sorting = scores
    elif sorting.op != "argsort" or not same_values(graph, sorting.inputs[0], greatest_of):
        return False
    return place == (0 if sorting.attributes["descending"] else node.type.shape[dim] - 1)


def least_share_kept(graph: Graph, where: Node, dims: set[int], ranges: Sequence[Interval]) -> float | None:
    """What is certainly left of a row of shares if a mask sets others than the greatest to 0: one of n is 1/n or more.

    `p[p.cumsum(-1) - p > share] = 0` for sorted shares p spares the first: p - p is 0.
    """
    if where.op != "where" or len(dims) != 1:
        return None
    (dim,) = dims
    condition, chosen, other = where.inputs
    shares = unsorted(graph, other, dim)
    if number(strip(graph, chosen)) != 0 or shares.op != "softmax" or dims_of(shares) != dims:
        return None
    zero_for_infinity = ranges[
        shares.inputs[0]
    ].infinite  # then a row may be NaN, which is said of the softmax
    if zero_for_infinity or not spares(graph, condition, dim, greatest_of=other):
        return None
    return 1.0 / shares.type.shape[dim]


def unsorted(graph: Graph, id: int, dim: int) -> Node:
    """The tensor of whose rows this one has all elements, in another order."""
    node = written(graph, strip(graph, id, WHOLE))
    ordered = node.op == "sort" and dims_of(node) == {dim}
    return strip(graph, node.inputs[0], WHOLE) if ordered or _reorders(graph, node, dim) else node


def written(graph: Graph, node: Node) -> Node:
    """What was written into a part of a tensor, where that part is read again: `row = x[0]; row[mask] = -inf`."""
    while node.op == "slice":
        whole = graph[node.inputs[0]]
        if whole.op != "slice_update" or whole.attributes["index"] != node.attributes["index"]:
            return node
        value = graph[whole.inputs[1]]
        if value.type.shape != node.type.shape:
            return node
        node = value
    return node


def _reorders(graph: Graph, node: Node, dim: int) -> bool:
    """Whether each row along `dim` is taken in an order that sorting gave: no element twice, none left out."""
    if node.op != "gather" or node.attributes["dim"] != dim:
        return False
    order = graph[node.inputs[1]]
    return (
        order.op == "argsort"
        and dims_of(order) == {dim}
        and order.type.shape == graph[node.inputs[0]].type.shape
    )


def _written_false(graph: Graph, node: Node, dim: int) -> int | None:
    """A place along `dim` where a mask is false in every row, or None."""
    if node.op == "slice_update" and number(strip(graph, node.inputs[1])) == 0:
        index, sizes = node.attributes["index"], node.type.shape
        assert isinstance(index, tuple)
        taken = [entry for entry in index if entry is not None]
        whole = all(
            entry == (0, size, 1)
            for place, (entry, size) in enumerate(zip(taken, sizes, strict=False))
            if place != dim
        )
        if not whole or dim >= len(taken):
            return None
        entry = taken[dim]
        if isinstance(entry, int):
            return entry % sizes[dim]
        places = range(*entry)
        last = sizes[dim] - 1
        return None if not places else last if last in places else places[0]
    if node.op in ("gt", "ge") and _is_before(graph, node.inputs[0], dim):
        limit = number(strip(graph, node.inputs[1]))
        return 0 if limit is not None and (limit > 0 or (limit == 0 and node.op == "gt")) else None
    along = node.attributes.get("dim")
    if node.op == "cat" and isinstance(along, int) and along % len(node.type.shape) == dim:
        return 0 if number(strip(graph, node.inputs[0])) == 0 else None
    return None


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


def _is_before(graph: Graph, id: int, dim: int) -> bool:
    """`p.cumsum(dim) - p`, what is before each place: exactly 0 at the first."""
    difference = graph[id]
    if difference.op != "sub":
        return False
    sums = graph[difference.inputs[0]]
    whole = sums.op == "cumsum" and sums.attributes["dim"] == dim
    return whole and same_values(graph, sums.inputs[0], difference.inputs[1])


__all__ = ["keeps_an_element", "least_share_kept"]
