"""Backward passes through a chain of matrix products and functions of single elements, in numpy.

What `descent` does for any graph, for the commonest one and a single box: multilayer perceptrons, small enough that a
pass costs less than the bookkeeping around it. The formulas are those of `steps` and `descent`, and so is their proof;
here rows are plain matrices, and a call of numpy on a small one takes a third of the time of a call of torch.

A node is in the chain if every node between it and one input is affine with a matrix at hand, works on single elements,
or only reshapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from torchlean.bounds.crown.anchors import TINY
from torchlean.bounds.crown.links import Array, Link
from torchlean.bounds.crown.planes import planes_of_bounded
from torchlean.bounds.crown.scratch import Scratch
from torchlean.bounds.crown.steps import SMALLEST, inflation
from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma

if TYPE_CHECKING:
    from torchlean.bounds.crown.structure import Structure

MANY, FEW = 128, 0.9
"""From how many neurons, and up to which share of them, columns of zeros are left out of products."""


PRODUCTS = frozenset({"linear", "matmul"})
"""Ops whose own interval rule rounds outward as `Chain.interval` does."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """`steps.Anchor` for one box: (elements,) each."""

    point: Array
    spread: Array
    reach: Array
    total: float

    @staticmethod
    def around(point: Array, lower: Array, upper: Array) -> _Anchor:
        spread = np.maximum(upper - point, point - lower)
        np.maximum(spread, TINY, out=spread)
        spread *= 1 + 8 * UNIT_ROUNDOFF
        reach = spread + np.abs(point)
        return _Anchor(point, spread, reach, float(reach.max(initial=0.0)) * len(reach) * 1.001)


@dataclass(frozen=True, slots=True)
class _Step:
    """`steps.Step` for one box.

    Attributes:
        onward: the node that rows go to; None where they end.
        live: the elements with slopes that are not zero, where they are few; `mid`, `half` and `matrix` are of them.
        hot: which of the live elements have planes of different slopes, where they are few.
    """

    loss: Array
    underflow: float
    onward: int | None = None
    terms: int = 0
    mid: Array | None = None
    half: Array | None = None
    steepness: Array | None = None
    matrix: Array | None = None
    scale: Array | None = None
    live: npt.NDArray[np.int64] | None = None
    hot: npt.NDArray[np.int64] | None = None


@dataclass
class Chain:
    """One box over the chain of a structure; `bounds` grows as nodes are bounded, in order."""

    structure: Structure
    bounds: Sequence[Interval]
    steps: dict[int, _Step | None] = field(default_factory=dict)
    anchors: dict[int, _Anchor | None] = field(default_factory=dict)
    points: dict[int, Array] = field(default_factory=dict)

    def reaches(self, id: int) -> bool:
        """Whether a pass from this node stays inside the chain and meets bounded values only."""
        if id not in self.structure.links:
            return False
        with _quietly():
            return self._step(id) is not None

    def element_bounds(
        self, id: int, elements: npt.NDArray[np.int64], check: Callable[[], None]
    ) -> tuple[Array, Array]:
        """Lower and upper bounds of some elements of a node that `reaches` accepts, as `descent.element_bounds`."""
        step = self._step(id)
        assert step is not None
        point = self.points[id]
        if len(elements) < len(point):
            point = point[elements]
        with _quietly():
            lost = self._descend(step, elements, check)
            low, high = point - lost[: len(elements)], point + lost[len(elements) :]
            if not math.isfinite(float((high - low).sum())):
                low = np.where(np.isnan(low), -math.inf, low)
                high = np.where(np.isnan(high), math.inf, high)
        return low, high

    def interval(self, id: int) -> Interval | None:
        """A matrix product's interval from that of the node below; None for other nodes, and where something overflows.

        Sums and ops on single elements are left to their own rules, which know results that are exact.
        """
        link = self.structure.links.get(id)
        if link is None or link.operand is None or link.matrix is None or link.sizes is None:
            return None
        if self.structure.graph[id].op not in PRODUCTS or id in self.structure.optimal:
            return None  # right on an input, bounds are those of intervals alone, to the last bit
        assert link.point is not None and link.size is not None and link.slack is not None
        share = gamma(link.terms + 9)
        with _quietly():
            if self._anchor(link.operand) is None:
                return None
            lower, upper = self._ends(link.operand)
            middle = (lower + upper) * 0.5
            half = (upper - lower) * (0.5 * (1 + 8 * UNIT_ROUNDOFF)) + (np.abs(middle) * share + TINY)
            centre = link.matrix @ middle + link.point
            radius = link.sizes @ half
            radius += link.size * share + link.slack
            radius *= 1 + 2 * share
            low, high = centre - radius, centre + radius
        if not math.isfinite(float((high - low).sum())):
            return None
        shape = self.structure.graph[id].type.shape
        return Interval(torch.from_numpy(low).reshape(shape), torch.from_numpy(high).reshape(shape))

    def _ends(self, id: int) -> tuple[Array, Array]:
        interval = self.bounds[id]
        return interval.lower.numpy().reshape(-1), interval.upper.numpy().reshape(-1)

    def _descend(self, step: _Step, elements: npt.NDArray[np.int64], check: Callable[[], None]) -> Array:
        """How far rows may lie below and above their anchors, all lower rows before all upper ones."""
        sums, both = _Sums(), False
        everything = len(elements) == len(step.loss)
        if step.matrix is not None and step.mid is None:
            sums.visit(step)
            lost = step.loss if everything else step.loss[elements]
            rows = step.matrix.copy() if everything else step.matrix[elements]
            step = self._below(step)
        else:
            lost = np.zeros(len(elements))
            rows = np.zeros((len(elements), len(step.loss)))
            rows[np.arange(len(elements)), elements] = 1.0
        while True:
            check()
            sums.visit(step)
            sizes = np.abs(rows, out=_scratch.matrix("sizes", *rows.shape))
            lost = lost + sizes @ step.loss
            if step.onward is None:
                break
            if both or step.mid is None:
                rows = _passed(rows, sizes, step)
            else:
                rows, both = _divided(rows, sizes, step), True
                lost = np.concatenate((lost, lost))
            step = self._below(step)
        return sums.inflated(lost if both else np.concatenate((lost, lost)))

    def _below(self, step: _Step) -> _Step:
        assert step.onward is not None
        below = self._step(step.onward)
        assert below is not None
        return below

    def _anchor(self, id: int) -> _Anchor | None:
        """None where something on the way is not bounded, or has no planes."""
        if id not in self.anchors:
            self.anchors[id] = None
            if not self.bounds[id].undefined and not self.bounds[id].infinite and self._step(id) is not None:
                anchor = _Anchor.around(self.points[id], *self._ends(id))
                self.anchors[id] = anchor if math.isfinite(anchor.total) else None
        return self.anchors[id]

    def _step(self, id: int) -> _Step | None:
        if id not in self.steps:
            self.steps[id] = self._made(id)
        return self.steps[id]

    def _made(self, id: int) -> _Step | None:
        link = self.structure.links[id]
        if link.operand is None:
            return self._leaf(id)
        anchor = self._anchor(link.operand)
        if anchor is None:
            return None
        return self._affine(id, link, anchor) if link.curve is None else self._curve(id, link.curve, anchor)

    def _leaf(self, id: int) -> _Step | None:
        interval = self.bounds[id]
        if interval.undefined or interval.infinite or not interval.bounded():
            return None
        lower, upper = self._ends(id)
        point = lower if interval.is_point else lower / 2 + upper / 2
        self.points[id] = point
        spread = _Anchor.around(point, lower, upper).spread
        return _Step(spread, float(len(spread)))

    def _affine(self, id: int, link: Link, anchor: _Anchor) -> _Step:
        """`steps.affine`."""
        assert link.point is not None and link.size is not None and link.slack is not None
        if link.matrix is not None and link.sizes is not None:
            self.points[id] = link.matrix @ anchor.point + link.point
            pushed = link.sizes @ anchor.reach
        else:
            assert link.scale is not None
            self.points[id] = link.scale * anchor.point + link.point
            pushed = np.abs(link.scale) * anchor.reach
        loss = link.slack + link.size * gamma(link.terms + 9)
        loss += pushed * (1.02 * UNIT_ROUNDOFF * (link.terms + 9))
        underflow = len(loss) + link.terms * (anchor.total + 1.0)
        return _Step(loss, underflow, link.operand, link.terms, matrix=link.matrix, scale=link.scale)

    def _curve(self, id: int, node: Node, anchor: _Anchor) -> _Step | None:
        """`steps.between`, and `joining.joined` with the affine op below."""
        (operand,) = node.inputs
        planes = planes_of_bounded(node, [self.bounds[operand].batched()])
        if planes is None:
            return None
        below, above = (_numbers(each.slopes[0], anchor.point) for each in (planes.lower, planes.upper))
        half = (above - below) * 0.5
        mid = below + half
        steepness = np.abs(mid) + np.abs(half) + 2.0**-960
        point, gap, loss = mid * anchor.point, half * anchor.point, steepness * anchor.reach
        loss *= 18.0
        for plane, sign in ((planes.lower, -0.5), (planes.upper, 0.5)):
            if plane.intercept is not None:
                intercept = _numbers(plane.intercept, anchor.point)
                point += 0.5 * intercept
                gap += sign * intercept
                loss += 16 * np.abs(intercept)
        loss *= 1.02 * UNIT_ROUNDOFF
        loss += np.maximum(gap, 0.0)
        loss += TINY
        self.points[id] = point
        step = _Step(loss, len(loss) + anchor.total + 1.0, operand, 1, mid, half, steepness)
        lower = self._step(operand)
        if lower is None or lower.onward is None or lower.mid is not None:
            return step
        return _joined(step, lower)


def _quietly() -> np.errstate:
    """Sums that overflow are found in the results."""
    return np.errstate(over="ignore", invalid="ignore")


def _joined(op: _Step, operand: _Step) -> _Step:
    """A function of single elements and the affine op below it, passed in one go."""
    assert op.mid is not None and op.half is not None and op.steepness is not None
    loss = op.loss + op.steepness * (1.0 + 2.0**-20) * operand.loss + TINY
    mid, half, matrix, live, hot = op.mid, op.half, operand.matrix, None, None
    if matrix is not None and len(mid) >= MANY:
        found = np.flatnonzero((mid != 0) | (half != 0))
        if len(found) <= FEW * len(mid):
            live, mid, half, matrix = found, mid[found], half[found], matrix[found]
        warm = np.flatnonzero(half)
        hot = warm if len(warm) <= FEW * len(mid) else None
    return _Step(
        loss,
        op.underflow + operand.underflow,
        operand.onward,
        operand.terms + 1,
        mid,
        half,
        matrix=matrix,
        scale=operand.scale,
        live=live,
        hot=hot,
    )


_scratch = Scratch()


def _divided(rows: Array, sizes: Array, step: _Step) -> Array:
    """Rows and their negations through the first function: both share the products with `mid` and `half`."""
    assert step.mid is not None and step.half is not None
    if step.hot is not None and step.matrix is not None:
        hot = step.hot if step.live is None else step.live[step.hot]
        spread = _product(sizes.take(hot, 1) * step.half[step.hot], step.matrix[step.hot], "spread")
    else:
        spread = _through(_lively(sizes, step, "sizes") * step.half, step, "spread")
    middle = _through(_lively(rows, step, "live") * step.mid, step, "middle")
    count = len(rows)
    both = _scratch.matrix("rows", 2 * count, middle.shape[1])
    np.subtract(middle, spread, out=both[:count])
    np.add(middle, spread, out=both[count:])
    np.negative(both[count:], out=both[count:])
    return both


def _passed(rows: Array, sizes: Array, step: _Step) -> Array:
    """Rows through a node. Both arguments are overwritten."""
    if step.mid is not None and step.half is not None:
        rows, sizes = _lively(rows, step, "live"), _lively(sizes, step, "live sizes")
        rows *= step.mid
        sizes *= step.half
        rows -= sizes
    return _through(rows, step, "rows")


def _lively(rows: Array, step: _Step, use: str) -> Array:
    """Without the columns of zeros."""
    if step.live is None:
        return rows
    return np.take(rows, step.live, 1, out=_scratch.matrix(use, len(rows), len(step.live)), mode="clip")


def _through(rows: Array, step: _Step, use: str) -> Array:
    if step.matrix is not None:
        return _product(rows, step.matrix, use)
    return rows if step.scale is None else rows * step.scale


def _product(rows: Array, matrix: Array, use: str) -> Array:
    out = _scratch.matrix(use, len(rows), matrix.shape[1])
    if np.may_share_memory(out, rows):
        out = _scratch.matrix(f"other {use}", len(rows), matrix.shape[1])
    return np.matmul(rows, matrix, out=out)


@dataclass
class _Sums:
    """What `descent` counts on a pass."""

    terms: int = 0
    summed: int = 0
    visited: int = 0
    underflow: float = 0.0

    def visit(self, step: _Step) -> None:
        self.underflow += step.underflow + len(step.loss)
        self.summed = max(self.summed, len(step.loss))
        self.terms = max(self.terms, step.terms)
        self.visited += 1

    def inflated(self, lost: Array) -> Array:
        share = inflation(UNIT_ROUNDOFF, self.summed, self.terms, self.visited)
        lost += 4 * self.underflow * SMALLEST[torch.float64]
        lost *= 1.0 + share
        return lost


def _numbers(values: torch.Tensor, like: Array) -> Array:
    flat = values.numpy().reshape(-1)
    return flat if len(flat) == len(like) else np.broadcast_to(flat, like.shape)


__all__ = ["Chain"]
