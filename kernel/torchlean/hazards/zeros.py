"""Values of which zero was taken out: `torch.where(d == 0, 1, d)`.

An interval that goes across zero cannot say it. Numbers next to zero are still among the values; who writes such a
divisor means counts, ranges and sums of weights, where only zero itself is the trouble.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchlean.graph import Graph, Node
from torchlean.graph.origin import Source, source_of
from torchlean.hazards.patterns import COPIES, has_pole, is_number, number, scaled, strip
from torchlean.intervals import Interval

LARGEST_EPSILON = 1e-3
"""Numbers up to this one are added against division by zero; batch normalisation in some models uses it."""


def replaces_zero(graph: Graph, ranges: Sequence[Interval], id: int) -> bool:
    """Whether the value is a selection that puts another number in the place of zero."""
    node = strip(graph, id)
    if node.op != "where":
        return False
    condition, chosen, other = node.inputs
    for value, instead, holds in ((chosen, other, True), (other, chosen, False)):
        bounds = ranges[instead]
        positive, negative = bool((bounds.lower > 0).all()), bool((bounds.upper < 0).all())
        if (positive or negative) and excludes_zero(graph, condition, value, holds=holds):
            return True
    return False


def excludes_zero(graph: Graph, condition: int, argument: int, *, holds: bool) -> bool:
    """`x != 0` and `abs(x) > 1e-6` where they hold, `x == 0` and `abs(x) < 1e-6` where they do not.

    Multiples of x vanish where x does, apart from numbers next to zero.
    """
    test = strip(graph, condition)
    x, factor = scaled(graph, argument)
    if factor == 0:
        return False
    if test.op == ("ne" if holds else "eq"):
        (a, of_a), (b, of_b) = (scaled(graph, id) for id in test.inputs)
        return (a.digest == x.digest and of_a != 0 and number(b) == 0.0) or (
            b.digest == x.digest and of_b != 0 and number(a) == 0.0
        )
    if test.op not in (("gt", "ge") if holds else ("lt", "le")):
        return False
    size, limit = (strip(graph, id) for id in test.inputs)
    least = number(limit)
    # Zero itself is on the other side of a limit above it, and of zero where that belongs to the other side.
    beyond = least is not None and (least > 0 or (least == 0 and test.op in ("gt", "le")))
    return beyond and size.op == "abs" and scaled(graph, size.inputs[0])[0].digest == x.digest


def dropped_infinity(graph: Graph, where: Node) -> tuple[Node, Node] | None:
    """`where(isinf(y), 0, y)`: the value without multiples and copies, and the test that keeps infinities out of it."""
    condition, chosen, other = where.inputs
    test, holds = strip(graph, condition, COPIES - {"cast"}), True
    while test.op in ("logical_not", "bitwise_not"):
        test, holds = graph[test.inputs[0]], not holds
    if not asks_for_infinity(graph, test) or test.op == "isnan" or chosen == other:
        return None
    finite = test.op in ("isfinite", "ne")
    value = scaled(graph, chosen if finite is holds else other)[0]
    tested = (scaled(graph, id)[0].digest for id in test.inputs)
    return (value, test) if value.digest in tested and value.inputs else None


def loses_pole(graph: Graph, where: Node) -> bool:
    """Whether a selection keeps the infinities of a quotient out: what is left is divided by counts, as above."""
    dropped = dropped_infinity(graph, where)
    if dropped is not None:
        return has_pole(dropped[0])
    condition, chosen, other = where.inputs
    test = strip(graph, condition)
    if test.op not in ("eq", "ge", "gt", "le", "lt", "ne") or not any(
        is_number(graph, id, 0.0) for id in test.inputs
    ):
        return False
    compared = [strip(graph, id).digest for id in test.inputs]
    values = (scaled(graph, id)[0] for id in (chosen, other))
    return any(has_pole(value) and strip(graph, value.inputs[-1]).digest in compared for value in values)


def asks_for_infinity(graph: Graph, test: Node) -> bool:
    """`torch.isinf(y)`, `y == float("inf")`: what was wrong with y is known from there on."""
    if test.op in ("isfinite", "isinf", "isnan"):
        return True
    return test.op in ("eq", "ne") and any(number(graph[id]) == math.inf for id in test.inputs)


SMOOTH = COPIES | {"add", "cat", "cos", "div", "mul", "neg", "sin", "stack", "sub"}
"""Ops that give different numbers for almost all different draws: none of them is constant on an interval, as `relu`
and comparisons are, and `tanh` far out."""

SPREADS = frozenset({"std", "var", "vector_norm"})
"""What is zero only where all elements are equal, or all are zero."""

DRAWS = 16
"""So many draws are not all the same in any run: each is one of 2^24 numbers. Rows of a few are not counted on."""


def never_zero(graph: Graph, id: int) -> bool:
    """Whether zero would need many draws of a continuous distribution to be the same: the length of random noise."""
    node = strip(graph, id)
    if node.op not in SPREADS or not node.type.numel:
        return False
    source = graph[node.inputs[0]]
    return source.type.numel // node.type.numel >= DRAWS and _is_drawn(graph, source)


def _is_drawn(graph: Graph, node: Node) -> bool:
    """Whether every element is made of draws and numbers by smooth operations."""
    draws = 0
    stack, seen = [node], set[int]()
    while stack:
        current = stack.pop()
        if current.id in seen:
            continue
        seen.add(current.id)
        if current.op == "random":
            continuous = current.type.dtype.is_floating_point and current.label in CONTINUOUS
            if not continuous or source_of(current.attributes) not in (Source.DRAWN, Source.NORMAL):
                return False
            draws = max(draws, current.type.numel)
        elif current.op in SMOOTH:
            stack += [graph[id] for id in current.inputs]
        elif number(current) is None:
            return False
    return draws >= DRAWS


CONTINUOUS = frozenset({"normal", "rand", "rand_like", "randn", "randn_like"})
"""Functions that draw from continuous distributions, as leaves are labelled."""


def guarded(graph: Graph, id: int) -> bool:
    """Whether an epsilon is all that keeps the value from zero: `sqrt(v) + 1e-8`."""
    node = strip(graph, id)
    if node.op != "add":
        return False
    return any(0 < (number(strip(graph, operand)) or 0.0) <= LARGEST_EPSILON for operand in node.inputs)


__all__ = [
    "asks_for_infinity",
    "dropped_infinity",
    "excludes_zero",
    "guarded",
    "loses_pole",
    "never_zero",
    "replaces_zero",
]
