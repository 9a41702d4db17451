"""The numbers a binary32 execution can have at each node, as far as hazards are concerned.

Interval propagation as in `torchlean.bounds`, with three differences:

- the ends of every interval are rounded to the node's dtype. Rounding is monotone, so where an op is correctly rounded
  this is the range of its float results: `1 - p` reaches 0 for p up to 1 - 1e-9, `exp(-200)` is 0, `1 + 1e-9` is 1;
- what is not known is taken from a working range (`torchlean.hazards.regions`), and structural relations that
  intervals forget are put back (`torchlean.hazards.relations`): `x - x.max()` is never positive;
- a result that leaves the number range or a domain is noted and cut back to numbers, so that the nodes after it are
  judged by themselves.

These ranges decide what is *reported*. They are no bounds that anything is proved from: a working range is an
assumption, and the rounding errors of sums are not added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds import Bounds
from torchlean.bounds.cache import Bound
from torchlean.bounds.ibp import bound_node
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.hazards.memory import HazardMemory, NodeRange, below
from torchlean.hazards.regions import COMPUTED, LAYERS, WORKING, Known, known_regions, leaf_range
from torchlean.hazards.relations import related
from torchlean.hazards.zeros import guarded, loses_pole, never_zero, replaces_zero
from torchlean.intervals import Interval
from torchlean.intervals.repetition import by_slices, one_of_each

CONTRACTIONS = LAYERS - {"batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"}
"""Sums of products. Normalisations are left out: what is large comes out small and of either sign."""

LOGARITHMS = frozenset({"log", "log2", "log10", "log1p"})


@dataclass(frozen=True, slots=True)
class Ranges:
    """One per node, indexed by id.

    Attributes:
        intervals: finite ends, apart from infinite constants and what is made of them (`infinite`).
        known: what the interval rests on.
        overflow: nodes with finite operands whose float result may be infinite.
        undefined: nodes with defined operands whose result may be NaN because of infinite operands.
        raw: the interval before it was cut back, where it was.
    """

    intervals: list[Interval]
    known: list[Known]
    overflow: set[int]
    undefined: set[int]
    raw: dict[int, Interval]

    def __getitem__(self, id: int) -> Interval:
        return self.intervals[id]

    def extent(self, id: int) -> tuple[float, float]:
        """Least lower and greatest upper end; (0, 0) for an empty tensor."""
        interval = self.intervals[id]
        return extent(interval)


def extent(interval: Interval) -> tuple[float, float]:
    """Least lower and greatest upper end over all elements; (0, 0) where there are none."""
    if interval.lower.numel() == 0:
        return 0.0, 0.0
    return float(one_of_each(interval.lower).min()), float(one_of_each(interval.upper).max())


def float_ranges(
    graph: Graph,
    domains: Mapping[str, Interval],
    bounds: Bounds | None,
    cancelled: Callable[[], bool] = lambda: False,
    memory: HazardMemory | None = None,
) -> Ranges:
    """The range of every node.

    Args:
        graph: any valid graph.
        domains: an interval per input that has one.
        bounds: of the same graph under the same domains, if there are any, for nodes whose region is certain.
        cancelled: asked before every node.
        memory: where ranges of nodes are looked up and stored, if there are neither domains nor bounds.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    ranges = Ranges([], known_regions(graph, domains), set(), set(), {})
    keys: list[bytes] = []
    for node in graph:
        if cancelled():
            raise Cancelled
        if memory is None or domains or bounds is not None:
            ranges.intervals.append(_range(node, graph, domains, bounds, ranges))
            continue
        keys.append(below(node, keys))
        found = memory.ranges.get(keys[-1])
        if found is None:
            interval = _range(node, graph, domains, bounds, ranges)
            noted = (node.id in each for each in (ranges.overflow, ranges.undefined))
            memory.ranges.put(keys[-1], NodeRange(interval, ranges.raw.get(node.id), *noted))
        else:
            interval = found.interval
            _recalled(node.id, found, ranges)
        ranges.intervals.append(interval)
    return ranges


def _recalled(id: int, found: NodeRange, ranges: Ranges) -> None:
    """What was noted beside the interval."""
    if found.overflow:
        ranges.overflow.add(id)
    if found.undefined:
        ranges.undefined.add(id)
    if found.raw is not None:
        ranges.raw[id] = found.raw


