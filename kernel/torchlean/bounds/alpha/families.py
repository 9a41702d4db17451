"""Ops with a whole family of planes: tangents anywhere along a curve, McCormick's planes of a product, kinks.

What all of them offer is `Op.relax_with`: planes for a number between 0 and 1. A table holds those for a few numbers,
and a row takes, for each element, a mean of two neighbours. **A mean of sound planes is sound**, so the optimiser needs
to know nothing of the op, its derivative is exact for what is proved, and between two neighbouring tangents next to
nothing is lost: with `n` entries a mean of two lies below the curve's own tangent by about `1 / (n - 1)**2` of the gap
between chord and curve at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.alpha.maps import SINGLE
from torchlean.bounds.alpha.stations import Between, Passed, gathered, spread
from torchlean.intervals import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.op import Attributes, Op

ENTRIES = 9
"""A mean of neighbours then costs a 64th of the gap at most. Families that are straight need two entries."""

FEW_ENTRIES = 5
"""For many boxes with one row or two each, where making the table takes longer than searching in it: a 16th."""

STRAIGHT = 1e-9
"""What a mean of the ends may differ from the entry in the middle, relative to them, to be taken for it."""

ROUNDED = 8 * UNIT_ROUNDOFF
"""More than computing a mean `a + f (b - a)` and lowering it rounds, relative to `|a| + |b|`: four operations."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Planes on one side, with the entries after the boxes: (boxes or 1, entries, *node) each, float64."""

    slopes: tuple[Tensor, ...]
    intercept: Tensor

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return (*self.slopes, self.intercept)

    @property
    def varies(self) -> bool:
        return any(bool((values != values[:, :1]).any()) for values in self.parts)

    @property
    def straight(self) -> bool:
        """Whether the planes in between are means of the first and the last."""
        middle = self.intercept.shape[1] // 2
        for values in self.parts:
            first, last = values[:, 0], values[:, -1]
            off = (first + last - 2 * values[:, middle]).abs()
            if bool((off > STRAIGHT * (first.abs() + last.abs())).any()):
                return False
        return True

    def of_ends(self) -> Table:
        """The first and the last entry alone."""
        *slopes, intercept = (values[:, [0, -1]] for values in self.parts)
        return Table(tuple(slopes), intercept)

    def means(self, entry: Tensor, share: Tensor, reach: Sequence[Tensor], sign: float) -> Plane:
        """A sound plane for every row: `share` of the way from an entry to the next.

        Args:
            entry, share: (boxes, rows, *node); entries are int64, and less than the last.
            reach: the greatest |operand| in each box, as it is broadcast against (boxes, rows, *node).
            sign: 1 for planes below the op, -1 for planes above.

        Returns:
            A plane with rows for boxes: (boxes * rows, *node).
        """
        slopes = []
        lost = SMALLEST_SUBNORMAL * 8 * (1.0 + sum(reach, torch.zeros((), dtype=torch.float64)))
        for table, most in zip(self.slopes, reach, strict=True):
            slope, size = _mean(table, entry, share)
            lost = lost + ROUNDED * size * most
            slopes.append(slope.flatten(0, 1))
        intercept, size = _mean(self.intercept, entry, share)
        return Plane(tuple(slopes), (intercept - sign * (lost + ROUNDED * size)).flatten(0, 1))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Family(Between):
    """The station; `lower`, `upper` and `base` of `Between` are CROWN's planes.

    Attributes:
        tables: below and above the op.
        steps: what `alpha` interpolates, (boxes or 1, 2 (entries - 1), *node), the entries for positive coefficients
            first: per operand the slope and its difference to the next entry's, and the same of the intercept last.
        start: where the search begins, (boxes or 1, 1, *node).
    """

    tables: tuple[Table, Table]
    steps: tuple[tuple[Tensor, Tensor], ...]
    start: Tensor
    free: bool = True

    def started(self, alpha: Tensor | None, batch: Sequence[int]) -> Tensor:
        """Numbers for (boxes, rows): those given, or where CROWN's planes are or are near."""
        return self.start.expand(*batch, *self.start.shape[2:]).clone() if alpha is None else alpha.clone()

    @property
    def chooses(self) -> bool:
        """There is a choice for some element."""
        return True

    def down(self, rows: Tensor, alpha: Tensor | None) -> Passed:
        assert alpha is not None
        taken = self._taken(rows, alpha)
        *slopes, intercept, _ = taken
        gain = (rows * intercept).flatten(2).sum(2) if rows.dim() > 2 else rows * intercept
        onward = [gathered(rows * slope, size) for slope, size in zip(slopes[::2], self.shapes, strict=True)]
        return Passed(gain, onward, (rows, *taken))

    def _taken(self, rows: Tensor, alpha: Tensor) -> list[Tensor]:
        """Of each of `steps` the value that a coefficient takes, and its derivative by the place between entries."""
        last = self.steps[0][0].shape[1] // 2
        taken = []
        if last == 1:
            below = rows.clamp(min=0).sign()
            for base, difference in self.steps:
                change = torch.lerp(difference[:, 1:], difference[:, :1], below)
                taken += [torch.addcmul(torch.lerp(base[:, 1:], base[:, :1], below), alpha, change), change]
            return taken
        # Where values overflow float32, a search may end at no number at all; any entry is sound.
        place = alpha.nan_to_num(nan=0.0) * last
        entry = place.floor().clamp_(0, last - 1)
        share = place.sub_(entry)
        index = entry.add_((rows < 0).to(SINGLE), alpha=last).to(torch.int64)
        for base, difference in self.steps:
            change = _gather(difference, index)
            taken += [torch.addcmul(_gather(base, index), share, change), change]
        return taken

    def up(self, taken: Sequence[Tensor], values: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        rows, *planes = taken
        *slopes, value, change = planes
        for slope, difference, x in zip(slopes[::2], slopes[1::2], values, strict=True):
            operand = spread(x, slope.dim())
            value = torch.addcmul(value, slope, operand)
            change = torch.addcmul(change, difference, operand)
        return value, rows * change

    def planes(self, alpha: Tensor, operands: Sequence[Interval]) -> Relaxation:
        """Sound planes for every row with these numbers, (boxes, rows, *node), whatever is in them.

        Args:
            operands: the intervals that the tables were made for, (boxes or 1, *operand).

        Returns:
            Planes with rows for boxes: (boxes * rows, *node).
        """
        last = self.tables[0].intercept.shape[1] - 1
        place = alpha.to(torch.float64).nan_to_num(0.0).clamp(0.0, 1.0) * last
        entry = place.floor().clamp(max=last - 1)
        reach = [
            spread(torch.maximum(x.lower.abs(), x.upper.abs()).unsqueeze(1), alpha.dim()) for x in operands
        ]
        below, above = (
            table.means(entry.to(torch.int64), place - entry, reach, sign)
            for table, sign in zip(self.tables, (1.0, -1.0), strict=True)
        )
        return Relaxation(below, above)


def family_of(
    name: str,
    attributes: Attributes,
    ids: tuple[int, ...],
    operands: Sequence[Interval],
    shapes: tuple[tuple[int, ...], ...],
    out: tuple[int, ...],
    planes: Relaxation,
    entries: int = ENTRIES,
) -> Family | None:
    """The family of an op on these intervals; None where it has no choice.

    Args:
        ids, shapes: of the operands.
        operands: intervals, (boxes or 1, *operand).
        out: the op's own shape.
        planes: CROWN's.
        entries: of the tables; odd.
    """
    op = OPS[name]
    if type(op).relax_with is Op.relax_with:
        return None
    boxes = max(x.shape[0] for x in operands)
    numbers = torch.linspace(0.0, 1.0, entries, dtype=torch.float64).repeat_interleave(boxes)
    repeated = [
        Interval(_repeated(x.lower, boxes, entries), _repeated(x.upper, boxes, entries)) for x in operands
    ]
    try:
        found = op.relax_with(repeated, attributes, numbers.reshape(-1, *(1,) * len(out)))
    except UnsupportedError:
        return None
    tables = (_table(found.lower, boxes, entries, out), _table(found.upper, boxes, entries, out))
    choices = [table.varies for table in tables]
    if not any(choices):
        return None
    default = Between.of(ids, shapes, out, planes)
    start = torch.full((1, 1, *out), 0.5, dtype=SINGLE)
    if not all(choices):
        start = _nearest(tables[choices.index(True)], (planes.lower, planes.upper)[choices.index(True)])
    if all(table.straight for table in tables):
        tables = (tables[0].of_ends(), tables[1].of_ends())
    crown = (default.lower, default.upper, default.base)
    return Family(ids, shapes, *crown, tables=tables, steps=_steps(tables), start=start)


def _repeated(end: Tensor, boxes: int, entries: int) -> Tensor:
    """All boxes, once for each entry."""
    return end.expand(boxes, *end.shape[1:]).repeat(entries, *(1,) * (end.dim() - 1))


def _table(plane: Plane, boxes: int, entries: int, out: tuple[int, ...]) -> Table:
    def part(values: Tensor) -> Tensor:
        return values.expand(entries * boxes, *out).reshape(entries, boxes, *out).transpose(0, 1)

    zero = torch.zeros((1, *(1,) * len(out)), dtype=torch.float64)
    intercept = zero if plane.intercept is None else plane.intercept
    return Table(tuple(part(slope) for slope in plane.slopes), part(intercept))


def _nearest(table: Table, plane: Plane) -> Tensor:
    """The number of the entry whose slopes are closest to the plane's."""
    gap = sum(
        (slopes - slope.unsqueeze(1)).abs() for slopes, slope in zip(table.slopes, plane.slopes, strict=True)
    )
    assert isinstance(gap, Tensor)
    return gap.argmin(1, keepdim=True).to(SINGLE) / (gap.shape[1] - 1)


def _steps(tables: tuple[Table, Table]) -> tuple[tuple[Tensor, Tensor], ...]:
    result = []
    for below, above in zip(tables[0].parts, tables[1].parts, strict=True):
        sides = [(side[:, :-1], side[:, 1:] - side[:, :-1]) for side in (below, above)]
        base, difference = (torch.cat(parts, 1).to(SINGLE) for parts in zip(*sides, strict=True))
        result.append((base, difference))
    return tuple(result)


def _gather(table: Tensor, index: Tensor) -> Tensor:
    """(boxes or 1, entries, *node) at (boxes, rows, *node)."""
    return table.expand(index.shape[0], *table.shape[1:]).gather(1, index)


def _mean(table: Tensor, entry: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """About `share` of the way from an entry to the next, and the sum of both magnitudes."""
    if table.shape[1] == 2:
        first, second = table[:, :1], table[:, 1:]
    else:
        first, second = _gather(table, entry), _gather(table, entry + 1)
    return torch.addcmul(first, share, second - first), first.abs() + second.abs()


__all__ = ["Family", "family_of"]
