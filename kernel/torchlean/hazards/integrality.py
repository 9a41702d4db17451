"""Whether a floating tensor holds whole numbers only: counts, labels and masks behave unlike measured numbers."""

from __future__ import annotations

import torch

from torchlean.graph import Graph, Node
from torchlean.graph.origin import Source, source_of

WHOLE = frozenset(
    {
        *("all", "any", "argmax", "argmin", "argsort", "bitwise_and", "bitwise_not", "bitwise_or", "ceil"),
        *("count_nonzero", "eq", "floor", "floor_divide", "ge", "gt", "isfinite", "isinf", "isnan", "le"),
        *("logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "order_indices", "round"),
        *("sign", "topk_indices", "trunc", "trunc_divide"),
    }
)
"""Ops whose results are whole numbers, whatever they are given."""

CLOSED = frozenset(
    {
        *(
            "abs",
            "add",
            "amax",
            "amin",
            "cat",
            "clone",
            "contiguous",
            "cumprod",
            "cumsum",
            "diag_embed",
            "diagonal",
        ),
        *(
            "diff",
            "expand",
            "flip",
            "gather",
            "index",
            "index_update",
            "kth_value",
            "matmul",
            "maximum",
            "minimum",
        ),
        *(
            "mul",
            "neg",
            "pad",
            "permute",
            "prod",
            "relu",
            "repeat",
            "repeat_interleave",
            "reshape",
            "roll",
            "slice",
        ),
        *("slice_update", "sort", "square", "stack", "sub", "sum", "topk", "tril", "triu", "where"),
    }
)
"""Ops that make whole numbers of whole numbers."""

SEARCHED = 100
"""Nodes looked at; what is below more of them counts as measured."""


def is_integral(graph: Graph, id: int) -> bool:
    """Whether every number of the node is a whole number. False where that is not seen."""
    stack, seen = [id], set[int]()
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph[current]
        if len(seen) > SEARCHED:
            return False
        whole = _alone(node)
        if whole is None:
            # `where` and updates have a condition or an index among their operands, which is whole anyway.
            stack += node.inputs
        elif not whole:
            return False
    return True


def _alone(node: Node) -> bool | None:
    """What the node itself says; None where it depends on the operands."""
    dtype = node.type.dtype
    if not dtype.is_floating_point and not dtype.is_complex:
        return True
    if node.op in WHOLE:
        return True
    if node.op == "cast" or node.op in CLOSED:
        return None
    if node.op in ("constant", "parameter") and node.data is not None:
        return bool((node.data == torch.round(node.data)).all())
    if node.op == "random":
        return source_of(node.attributes) is Source.LABELS or (node.label or "") in (
            "bernoulli",
            "poisson",
            "randint",
        )
    return False
