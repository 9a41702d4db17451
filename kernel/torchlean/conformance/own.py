"""Our own executions of the graph: by torch's kernels in the program's types, and on the executable binary32.

The second computes with bit patterns and integers alone, every sum in an order of its own. It has the ops whose result
IEEE 754 states (`patterns`), and those that round nothing; others are executed by torch's kernels only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from torchlean.conformance.patterns import RULES, Outside, products
from torchlean.graph import Graph, evaluate
from torchlean.ops import OPS
from torchlean.ops.fused import FUSED

SEED = 0

INPUTS = 20
"""Executed on the executable binary32."""

MOST_PRODUCTS = 20_000_000
"""Of all those inputs together: a million take some seconds there."""

EXACT = frozenset(
    {
        "relu",
        "relu6",
        "hardtanh",
        "abs",
        "neg",
        "sign",
        "floor",
        "ceil",
        "trunc",
        "clamp",
        "where",
        "max_pool",
        "pad",
    }
    | {"minimum", "maximum", "fmin", "fmax", "amin", "amax", "argmin", "argmax", "sort", "topk", "kth_value"}
    | {
        "reshape",
        "permute",
        "expand",
        "slice",
        "cat",
        "stack",
        "flip",
        "roll",
        "repeat",
        "contiguous",
        "clone",
    }
    | {"gather", "index", "diagonal", "tril", "triu", "unfold", "repeat_interleave"}
    | {"lt", "le", "gt", "ge", "eq", "ne", "bitwise_and", "bitwise_or", "bitwise_not", "all", "any"}
)
"""Ops that round nothing: they move numbers, choose among them, or change a sign."""


def by_kernels(graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
    """The nodes' values, (inputs, *shape) each, input after input as the program would."""
    return _stacked(lambda point: evaluate(graph, point), nodes, points, None)


def by_patterns(graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
    """The same on the executable binary32, for the first inputs.

    Raises:
        Outside: see there.
    """
    needed, ids = graph.cone(nodes)
    work = 0
    for node in needed:
        if node.op not in RULES and node.op not in EXACT | FUSED and node.inputs:
            raise Outside(f"op {node.op} is outside of the executable binary32")
        if node.type.dtype.is_floating_point and node.type.dtype != torch.float32:
            raise Outside(f"it computes in {str(node.type.dtype).removeprefix('torch.')}")
        work += products(node, [needed[id].type.shape for id in node.inputs]) if node.op in RULES else 0
    if work > MOST_PRODUCTS:
        raise Outside(f"it has {work:,} products, which would take too long on the executable binary32")
    random = np.random.default_rng(SEED)
    wanted = [ids[id] for id in nodes]
    count = min(INPUTS, MOST_PRODUCTS // max(work, 1))
    return _stacked(lambda point: _evaluated(needed, point, random), wanted, points, count)


def _stacked(
    run: Callable[[dict[str, Tensor]], Sequence[Tensor]],
    nodes: Sequence[int],
    points: Mapping[str, Tensor],
    most: int | None,
) -> list[Tensor]:
    count = len(next(iter(points.values())))
    rows = []
    for place in range(count if most is None else min(count, most)):
        values = run({name: value[place] for name, value in points.items()})
        rows.append([values[id].clone() for id in nodes])
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def _evaluated(graph: Graph, point: Mapping[str, Tensor], random: np.random.Generator) -> list[Tensor]:
    values: list[Tensor] = []
    for node in graph:
        operands = [values[id] for id in node.inputs]
        if not node.inputs:
            values.append(point[str(node.attributes["name"])] if node.data is None else node.data)
        elif node.op in FUSED:
            values.append(operands[0])  # what its steps give
        elif node.op in EXACT or not node.type.dtype.is_floating_point:
            values.append(OPS[node.op].evaluate(operands, node.attributes))
        else:
            values.append(RULES[node.op](node, operands, random))
    return values
