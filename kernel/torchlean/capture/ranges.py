"""The range of a tensor's numbers, where it follows from leaves in a few element-wise steps: `torch.rand(5) * 2 - 1`.

Samples of a data set become batches, whose numbers are new leaves; their range is that of the samples. Bounds
proper stand above capture (`bounds`); here only what data sets are made with is asked: arithmetic, functions of one
number, and ops that move numbers about. Every step is widened by the rounding of the arithmetic it runs in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from torchlean.capture.tables import words
from torchlean.graph.origin import Certainty, Source, region_of
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.values import TensorValue
    from torchlean.graph import Node

ELEMENTS = 1 << 20
"""Larger tensors are not looked into: the range of each step is an array of this many numbers."""

STEPS = 64
"""Nodes below a sample: transforms are a few steps, and what takes more is a computation."""

ELEMENTWISE = words(
    "add sub mul div neg abs exp log sqrt sin cos tanh sigmoid relu clamp minimum maximum square cast"
)
EXACT = words(
    "gt ge lt le eq ne logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not round floor ceil"
)
"""Element-wise without a rounding of their own."""
MOVING = words(
    "reshape permute slice expand cat stack flip roll pad index select squeeze unsqueeze transpose where"
)


@dataclass(frozen=True, slots=True)
class Range:
    """Ends of all numbers of a tensor; `likely` where runs leave them with negligible probability."""

    lower: float
    upper: float
    likely: bool = False
    source: Source | None = None

    @property
    def known(self) -> bool:
        return math.isfinite(self.lower) and math.isfinite(self.upper)

    def hull(self, other: Range) -> Range:
        """The least range around both."""
        ends = min(self.lower, other.lower), max(self.upper, other.upper)
        return Range(*ends, self.likely or other.likely, self.source or other.source)


UNKNOWN = Range(-math.inf, math.inf)


def drawn(run: Interpreter, type: TensorType, found: Range) -> TensorValue:
    """A new leaf with numbers of a range."""
    source = found.source or (Source.DATA if found.known else Source.UNKNOWN)
    if found.likely:
        likely = (found.lower, found.upper)
        return run.emitter.random(type, -math.inf, math.inf, source.in_words, likely=likely, source=source)
    return run.emitter.random(type, found.lower, found.upper, source.in_words, source=source)


def range_of(run: Interpreter, id: int) -> Range:
    """The range of a node's numbers; unbounded where it does not follow in a few steps."""
    below = _below(run, id)
    if below is None:
        return UNKNOWN
    found: dict[int, Interval] = {}
    likely, source = False, None
    for node in below:
        if node.op in OPS:
            interval = _step(node, [found[operand] for operand in node.inputs])
        else:
            region = region_of(node)
            likely = likely or region.certainty is Certainty.LIKELY
            source = source or region.source
            interval = Interval.uniform(node.type.shape, region.lower, region.upper)
        if interval is None:
            return UNKNOWN
        found[node.id] = interval
    ends = found[id]
    if ends.undefined or ends.infinite or not ends.lower.numel():
        return UNKNOWN
    return Range(float(ends.lower.min()), float(ends.upper.max()), likely, source)


def _below(run: Interpreter, id: int) -> list[Node] | None:
    """The nodes that a node is computed from, in order; None where they are too many or too large."""
    nodes, pending = {}, [id]
    while pending:
        node = run.builder.nodes[pending.pop()]
        if node.id in nodes:
            continue
        nodes[node.id] = node
        if len(nodes) > STEPS or node.type.numel > ELEMENTS or node.type.dtype.is_complex:
            return None
        pending += node.inputs
    return [nodes[key] for key in sorted(nodes)]


def _step(node: Node, operands: list[Interval]) -> Interval | None:
    if node.op not in ELEMENTWISE | EXACT | MOVING:
        return None
    try:
        interval = OPS[node.op].interval(operands, node.attributes, node.type)
    except UnsupportedError:
        return None
    if node.op == "cast" and node.type.dtype.is_floating_point:
        # Rounding is monotone: the ends, rounded, are the ends of what is rounded.
        dtype = node.type.dtype
        lower, upper = (end.to(dtype).to(torch.float64) for end in (interval.lower, interval.upper))
        return Interval(lower, upper, interval.undefined, interval.infinite)
    if node.op in EXACT | MOVING or not node.type.dtype.is_floating_point:
        return interval
    # The functions above err by less than four units in the last place in torch; subnormals by less than the least
    # normal number.
    info = torch.finfo(node.type.dtype)
    return Interval(
        interval.lower - 4 * info.eps * interval.lower.abs() - info.tiny,
        interval.upper + 4 * info.eps * interval.upper.abs() + info.tiny,
        interval.undefined,
        interval.infinite,
    )
