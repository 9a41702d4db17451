"""Our own executions of the graph: by torch's kernels in the program's types, and on the executable binary32.

The second computes with bit patterns and integers alone (`torchlean.float32`), every dot product in an order of its
own. It has the ops of networks of linear layers; others are executed by torch's kernels only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from torchlean.float32 import vector
from torchlean.float32.schedules import random_dot_products
from torchlean.graph import Graph, Node, evaluate
from torchlean.ops import OPS

SEED = 0

INPUTS = 20
"""Executed on the executable binary32: a dot product of a hundred terms takes a millisecond there."""

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


class Outside(Exception):
    """An op that the executable binary32 does not have; the message names it."""


def by_kernels(graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
    """The nodes' values, (inputs, *shape) each, input after input as the program would."""
    return _stacked(lambda point: evaluate(graph, point), nodes, points, None)


def by_patterns(graph: Graph, nodes: Sequence[int], points: Mapping[str, Tensor]) -> list[Tensor]:
    """The same on the executable binary32, for the first inputs.

    Raises:
        Outside: see there.
    """
    needed, _ = graph.cone(nodes)
    for node in needed:
        if node.op not in _RULES and node.op not in EXACT and node.inputs:
            raise Outside(f"op {node.op} is outside of the executable binary32")
        if node.type.dtype.is_floating_point and node.type.dtype != torch.float32:
            raise Outside(f"it computes in {str(node.type.dtype).removeprefix('torch.')}")
    random = np.random.default_rng(SEED)
    return _stacked(lambda point: _evaluated(graph, point, random), nodes, points, INPUTS)


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
        elif node.op in EXACT or not node.type.dtype.is_floating_point:
            values.append(OPS[node.op].evaluate(operands, node.attributes))
        else:
            values.append(_RULES[node.op](node, operands, random))
    return values


Rule = Callable[[Node, Sequence[Tensor], np.random.Generator], Tensor]


def _elementwise(function: Callable[..., np.ndarray]) -> Rule:
    def rule(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
        if node.attributes:
            raise Outside(
                f"op {node.op} with {', '.join(node.attributes)} is outside of the executable binary32"
            )
        spread = torch.broadcast_tensors(*(operand.float() for operand in operands))
        return _tensor(function(*(_bits(operand).reshape(-1) for operand in spread)), node)

    return rule


def _linear(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    x, weight = operands[0], operands[1]
    bias = operands[2] if len(operands) > 2 else torch.zeros(len(weight))
    rows = x.reshape(-1, x.shape[-1])
    left = rows[:, None, :].expand(len(rows), *weight.shape).reshape(-1, weight.shape[1])
    right = weight[None].expand(len(rows), *weight.shape).reshape(-1, weight.shape[1])
    added = bias[None].expand(len(rows), len(weight)).reshape(-1)
    return _tensor(random_dot_products(_bits(left), _bits(right), _bits(added), random), node)


_RULES: dict[str, Rule] = {
    "linear": _linear,
    "add": _elementwise(vector.add),
    "sub": _elementwise(vector.subtract),
    "mul": _elementwise(vector.multiply),
    "div": _elementwise(vector.divide),
}


def _bits(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().contiguous().numpy()).view(np.uint32)


def _tensor(bits: np.ndarray, node: Node) -> Tensor:
    return torch.from_numpy(bits.astype(np.uint32).view(np.float32).copy()).reshape(node.type.shape)
