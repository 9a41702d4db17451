"""Concrete binary32 inputs that show a hazard: candidates of the stated region, executed by torch as the program would.

A replayed input turns a warning into an error: it is no longer the interval that reaches the danger zone, but a number.
Inputs of a claim may be any numbers of their domain, so its corners are tried first. A random leaf is drawn as the
program draws it. Of a uniform one, the first element is put at an end of the range too: a single 0 from `torch.rand` is
met in practice (once in 16 million draws), a whole tensor of zeros is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.graph.origin import Certainty, Source, region_of
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.regions import Known, leaf_range, takes_its_ends
from torchlean.intervals import Interval
from torchlean.ops import OPS

LARGEST_CONE = 2**21
"""Elements of all tensors that one execution computes; larger programs are not executed while somebody types."""

POINTS = 24
"""Random candidates per hazard, after the corners."""

SECONDS = 0.5
"""For all hazards of one unit."""

SHOWN = 4
"""Numbers of an input that a message spells out."""

LOST = 0.01
"""Relative error from which on a result has lost its digits: two of seven are left."""

Values = list[Tensor]


class Replay:
    """Executions for one unit, within its time."""

    def __init__(self, case: Case, domains: Mapping[str, Interval], cancelled: Callable[[], bool]) -> None:
        self._case = case
        self._domains = domains
        self._cancelled = cancelled
        self._until = time.perf_counter() + SECONDS

    def confirmed(self, finding: Finding) -> Finding:
        """The finding, with an input that shows it where one is found.

        Raises:
            Cancelled: by the caller.
        """
        node = self._case.graph[finding.node]
        if self._case.ranges.known[finding.node] is Known.NOTHING or not _can_be_shown(finding):
            return finding
        cone, ids = self._case.graph.cone([node.id])
        if sum(inner.type.numel for inner in cone) > LARGEST_CONE:
            return finding
        leaves = [inner for inner in cone if inner.op in ("input", "random")]
        ranges = [self._range(leaf) for leaf in leaves]
        place = ids[finding.node]
        for point in _candidates(leaves, [r for r in ranges if r is not None]):
            if self._cancelled():
                raise Cancelled
            if time.perf_counter() > self._until or any(r is None for r in ranges):
                return finding
            shown = self._executed(
                cone, place, finding, dict(zip((leaf.id for leaf in leaves), point, strict=True))
            )
            if shown is not None:
                return replace(finding, evidence=f"{_described(leaves, point)}{shown}")
        return finding

    def _range(self, leaf: Node) -> tuple[Tensor, Tensor] | None:
        """Least and greatest number of each element, representable in the leaf's type."""
        if leaf.op == "input":
            domain = self._domains.get(str(leaf.attributes["name"]))
            return None if domain is None else representable(domain, leaf.type.dtype)
        if region_of(leaf).certainty is Certainty.NONE:
            return None
        return representable(leaf_range(leaf, self._case.ranges.known[leaf.id]), leaf.type.dtype)

    def _executed(
        self, cone: Graph, place: int, finding: Finding, leaves: Mapping[int, Tensor]
    ) -> str | None:
        """What the execution shows, or None where it shows nothing."""
        try:
            values = _run(cone, leaves)
            operands = [values[id] for id in cone[place].inputs]
            if finding.code == "TL206":
                return _lost_digits(values[place], _run(cone, leaves, torch.float64)[place])
        except (RuntimeError, IndexError, ValueError):
            return None  # numbers of this point do not fit each other: an index outside of its table
        return _shows(finding, operands, values[place])


def _can_be_shown(finding: Finding) -> bool:
    if finding.code == "TL209":
        return False  # it is the gradient that goes wrong, which an execution does not show
    return finding.trouble is not Trouble.DIGITS or finding.code in ("TL206", "TL208", "TL214")


def _run(cone: Graph, leaves: Mapping[int, Tensor], dtype: torch.dtype | None = None) -> Values:
    """The value of every node; in `dtype` where one is given."""
    values: Values = []
    with torch.no_grad():
        for node in cone:
            if node.inputs:
                value = OPS[node.op].evaluate([values[id] for id in node.inputs], node.attributes)
            elif node.data is not None:
                value = node.data
            else:
                value = leaves[node.id]
            values.append(value.to(dtype) if dtype is not None and value.is_floating_point() else value)
    return values


def _shows(finding: Finding, operands: Sequence[Tensor], result: Tensor) -> str | None:
    """The wrong number, if right operands gave one."""
    if not all(bool(torch.isfinite(operand).all()) for operand in operands if operand.is_floating_point()):
        return None
    if finding.code == "TL208":
        underflows = bool((operands[0] > 0).all() and (result == 0).any())
        return "the product is 0" if underflows else None
    if finding.code == "TL214":
        changed = result.to(torch.int64) != operands[0].to(torch.int64)
        if not bool(changed.any()):
            return None
        place = tuple(changed.nonzero()[0].tolist())
        return f"{int(operands[0][place])} becomes {int(result[place])}"
    wrong = ~torch.isfinite(result)
    if not bool(wrong.any()):
        return None
    number = float(result[wrong].flatten()[0])
    return f"the result is {'NaN' if number != number else 'inf' if number > 0 else '-inf'}"


