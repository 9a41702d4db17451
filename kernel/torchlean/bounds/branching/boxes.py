"""Many parts of a domain at once, with all that is known of each: what branch and bound works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

LEVELS = 3
"""How often a box may be halved before its parts are bounded."""

Values = dict[int, Tensor]
"""By id of a node of the lowered graph."""


@dataclass(frozen=True, eq=False, slots=True)
class Boxes:
    """Every tensor has the boxes in front.

    Attributes:
        node: ids in the tree of splits, (boxes,).
        lower, upper: flat ends, (boxes, inputs), float64.
        margins: lower bounds per clause, (boxes, clauses).
        low, high: bounds of the operands of nonlinear ops, (boxes, *node).
        phases: signs of operands of relus, (boxes, *node): 1 and -1 where the part is on one side, else 0.
        weights: how the rows of each clause were last combined, (boxes, clauses, rows), float32.
        alphas, betas: slopes and multipliers that the clauses were last proved with, (boxes, clauses, *node).
        points: where the clause that is furthest from being shown has its least bound, (boxes, inputs), float32: an
            input to try.
        cuts: the variables to split next, best first, (boxes, LEVELS); -1 where there are no more.
    """

    node: Tensor
    lower: Tensor
    upper: Tensor
    margins: Tensor
    low: Values
    high: Values
    phases: Values
    weights: Tensor
    alphas: Values
    betas: Values
    points: Tensor
    cuts: Tensor

    def __len__(self) -> int:
        return len(self.node)

    @property
    def worst(self) -> Tensor:
        """The least margin of each box, (boxes,)."""
        return self.margins.amin(1)

    @property
    def nbytes(self) -> int:
        """Of all tensors."""
        total = 0
        for field in fields(self):
            value = getattr(self, field.name)
            for tensor in [value] if isinstance(value, Tensor) else value.values():
                total += tensor.nbytes
        return total

    def of(self, index: Tensor) -> Boxes:
        """Some boxes, by index (n,), which may repeat."""
        return self._mapped(lambda values: values.index_select(0, index))

    def to(self, device: torch.device) -> Boxes:
        """The same boxes there; these where they are there."""
        return self if self.node.device == device else self._mapped(lambda values: values.to(device))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Boxes:
        return Boxes(*(_each(getattr(self, field.name), change) for field in fields(self)))


def joined(parts: Sequence[Boxes]) -> Boxes:
    """One after the other.

    Where only some have phases of a node, or multipliers for them, the others have none: zeros. What else only some
    know of a node is forgotten.
    """
    if len(parts) == 1:
        return parts[0]
    columns = []
    for field in fields(Boxes):
        values = [getattr(part, field.name) for part in parts]
        if isinstance(values[0], Tensor):
            columns.append(torch.cat(values))
            continue
        if field.name in ("phases", "betas"):
            values = _filled(values, parts)
        shared = set(values[0]).intersection(*values[1:])
        columns.append({id: torch.cat([value[id] for value in values]) for id in sorted(shared)})
    return Boxes(*columns)


def _filled(values: Sequence[Values], parts: Sequence[Boxes]) -> list[Values]:
    """With zeros for nodes that others have an entry for."""
    like = {id: tensor for value in values for id, tensor in value.items()}
    return [
        {
            id: value[id] if id in value else tensor.new_zeros(len(part), *tensor.shape[1:])
            for id, tensor in like.items()
        }
        for value, part in zip(values, parts, strict=True)
    ]


def _each(value: Tensor | Values, change: Callable[[Tensor], Tensor]) -> Tensor | Values:
    if isinstance(value, Tensor):
        return change(value)
    return {id: change(tensor) for id, tensor in value.items()}
