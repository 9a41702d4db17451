"""TL204: arguments outside the domain of a function, where the result is NaN."""

from __future__ import annotations

import math

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.integrality import is_integral
from torchlean.hazards.masking import is_masked
from torchlean.hazards.patterns import number, strip

DOMAINS: dict[str, tuple[float, float]] = {
    "acos": (-1.0, 1.0),
    "asin": (-1.0, 1.0),
    "atanh": (-1.0, 1.0),
    "acosh": (1.0, math.inf),
}
"""Where each function has a value, ends included; `atanh` is infinite at its ends."""


def of_square_root(case: Case, node: Node) -> Finding | None:
    """`sqrt(x)` where x may be negative."""
    argument = node.inputs[0]
    low, _ = case.extent(argument)
    if low >= 0 or is_masked(case, node, "nonnegative"):
        return None
    advice = "clamp it before, e.g. `x.clamp(min=0)`"
    if strip(case.graph, argument).op == "sub":
        advice = "the difference may be negative, by rounding alone too: clamp it before, `d.clamp(min=0)`"
    message = f"`{node.op}` of a negative number is NaN: its argument ranges over {case.range_text(argument)}; {advice}"
    return Finding(node.id, "TL204", message, argument, Trouble.SINGULAR)


def of_power(case: Case, node: Node) -> Finding | None:
    """`x ** p` for a negative base and a p that is no whole number."""
    base = node.inputs[0]
    low, _ = case.extent(base)
    if low >= 0 or not case.floating(node.id) or not is_fractional(case, node):
        return None
    if is_masked(case, node, "nonnegative"):
        return None
    message = (
        f"a power of a negative base is NaN unless the exponent is a whole number: the base ranges over "
        f"{case.range_text(base)}. Clamp the base before, e.g. `x.clamp(min=0)`, or take the power of `x.abs()`"
    )
    return Finding(node.id, "TL204", message, base, Trouble.SINGULAR)


def is_fractional(case: Case, node: Node) -> bool:
    """Whether the exponent of a power may be no whole number."""
    if node.op == "pow":
        exponent = node.attributes.get("exponent")
        return isinstance(exponent, float) and not exponent.is_integer()
    exponent_node = strip(case.graph, node.inputs[1])
    value = number(exponent_node)
    if value is not None:
        return not value.is_integer()
    if exponent_node.data is not None:
        return bool((exponent_node.data != torch.round(exponent_node.data)).any())
    return not is_integral(case.graph, exponent_node.id)


def of_inverse(case: Case, node: Node) -> Finding | None:
    """`acos(x)` and its like."""
    argument = node.inputs[0]
    low, high = case.extent(argument)
    least, greatest = DOMAINS[node.op]
    if node.op in ("acos", "asin") and is_masked(case, node, "cosine"):
        return None
    open_ends = node.op == "atanh"
    if (least < low or (low == least and not open_ends)) and (
        high < greatest or (high == greatest and not open_ends)
    ):
        return None
    domain = f"{'(' if open_ends else '['}{least:g}, {greatest:g}{')' if open_ends else ']'}"
    advice = (
        "`x.clamp(min=1)`"
        if node.op == "acosh"
        else "`x.clamp(-1 + 1e-6, 1 - 1e-6)`, which keeps the gradient finite"
    )
    message = (
        f"`{node.op}` has no finite value outside {domain}: its argument ranges over {case.range_text(argument)}, and "
        f"rounding alone can leave the domain. Clamp it before: {advice}"
    )
    return Finding(node.id, "TL204", message, argument, Trouble.SINGULAR)
