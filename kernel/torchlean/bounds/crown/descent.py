"""One backward pass over deviations (`steps`): bounds of single elements of a node, over a batch of boxes.

Coefficients are kept per node in the shape (boxes or 1, rows, *node), in float64 or float32. Both bounds of an element
are lower bounds: the upper one is minus that of the negated row.
"""

from __future__ import annotations

import heapq
import math
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from torchlean.bounds.crown.anchors import Anchor
from torchlean.bounds.crown.patches import Patches
from torchlean.bounds.crown.steps import NARROW_ROUNDOFF, SMALLEST, Step, inflation
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma
from torchlean.ops.linearization import Window


@dataclass
class Landscape:
    """All that passes read: steps and anchors of the nodes below, and the same in float32 where it was asked for."""

    steps: dict[int, Step] = field(default_factory=dict)
    anchors: dict[int, Anchor] = field(default_factory=dict)
    narrow: dict[int, Step] = field(default_factory=dict)
    wide: set[int] = field(default_factory=set)

    def step(self, id: int, dtype: torch.dtype) -> Step:
        if dtype == torch.float64:
            return self.steps[id]
        found = self.narrow.get(id)
        if found is None:
            found = self.narrow[id] = self.steps[id].narrowed()
        return found

    def put(self, id: int, step: Step) -> None:
        """Note how rows pass a node, and whether passes from it need float64."""
        self.steps[id] = step
        self.narrow.pop(id, None)
        if step.constant is not None or any(operand in self.wide for operand, _ in step.onward):
            self.wide.add(id)

    def of_boxes(self, boxes: Tensor) -> Landscape:
        """For some of the boxes, given by index; steps are taken when they are asked for."""
        return _Part(self, boxes)


class _Part(Landscape):
    def __init__(self, whole: Landscape, boxes: Tensor) -> None:
        super().__init__(anchors=whole.anchors)
        self._whole = whole
        self._boxes = boxes
        self._found: dict[int, Step] = {}

    def step(self, id: int, dtype: torch.dtype) -> Step:
        found = self._found.get(id)
        if found is None:
            found = self._found[id] = self._whole.step(id, dtype).of_boxes(self._boxes)
        return found


