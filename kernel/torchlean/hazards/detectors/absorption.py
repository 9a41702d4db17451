"""TL207: addends too small to change the sum. TL216: epsilons that vanish, in a sum or as a float32 number."""

from __future__ import annotations

import math

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case, smallest, text_of
from torchlean.hazards.finding import Finding, Trouble
from torchlean.intervals import Interval
from torchlean.intervals.repetition import by_slices, one_of_each
from torchlean.ops import dtype_name
from torchlean.ops.noise.arithmetic import spacing

SATURATING = frozenset({"exp", "exp2", "sigmoid", "tanh"})
"""Ops that are constant far out."""

LOST = 2.0**-4
"""Share of a long sum that its roundings may take: what is beyond has one correct digit, at most."""


def of_repeated_sum(case: Case, node: Node) -> Finding | None:
    """`total += x` so often that what is added no longer counts: in float32 a count ends at 2^24.

    Each of n additions rounds the sum by up to half an eps of it, in the same direction where addends are alike.
    """
    if case.additions[node.id] == 1 or not case.floating(node.id):
        return None
    added = node.inputs[1]
    eps = float(torch.finfo(node.type.dtype).eps)
    count = case.additions[node.id]
    low, high = case.extent(added)
    if count * eps / 2 < LOST or (low < 0 < high) or low == high == 0:
        return None
    name = dtype_name(node.type.dtype)
    message = (
        f"this sum is added to {count:.3g} times in {name}: its roundings add up to {min(count * eps / 2, 1):.0%} of "
        f"it, and numbers below 2^-{round(1 - math.log2(eps))} of the sum change it no more (a count stops at "
        f"{2 / eps:.0f}). Accumulate in float64 (`dtype=torch.float64`), or in a Python number"
    )
    return Finding(node.id, "TL207", message, added, Trouble.DIGITS)


def of_sum(case: Case, node: Node) -> Finding | None:
    """`a + b` and `a - b` where b never changes a."""
    if not case.floating(node.id) or node.type.numel == 0 or _is_saturated(case, node):
        return None
    left, right = node.inputs
    for large, little in ((left, right), (right, left)):
        found = _rounded_constant(case, node, little) or _absorbed(case, node, large, little)
        if found is not None:
            return found
    return None


def _absorbed(case: Case, node: Node, large: int, little: int) -> Finding | None:
    least, most = _least_size(case.ranges[large]), _largest_size(case.ranges[little])
    step = spacing(least, node.type.dtype)
    if not 0 < most < step / 2 or math.isinf(step):
        return None
    low, high = case.extent(little)
    apart = f"{step:.2g} apart in {dtype_name(node.type.dtype)}"
    size = f"numbers of at least {least:.6g} in size are {apart}"
    value = written_number(case, little)
    if value is not None and least <= torch.finfo(node.type.dtype).eps:
        return None  # zero but for the spacing of numbers near one: `-log(u) + eps`, where u is never quite 1
    if value is not None:
        message = (
            f"the epsilon {value:g} is absorbed: {size}, so that adding it changes nothing. Use a larger one, or add "
            "it where the numbers are small (to the difference, not to the 1)"
        )
        return Finding(node.id, "TL216", message, large, Trouble.DIGITS)
    message = (
        f"the addend is absorbed: it ranges over {text_of(low, high)}, and {size}. Accumulate in float64 "
        "(`dtype=torch.float64`), or keep a separate sum of the small terms"
    )
    return Finding(node.id, "TL207", message, large, Trouble.DIGITS)


def _is_saturated(case: Case, node: Node) -> bool:
    """Whether each use of the sum is one and the same number, whatever its digits are: `exp(-1e30 - m)` is 0.

    So begins a softmax that is computed block by block, with a number that no maximum is below.
    """
    return bool(case.users[node.id]) and all(
        case.graph[user].op in SATURATING and case.extent(user)[0] == case.extent(user)[1]
        for user in case.users[node.id]
    )


def _rounded_constant(case: Case, node: Node, id: int) -> Finding | None:
    """A plain number that its float type does not hold: `1e-46` is 0, `1 + 1e-9` is 1."""
    written = written_number(case, id)
    if written is None:
        return None
    held = float(case.graph[id].data)  # type: ignore[arg-type] # a constant, see `written_number`
    name = dtype_name(node.type.dtype)
    if held == 0.0 != written:
        message = (
            f"{written:g} is 0 in {name}, whose least positive number is {smallest(node.type.dtype):.2g}: the epsilon "
            "has no effect"
        )
    elif math.isfinite(written) and held == round(written) != written and held != 0.0:
        message = (
            f"{written!r} is {held:g} in {name}: an epsilon added to {held:g} is absorbed. Add it to the "
            "difference instead, or clamp: `(1 - p).clamp(min=1e-6)`"
        )
    else:
        return None
    return Finding(node.id, "TL216", message, id, Trouble.DIGITS)


def written_number(case: Case, id: int) -> float | None:
    """The Python number that became this 0-d constant, as it was before it was rounded to the tensor's type."""
    node = case.graph[id]
    if node.op != "constant" or node.data is None or node.data.dim() or not node.label:
        return None
    if not node.type.dtype.is_floating_point:
        return None
    try:
        return float(node.label)
    except ValueError:
        return None


def _least_size(interval: Interval) -> float:
    """The smallest absolute value in any element."""
    if interval.lower.numel() == 0:
        return 0.0
    sizes = by_slices(
        lambda low, high: torch.maximum(low, -high).clamp(min=0.0), interval.lower, interval.upper
    )
    return float(one_of_each(sizes).min())


def _largest_size(interval: Interval) -> float:
    if interval.lower.numel() == 0:
        return 0.0
    sizes = by_slices(lambda low, high: torch.maximum(-low, high), interval.lower, interval.upper)
    return float(one_of_each(sizes).max())
