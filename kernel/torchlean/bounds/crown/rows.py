"""One backward pass: lower bounds of linear functions of a node's elements, over a batch of boxes.

Coefficients are kept per node in the shape (boxes, rows, *node). Only lower bounds are computed: the upper bound of
`f` is minus the lower bound of `-f`, so a caller who wants both asks for two rows. Everything is float64, and the
result is a bound in exact arithmetic: `torchlean.bounds.crown.passages` says how.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from torchlean.bounds.crown.passages import Magnitude, Passage
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.ops.linearization import Relaxation

SLACK_INFLATION = 1.0 + 2.0**-20
"""The slack is itself a float64 sum of at most 2**26 nonnegative terms: its relative error is below 2**-26."""


def lower_bounds(
    passages: Mapping[int, Passage],
    magnitudes: Mapping[int, Magnitude],
    node: int,
    rows: Tensor,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Lower bounds of `sum(rows * value(node))` over every box.

    Args:
        passages: how rows pass each node below, and `node` itself.
        magnitudes: of the same nodes, valid on all boxes.
        rows: coefficients, shape (boxes, rows, *node), float64.
        check: called before every node; may raise to cancel.

    Returns:
        Shape (boxes, rows); `-inf` where no bound is known.
    """
    return _Pass(passages, magnitudes, check).run(node, rows)


class _Pass:
    def __init__(
        self, passages: Mapping[int, Passage], magnitudes: Mapping[int, Magnitude], check: Callable[[], None]
    ) -> None:
        self.passages = passages
        self.magnitudes = magnitudes
        self.check = check
        self.coefficients: dict[int, Tensor] = {}
        self.waiting: list[int] = []
        self.underflow = 0.0

    def run(self, node: int, rows: Tensor) -> Tensor:
        self.total = torch.zeros(rows.shape[:2], dtype=torch.float64, device=rows.device)
        self.slack = torch.zeros_like(self.total)
        self.add(node, rows)
        while self.waiting:
            self.check()
            id = -heapq.heappop(self.waiting)
            self.through(self.passages[id], self.coefficients.pop(id))
        slack = (self.slack + self.underflow) * SLACK_INFLATION
        # The two subtractions and the product below round once each.
        margin = (self.total.abs() + slack) * (4 * UNIT_ROUNDOFF) + SMALLEST_SUBNORMAL
        bound = (self.total - slack) - margin
        return torch.nan_to_num(bound, nan=-math.inf, posinf=math.inf, neginf=-math.inf)

    def add(self, id: int, rows: Tensor) -> None:
        """Coefficients arriving at a node from one of its consumers."""
        present = self.coefficients.get(id)
        if present is None:
            self.coefficients[id] = rows
            heapq.heappush(self.waiting, -id)
            return
        total = present + rows
        self.coefficients[id] = total
        magnitude = self.magnitudes[id]
        if math.isfinite(magnitude.total):
            lost = _dot(_flat(total).abs(), magnitude.elements.reshape(1, -1))
            self.slack = self.slack + UNIT_ROUNDOFF * lost
        else:
            # A rounding error on an unbounded value is harmless only where nothing was rounded.
            rounded = (total - present != rows) | (total - rows != present)
            self.slack = torch.where(_flat(rounded).any(2), math.inf, self.slack)

    def through(self, passage: Passage, rows: Tensor) -> None:
        flat = _flat(rows)
        self.underflow += passage.underflow
        if passage.constant is not None:
            self.total = self.total + _dot(flat, passage.constant)
        if passage.penalty is not None:
            self.slack = self.slack + _dot(flat.abs(), passage.penalty)
        if passage.fatal is not None:
            self.slack = torch.where(
                _dot((flat != 0).to(flat.dtype), passage.fatal) > 0, math.inf, self.slack
            )
        if passage.planes is not None:
            self.between(passage, passage.planes, rows)
            return
        if passage.onward:
            together = rows.flatten(0, 1)
            for operand, transpose in passage.onward:
                self.add(operand, transpose(together).unflatten(0, rows.shape[:2]))

    def between(self, passage: Passage, planes: Relaxation, rows: Tensor) -> None:
        """Positive coefficients take the lower plane, negative ones the upper."""
        if planes.lower.intercept is not None:
            self.total = self.total + _dot(_flat(rows.clamp(min=0)), planes.lower.intercept)
        if planes.upper.intercept is not None:
            self.total = self.total + _dot(_flat(rows.clamp(max=0)), planes.upper.intercept)
        positive = rows >= 0
        for index, (operand, collect) in enumerate(passage.onward):
            lower, upper = planes.lower.slopes[index], planes.upper.slopes[index]
            passed = rows * torch.where(positive, lower.unsqueeze(1), upper.unsqueeze(1))
            self.add(operand, collect(passed.flatten(0, 1)).unflatten(0, rows.shape[:2]))


def _flat(rows: Tensor) -> Tensor:
    """(boxes, rows, *node) as (boxes, rows, elements), for 0-d nodes too."""
    return rows if rows.dim() == 3 else rows.reshape(*rows.shape[:2], -1)


def _dot(rows: Tensor, values: Tensor) -> Tensor:
    """(boxes, rows, elements) times (boxes or 1, *node), summed over the elements."""
    other = values if values.dim() == 2 else values.reshape(values.shape[0], -1)
    if other.shape[0] == 1:
        return rows @ other[0]
    return torch.bmm(rows, other.unsqueeze(2)).squeeze(2)
