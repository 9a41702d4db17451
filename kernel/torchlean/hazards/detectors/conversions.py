"""TL214: integers that lose digits as floats. TL218: numbers beyond the range of the type they are converted to."""

from __future__ import annotations

import math

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.detectors.overflow import LARGEST_TEXT
from torchlean.hazards.finding import Finding, Trouble
from torchlean.ops import dtype_name


def of_cast(case: Case, node: Node) -> Finding | None:
    """`x.float()` of large integers, `x.half()` of large numbers."""
    operand = node.inputs[0]
    source, target = case.graph[operand].type.dtype, node.type.dtype
    if not target.is_floating_point:
        return None
    if source.is_floating_point:
        return _overflowing(case, node, operand)
    return _losing(case, node, operand)


def of_mixture(case: Case, node: Node) -> Finding | None:
    """Arithmetic of a large integer tensor with floats, which converts it."""
    if not case.floating(node.id):
        return None
    for id in node.inputs:
        if not case.floating(id):
            found = _losing(case, node, id)
            if found is not None:
                return found
    return None


def _overflowing(case: Case, node: Node, operand: int) -> Finding | None:
    if node.id not in case.ranges.overflow:
        return None
    name = dtype_name(node.type.dtype)
    message = (
        f"the conversion to {name} overflows to infinity: its operand ranges over {case.range_text(operand)}, and the "
        f"largest {name} is {LARGEST_TEXT.get(node.type.dtype, '')}. Scale before converting, or use bfloat16, which "
        "has the range of float32"
    )
    return Finding(node.id, "TL218", message, operand, Trouble.OVERFLOW)


def _losing(case: Case, node: Node, operand: int) -> Finding | None:
    if case.unknown(operand) or case.graph[operand].type.dtype == torch.bool:
        return None
    low, high = case.extent(operand)
    digits = 1 - math.frexp(torch.finfo(node.type.dtype).eps)[1] + 1
    limit = 2.0**digits
    if max(abs(low), abs(high)) <= limit or _exact(case, operand, node.type.dtype):
        return None
    message = (
        f"integers above 2^{digits} = {limit:,.0f} lose digits in {dtype_name(node.type.dtype)}: the operand ranges "
        f"over {case.range_text(operand)}, and different integers become equal. Keep integers as integers, subtract an "
        "offset first, or use float64"
    )
    return Finding(node.id, "TL214", message, operand, Trouble.DIGITS)


def _exact(case: Case, operand: int, dtype: torch.dtype) -> bool:
    """Whether the operand's numbers are known and survive."""
    interval = case.ranges[operand]
    if not torch.equal(interval.lower, interval.upper):
        return False
    rounded = interval.lower.to(dtype).to(torch.float64)
    return bool((rounded == interval.lower).all())
