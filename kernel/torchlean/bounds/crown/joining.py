"""A nonlinear op and the affine op below it, passed by rows in one step (`steps`).

Most networks are made of such pairs. The two losses become one, and what is known of both saves work: columns of dead
neurons, whose slopes are zero, and products of rows that all boxes share.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from torchlean.bounds.crown.anchors import TINY, flat
from torchlean.bounds.crown.steps import Step
from torchlean.intervals.products import times

MANY, LIVE = 128, 0.9
"""From how many neurons, and up to which share of them, the live ones' weights are copied to multiply fewer."""

FEW = 16
"""Elements of an operand up to which, for rows that are the same in many boxes, one product of all slopes with a matrix
of (node, rows * operand) costs less than making the rows of every box."""

_ALMOST = 1.0 + 2.0**-20
"""More than the roundings of `|L mid| + |L| half`, in either arithmetic."""


def joined(op: Step, operand: Step) -> Step:
    """A nonlinear op and the affine op that its only operand is, passed in one go.

    Args:
        op: from `between`, with an operand of the shape of its output.
        operand: from `affine`, without `fatal` and `constant`.

    A coefficient `L` of the output becomes at most `|L| (|mid| + |half|)` on the operand, so the operand's loss counts
    that many times.
    """
    assert op.slopes is not None and op.steepness is not None
    ((mid, _),) = op.slopes
    rows, count = None, operand.loss.shape[1]
    if operand.unit is not None and len(operand.unit) == 1 and mid.shape[0] > 1:
        rows = operand.unit[0](torch.arange(count)).reshape(count, -1)
        rows = rows if rows.shape[1] <= FEW else None
    steepness = op.steepness * _ALMOST
    step = Step(
        torch.addcmul(op.loss, steepness, operand.loss).add_(TINY),
        lambda: torch.addcmul(op.rounding(), steepness, operand.rounding()),
        op.underflow + operand.underflow,
        operand.onward,
        op.slopes * len(operand.onward),
        terms=max(op.terms, operand.terms) + 1,
        window=operand.window,
        rows=rows,
    )
    return _without_dead(step, operand)


def _without_dead(step: Step, operand: Step) -> Step:
    """Rows pass a large layer without the columns of neurons whose slopes are zero, which is no approximation."""
    assert step.slopes is not None
    count, boxes = step.loss.shape[1], len(step.slopes[0][0])
    if count < MANY or boxes > 1 or operand.unit is None or len(operand.unit) != 1 or operand.window:
        return step
    live = flat(torch.logical_or(*step.slopes[0]))[0].nonzero().flatten()
    if len(live) > LIVE * count:
        return step
    matrix = operand.unit[0](live)
    shape = matrix.shape[1:]
    weights = matrix.reshape(len(live), -1)
    slopes = tuple(
        (flat(mid)[:, live].unsqueeze(1), flat(half)[:, live].unsqueeze(1)) for mid, half in step.slopes
    )
    ((id, _),) = step.onward
    onward = ((id, lambda rows: times(rows, weights.to(rows.dtype)).reshape(-1, *shape)),)
    return replace(step, slopes=slopes, onward=onward, live=live)


__all__ = ["joined"]