def _lost_digits(rounded: Tensor, precise: Tensor) -> str | None:
    """The element whose float32 result is the furthest from the float64 one, relative to it."""
    error = (
        ((rounded.to(torch.float64) - precise).abs() / precise.abs())
        .nan_to_num(nan=0.0, posinf=0.0)
        .flatten()
    )
    if error.numel() == 0 or float(error.max()) < LOST:
        return None
    place = int(error.argmax())
    return f"the result is {float(rounded.flatten()[place]):.6g} instead of {float(precise.flatten()[place]):.6g}"


def _candidates(leaves: Sequence[Node], ranges: Sequence[tuple[Tensor, Tensor]]) -> Iterator[list[Tensor]]:
    """Corners, zero, the middle, then random points; the same ones every time."""
    generator = torch.Generator().manual_seed(0)
    if len(leaves) != len(ranges):
        return
    for share in (0.0, 1.0, 0.5):
        yield [
            _at(leaf, low, high, share, generator) for leaf, (low, high) in zip(leaves, ranges, strict=True)
        ]
    for exponent in (0, -2, -5):
        scale = 10.0**exponent if exponent else 0.0
        yield [
            _near_zero(leaf, low, high, scale, generator)
            for leaf, (low, high) in zip(leaves, ranges, strict=True)
        ]
    for number in range(POINTS):
        yield [
            _random(leaf, low, high, number % 3, generator)
            for leaf, (low, high) in zip(leaves, ranges, strict=True)
        ]


def _at(leaf: Node, low: Tensor, high: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """All elements at one share of the way; of a random leaf only the first is."""
    point = _between(low, high, torch.full(low.shape, share))
    if leaf.op == "input":
        return point
    drawn = _drawn(leaf, low, high, generator)
    # Only these are known to take the ends of their range: others' were widened for the rounding of the draw.
    return _with_first(drawn, point) if takes_its_ends(leaf) else drawn


def _near_zero(leaf: Node, low: Tensor, high: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    """Random points shrunk towards zero, as near as the range allows."""
    if leaf.op != "input" or not leaf.type.dtype.is_floating_point:
        return _drawn(leaf, low, high, generator)
    point = _between(low, high, torch.rand(low.shape, generator=generator)) * scale
    return torch.minimum(torch.maximum(point, low), high)


def _random(leaf: Node, low: Tensor, high: Tensor, kind: int, generator: torch.Generator) -> Tensor:
    """A random corner, or a random point of the box; of a random leaf a draw."""
    if leaf.op != "input":
        return _drawn(leaf, low, high, generator)
    share = torch.rand(low.shape, generator=generator)
    return _between(low, high, share.round() if kind == 0 else share)


def _drawn(leaf: Node, low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers as the program draws them."""
    if leaf.type.dtype.is_floating_point and region_of(leaf).source is Source.NORMAL:
        deviation = (high - low) / 2 / 8.6
        drawn = (low + high) / 2 + deviation * torch.randn(low.shape, generator=generator).to(low.dtype)
        return torch.minimum(torch.maximum(drawn, low), high)
    return _between(low, high, torch.rand(low.shape, generator=generator))


def _with_first(drawn: Tensor, ends: Tensor) -> Tensor:
    if drawn.numel() == 0:
        return drawn
    first = drawn.clone().flatten()
    first[0] = ends.flatten()[0]
    return first.reshape(drawn.shape)


def _between(low: Tensor, high: Tensor, share: Tensor) -> Tensor:
    """`low + share * (high - low)` inside the range, without overflow on the way."""
    if low.dtype == torch.bool:
        return torch.where(share < 0.5, low, high)
    if not low.dtype.is_floating_point:
        steps = ((high - low).to(torch.float64) * share).round().to(low.dtype)
        return torch.minimum(low + steps, high)
    point = low * (1 - share).to(low.dtype) + high * share.to(low.dtype)
    return torch.minimum(torch.maximum(point, low), high)


def representable(box: Interval, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
    """The least and greatest number of `dtype` in the box, element by element; None where there is none."""
    if dtype == torch.bool:
        return box.lower > 0, box.upper > 0
    if not dtype.is_floating_point:
        if dtype.is_complex or not box.bounded():
            return None
        return box.lower.ceil().to(dtype), box.upper.floor().to(dtype)
    low, high = box.lower.to(dtype), box.upper.to(dtype)
    low = torch.where(low.to(torch.float64) < box.lower, _next(low, torch.inf), low)
    high = torch.where(high.to(torch.float64) > box.upper, _next(high, -torch.inf), high)
    return None if bool((low > high).any()) else (low, high)


def _next(value: Tensor, towards: float) -> Tensor:
    return torch.nextafter(value, torch.full_like(value, towards))


def _described(leaves: Sequence[Node], point: Sequence[Tensor]) -> str:
    """`x = [0, 0.5] gives: `, the first numbers of each leaf."""
    if not leaves:
        return ""
    parts = []
    for leaf, value in zip(leaves, point, strict=True):
        name = str(leaf.attributes["name"]) if leaf.op == "input" else (leaf.label or "draw")
        numbers = [f"{float(number):.9g}" for number in value.flatten()[:SHOWN].tolist()]
        more = ", …" if value.numel() > SHOWN else ""
        parts.append(f"{name} = [{', '.join(numbers)}{more}]")
    return f"with {'; '.join(parts)} "
