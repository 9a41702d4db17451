"""TL209: a value that is selected away, whose infinite derivative the backward pass multiplies by the selection's zero.

`torch.where(x > 0, torch.sqrt(x), 0)` computes the root of every element. Where the mask takes the zero instead, the
gradient that reaches the root is 0, and 0 * inf or 0 * NaN is NaN: it adds to the gradients of all weights below.
What torch's backward passes compute decides which operations do that: that of `log` divides by the argument, which is
wrong at zero alone, that of `sqrt` by the result, which is wrong for negative arguments as well.
"""

from __future__ import annotations

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.detectors.domains import is_fractional
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.gradients import STOPPING, is_trained
from torchlean.hazards.integrality import is_integral
from torchlean.hazards.masking import is_masked

HARMLESS = {"acos": "0", "asin": "0", "exp": "0", "exp2": "0", "expm1": "0"}
"""Arguments that every element may have; 1 for the other functions."""


def behind_mask(case: Case, node: Node) -> Finding | None:
    """Any operation with poles or a border of its domain, whose every use is a selection that avoids them."""
    argument = node.inputs[-1 if node.op == "div" else 0]
    if not case.recorded[node.id] or not case.floating(node.id) or not _reaches_trouble(case, node, argument):
        return None
    stopping = STOPPING if case.extent(argument)[0] == 0 else frozenset[str]()
    if not any(is_trained(case, id, stopping) for id in node.inputs):
        return None
    what = "the divisor" if node.op in ("div", "reciprocal") else f"the argument of `{node.op}`"
    other = HARMLESS.get(node.op, "1")
    message = (
        f"the mask repairs the value, not the gradient: behind it the derivative is infinite or NaN, and 0 * inf = NaN "
        f"reaches the weights. {what.capitalize()} ranges over {case.range_text(argument)}; replace it before as "
        f"well, by `torch.where(mask, x, {other})`"
    )
    return Finding(node.id, "TL209", message, argument, Trouble.NONE, specific=True)


def _reaches_trouble(case: Case, node: Node, argument: int) -> bool:
    """Whether masked elements have a derivative that is no number."""
    low, high = case.extent(argument)
    if node.op in ("acos", "asin"):
        return (low < -1 or high > 1) and is_masked(case, node, "cosine")
    if node.op in ("exp", "exp2", "expm1"):
        return node.id in case.ranges.overflow and is_masked(case, node, "exponent")
    if node.op in ("sqrt", "rsqrt") or (node.op == "pow" and is_fractional(case, node)):
        if low < 0:
            return is_masked(case, node, "nonnegative")
        return low == 0 and not _is_smooth_at_zero(node) and is_masked(case, node, "positive")
    if node.op in ("div", "reciprocal") or (node.op == "pow" and _exponent(node) < 0):
        return low <= 0 <= high and _meets_zero(case, node, argument, low, high)
    return low == 0 and is_masked(case, node, "positive")


def _meets_zero(case: Case, node: Node, divisor: int, low: float, high: float) -> bool:
    """Whether zero itself is among the masked numbers, and not only between negative and positive ones.

    It is for the limit of a range, for whole numbers, and where the program compares with zero.
    """
    if low == 0 or high == 0 or is_integral(case.graph, divisor):
        return is_masked(case, node, "nonzero", divisor)
    return is_masked(case, node, "different", divisor)


def _exponent(node: Node) -> float:
    exponent = node.attributes.get("exponent")
    return float(exponent) if isinstance(exponent, (int, float)) else 1.0


def _is_smooth_at_zero(node: Node) -> bool:
    """`x ** 1.5` has a derivative at zero."""
    return node.op == "pow" and _exponent(node) >= 1
