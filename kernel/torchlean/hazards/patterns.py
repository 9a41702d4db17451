"""Shapes of computations that matter for hazards, read off the graph: sigmoid, softmax, E[x^2], and what looks through.

Two nodes compute the same thing exactly when their digests agree, so patterns do not depend on how a program names its
intermediate values.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlean.graph import Graph, Node

COPIES = frozenset({"clone", "contiguous", "expand", "reshape", "permute", "cast"})
"""Ops that hand on the same numbers, each at least once."""

ELEMENTWISE = frozenset(
    {
        *("abs", "add", "clamp", "div", "exp", "expm1", "log", "log1p", "mul", "neg", "pow", "reciprocal"),
        *("sigmoid", "sqrt", "square", "sub", "tanh"),
    }
)
"""Ops that keep each element to itself, so that a selection after them selects from what is before."""

MASKING = frozenset({"mul", "where"})
"""Ops that take elements out of a sum."""

PICKS = COPIES | {"slice", "index", "gather", "stack", "cat", "flip", "sort", "diagonal", "amax", "amin"}
"""Ops whose results are some of the operand's numbers."""


SELECTED = "selected"
"""The label of a leaf that stands for the number of elements that a mask selects."""

COSINE = "cosine"
"""The label of a leaf that stands for the cosines of vectors whose lengths are not known."""


def strip(graph: Graph, id: int, ops: frozenset[str] = COPIES) -> Node:
    """The node below copies (or whatever `ops` says)."""
    node = graph[id]
    while node.op in ops and node.inputs:
        node = graph[node.inputs[0]]
    return node


def same(graph: Graph, a: int, b: int) -> bool:
    """Whether two nodes compute the same thing."""
    return a == b or graph[a].digest == graph[b].digest


def number(node: Node) -> float | None:
    """The value of a constant whose elements are all the same, or None."""
    if node.op not in ("constant", "parameter") or node.data is None or node.data.numel() == 0:
        return None
    if node.data.is_complex():
        return None
    first = node.data[(0,) * node.data.dim()]
    if node.data.numel() > 1 and not bool((node.data == first).all()):
        return None
    return float(first)


def is_number(graph: Graph, id: int, value: float) -> bool:
    return number(strip(graph, id)) == value


def is_softmax(graph: Graph, id: int) -> bool:
    """softmax, or `exp(a) / exp(a).sum()`."""
    node = strip(graph, id, PICKS)
    return node.op == "softmax" or exponential_share(graph, node) is not None


def exponential_share(graph: Graph, node: Node) -> Node | None:
    """The `exp` of `exp(a) / sum(exp(a))`, or None. Both may be masked: `exp(a) * mask`."""
    if node.op != "div":
        return None
    top, bottom = strip(graph, node.inputs[0], PICKS), strip(graph, node.inputs[1])
    if bottom.op != "sum" or strip(graph, bottom.inputs[0]).digest != top.digest:
        return None
    masked = [strip(graph, id) for id in top.inputs] if top.op in MASKING else [top]
    return next((part for part in masked if part.op == "exp"), None)


def is_sigmoid(graph: Graph, id: int) -> bool:
    """sigmoid, `1 / (1 + exp(-a))`, or `exp(a) / (1 + exp(a))`."""
    node = strip(graph, id, PICKS)
    if node.op == "mul" and any(is_number(graph, operand, 1.0) for operand in node.inputs):
        other = node.inputs[1] if is_number(graph, node.inputs[0], 1.0) else node.inputs[0]
        node = strip(graph, other)
    if node.op == "sigmoid":
        return True
    if node.op == "reciprocal":
        return one_plus_exponential(graph, node.inputs[0]) is not None
    if node.op != "div":
        return False
    below = one_plus_exponential(graph, node.inputs[1])
    above = strip(graph, node.inputs[0])
    return below is not None and (number(above) == 1.0 or above.digest == below.digest)


def one_plus_exponential(graph: Graph, id: int) -> Node | None:
    """The `exp` of `1 + exp(a)`, or None."""
    other = one_plus(graph, id)
    return other if other is not None and other.op == "exp" else None


def one_plus(graph: Graph, id: int) -> Node | None:
    """The other operand of `1 + a`, without copies."""
    node = strip(graph, id)
    if node.op != "add":
        return None
    for one, other in (node.inputs, node.inputs[::-1]):
        if is_number(graph, one, 1.0):
            return strip(graph, other)
    return None


def one_minus(graph: Graph, id: int) -> int | None:
    """The operand `a` of `1 - a`, or None."""
    node = strip(graph, id, PICKS)
    if node.op == "sub" and is_number(graph, node.inputs[0], 1.0):
        return node.inputs[1]
    if node.op == "add":
        other = one_plus(graph, node.id)
        if other is not None and other.op == "neg":
            return other.inputs[0]
    return None


def square_of(graph: Graph, id: int) -> int | None:
    """The operand `a` of `a ** 2`, `a * a` or `a.square()`, or None."""
    node = strip(graph, id)
    if node.op == "square":
        return node.inputs[0]
    if node.op == "pow" and node.attributes.get("exponent") == 2:
        return node.inputs[0]
    if node.op == "mul" and same(graph, *node.inputs):
        return node.inputs[0]
    return None


def scaled(graph: Graph, id: int) -> tuple[Node, float]:
    """The node of which this one is a multiple by a number, and the number: `-x / 2` is x, -0.5."""
    factor = 1.0
    while True:
        node = strip(graph, id)
        if node.op == "neg":
            id, factor = node.inputs[0], -factor
            continue
        if node.op not in ("mul", "div"):
            return node, factor
        left, right = (number(strip(graph, operand)) for operand in node.inputs)
        if right is not None and (node.op == "mul" or right != 0):
            id, factor = node.inputs[0], factor * right if node.op == "mul" else factor / right
        elif left is not None and node.op == "mul":
            id, factor = node.inputs[1], factor * left
        else:
            return node, factor


def has_pole(node: Node) -> bool:
    """Whether the op is infinite where its last operand is zero: a quotient, a negative power."""
    exponent = node.attributes.get("exponent")
    negative = node.op == "pow" and isinstance(exponent, (int, float)) and exponent < 0
    return negative or node.op in ("div", "reciprocal", "rsqrt")


def square_root_of(node: Node) -> int | None:
    """The operand of a square root, however it is written."""
    if node.op == "sqrt" or (node.op == "pow" and node.attributes.get("exponent") == 0.5):
        return node.inputs[0]
    return None


def terms(graph: Graph, id: int) -> Iterator[tuple[int, int]]:
    """The terms of a sum or difference with their signs: `a - (b + c)` gives (a, 1), (b, -1), (c, -1)."""
    stack = [(id, 1)]
    while stack:
        current, sign = stack.pop()
        node = graph[current]
        if node.op == "add":
            stack += [(node.inputs[1], sign), (node.inputs[0], sign)]
        elif node.op == "sub":
            stack += [(node.inputs[1], -sign), (node.inputs[0], sign)]
        elif node.op == "neg":
            stack.append((node.inputs[0], -sign))
        else:
            yield current, sign


def consumers(graph: Graph) -> list[list[int]]:
    """Who uses each node."""
    users: list[list[int]] = [[] for _ in range(len(graph))]
    for node in graph:
        for id in set(node.inputs):
            users[id].append(node.id)
    return users
