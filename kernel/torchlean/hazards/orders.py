"""Which of two values is never below the other: a maximum and what it is of, `relu(x)` and x.

Everything here is a fact of real arithmetic about each pair of elements that meet when the two are broadcast.
"""

from __future__ import annotations

from torchlean.graph import Graph, Node
from torchlean.hazards.patterns import strip

WHOLE = frozenset({"clone", "contiguous"})
"""Copies that keep every element in its place."""

ABOVE = frozenset({"abs", "clamp", "logaddexp", "maximum", "fmax", "relu", "softplus"})
"""Ops whose result is at least each operand; of `clamp` where it has no upper end."""

BELOW = frozenset({"clamp", "logsigmoid", "minimum", "fmin"})
"""Ops whose result is at most each operand; of `clamp` where it has no lower end."""

NESTED = 4
"""Maxima of maxima that are looked through. Each has two operands, so that the number of looks doubles with each."""


def never_below(graph: Graph, top: int, id: int, depth: int = NESTED) -> bool:
    """Whether `top` is at least every element of `id` that it meets: itself, its maximum, a maximum of that."""
    if depth == 0:
        return False
    upper, lower = strip(graph, top, WHOLE), strip(graph, id, WHOLE)
    return (
        same_values(graph, top, id)
        or _reduced_above(graph, graph[top].type.shape, strip(graph, top), id)
        or _reduced_below(graph, graph[id].type.shape, strip(graph, id), top)
        or _copied_above(graph, top, id)
        or (_is_above(upper) and any(never_below(graph, x, id, depth - 1) for x in upper.inputs))
        or (_is_below(lower) and any(never_below(graph, top, x, depth - 1) for x in lower.inputs))
    )


def _is_above(node: Node) -> bool:
    turned = node.op == "softplus" and not _is_positive(node.attributes.get("beta"))
    return node.op in ABOVE and node.attributes.get("max") is None and not turned


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and value > 0


def _is_below(node: Node) -> bool:
    return node.op in BELOW and node.attributes.get("min") is None


def _reduced_below(graph: Graph, shape: tuple[int, ...], reduced: Node, top: int) -> bool:
    """Whether a minimum, copied to `shape`, is that of the elements of `top` which it meets."""
    return (
        reduced.op == "amin" and aligned(graph, shape, reduced) and same_values(graph, reduced.inputs[0], top)
    )


def _reduced_above(graph: Graph, shape: tuple[int, ...], reduced: Node, id: int) -> bool:
    """Whether a maximum or a logsumexp, copied to `shape`, is that of the elements of `id` which it meets."""
    return (
        reduced.op in ("amax", "logsumexp")
        and aligned(graph, shape, reduced)
        and same_values(graph, reduced.inputs[0], id)
    )


def _copied_above(graph: Graph, top: int, id: int) -> bool:
    """`torch.maximum(m, x.amax(-1)).unsqueeze(-1)`: copies of a maximum are the maximum of such copies."""
    upper = strip(graph, top)
    if upper.id == top or upper.op not in ("maximum", "fmax"):
        return False
    operands = (strip(graph, operand, WHOLE) for operand in upper.inputs)
    return any(
        operand.type.shape == upper.type.shape and _reduced_above(graph, graph[top].type.shape, operand, id)
        for operand in operands
    )


def same_values(graph: Graph, a: int, b: int) -> bool:
    """The same numbers in the same places, apart from copies of the whole tensor."""
    return strip(graph, a, WHOLE).digest == strip(graph, b, WHOLE).digest


def aligned(graph: Graph, given: tuple[int, ...], reduced: Node) -> bool:
    """Whether a reduction, copied to the shape `given` and broadcast, meets the elements that it was computed from."""
    source = graph[reduced.inputs[0]].type.shape
    dims = dims_of(reduced)
    kept = tuple(1 if d in dims else size for d, size in enumerate(source))
    leading = dims == set(range(len(dims)))
    return given in (kept, source) or reduced.type.numel == 1 or (leading and given == reduced.type.shape)


def dims_of(node: Node) -> set[int]:
    """The dimensions that an op goes along, or takes elements along."""
    dims = node.attributes.get("dim", node.attributes.get("dims"))
    if isinstance(dims, int):
        return {dims}
    return {d for d in dims if isinstance(d, int)} if isinstance(dims, tuple) else set()


__all__ = ["aligned", "dims_of", "never_below", "same_values"]
