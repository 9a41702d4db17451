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
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, gamma

ROUNDINGS_OF_PARTS = 64
"""More than the roundings behind any one number that a slack adds up (`passages` rounds each a few times)."""


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
        magnitudes: of the nodes below, valid on all boxes.
        rows: coefficients, shape (boxes or 1, rows, *node), float64.
        check: called before every node; may raise to cancel.

    Returns:
        Shape (boxes, rows); `-inf` where no bound is known.
    """
    run = _Pass(passages, magnitudes, check)
    run.gather(passages[node], rows)
    return run.finish()


def element_bounds(
    passages: Mapping[int, Passage],
    magnitudes: Mapping[int, Magnitude],
    node: int,
    shape: tuple[int, ...],
    elements: Tensor,
    check: Callable[[], None] = lambda: None,
) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds of some elements of a node over every box.

    Args:
        shape: of the node.
        elements: flat indices, (n,).

    Returns:
        Two tensors of shape (boxes, n), infinite where no bound is known.
    """
    run = _Pass(passages, magnitudes, check)
    passage, count = passages[node], len(elements)
    if passage.unit is None or passage.fatal is not None:
        rows = torch.zeros(2 * count, math.prod(shape), dtype=torch.float64)
        place = torch.arange(count)
        rows[place, elements] = 1.0
        rows[place + count, elements] = -1.0
        run.gather(passage, rows.reshape(1, 2 * count, *shape))
    else:
        chosen = (passage.positive[:, elements], passage.negative[:, elements])
        run.sums = torch.cat((chosen[0], -chosen[1]), 1)
        run.began(passage)
        for (operand, _), unit in zip(passage.onward, passage.unit, strict=True):
            part = unit(elements)
            run.add(operand, torch.cat((part, -part)).unsqueeze(0))
    found = run.finish()
    return found[:, :count], -found[:, count:]


class _Pass:
    """Coefficients waiting at nodes, and what the rows have gathered so far.

    `sums` holds each row's total and its slack, (boxes or 1, rows, 2).
    """

    def __init__(
        self, passages: Mapping[int, Passage], magnitudes: Mapping[int, Magnitude], check: Callable[[], None]
    ) -> None:
        self.passages = passages
        self.magnitudes = magnitudes
        self.check = check
        self.coefficients: dict[int, Tensor] = {}
        self.waiting: list[int] = []
        self.underflow = 0.0
        self.roundings = ROUNDINGS_OF_PARTS
        self.sums: Tensor = torch.zeros(1, 1, 2, dtype=torch.float64)

    def finish(self) -> Tensor:
        """Pass everything down to the inputs, and settle."""
        while self.waiting:
            self.check()
            id = -heapq.heappop(self.waiting)
            self.gather(self.passages[id], self.coefficients.pop(id))
        total, slack = self.sums.unbind(2)
        slack = (slack + self.underflow) * (1.0 + 2 * gamma(self.roundings))
        # The two subtractions and the product below round once each.
        margin = (total.abs() + slack) * (4 * UNIT_ROUNDOFF) + SMALLEST_SUBNORMAL
        bound = (total - slack) - margin
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
            lost = _flat(total).abs() @ (magnitude.elements.reshape(-1) * UNIT_ROUNDOFF + SMALLEST_SUBNORMAL)
            self.roundings += magnitude.elements.numel()
            self.underflow += magnitude.elements.numel() * SMALLEST_SUBNORMAL
        else:
            # A rounding error on an unbounded value is harmless only where nothing was rounded.
            rounded = (total - present != rows) | (total - rows != present)
            lost = torch.where(_flat(rounded).any(2), math.inf, 0.0)
        self.sums = self.sums + torch.stack((torch.zeros_like(lost), lost), 2)

    def began(self, passage: Passage) -> None:
        """Account for a passage, whatever the row."""
        self.underflow += passage.underflow
        self.roundings += passage.positive.shape[1] + 8

    def gather(self, passage: Passage, rows: Tensor) -> None:
        """Let rows pass one node."""
        self.began(passage)
        flat = _flat(rows)
        positive = flat.clamp(min=0)
        negative = flat - positive
        self.sums = _more(_more(self.sums, positive, passage.positive), negative, passage.negative)
        if passage.fatal is not None:
            touched = (flat != 0).to(flat.dtype) @ passage.fatal[0] > 0
            self.sums = torch.where(touched.unsqueeze(2), -math.inf, self.sums)
        slopes = passage.slopes
        for index, (operand, transpose) in enumerate(passage.onward):
            passed = rows
            if slopes is not None:
                plus, minus = slopes[index]
                sides = (positive.reshape(rows.shape), negative.reshape(rows.shape))
                # One of the two products is zero, so the sum is rounded once.
                passed = torch.addcmul(sides[0] * plus, sides[1], minus)
            if passed.shape[0] == 1:
                self.add(operand, transpose(passed[0]).unsqueeze(0))
            else:
                together = transpose(passed.flatten(0, 1))
                self.add(operand, together.unflatten(0, passed.shape[:2]))


def _more(sums: Tensor, rows: Tensor, gains: Tensor) -> Tensor:
    """`sums + rows @ gains`, over (boxes or 1) each."""
    if gains.shape[0] > 1:
        if rows.shape[0] > 1:
            return sums + rows @ gains
        # The same rows in every box: one product instead of one for each box.
        columns = rows[0] @ gains.transpose(0, 1).reshape(gains.shape[1], -1)
        return sums + columns.reshape(-1, gains.shape[0], 2).transpose(0, 1)
    if rows.shape[0] == 1 and sums.shape[0] == 1 and sums.shape[1] == rows.shape[1]:
        return torch.addmm(sums[0], rows[0], gains[0]).unsqueeze(0)
    return sums + rows @ gains[0]


def _flat(rows: Tensor) -> Tensor:
    """(boxes, rows, *node) as (boxes, rows, elements), for 0-d nodes too."""
    return rows if rows.dim() == 3 else rows.reshape(*rows.shape[:2], -1)
