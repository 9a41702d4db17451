"""What there is to say about each tensor of a unit: its bounds in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor

from torchlean.analysis.result import Blame, Element, Extent, Rounding, TensorFact
from torchlean.bounds.cache import Bound
from torchlean.graph import LEAVES, Node
from torchlean.intervals import Interval
from torchlean.intervals.repetition import by_slices, one_of_each
from torchlean.intervals.rounding import down, up
from torchlean.ops import dtype_name
from torchlean.ops.noise.arithmetic import spacing
from torchlean.rounding import NodeError

WIDEST = 3
"""How many of the widest elements a hover names."""

NO_SHARES: Mapping[int | None, float] = {}


def describe(
    node: Node,
    bound: Bound | None,
    line: int | None,
    alone: Bound | None = None,
    error: NodeError | None = None,
    shares: Mapping[int | None, float] = NO_SHARES,
) -> TensorFact:
    """The fact for one node; without a bound (an early layer of the answer) only its type.

    Args:
        line: the node's, by `line_of`.
        alone: what intervals alone give, where `bound` may be tighter.
        error: of rounding, where it was asked for, and `shares`: what part of it comes from which line.
    """
    type = node.type
    label, dtype, inputs = node.label or "", dtype_name(type.dtype), tuple(node.inputs)
    if bound is None or type.numel == 0:
        return TensorFact(
            node.id, node.op, label, type.shape, dtype, None, None, None, line=line, inputs=inputs
        )
    interval = bound.interval
    extent = bound.kept.get("extent")
    if extent is None:
        extent = bound.kept["extent"] = _extent(interval.lower, interval.upper)
    lower, upper, width, widest = extent
    return TensorFact(
        node=node.id,
        op=node.op,
        label=label,
        shape=type.shape,
        dtype=dtype,
        lower=lower,
        upper=upper,
        width=width,
        widest=widest,
        undefined=interval.undefined,
        reason=bound.reason,
        method=bound.method,
        rounding=None if error is None else _rounding(node, interval, lower, upper, error, shares),
        line=line,
        alone=_alone(bound, alone),
        inputs=inputs,
    )


def line_of(node: Node, path: str) -> int | None:
    """The node's innermost line in this file."""
    return next((span.line for span in node.spans if span.path == path), None)


def _rounding(
    node: Node,
    exact: Interval,
    lower: float,
    upper: float,
    error: NodeError,
    shares: Mapping[int | None, float],
) -> Rounding:
    """What rounding does to the node, whose exact values are in `exact`, and so in `[lower, upper]`."""
    largest = error.largest
    worst = max(shares.items(), key=lambda item: item[1], default=None)
    blame = None if worst is None else Blame(*worst)
    if largest == math.inf:
        return Rounding(largest, blame=blame, reason=error.reason)
    least, greatest = lower, upper
    if error.error is not None and largest > 0:
        below = by_slices(lambda end, off: down(end - off), exact.lower, error.error)
        above = by_slices(lambda end, off: up(end + off), exact.upper, error.error)
        least = max(float(one_of_each(below).min()), error.least)
        greatest = min(float(one_of_each(above).max()), error.greatest)
    ulps = None
    if node.type.dtype.is_floating_point and largest > 0:
        ulps = largest / spacing(max(abs(lower), abs(upper)), node.type.dtype)
    return Rounding(largest, ulps, min(least, lower), max(greatest, upper), blame)


def _alone(bound: Bound, intervals: Bound | None) -> Extent | None:
    """The extent of intervals alone; None where they are the bounds."""
    if intervals is None or _same(bound.interval, intervals.interval):
        return None
    lower, upper = intervals.interval.lower, intervals.interval.upper
    if lower.numel() and _uniform(lower, upper):
        lower, upper = lower.flatten()[:1], upper.flatten()[:1]
    widths = torch.nan_to_num(upper - lower, nan=math.inf, posinf=math.inf).flatten()
    place = int(widths.argmax())
    width = _width(float(lower.flatten()[place]), float(upper.flatten()[place]))
    return Extent(float(lower.min()), float(upper.max()), width, intervals.interval.undefined)


def _same(a: Interval, b: Interval) -> bool:
    """Whether two intervals differ by no more than the rounding of two ways to find them."""
    if a is b:
        return True
    pairs = ((a.lower, b.lower), (a.upper, b.upper))
    return a.undefined == b.undefined and all(
        torch.equal(x, y) or torch.allclose(x, y, rtol=1e-13, atol=0.0) for x, y in pairs
    )


def _uniform(lower: Tensor, upper: Tensor) -> bool:
    """One interval for all elements (an unbounded or random tensor): no need to touch each of them."""
    return all(stride == 0 for stride in (*lower.stride(), *upper.stride()))


def _extent(lower: Tensor, upper: Tensor) -> tuple[float, float, float, tuple[Element, ...]]:
    """Least lower bound, greatest upper bound, largest width (rounded up), widest elements."""
    if _uniform(lower, upper):
        low, high = float(lower.flatten()[0]), float(upper.flatten()[0])
        return low, high, _width(low, high), ()
    point = lower is upper
    # Of slices that are the same the first is named.
    alike = [d for d in range(lower.dim()) if lower.stride(d) == 0 and upper.stride(d) == 0]
    lower, upper = one_of_each(lower, alike), one_of_each(upper, alike)
    if point:
        return float(lower.min()), float(upper.max()), 0.0, ()
    widths = torch.nan_to_num(upper - lower, nan=math.inf, posinf=math.inf).flatten()
    count = min(WIDEST, widths.numel())
    places = widths.topk(count).indices if count < widths.numel() else widths.argsort(descending=True)
    shape = tuple(lower.shape)
    ends = (end.flatten()[places].tolist() for end in (lower, upper))
    widest = tuple(
        Element(_unravel(place, shape), low, high)
        for place, low, high in zip(places.tolist(), *ends, strict=True)
    )
    first = widest[0]
    return float(lower.min()), float(upper.max()), _width(first.lower, first.upper), widest


def _width(lower: float, upper: float) -> float:
    """`upper - lower`, rounded up."""
    width = upper - lower
    if not math.isfinite(width):
        return math.inf
    # What the subtraction lost, exactly (Knuth's TwoSum), but where a step of it is infinite.
    subtracted = upper - width
    lost = (upper - (width + subtracted)) + (subtracted - lower)
    if not math.isfinite(lost):
        lost = float(Fraction(upper) - Fraction(lower) - Fraction(width))
    return width if lost <= 0 else math.nextafter(width, math.inf)


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of element number `flat` in row-major order."""
    index: list[int] = []
    for size in reversed(shape):
        flat, position = divmod(flat, size)
        index.append(position)
    return tuple(reversed(index))


def is_row(node: Node) -> bool:
    """Whether a table of bounds lists this node: everything but the constants that the source spells out."""
    return node.op not in LEAVES or node.op in ("input", "random")
