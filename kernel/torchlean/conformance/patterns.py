"""Ops on the executable binary32 (`torchlean.float32`): bit patterns and integers alone, sums in orders of their own.

Here are the ops whose float32 result IEEE 754 states: arithmetic, square roots, and sums of products, of which every
order is a right one. Functions such as `exp` have no stated result, only bounds of their error (docs/float32.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchlean.float32 import vector
from torchlean.float32.schedules import random_dot_products
from torchlean.float32.vector import Bits
from torchlean.graph import Node

_ONE = 0x3F800000

Rule = Callable[[Node, Sequence[Tensor], np.random.Generator], Tensor]


class Outside(Exception):
    """What an execution of ours does not have; the message names it."""


def _elementwise(function: Callable[..., Bits]) -> Rule:
    def rule(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
        if node.attributes:
            raise Outside(
                f"op {node.op} with {', '.join(node.attributes)} is outside of the executable binary32"
            )
        spread = torch.broadcast_tensors(*(operand.float() for operand in operands))
        return _tensor(function(*(_bits(operand).reshape(-1) for operand in spread)), node)

    return rule


def _linear(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    x, weight, *bias = operands
    rows = x.reshape(-1, 1, x.shape[-1])
    added = bias[0] if bias else torch.zeros(len(weight))
    return _summed(node, rows, weight[None], added, random)


def _matmul(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    left, right = operands
    left = left[None] if left.dim() == 1 else left
    right = right[:, None] if right.dim() == 1 else right
    return _summed(node, left[..., :, None, :], right.mT[..., None, :, :], torch.zeros(()), random)


def _conv(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    """Each output is a dot product of a kernel with a window of its group's channels, padded by zeros."""
    x, weight, *bias = operands
    given: dict[str, Any] = dict(node.attributes)
    rank, groups = weight.dim() - 2, given["groups"]
    x = x if x.dim() == rank + 2 else x[None]
    x = torch.nn.functional.pad(x, [n for size in reversed(given["padding"]) for n in (size, size)])
    for dim, (size, stride, dilation) in enumerate(
        zip(weight.shape[2:], given["stride"], given["dilation"], strict=True), 2
    ):
        x = x.unfold(dim, dilation * (size - 1) + 1, stride)[..., ::dilation]
    batch, channels, *rest = x.shape
    places, kernel = rest[:rank], math.prod(weight.shape[2:])
    windows = x.reshape(batch, groups, channels // groups, math.prod(places), kernel)
    terms = channels // groups * kernel
    windows = windows.transpose(2, 3).reshape(batch, groups, 1, -1, terms)
    kernels = weight.reshape(1, groups, len(weight) // groups, 1, terms)
    added = bias[0] if bias else torch.zeros(len(weight))
    return _summed(node, windows, kernels, added.reshape(1, groups, -1, 1), random)


def _sum(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    terms = _reduced(node, operands[0])
    return _summed(node, terms, torch.ones(()), torch.zeros(()), random)


def _mean(node: Node, operands: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    terms = _reduced(node, operands[0])
    total = _summed(node, terms, torch.ones(()), torch.zeros(()), random)
    count = torch.full_like(total, terms.shape[-1])
    return _tensor(vector.divide(_bits(total).reshape(-1), _bits(count).reshape(-1)), node)


def _reduced(node: Node, x: Tensor) -> Tensor:
    """What each result is a sum of, last."""
    dims: Any = node.attributes["dim"]
    summed = sorted(dim % x.dim() for dim in (dims or range(x.dim()))) if x.dim() else []
    kept = [dim for dim in range(x.dim()) if dim not in summed]
    return x.permute(*kept, *summed).reshape(*(x.shape[dim] for dim in kept), -1)


def _summed(node: Node, left: Tensor, right: Tensor, bias: Tensor, random: np.random.Generator) -> Tensor:
    """The sums of products over the last dimension, each in an order of its own, plus a bias of one dimension less."""
    left, right = torch.broadcast_tensors(left, right)
    terms = left.shape[-1]
    added = bias.expand(left.shape[:-1]).reshape(-1)
    xs, ys = (_bits(side).reshape(-1, terms) for side in (left, right))
    return _tensor(random_dot_products(xs, ys, _bits(added), random), node)


RULES: dict[str, Rule] = {
    "linear": _linear,
    "matmul": _matmul,
    "conv": _conv,
    "sum": _sum,
    "mean": _mean,
    "add": _elementwise(vector.add),
    "sub": _elementwise(vector.subtract),
    "mul": _elementwise(vector.multiply),
    "div": _elementwise(vector.divide),
    "sqrt": _elementwise(vector.square_root),
    "square": _elementwise(lambda x: vector.multiply(x, x)),
    "reciprocal": _elementwise(lambda x: vector.divide(np.full_like(x, _ONE), x)),
}
"""What gives a node's value on those of its operands."""


def products(node: Node, shapes: Sequence[tuple[int, ...]]) -> int:
    """How many products, or summands, a node is made of."""
    if node.op in ("sum", "mean"):
        return math.prod(shapes[0])
    terms = {"linear": lambda: shapes[1][1:], "matmul": lambda: shapes[0][-1:], "conv": lambda: shapes[1][1:]}
    return node.type.numel * math.prod(terms[node.op]() if node.op in terms else ())


def _bits(values: Tensor) -> Bits:
    return np.ascontiguousarray(values.detach().contiguous().numpy()).view(np.uint32)


def _tensor(bits: Bits, node: Node) -> Tensor:
    return torch.from_numpy(bits.astype(np.uint32).view(np.float32).copy()).reshape(node.type.shape)
