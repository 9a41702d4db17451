"""Minima and maxima that a network spells with relus, found again and written as minima and maxima.

Two-level lattice networks (Ferlez and Shoukry 2020, arXiv:2004.09628) compute `max_j min_{i in S_j} l_i(x)` of affine
`l_i` in banks of dense layers: a layer, relus and a layer are `min(a, b) = (relu(a+b) - relu(-a-b) - relu(a-b) -
relu(b-a)) / 2` of many pairs. These are four relus for a pair, of which bounds lose what they have in common, and
matrices that grow with the fourth power of the number of functions, nearly all of them zeros. What is written here has
the same value for every real input, so what is proved of it is proved of the network.

Whether an output of a bank is the minimum or the maximum of two of the bank's inputs is decided, not guessed. Both are
linear on each part into which the axes, the diagonal and the lines where a relu bends cut the plane of these two
inputs; so they are equal where they are equal on all rays of these lines. Weights are taken only where float64 computes
that without rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.graph import Graph, GraphBuilder, Node

ENTRIES = 8
"""Weights of a row beyond which it is none of a bank: usual encodings have two in a first layer, four in a second."""

WHOLE = 2.0**8
"""Weights are multiples of its inverse that are less than it: products of three are multiples of 2^-24 below 2^24, and
the sum of twice `ENTRIES` of them has at most 52 bits."""

KINDS = ("first", "second", "min", "max")
"""What an output of a bank may be, of two inputs of the bank."""


@dataclass(frozen=True, slots=True)
class Term:
    """An element of the vector below all banks, or an extremum of terms.

    Attributes:
        kind: `leaf`, `min` or `max`.
        place: of a leaf, its index in the vector.
        parts: of an extremum, two or more; none is an extremum of the same kind.
    """

    kind: str
    place: int = -1
    parts: frozenset[Term] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class _Vector:
    """A node as terms over the elements of another; both are vectors but for dimensions of one element."""

    base: int
    terms: tuple[Term, ...]


def without_banks(graph: Graph) -> Graph:
    """The graph with banks of relus replaced by minima and maxima; the same object where there are none.

    Outputs keep their values as real numbers, and their types; inputs stay, and nodes that no output depends on do not.
    """
    found: dict[int, _Vector] = {}
    for node in graph:
        if node.op == "linear":
            vector = _selection(graph, node, found) or _bank(graph, node, found)
            if vector is not None:
                found[node.id] = vector
    found = {id: vector for id, vector in found.items() if any(term.kind != "leaf" for term in vector.terms)}
    return _rewritten(graph, found) if found else graph


def _rewritten(graph: Graph, found: Mapping[int, _Vector]) -> Graph:
    needed = {node.id for node in graph.inputs}
    stack = list(graph.outputs)
    while stack:
        id = stack.pop()
        if id not in needed:
            needed.add(id)
            stack.extend((found[id].base,) if id in found else graph[id].inputs)
    builder = GraphBuilder()
    new: dict[int, int] = {}
    for id in sorted(needed):
        node = graph[id]
        if id in found:
            new[id] = _written(builder, new[found[id].base], found[id].terms, node)
        else:
            new[id] = builder.again(node, [new[operand] for operand in node.inputs], node.attributes).id
    return builder.graph([new[id] for id in graph.outputs])


def _written(builder: GraphBuilder, base: int, terms: Sequence[Term], node: Node) -> int:
    """Nodes that compute terms over the elements of `base`, in the shape of `node`."""
    result = _vector(builder, base, terms)
    return builder.op("reshape", [result], {"shape": node.type.shape}).id


def _vector(builder: GraphBuilder, base: int, terms: Sequence[Term]) -> int:
    """Terms as the elements of a vector: extrema over the rows of a table of their parts, each part computed once."""
    kind = "max" if any(term.kind == "max" for term in terms) else "min"
    rows = [sorted(term.parts, key=_order) if term.kind == kind else [term] for term in terms]
    width = max(map(len, rows))
    # A part that stands twice changes no extremum.
    table = [part for row in rows for part in (*row, *[row[-1]] * (width - len(row)))]
    if all(part.kind == "leaf" for part in table):
        chosen = _elements(builder, base, [part.place for part in table])
    else:
        parts = list(dict.fromkeys(table))
        place = {part: index for index, part in enumerate(parts)}
        chosen = _elements(builder, _vector(builder, base, parts), [place[part] for part in table])
    whole = builder.op("reshape", [chosen], {"shape": (len(rows), width)})
    return builder.op("amax" if kind == "max" else "amin", [whole.id], {"dim": (1,), "keepdim": False}).id


def _elements(builder: GraphBuilder, vector: int, places: Sequence[int]) -> int:
    """Some elements of a vector; where it is a layer's, its rows are chosen, and it is computed in that order."""
    node, index = builder.nodes[vector], torch.tensor(places)
    if torch.equal(index, torch.arange(node.type.numel)):
        return vector
    own = [builder.nodes[id] for id in node.inputs]
    if node.op == "linear" and all(each.data is not None and each.data.dim() for each in own[1:]):
        rows = [
            builder.parameter(each.data[index], each.label or "").id
            for each in own[1:]
            if each.data is not None
        ]
        return builder.op("linear", [own[0].id, *rows], {}).id
    flat = builder.op("reshape", [vector], {"shape": (node.type.numel,)})
    return builder.op("index", [flat.id, builder.constant(index).id], {"dims": (0,)}).id


