"""TL201 inside of torch's own kernels: norms and normalising layers add up squares, which overflow before lengths do.

No kernel of torch scales its operand first: `x.norm()` of numbers from 1.8e19 on is infinite, `F.normalize` of them is
zero, and so is a cosine of two of them; `F.layer_norm` and `F.group_norm` give NaN. What a kernel adds up is computed
here at numbers that the operand can have. The standard deviation, which torch computes in float64, is none of these,
nor are 16 bits, of which the kernels add up squares in float32.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from torchlean.graph import Node
from torchlean.hazards.case import Case, largest
from torchlean.hazards.finding import Finding, Trouble
from torchlean.ops import dtype_name

CENTRED = {"layer_norm": "NaN", "group_norm": "NaN", "instance_norm": "0"}
"""Layers that square deviations from a mean, and what they make of an infinite sum."""

MEAN_SQUARED = frozenset({"layer_norm", "group_norm"})
"""Of these, those that square the mean as well."""

QUOTIENTS = frozenset({"normalize", "rms_norm"})
"""Quotients by an infinite length, which are zero."""

OPS = (*CENTRED, *QUOTIENTS, "vector_norm")
"""Ops that are one kernel of torch, which adds up squares or other powers."""


def of_squares(case: Case, node: Node) -> Finding | None:
    """A norm, or a layer that divides by one, whose sum of powers is beyond the largest number."""
    operand = node.inputs[0]
    dtype, limit = node.type.dtype, largest(node.type.dtype)
    if dtype != torch.float32 or case.unknown(operand) or case.graph[operand].type.numel == 0:
        return None
    order = _order(node)
    low, high = case.extent(operand)
    if not 1 < order < math.inf or _power(max(-low, high), order) * case.graph[operand].type.numel <= limit:
        return None
    if not _reaches(case, node, order, limit):
        return None
    what = "squares" if order == 2 else f"powers of order {order:g}"
    message = (
        f"the {what} inside `{node.op}` overflow: its operand ranges over {case.range_text(operand)}, and the sum of "
        f"its {what} is beyond the largest {dtype_name(dtype)}, so that the result is {_result(node)}. Divide by the "
        "largest number first, or compute this in float64"
    )
    return Finding(node.id, "TL201", message, operand, Trouble.OVERFLOW)


def _order(node: Node) -> float:
    order = node.attributes.get("ord", node.attributes.get("p", 2.0))
    assert isinstance(order, (int, float))
    return float(order)


def _power(size: float, order: float) -> float:
    return math.inf if size > 0 and order * math.log(size) > math.log(2) * 1023 else size**order


def _result(node: Node) -> str:
    return CENTRED.get(node.op) or ("0" if node.op in QUOTIENTS else "infinite")


def _reaches(case: Case, node: Node, order: float, limit: float) -> bool:
    """Whether what is added up leaves the number range at a corner of the operand's range."""
    interval = case.ranges[node.inputs[0]]
    lower, upper = _rows(node, interval.lower), _rows(node, interval.upper)
    farthest = torch.maximum(lower.abs(), upper.abs())
    if node.op not in CENTRED:
        return bool((farthest.pow(order).sum(-1) > limit).any())
    if node.op in MEAN_SQUARED and bool((torch.minimum(lower.abs(), upper.abs()).square() > limit).any()):
        return True
    mixed = torch.where(torch.arange(lower.shape[-1]) % 2 == 0, lower, upper)
    return any(
        bool(((row - row.mean(-1, keepdim=True)).square().sum(-1) > limit).any())
        for row in (lower, upper, mixed)
    )


def _rows(node: Node, ends: Tensor) -> Tensor:
    """The numbers that are added up together, as rows of a matrix."""
    attributes: Any = node.attributes
    if node.op in ("vector_norm", "normalize"):
        dims = [d for d in attributes["dim"] if ends.dim()]
        kept = [d for d in range(ends.dim()) if d not in dims]
        sizes = [ends.shape[d] for d in dims]
        return ends.permute(*kept, *dims).reshape(-1, math.prod(sizes))
    if node.op in ("layer_norm", "rms_norm"):
        return ends.reshape(-1, math.prod(attributes["normalized_shape"]))
    together = attributes["num_groups"] if node.op == "group_norm" else ends.shape[1]
    return ends.reshape(ends.shape[0] * together, -1)
