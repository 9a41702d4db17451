"""TL217: the epsilon beside a variance is smaller than the variance's own rounding error.

Numbers that are all equal but for rounding have a computed variance of up to u^2 times their square, where u is the
unit roundoff. An epsilon below that does not keep `1 / sqrt(var + eps)` from blowing rounding errors up to size one.
"""

from __future__ import annotations

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.detectors.absorption import written_number
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.patterns import square_of, strip
from torchlean.ops import dtype_name


def least_epsilon(dtype: torch.dtype) -> float:
    """u^2: 3.6e-15 for float32, 2.4e-7 for float16."""
    return float(torch.finfo(dtype).eps / 2) ** 2


def of_sum(case: Case, node: Node) -> Finding | None:
    """`var + eps`."""
    if not case.floating(node.id):
        return None
    left, right = node.inputs
    for variance, epsilon in ((left, right), (right, left)):
        value = written_number(case, epsilon)
        least = least_epsilon(node.type.dtype)
        if value is not None and 0 < value < least and is_variance(case, variance):
            name = dtype_name(node.type.dtype)
            message = (
                f"the epsilon {value:g} is too small for {name}: equal numbers of size 1 have a computed variance of "
                f"up to {least:.1e} by rounding, which `1 / sqrt(var + eps)` then blows up. Use 1e-5, or at least "
                f"{least:.0e}"
            )
            return Finding(node.id, "TL217", message, variance, Trouble.DIGITS)
    return None


def is_variance(case: Case, id: int) -> bool:
    """`x.var()`, or the mean of `(x - mean) ** 2`."""
    graph = case.graph
    node = strip(graph, id)
    if node.op == "var":
        return True
    if node.op != "mean":
        return False
    inner = square_of(graph, node.inputs[0])
    if inner is None:
        return False
    difference = strip(graph, inner)
    if difference.op != "sub":
        return False
    average = strip(graph, difference.inputs[1])
    return average.op == "mean"