def _order(term: Term) -> tuple[str, int, int]:
    """So that the same network is written the same way in every process."""
    return term.kind, term.place, min((part.place for part in term.parts), default=-1)


def _selection(graph: Graph, node: Node, found: Mapping[int, _Vector]) -> _Vector | None:
    """A layer each of whose outputs is one of its inputs."""
    rows = _sparse(graph, node)
    if rows is None or rows.places.shape[1] != 1 or not bool((rows.weights == 1).all()):
        return None
    below = _operand(graph, node, found)
    return _Vector(below.base, tuple(below.terms[place] for place in rows.places[:, 0].tolist()))


def _bank(graph: Graph, node: Node, found: Mapping[int, _Vector]) -> _Vector | None:
    """A layer over relus of a layer, each of whose outputs is one or the extremum of two inputs of the lower one."""
    relu = graph[node.inputs[0]]
    first = graph[relu.inputs[0]] if relu.op == "relu" else None
    if first is None or first.op != "linear":
        return None
    upper = _sparse(graph, node)
    lower = None if upper is None else _sparse(graph, first)
    if upper is None or lower is None:
        return None
    pairs = _pairs(lower, upper)
    if pairs is None:
        return None
    operand = _operand(graph, first, found)
    below = operand.terms
    terms = [
        below[a] if kind == 0 else below[b] if kind == 1 else _extremum(KINDS[kind], below[a], below[b])
        for kind, a, b in zip(*(each.tolist() for each in pairs), strict=True)
    ]
    return _Vector(operand.base, tuple(terms))


def _operand(graph: Graph, node: Node, found: Mapping[int, _Vector]) -> _Vector:
    """What a layer reads, as terms."""
    id = node.inputs[0]
    if id in found:
        return found[id]
    return _Vector(id, tuple(Term("leaf", place) for place in range(graph[id].type.numel)))


def _extremum(kind: str, *terms: Term) -> Term:
    parts = frozenset[Term]().union(*(term.parts if term.kind == kind else {term} for term in terms))
    return next(iter(parts)) if len(parts) == 1 else Term(kind, parts=parts)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The weights of a layer that are not zero, (rows, entries); a row with fewer than others ends in zeros."""

    places: Tensor
    weights: Tensor


def _sparse(graph: Graph, node: Node) -> _Rows | None:
    """A layer of a single vector, without a bias and with few weights in each row, all of them short fractions."""
    x, weight, *bias = (graph[id] for id in node.inputs)
    data = weight.data
    if data is None or data.dim() != 2 or x.type.numel != data.shape[1] or not data.numel():
        return None
    if any(each.data is None or bool(each.data.any()) for each in bias):
        return None
    if int(data[0].count_nonzero()) > ENTRIES:  # Most layers end here, unread.
        return None
    row, place = data.nonzero().unbind(1)
    count = row.bincount(minlength=len(data))
    if not 1 <= int(count.max()) <= ENTRIES:
        return None
    number = data[row, place].to(torch.float64)
    if not bool(((number * WHOLE).frac() == 0).all()) or bool((number.abs() >= WHOLE).any()):
        return None
    column = torch.arange(len(row)) - (count.cumsum(0) - count)[row]
    places = torch.zeros(len(data), int(count.max()), dtype=torch.int64)
    weights = torch.zeros(places.shape, dtype=torch.float64)
    places[row, column], weights[row, column] = place, number
    return _Rows(places, weights)


def _pairs(lower: _Rows, upper: _Rows) -> tuple[Tensor, Tensor, Tensor] | None:
    """What each output of a bank is: its kind, as an index into `KINDS`, and the two inputs; (outputs,) each."""
    relus = upper.weights != 0
    read = lower.places[upper.places]
    weights = lower.weights[upper.places]
    there = (weights != 0) & relus.unsqueeze(2)
    most = int(lower.places.max()) + 1
    first = torch.where(there, read, most).amin((1, 2))
    second = torch.where(there, read, -1).amax((1, 2))
    ends = first[:, None, None], second[:, None, None]
    if bool((first == most).any()) or bool((there & (read != ends[0]) & (read != ends[1])).any()):
        return None
    on_first = torch.where(read == ends[0], weights, 0.0).sum(2)
    # Where there is one input alone, all is said of the first.
    on_second = torch.where((read == ends[1]) & (ends[0] != ends[1]), weights, 0.0).sum(2)
    kinds = _kinds(upper.weights, on_first, on_second)
    return None if bool((kinds < 0).any()) else (kinds, first, second)


def _kinds(outer: Tensor, on_first: Tensor, on_second: Tensor) -> Tensor:
    """Which of `KINDS` is `sum_r outer_r relu(on_first_r a + on_second_r b)` as a function of `a` and `b`; -1: none.

    Args:
        outer, on_first, on_second: (outputs, relus).
    """
    fixed = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    bends = torch.stack((on_second, -on_first), 2)
    half = torch.cat((bends, fixed.expand(len(outer), -1, -1)), 1)
    a, b = torch.cat((half, -half), 1).unbind(2)  # (outputs, rays)
    inner = on_first.unsqueeze(1) * a.unsqueeze(2) + on_second.unsqueeze(1) * b.unsqueeze(2)
    value = (outer.unsqueeze(1) * inner.relu()).sum(2)
    kinds = torch.full((len(outer),), -1)
    for kind, other in enumerate((a, b, torch.minimum(a, b), torch.maximum(a, b))):
        kinds[(value == other).all(1)] = kind
    return kinds


__all__ = ["Term", "without_banks"]