def element_bounds(
    land: Landscape,
    node: int,
    point: Tensor,
    elements: Tensor,
    check: Callable[[], None] = lambda: None,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds of some elements of a node over every box.

    Args:
        point: the node's anchor in these boxes, (boxes or 1, *node).
        elements: flat indices, (n,) for all boxes or (boxes, n).
        dtype: of the coefficients; float32 is for graphs whose affine parts all state `forward`.

    Returns:
        Two tensors of shape (boxes or 1, n), infinite where no bound is known.
    """
    run = _Pass(land, check, dtype)
    step = land.step(node, dtype)
    run.start(step, elements, tuple(point.shape[1:]))
    below, above = run.finish()
    anchor = _chosen(point.reshape(point.shape[0], -1), elements)
    # The rounding of these sums is counted in the first loss (`steps`), like that of the anchor.
    lower, upper = anchor - below, anchor + above
    lower.nan_to_num_(nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    upper.nan_to_num_(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    return lower, upper


def _chosen(values: Tensor, elements: Tensor) -> Tensor:
    """Some elements of (boxes or 1, elements): the same in all boxes, (n,), or others in each, (boxes, n)."""
    if elements.dim() == 2:
        return values.expand(len(elements), -1).gather(1, elements)
    return values if len(elements) == values.shape[1] else values.index_select(1, elements)


class _Pass:
    """Coefficients waiting at nodes, and what the rows have lost so far: (boxes or 1, rows) of float64.

    Half of the rows are those of lower bounds, half those of upper bounds.
    """

    def __init__(self, land: Landscape, check: Callable[[], None], dtype: torch.dtype) -> None:
        self.land = land
        self.check = check
        self.dtype = dtype
        self.unit_roundoff = UNIT_ROUNDOFF if dtype == torch.float64 else NARROW_ROUNDOFF
        self.coefficients: dict[int, Tensor] = {}
        self.waiting: list[int] = []
        self.lost: Tensor = torch.zeros(1, 1, dtype=torch.float64)
        self.total: Tensor | None = None
        self.summed = 0
        self.terms = 0
        self.visited = 0
        self.underflow = 0.0

    def start(self, step: Step, elements: Tensor, shape: tuple[int, ...]) -> None:
        """Rows for both bounds of each element."""
        if step.unit is None:
            self._start_apart(step, elements, shape)
            return
        self._visit(step)
        lost = _chosen(step.loss, elements)
        self.lost = torch.cat((lost, lost), 1).to(torch.float64)
        if step.window is not None and elements.dim() == 1 and self.dtype == torch.float64:
            self._start_patches(step.onward[0][0], step.window, elements)
            return
        for (operand, _), unit in zip(step.onward, step.unit, strict=True):
            rows = unit(elements.reshape(-1)).to(self.dtype)
            rows = rows.unsqueeze(0) if elements.dim() == 1 else rows.unflatten(0, elements.shape)
            if len(step.onward) == 1 and self._first(operand, rows):
                return
            self.add(operand, torch.cat((rows, -rows), 1))

    def _start_patches(self, id: int, window: Window, elements: Tensor) -> None:
        """Rows of a convolution in one box, as patches for as long as they are small."""
        patches, paired = Patches.of(window, elements), False
        while True:
            step = self.land.step(id, self.dtype)
            slopes = step.slopes
            alone = step.loss.shape[0] == 1 and step.fatal is None and step.ball is None
            if not patches.small or slopes is None or len(slopes) != 1 or step.window is None or not alone:
                break
            self._visit(step)
            patches, lost = patches.relaxed(step, paired)
            self.lost = self.lost + lost
            paired = True
            patches = patches.through(step.window)
            id = step.onward[0][0]
        if patches.small and alone and slopes is None and not step.onward:
            self._visit(step)
            lost = patches.lost(step.loss[0])
            self.lost = self.lost + (lost if paired else torch.cat((lost, lost)))
            return
        rows = patches.laid()
        rows = (rows if paired else torch.cat((rows, -rows))).reshape(1, -1, *self._shape(id))
        self.add(id, rows)

    def _shape(self, id: int) -> tuple[int, ...]:
        return tuple(self.land.anchors[id].point.shape[1:])

    def _start_apart(self, step: Step, elements: Tensor, shape: tuple[int, ...]) -> None:
        """One-hot rows, where the node does not know its own."""
        chosen = elements if elements.dim() == 2 else elements.unsqueeze(0)
        boxes, count = chosen.shape
        rows = torch.zeros(boxes, count, math.prod(shape), dtype=self.dtype)
        rows.scatter_(2, chosen.unsqueeze(2), 1.0)
        self.lost = torch.zeros(1, 2 * count, dtype=torch.float64)
        self.gather(step, torch.cat((rows, -rows), 1).reshape(boxes, 2 * count, *shape))

    def _first(self, id: int, rows: Tensor) -> bool:
        """The first nonlinear op: a row and its negation share both products with its slopes, and their loss."""
        step = self.land.step(id, self.dtype)
        if step.slopes is None or len(step.slopes) != 1 or step.fatal is not None:
            return False
        self._visit(step)
        sizes = rows.abs()
        lost = self._times(_flat(sizes), step.loss)
        self.lost = self.lost + torch.cat((lost, lost), 1)
        ((mid, half),), ((operand, transpose),) = step.slopes, step.onward
        if step.live is not None:
            rows, sizes = (_flat(each).index_select(2, step.live) for each in (rows, sizes))
        if step.rows is not None and rows.shape[0] < len(mid):
            middle, spread = _products(rows, mid, step.rows), _products(sizes, half, step.rows)
            self.add(operand, _beside(middle, spread).unflatten(2, self._shape(operand)))
            return True
        self.add(operand, _through(transpose, _beside(rows * mid, sizes * half)))
        return True

    def finish(self) -> tuple[Tensor, Tensor]:
        """Pass everything down to the inputs; how far the values may lie below and above the anchors."""
        while self.waiting:
            self.check()
            id = -heapq.heappop(self.waiting)
            self.gather(self.land.step(id, self.dtype), self.coefficients.pop(id))
        relative = inflation(self.unit_roundoff, self.summed, self.terms, self.visited)
        lost = (self.lost + 4 * self.underflow * SMALLEST[self.dtype]) * (1.0 + relative)
        if self.total is not None:
            lost = lost - self.total
        below, above = lost.chunk(2, 1)
        return below, above

    def add(self, id: int, rows: Tensor) -> None:
        """Coefficients arriving at a node from one of its consumers."""
        present = self.coefficients.get(id)
        if present is None:
            self.coefficients[id] = rows
            heapq.heappush(self.waiting, -id)
            return
        total = present + rows
        self.coefficients[id] = total
        anchor = self.land.anchors[id]
        if math.isfinite(anchor.total):
            spread = anchor.spread.amax(0).reshape(1, -1)
            weight = (spread * (1.01 * self.unit_roundoff)).to(self.dtype) + SMALLEST[self.dtype]
            self.lost = self.lost + self._times(_flat(total).abs(), weight)
            self.underflow += spread.shape[1] * (anchor.total + 1.0)
        else:
            # A rounding error on an unbounded value is harmless only where nothing was rounded.
            rounded = (total - present != rows) | (total - rows != present)
            self.lost = self.lost + torch.where(_flat(rounded).any(2), math.inf, 0.0)

    def gather(self, step: Step, rows: Tensor) -> None:
        """Let rows pass one node."""
        self._visit(step)
        repeated = _repeated(rows)
        if repeated and step.slopes is not None and step.live is None and step.fatal is None:
            self._gather_repeated(step, rows, repeated)
            return
        flat = _flat(rows)
        sizes = flat.abs()
        lost = self._times(sizes, step.loss) if step.ball is None else step.ball.lost(flat)
        self.lost = self.lost + lost
        if step.fatal is not None:
            touched = (flat != 0).to(flat.dtype) @ step.fatal[0].to(flat.dtype) > 0
            self.lost = torch.where(touched, math.inf, self.lost)
        if step.constant is not None:
            self._count(flat, sizes, step.constant)
        if step.live is None:
            sizes = sizes.reshape(rows.shape)
        else:
            rows, sizes = flat.index_select(2, step.live), sizes.index_select(2, step.live)
        for index, (operand, transpose) in enumerate(step.onward):
            passed = rows
            if step.slopes is not None:
                mid, half = step.slopes[index]
                passed = (rows * mid).addcmul_(sizes, half, value=-1.0)
            passed = _through(transpose, passed)
            if step.absolute:
                arrived = _flat(passed)
                self._count(arrived, arrived.abs(), step.absolute[index])
            self.add(operand, passed)

    def _gather_repeated(self, step: Step, rows: Tensor, repeated: Sequence[int]) -> None:
        """The same for coefficients that stand several times in a row, as below a sum, through a nonlinear op.

        What they are multiplied with is added up first: products of two bounded values that are summed pass as two
        products of matrices for each factor. As many products are added up as otherwise, in another order.
        """
        assert step.slopes is not None
        shape = tuple(rows.shape[2:])
        for dim in repeated:
            rows = rows.narrow(dim, 0, 1)
        sizes = rows.abs()
        weights = step.loss.unflatten(1, shape).sum([dim - 1 for dim in repeated], keepdim=True).flatten(1)
        self.lost = self.lost + self._times(_flat(sizes), weights)
        onto = step.sums or ((shape, None),) * len(step.onward)
        both = None if all(target == shape for target, _ in onto) else torch.stack((rows, sizes), 2)
        for (operand, transpose), (mid, half), (target, back) in zip(
            step.onward, step.slopes, onto, strict=True
        ):
            if target == shape:
                passed = _through(transpose, (rows * mid).sub_(sizes * half))
            else:
                assert both is not None
                passed = _contracted(both, torch.stack((mid, -half), 2), target)
                passed = passed.reshape(*passed.shape[:2], *target)
                passed = passed if back is None else _through(back, passed)
            self.add(operand, passed)

    def _count(self, rows: Tensor, sizes: Tensor, values: Tensor) -> None:
        """Add `rows . values` to the totals, and to what is lost its rounding and that of the totals."""
        counted = self._times(rows, values)
        self.total = counted if self.total is None else self.total + counted
        share = gamma(values.shape[1] + 2 * len(self.land.anchors) + 16)
        self.lost = self.lost + self._times(sizes, values.abs() * share + SMALLEST[torch.float64])
        self.summed = max(self.summed, values.shape[1])

    def _times(self, rows: Tensor, values: Tensor) -> Tensor:
        """`rows @ values` over (boxes or 1) each, (boxes or 1, rows) of float64."""
        if values.shape[0] == 1:
            found = functional.linear(rows, values).squeeze(2)
        elif rows.shape[0] == 1:
            found = (rows[0] @ values.t()).t()
        else:
            # A sixth of the time that the other order of the factors takes.
            found = torch.bmm(values.unsqueeze(1), rows.transpose(1, 2)).squeeze(1)
        return found if found.dtype == torch.float64 else found.to(torch.float64)

    def _visit(self, step: Step) -> None:
        self.underflow += step.underflow + step.loss.shape[1]
        self.summed = max(self.summed, step.loss.shape[1])
        self.terms = max(self.terms, step.terms)
        self.visited += 1


def _repeated(rows: Tensor) -> list[int]:
    """The dimensions of (boxes, rows, *node) along which memory holds a coefficient once."""
    return [dim for dim in range(2, rows.dim()) if rows.stride(dim) == 0 and rows.shape[dim] > 1]


def _contracted(rows: Tensor, slopes: Tensor, onto: tuple[int, ...]) -> Tensor:
    """`rows * slopes`, added up over the pair and the dimensions that an operand is broadcast along.

    Args:
        rows: (boxes or 1, rows, 2, *node), with 1 for dimensions along which they are the same.
        slopes: (boxes or 1, 1, 2, *node).
        onto: shape of the operand.

    Returns:
        (boxes or 1, rows, elements of the operand).
    """
    equation, ones = _contraction(tuple(rows.shape[3:]), onto)
    found = torch.einsum(equation, rows.squeeze(ones), slopes.squeeze(1))
    return found.flatten(2) if found.dim() > 2 else found.unsqueeze(2)


@lru_cache(256)
def _contraction(shape: tuple[int, ...], onto: tuple[int, ...]) -> tuple[str, list[int]]:
    """For `_contracted`: what `einsum` is told, and which dimensions of the rows are left out."""
    letters = string.ascii_lowercase[: len(shape)]
    missing = len(shape) - len(onto)
    given = "".join(letter for letter, size in zip(letters, shape, strict=True) if size > 1)
    kept = "".join(letter for letter, size in zip(letters[missing:], onto, strict=True) if size > 1)
    ones = [3 + dim for dim, size in enumerate(shape) if size == 1]
    return f"YZX{given},YX{letters}->YZ{kept}", ones


def _beside(middle: Tensor, spread: Tensor) -> Tensor:
    """Rows `middle - spread` and behind them `-middle - spread`."""
    count = middle.shape[1]
    both = middle.new_empty(middle.shape[0], 2 * count, *middle.shape[2:])
    torch.sub(middle, spread, out=both[:, :count])
    torch.add(middle, spread, out=both[:, count:]).neg_()
    return both


def _products(rows: Tensor, slopes: Tensor, matrix: Tensor) -> Tensor:
    """`(rows * slopes) @ matrix` for the same rows (1, n, *node) in every box, as one product with the boxes' slopes.

    Args:
        slopes: (boxes, 1, *node).
        matrix: (elements of the node, m).

    Returns:
        Shape (boxes, n, m). Each single product is rounded once more.
    """
    weights = rows.reshape(rows.shape[1], -1).t().unsqueeze(2) * matrix.unsqueeze(1)
    return (slopes.reshape(len(slopes), -1) @ weights.flatten(1)).unflatten(1, (rows.shape[1], -1))


def _through(transpose: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    if rows.shape[0] == 1:
        return transpose(rows[0]).unsqueeze(0)
    return transpose(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])


def _flat(rows: Tensor) -> Tensor:
    """(boxes, *rest, *node) with the node's dimensions as one, for 0-d nodes too."""
    return rows if rows.dim() == 3 else rows.reshape(*rows.shape[:2], -1)


__all__ = ["Landscape", "element_bounds"]
