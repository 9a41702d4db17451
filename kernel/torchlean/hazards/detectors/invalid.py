"""TL202: operations without a value: 0 * inf, inf - inf, statistics of too few numbers, softmax of nothing but -inf."""

from __future__ import annotations

import math

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.patterns import SELECTED, strip
from torchlean.hazards.rows import keeps_an_element


def of_softmax(case: Case, node: Node) -> Finding | None:
    """A row whose logits may all be minus infinity: 0/0."""
    if node.id not in case.ranges.undefined:
        return None
    operand, dim = node.inputs[0], node.attributes["dim"]
    if isinstance(dim, int) and keeps_an_element(case, operand, dim):
        return None
    message = (
        f"`{node.op}` of a row of nothing but -inf is NaN, which happens where a mask hides every element. Fill with a "
        "large negative number instead, `masked_fill(mask, -1e9)`, or make sure that each row keeps an element"
    )
    return Finding(node.id, "TL202", message, operand, Trouble.SINGULAR)


def of_product(case: Case, node: Node) -> Finding | None:
    """`mask * float("-inf")`: zero times infinity."""
    for infinite, other in (node.inputs, node.inputs[::-1]):
        low, high = case.extent(other)
        if case.ranges[infinite].infinite and low <= 0 <= high:
            message = (
                f"0 * inf is NaN: one factor may be infinite, the other ranges over {case.range_text(other)}. Select "
                'instead of multiplying: `x.masked_fill(mask, float("-inf"))` or `torch.where`'
            )
            return Finding(node.id, "TL202", message, other, Trouble.SINGULAR)
    return None


def of_difference(case: Case, node: Node) -> Finding | None:
    """`x - x.max()` where the maximum may be minus infinity."""
    left, right = node.inputs
    if not (case.ranges[left].infinite and case.ranges[right].infinite):
        return None
    (low, high), (low2, high2) = case.extent(left), case.extent(right)
    both = any(math.isinf(a) and a == b for a, b in ((low, low2), (high, high2)))
    if not both:
        return None
    message = "inf - inf is NaN: both operands may be the same infinity. Use large finite numbers in masks, e.g. -1e9"
    return Finding(node.id, "TL202", message, left, Trouble.SINGULAR)


def of_statistics(case: Case, node: Node) -> Finding | None:
    """The mean of no numbers, the sample variance of one."""
    source = case.graph[node.inputs[0]]
    if node.type.numel == 0:
        return None
    count = source.type.numel // node.type.numel
    correction = node.attributes.get("correction", 0)
    if not isinstance(correction, (int, float)) or count > max(correction, 0):
        return None
    if count == 0:
        message = f"`{node.op}` of no elements is 0/0 = NaN: the operand has shape {source.type.shape}"
    else:
        message = (
            f"`{node.op}` of {count} element{'s' if count > 1 else ''} divides by zero and is NaN: it divides by "
            "n - 1. Use `unbiased=False`, or more elements"
        )
    return Finding(node.id, "TL202", message, node.inputs[0], Trouble.SINGULAR)


def of_selection(case: Case, node: Node) -> Finding | None:
    """`x[mask].mean()` where the mask may be false everywhere."""
    if case.graph[node.inputs[1]].label != SELECTED:
        return None
    message = (
        "`mean` of what a mask selects is 0/0 = NaN where it selects nothing. Ask before, `if mask.any():`, or divide "
        "the sum, `(x * mask).sum() / mask.sum().clamp(min=1)`"
    )
    return Finding(node.id, "TL202", message, node.inputs[0], Trouble.SINGULAR)


def of_quotient(case: Case, node: Node) -> Finding | None:
    """inf / inf of infinite constants."""
    if len(node.inputs) < 2:
        return None
    left, right = (strip(case.graph, id) for id in node.inputs)
    if not (case.ranges[left.id].infinite and case.ranges[right.id].infinite):
        return None
    return Finding(
        node.id, "TL202", "inf/inf is NaN: both operands may be infinite", left.id, Trouble.SINGULAR
    )
