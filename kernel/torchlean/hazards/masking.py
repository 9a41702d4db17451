"""Values that are computed and then thrown away: `torch.where(x > 0, torch.log(x), 0)`.

The value is right. Its gradient need not be (0 * inf): see `torchlean.hazards.detectors.gradients`.
"""

from __future__ import annotations

from typing import Literal

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case, overflow_argument
from torchlean.hazards.patterns import COPIES, ELEMENTWISE, has_pole, scaled
from torchlean.hazards.relations import kept_by
from torchlean.hazards.zeros import asks_for_infinity, dropped_infinity, excludes_zero
from torchlean.ops import OPS

LARGEST = 1 << 20
"""Elements that are looked at one by one."""

Need = Literal["positive", "nonzero", "different", "nonnegative", "cosine", "exponent"]
"""What the argument must be where its value is used: of a logarithm, a divisor, one that is told from zero itself, a
square root, an inverse cosine, an exponential."""

WRITING = frozenset({"index_update", "slice_update"})
"""Ops that put numbers into places of their first operand."""

SELECTING = 20
"""Users looked at: what is used in more places counts as used."""


def is_masked(case: Case, node: Node, need: Need, of: int | None = None) -> bool:
    """Whether every use of the node's value selects only elements where its argument is right.

    Args:
        need: what the argument must be.
        of: the operand that matters; default: the first.
    """
    argument = node.inputs[0] if of is None else of
    stack, seen = list(case.users[node.id]), 0
    if not stack:
        return False
    previous = dict.fromkeys(stack, node.id)
    while stack:
        id = stack.pop()
        seen += 1
        if seen > SELECTING:
            return False
        user = case.graph[id]
        if asks_for_infinity(case.graph, user):
            continue
        if user.op == "where" and previous[id] != user.inputs[0]:
            if not (
                _selects(case, user, previous[id], argument, need)
                or _drops_infinity(case, user, previous[id], node, need)
            ):
                return False
        elif user.op in WRITING and _overwrites(case, user, previous[id], node, argument, need):
            continue
        elif user.op in COPIES or user.op in ELEMENTWISE:
            if not case.users[id]:
                return False
            for after in case.users[id]:
                previous[after] = id
                stack.append(after)
        else:
            return False
    return True


def _selects(case: Case, where: Node, value: int, argument: int, need: Need) -> bool:
    """Whether `where` takes `value` only where the condition keeps the argument out of trouble."""
    condition, chosen, other = where.inputs
    if value == chosen == other:
        return False
    holds = value == chosen
    kept = kept_by(case.graph, condition, argument, holds=holds)
    if kept is None or need == "different":
        return need in ("nonzero", "different") and excludes_zero(
            case.graph, condition, argument, holds=holds
        )
    low, high = kept
    if need == "exponent":
        return high < overflow_argument(where.type.dtype)
    return {
        "positive": low > 0,
        "nonzero": low > 0 or high < 0,
        "nonnegative": low >= 0,
        "cosine": low >= -1 and high <= 1,
    }[need]


def _drops_infinity(case: Case, where: Node, value: int, node: Node, need: Need) -> bool:
    """Whether `where` takes the node's value only where it is finite: `y[y == float("inf")] = 0` for y = d ** -0.5.

    At its pole a power is infinite, and NaN nowhere above it; of quotients that is not known, so only `isfinite` tells.
    Who writes this for a quotient means zero for what is divided by nothing. A logarithm has no such meaning there.
    """
    if need not in ("nonzero", "positive") or not has_pole(node):
        return False
    if value not in where.inputs[1:] or scaled(case.graph, value)[0].id != node.id:
        return False
    dropped = dropped_infinity(case.graph, where)
    if dropped is None or dropped[0].digest != node.digest:
        return False
    return dropped[1].op == "isfinite" or (len(node.inputs) == 1 and case.extent(node.inputs[0])[0] >= 0)


def _overwrites(case: Case, update: Node, value: int, node: Node, argument: int, need: Need) -> bool:
    """Whether known places are written, among them all where a divisor may be zero: `h[50] = 0.2`, `h[n == 0] = 0.2`.

    What writes by a mask that is not known is a `where`.
    """
    graph = case.graph
    indices = [graph[id].data for id in update.inputs[2:]]
    if need != "nonzero" or update.inputs[0] != value or graph[value].type.shape != node.type.shape:
        return False
    if any(index is None for index in indices) or graph[argument].type.numel > LARGEST:
        return False
    shape = node.type.shape
    own, places = (
        torch.zeros(shape, dtype=torch.bool),
        torch.ones(graph[update.inputs[1]].type.shape, dtype=torch.bool),
    )
    known = [index for index in indices if index is not None]
    written = OPS[update.op].evaluate([own, places, *known], update.attributes)
    divisor = case.ranges[argument]
    dangerous = ((divisor.lower <= 0) & (divisor.upper >= 0)).expand(shape)
    return bool((written | ~dangerous).all())


def only_clamped(case: Case, id: int, end: Literal["min", "max"]) -> bool:
    """Whether every use of the value is a clamp from below (`min`) or above (`max`)."""
    users = [case.graph[user] for user in case.users[id]]
    return bool(users) and all(_clamps(user, end) for user in users)


def _clamps(user: Node, end: str) -> bool:
    if user.op == "clamp":
        return user.attributes.get(end) is not None
    return (
        user.op in (("maximum", "fmax") if end == "min" else ("minimum", "fmin")) or user.op == "nan_to_num"
    )