def _range(
    node: Node, graph: Graph, domains: Mapping[str, Interval], bounds: Bounds | None, ranges: Ranges
) -> Interval:
    known = ranges.known[node.id]
    if node.op == "random" or (node.op == "input" and known is Known.NOTHING):
        return _rounded(leaf_range(node, known), node.type.dtype)
    if not node.inputs:
        return _rounded(bound_node(node, [], graph, domains).interval, node.type.dtype)
    if node.type.numel == 0:
        return Interval.uniform(node.type.shape, 0.0, 0.0)
    operands = [ranges.intervals[id] for id in node.inputs]
    if known is Known.NOTHING and node.op in CONTRACTIONS and any(_is_wide(operand) for operand in operands):
        # The product of a whole working range with anything fills the working range, up to its sign.
        nonnegative = all(extent(operand)[0] >= 0 for operand in operands)
        exact = Interval.uniform(node.type.shape, 0.0 if nonnegative else -WORKING, WORKING)
    else:
        exact = bound_node(node, [Bound(operand) for operand in operands], graph, domains).interval
    if known is Known.CERTAIN and bounds is not None:
        exact = _intersected(exact, bounds[node.id])
    exact = related(node, graph, ranges.intervals, exact)
    if node.op == "div" and (
        replaces_zero(graph, ranges.intervals, node.inputs[1]) or never_zero(graph, node.inputs[1])
    ):
        exact = _cut(exact, COMPUTED)
    if node.op == "where" and not exact.infinite and loses_pole(graph, node):
        exact = _cut(exact, COMPUTED)
    if node.op == "div" and known is Known.LIKELY and guarded(graph, node.inputs[1]):
        # Where the divisor vanishes, the numerator does: intervals cannot know, and multiply by 1e8 in every step of
        # an optimiser that is written by hand.
        low, high = ranges.extent(node.inputs[0])
        reach = max(COMPUTED, -low, high)
        exact = replace(_cut(exact, reach), undefined=exact.undefined)
    return _settled(node, operands, exact, ranges)


def _cut(x: Interval, reach: float) -> Interval:
    """The lower end no less than `-reach`, the upper end no more than `reach`."""
    lower = by_slices(lambda end: end.clamp(min=-reach), x.lower)
    return Interval(lower, by_slices(lambda end: end.clamp(max=reach), x.upper))


def _is_wide(operand: Interval) -> bool:
    """Whether the operand may be as large as numbers of the working range are."""
    low, high = extent(operand)
    return max(-low, high) >= WORKING and not operand.infinite


def _settled(node: Node, operands: list[Interval], exact: Interval, ranges: Ranges) -> Interval:
    """Round to the dtype, note what is wrong, and cut back to numbers."""
    infinite = any(operand.infinite for operand in operands)
    if infinite and exact.undefined and not any(operand.undefined for operand in operands):
        ranges.undefined.add(node.id)
    rounded = _rounded(exact, node.type.dtype)
    if not node.type.dtype.is_floating_point:
        return Interval(rounded.lower, rounded.upper)
    lower, upper = rounded.lower, rounded.upper
    if not infinite and any(bool(torch.isinf(one_of_each(end)).any()) for end in (lower, upper)):
        ranges.overflow.add(node.id)
        ranges.raw[node.id] = rounded
    least, greatest = _healthy(node, operands, ranges.known[node.id])
    keep = infinite and exact.infinite
    if not keep:
        lower, upper = (by_slices(lambda end: end.clamp(least, greatest), end) for end in (lower, upper))
    return Interval(lower, upper, False, keep)


def _healthy(node: Node, operands: list[Interval], known: Known) -> tuple[float, float]:
    """Where the node's numbers lie when nothing is wrong with them."""
    info = torch.finfo(node.type.dtype)
    least, greatest = info.min, info.max
    if known is Known.NOTHING:
        reach = WORKING if node.op in LAYERS else COMPUTED
        least, greatest = max(least, -reach), min(greatest, reach)
    if node.op in LOGARITHMS:
        # The logarithm of the least subnormal number; `log1p` has it only at -1.
        least = max(least, math.log(info.smallest_normal * info.eps) * (1 / math.log(2)))
    return least, greatest


def _intersected(a: Interval, b: Interval) -> Interval:
    """Both contain the value; where rounding makes them miss each other, `a`."""
    if b.undefined or a.shape != b.shape:
        return a
    lower = by_slices(torch.maximum, a.lower, b.lower)
    upper = by_slices(torch.minimum, a.upper, b.upper)
    fits = by_slices(torch.le, lower, upper)
    if not bool(one_of_each(fits).all()):
        lower = by_slices(torch.where, fits, lower, a.lower)
        upper = by_slices(torch.where, fits, upper, a.upper)
    return Interval(lower, upper, a.undefined, a.infinite)


def _rounded(interval: Interval, dtype: torch.dtype) -> Interval:
    """Each end as a number of the dtype; beyond its largest an infinity."""
    if not dtype.is_floating_point or dtype == torch.float64:
        return interval
    lower = _to(interval.lower, dtype)
    upper = lower if interval.is_point else _to(interval.upper, dtype)
    return Interval(lower, upper, interval.undefined, interval.infinite)


def _to(end: Tensor, dtype: torch.dtype) -> Tensor:
    return by_slices(lambda numbers: numbers.to(dtype).to(torch.float64), end)
