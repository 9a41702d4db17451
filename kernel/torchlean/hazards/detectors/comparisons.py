"""TL215: computed floats compared by `==`, which rounding decides."""

from __future__ import annotations

import math

from torchlean.graph import LEAVES, Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.integrality import is_integral
from torchlean.hazards.patterns import COPIES, PICKS, number, strip

CHOOSING = PICKS | {"clamp", "maximum", "minimum", "relu", "abs", "neg", "where", "kth_value", "topk"}
"""Ops that hand on numbers of their operands, so that comparing with them is exact."""

SPECIAL = (0.0, math.inf, -math.inf)
"""Numbers that programs set and look for: results of masks, clamps and relus are exactly zero."""

SEARCHED = 50
"""Nodes looked at when asking whether one operand is chosen from the other."""


def of_equality(case: Case, node: Node) -> Finding | None:
    """`a == b` and `a != b` where rounding errors of a or b decide."""
    graph = case.graph
    left, right = node.inputs
    if not (case.floating(left) or case.floating(right)):
        return None
    if any(number(strip(graph, id)) in SPECIAL for id in (left, right)):
        return None
    if not any(_measured(case, id) for id in (left, right)) or _chosen_from(case, left, right):
        return None
    message = (
        f"computed floats are compared by `{'==' if node.op == 'eq' else '!='}`: results that agree in mathematics "
        "differ in the last digit by rounding. Compare with a tolerance: `torch.isclose(a, b)`, or `(a - b).abs() < "
        "1e-6`"
    )
    operand = left if _measured(case, left) else right
    return Finding(node.id, "TL215", message, operand, Trouble.NONE)


def _measured(case: Case, id: int) -> bool:
    """Whether the numbers come from an operation that rounds."""
    node = strip(case.graph, id, CHOOSING)
    return node.op not in LEAVES and case.floating(node.id) and not is_integral(case.graph, id)


def _chosen_from(case: Case, a: int, b: int) -> bool:
    """Whether the numbers of one are numbers of the other: `x == x.max()`, `x != x`."""
    return _reaches(case, a, b) or _reaches(case, b, a)


def _reaches(case: Case, start: int, goal: int) -> bool:
    graph = case.graph
    target = strip(graph, goal, COPIES).digest
    stack, seen = [start], 0
    while stack and seen < SEARCHED:
        node = graph[stack.pop()]
        seen += 1
        if node.digest == target:
            return True
        if node.op in CHOOSING:
            stack += node.inputs
    return False
