"""The denominator of a softmax that is computed block by block: `exp(m - n) * l + exp(s - n).sum()`, n the new maximum.

The new maximum n is the old one or that of the block. Where it is the old one, the first factor is exp(0) = 1 and the
total at least l; where it is the block's, one of the summands is exp(0). Both are exact in binary32, so a total that
began at 1 never falls below 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from torchlean.graph import Graph, Node
from torchlean.hazards.orders import WHOLE, aligned, dims_of, same_values
from torchlean.hazards.patterns import strip
from torchlean.intervals import Interval
from torchlean.intervals.repetition import one_of_each


def least_total(graph: Graph, node: Node, ranges: Sequence[Interval]) -> float | None:
    """The least number of such a sum, or None where the node is something else."""
    for carried, block in (node.inputs, node.inputs[::-1]):
        factors = graph[carried]
        if factors.op != "mul":
            continue
        for factor, total in (factors.inputs, factors.inputs[::-1]):
            old = _shifted(graph, factor)
            if old is None or not _has_the_greatest(graph, block, *old):
                continue
            if _ends(ranges[old[0]])[1] < _ends(ranges[_other(graph, *old)])[0]:
                return 1.0  # the old maximum is a number that stands for -inf: the new one is the block's
            return min(_ends(ranges[total])[0], 1.0)
    return None


def _shifted(graph: Graph, id: int) -> tuple[int, int] | None:
    """The operands of `exp(m - n)`, where n is a maximum of m and something else."""
    exponential = strip(graph, id, WHOLE)
    if exponential.op != "exp":
        return None
    shifted = strip(graph, exponential.inputs[0], WHOLE)
    if shifted.op != "sub":
        return None
    old, greatest = shifted.inputs[0], strip(graph, shifted.inputs[1], WHOLE)
    if greatest.op != "maximum" or not any(same_values(graph, operand, old) for operand in greatest.inputs):
        return None
    return old, greatest.id


def _other(graph: Graph, old: int, greatest: int) -> int:
    """What the maximum is of, beside the old one."""
    left, right = graph[greatest].inputs
    return right if same_values(graph, left, old) else left


def _has_the_greatest(graph: Graph, block: int, old: int, greatest: int) -> bool:
    """Whether `block` is exp(s - n), or a sum of it, and has a summand 1 where n is the greatest number of s."""
    summed = graph[block]
    exponential = strip(graph, summed.inputs[0], WHOLE) if summed.op == "sum" else summed
    shifted = strip(graph, exponential.inputs[0], WHOLE) if exponential.op == "exp" else exponential
    if shifted.op != "sub" or strip(graph, shifted.inputs[1]).id != greatest:
        return False
    other, scores = _other(graph, old, greatest), shifted.inputs[0]
    if summed.op != "sum":
        return graph[shifted.inputs[1]].id == greatest and same_values(graph, other, scores)
    reduced = strip(graph, other, WHOLE)
    return (
        reduced.op == "amax"
        and same_values(graph, reduced.inputs[0], scores)
        and dims_of(reduced) <= dims_of(summed)
        and aligned(graph, graph[shifted.inputs[1]].type.shape, reduced)
    )


def _ends(interval: Interval) -> tuple[float, float]:
    """Least and greatest number; an empty tensor has none, and no element that could be wrong."""
    if not interval.lower.numel():
        return 0.0, 0.0
    return float(one_of_each(interval.lower).min()), float(one_of_each(interval.upper).max())
