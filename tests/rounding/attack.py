"""Attacks on the rule of one op: executions in torch's binary32 beside float64, inside random boxes, with operands that
are already off.

An operand has an exact value anywhere in its box and an executed one, a binary32 number, within its error. The exact
result is what the op gives in float64, whose own rounding is far below the errors looked for; `SLACK` pays for it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.bounds.cache import Bound
from torchlean.bounds.ibp import bound_node
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.ops.noise.values import Noisy
from torchlean.rounding.cache import NodeError
from torchlean.rounding.engine import node_error

KINDS = (
    "point",
    "narrow",
    "unit",
    "positive",
    "wide",
    "cancelling",
    "large",
    "huge",
    "tiny",
    "subnormal",
    "mixed",
)
"""What boxes look like; ends are binary32 numbers."""

MAGNITUDES = (0.0, 1e-45, 1e-40, 1e-30, 1e-10, 1e-3, 0.5, 1.0, 3.0, 10.0, 20.0, 88.0, 1e3, 1e7, 1e20, 3e38)

SLACK = 2.0**-36
"""Of the reference's magnitude: a float64 evaluation without cancellation is off by much less, and binary32's unit is
4000 times larger."""


def box(kind: str, shape: tuple[int, ...], source: random.Random) -> Interval:
    """A box of this kind."""
    pairs = [_pair(kind, source) for _ in range(math.prod(shape))]
    ends = torch.tensor(pairs, dtype=torch.float32).reshape(*shape, 2).double()
    lower, upper = ends[..., 0].contiguous(), ends[..., 1].contiguous()
    return Interval(lower, lower) if kind == "point" else Interval(lower, upper)


def _pair(kind: str, source: random.Random) -> tuple[float, float]:
    centre = source.gauss(0.0, 1.0)
    radius = source.random()
    if kind == "point":
        return centre, centre
    if kind == "narrow":
        return centre - radius * 1e-4, centre + radius * 1e-4
    if kind == "unit":
        return centre - radius, centre + radius
    if kind == "positive":
        return abs(centre) + 0.01, abs(centre) + 0.01 + radius
    if kind == "wide":
        return centre - 30 * radius, centre + 30 * radius
    if kind == "cancelling":
        return 1e4 + centre, 1e4 + centre + radius
    scale = {"large": 1e6, "huge": 1e30, "tiny": 1e-20, "subnormal": 1e-41}.get(kind)
    if scale is not None:
        low, high = sorted((centre * scale, (centre + radius) * scale))
        return low, high
    low, high = sorted(source.choice((-1, 1)) * source.choice(MAGNITUDES) for _ in range(2))
    return low, high


def inside(x: Interval, source: random.Random) -> Tensor:
    """A point of the box: random, or a corner."""
    share = torch.tensor([source.random() for _ in range(x.lower.numel())]).double().reshape(x.shape)
    if source.random() < 0.3:
        share = share.round()
    point = x.lower * (1 - share) + x.upper * share
    return torch.minimum(torch.maximum(point, x.lower), x.upper)


def drawn(x: Noisy, source: random.Random) -> tuple[Tensor, Tensor]:
    """An exact value in the operand's box, and a binary32 number within the operand's error of it.

    The executed number is chosen first: in the box, whose ends are binary32 numbers, or beyond an end.
    """
    executed = inside(x.exact, source).float()
    if x.error is None:
        return executed.double(), executed
    shares = [torch.tensor([source.uniform(-1, 1) for _ in range(executed.numel())]) for _ in range(2)]
    share, beyond = (s.double().reshape(executed.shape) for s in shares)
    if source.random() < 0.5:
        share, beyond = share.sign(), beyond.sign()
    exact = executed.double() + share * x.error
    exact = torch.minimum(torch.maximum(exact, x.exact.lower), x.exact.upper)
    if source.random() < 0.4:
        end = torch.where(beyond > 0, x.exact.upper, x.exact.lower)
        outside = (end + beyond * x.error).float()
        possible = (outside.double() - end).abs() <= x.error
        executed, exact = torch.where(possible, outside, executed), torch.where(possible, end, exact)
    return exact, executed


def node(op: str, attributes: Mapping[str, Any], types: Sequence[TensorType]) -> tuple[Graph, Node]:
    """A graph of one op of inputs with these types."""
    builder = GraphBuilder()
    ids = [builder.input(f"x{place}", type).id for place, type in enumerate(types)]
    result = builder.op(op, ids, dict(attributes))
    return builder.graph([result.id]), result


def bounded(
    graph: Graph, node: Node, operands: Sequence[Noisy], arithmetic: Arithmetic = DEFAULT
) -> tuple[Interval, NodeError]:
    """The op's interval and error for these operands."""
    interval = bound_node(node, [Bound(x.exact) for x in operands], graph, {}).interval
    before = [NodeError(x.error) for x in operands]
    return interval, node_error(node, interval, operands, before, arithmetic)


def disagreement(
    found: NodeError, executed: Tensor, exact: Tensor, magnitude: Tensor | None = None
) -> Tensor | None:
    """By how much the bound is exceeded, where it is; None where it holds.

    Args:
        executed: torch's binary32 result.
        exact: the reference in float64.
        magnitude: of what the reference adds up, where that cancels.
    """
    error = torch.zeros(exact.shape).double() if found.error is None else found.error
    size = exact.abs() if magnitude is None else magnitude
    finite = torch.isfinite(error)
    off = (executed.double() - exact).abs()
    same = (executed.double() == exact) | (torch.isnan(executed) & torch.isnan(exact))
    allowed = error + torch.nan_to_num(size, nan=0.0, posinf=0.0) * SLACK + 1e-300
    bad = finite & ~same & ~(off <= allowed)
    limits = (executed < found.least) | (executed > found.greatest)
    bad = bad | (limits & finite)
    return off[bad] if bool(bad.any()) else None


def evaluated(op: str, inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """The op in the dtype of the inputs."""
    return OPS[op].evaluate(list(inputs), dict(attributes))
