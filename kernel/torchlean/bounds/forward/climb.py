"""Forms of all nodes of a graph, made in order when somebody asks, and the choice between forms and rows.

The choice is by estimated work, in multiplications: a form takes one pass of as many columns as the input has elements
through each layer; rows take two for every open element, through the layer and all below. It depends on nothing but
what the bound is stored under (`content_key`), so that bounds are the same whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from torchlean.bounds.forward.forms import Form, affine, between, parallel, symbols
from torchlean.bounds.ibp import wraps
from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.ops import UnsupportedError

if TYPE_CHECKING:
    from torchlean.bounds.crown.structure import Structure

WORTH = 2**25
"""Multiplications of rows, some milliseconds, from which it pays to look first which of them forms save."""

FEWER = 4
"""How many times as many rows as symbols there must be."""

TOO_MANY = 2**33
"""Multiplications of rows, about a second, beyond which operands of nonlinear ops are left with what forms say."""


MOST_NUMBERS = 2**26
"""Coefficients of one form, half a gigabyte: a wide layer over a large picture would take more memory than there is."""


class Climb:
    """Forms of the nodes of a graph with one input, over a batch of boxes."""

    def __init__(self, shape: Structure) -> None:
        self._shape = shape
        self._forms: dict[int, Form | None] = {}
        self._reached = 0

    def interval(self, node: Node, bounds: Sequence[Interval] | Mapping[int, Interval]) -> Interval | None:
        """What forms say of a node, shape (boxes or 1, *node); None where they say nothing.

        Args:
            bounds: final intervals of all nodes before it, of shape (boxes or 1, *node).
        """
        for id in range(self._reached, node.id):
            if self._shape.varies[id]:
                self._forms[id] = self._form(self._shape.graph[id], bounds, bounds[id])
        self._reached = max(self._reached, node.id)
        form = self._form(node, bounds, None)
        return None if form is None else form.interval()

    def _form(
        self, node: Node, bounds: Sequence[Interval] | Mapping[int, Interval], own: Interval | None
    ) -> Form | None:
        found = self._found(node, bounds)
        if found is None and own is not None and own.bounded() and not own.undefined:
            return Form.around(own, self._shape.symbols)
        return found

    def _found(self, node: Node, bounds: Sequence[Interval] | Mapping[int, Interval]) -> Form | None:
        if not node.inputs:
            domain = bounds[node.id]
            usable = domain.bounded() and not domain.undefined
            return symbols(domain, 0, self._shape.symbols) if usable else None
        operands = [bounds[id] for id in node.inputs]
        if wraps(node.type):
            return None
        forms = [self._forms.get(id) for id in node.inputs]
        parts = self._shape.parts.get(node.id)
        if parts is not None:
            known = [form for part, form in zip(parts, forms, strict=True) if part is not None]
            return None if None in known else affine(parts, forms, self._shape.offsets[node.id])
        given = [
            Form.around(x, self._shape.symbols) if form is None and x.bounded() else form
            for form, x in zip(forms, operands, strict=True)
        ]
        whole = [form for form in given if form is not None]
        if len(whole) < len(given) or any(x.undefined for x in operands):
            return None
        try:
            planes = parallel(node.op, operands, node.attributes)
        except UnsupportedError:
            return None
        return between(planes, operands, whole, node.type.shape)


def worth(shape: Structure, node: Node, rows: int, boxes: int = 1) -> bool:
    """Whether forms should be asked about a node of which so many elements, in all boxes, would take rows."""
    saves = 2 * rows >= FEWER * shape.symbols * boxes
    fits = shape.symbols * boxes * shape.widest[node.id] <= MOST_NUMBERS
    return shape.symbols > 0 and saves and fits and 2 * rows * shape.work[node.id] >= WORTH


def too_many(shape: Structure, node: Node, rows: int) -> bool:
    """Whether these rows would take too long."""
    return shape.symbols > 0 and 2 * rows * shape.work[node.id] > TOO_MANY


def narrower(first: Interval, second: Interval) -> Interval:
    """The intersection; flags are those of the first."""
    lower, upper = torch.maximum(first.lower, second.lower), torch.minimum(first.upper, second.upper)
    return Interval(lower, upper, first.undefined, first.infinite)


__all__ = ["Climb", "narrower", "too_many", "worth"]
