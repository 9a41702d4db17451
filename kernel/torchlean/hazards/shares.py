"""Sums that are not zero although each summand may be: of shares, of their squares, and of numbers that are drawn.

The greatest of n shares of one is 1/n at least, so that the squares of all add up to 1/n, the k greatest to k/n.
A sum of uniform draws is only as small as all of them are together.
"""

from __future__ import annotations

import math

from torchlean.graph import Graph, Node
from torchlean.hazards.directions import UNIT_SLACK
from torchlean.hazards.orders import WHOLE, dims_of
from torchlean.hazards.patterns import square_of, strip
from torchlean.hazards.regions import is_rand

NEVER = 1e-30
"""A probability that no program meets: fewer numbers than its inverse were ever drawn."""


def least_of_sum(graph: Graph, inner: Node, total: Node) -> float | None:
    """What a sum (or n times a mean) of `inner` is at least; None where nothing says so."""
    shares = _least_of_shares(graph, inner, dims_of(total))
    return _least_of_draws(inner, total) if shares is None else shares


def _least_of_shares(graph: Graph, inner: Node, dims: set[int]) -> float | None:
    """What the sum over `dims` is at least: of shares, their squares, or the greatest of them."""
    if inner.op == "softmax":
        return 1.0 - UNIT_SLACK if dims_of(inner) <= dims else None
    squared = square_of(graph, inner.id)
    if squared is not None:
        shares = strip(graph, squared, WHOLE)
        along = dims_of(shares) & dims if shares.op == "softmax" else set()
        return (1.0 - UNIT_SLACK) / math.prod(shares.type.shape[d] for d in along) if along else None
    if inner.op != "topk" or not inner.attributes.get("largest"):
        return None
    shares = strip(graph, inner.inputs[0], WHOLE)
    if shares.op != "softmax" or dims_of(shares) != dims_of(inner) or not dims_of(inner) <= dims:
        return None
    (dim,) = dims_of(inner)
    return (1.0 - UNIT_SLACK) * inner.type.shape[dim] / shares.type.shape[dim]


def _least_of_draws(inner: Node, total: Node) -> float | None:
    """What a sum of n numbers of `torch.rand` is at least: it is below t with a probability of `t ** n / n!`."""
    count = inner.type.numel // max(total.type.numel, 1)
    if inner.inputs or count < 2 or not is_rand(inner):
        return None
    return math.exp((math.log(NEVER) + math.lgamma(count + 1)) / count)
