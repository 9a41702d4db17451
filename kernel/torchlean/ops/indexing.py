"""Reading elements by position: `x[...]` in all its forms, and the functions that select or cut along a
dimension.

Two ops carry them: `slice` for integers, ranges and None, which is a view and known entirely when the file is
analysed; `index` for index tensors, which are operands like any other and may depend on the program's inputs.
torch applies integers, ranges and None first and index tensors to what they leave; so do we.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import layout
from torchlean.ops.adjoint import moving
from torchlean.ops.arguments import (
    dimension,
)
from torchlean.ops.lanes import Lane, Shapes
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.selection import LookedUp
from torchlean.ops.op import (
    Attribute,
    Attributes,
    Infinities,
    Op,
    TensorType,
    UnsupportedError,
    register,
)
from torchlean.ops.rearrangement import Rearrangement, on_ends
from torchlean.ops.spelling import Emitter, TensorValue, spelled
from torchlean.ops.subscript import Place, canonical, parse

HULL_ELEMENTS = 2**22
"""Largest table (index elements x rows x row length, 32 MiB) built for an index known only as a range."""


@register
class Slice(Rearrangement):
    """Basic indexing: for every dimension an integer (drops it) or a range; None adds a dimension."""

    name = "slice"
    never_grows = True
    view = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x[basic_index(attributes)]


def basic_index(attributes: Attributes) -> tuple[Any, ...]:
    """The `index` attribute as torch takes it."""
    places = attributes["index"]
    assert isinstance(places, tuple)
    return tuple(slice(*place) if isinstance(place, tuple) else place for place in places)


@register
class Index(Op):
    """Advanced indexing: operands 1, 2, ... are integer tensors for the dimensions `dims` of the first."""

    name = "index"
    rounding = LookedUp()
    infinities = Infinities.MOVED

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, *indices = inputs
        return x[advanced_index(x.dim(), indices, attributes)]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        if inputs[0] is not None or any(value is None for value in inputs[1:]):
            return None
        return moving(self.evaluate, inputs, types, attributes)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Of one index: its dimensions, which stand in the place of the one it chooses along, and the others."""
        dims = attributes["dims"]
        assert isinstance(dims, tuple)
        if len(dims) != 1:
            return ()
        x, index = shapes
        chosen = dimension(_integer(dims[0]), len(x))
        before: list[Lane] = [(d, (d, None)) for d in range(chosen)]
        own: list[Lane] = [(chosen + d, (None, d)) for d in range(len(index))]
        after: list[Lane] = [(d + len(index) - 1, (d, None)) for d in range(chosen + 1, len(x))]
        return [*before, *own, *after]

    def raises(self, inputs: Sequence[Interval], attributes: Attributes) -> str:
        return out_of_range(inputs[0], inputs[1:], attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """An index known only as a range may pick any row in it: their hull."""
        x, *indices = inputs
        if all(index.is_point for index in indices):
            places = [index.lower.to(torch.int64) for index in indices]
            return on_ends(lambda end: self.evaluate([end, *places], attributes), x)
        dims = attributes["dims"]
        assert isinstance(dims, tuple)
        if len(indices) == 1 and x.lower.numel() * indices[0].lower.numel() <= HULL_ELEMENTS:
            return _hull_of_rows(x, indices[0], dimension(_integer(dims[0]), x.lower.dim()))
        origin = [torch.zeros(index.shape, dtype=torch.int64) for index in indices]
        return Interval(
            self.evaluate([x.lower.amin(dims, keepdim=True), *origin], attributes),
            self.evaluate([x.upper.amax(dims, keepdim=True), *origin], attributes),
        )


def out_of_range(x: Interval, indices: Sequence[Interval], attributes: Attributes) -> str:
    """`Op.raises` of an index for each of the dimensions `dims`."""
    dims = attributes["dims"]
    assert isinstance(dims, tuple)
    found = (
        beyond(index, x.shape[_integer(dim)], negative=True) for dim, index in zip(dims, indices, strict=True)
    )
    return next((reason for reason in found if reason), "")


def beyond(index: Interval, size: int, *, negative: bool) -> str:
    """What to say of an index that may lie outside of a dimension; empty for one that does not.

    Args:
        negative: whether negative numbers count from the end.
    """
    if not index.lower.numel():
        return ""
    low, high = float(index.lower.min()), float(index.upper.max())
    if low >= (-size if negative else 0) and high <= size - 1:
        return ""
    return f"an index can be from {low:g} to {high:g}, in a dimension of size {size}"


def advanced_index(ndim: int, indices: Sequence[Tensor], attributes: Attributes) -> tuple[Any, ...]:
    """What stands between the brackets: the indices at their dimensions, full ranges elsewhere."""
    dims = attributes["dims"]
    assert isinstance(dims, tuple)
    items: list[Any] = [slice(None)] * ndim
    for dim, index in zip(dims, indices, strict=True):
        items[_integer(dim)] = index
    return tuple(items)


def _integer(value: Attribute) -> int:
    assert isinstance(value, int)
    return value


def possible_rows(index: Interval, count: int) -> Tensor:
    """For each element of an index of which a range is known: which of the `count` rows it may mean.

    Returns:
        A bool tensor of shape (elements of the index, count). Negative indices count from the end; values
        outside the dimension are errors in torch and mean no row.
    """
    low = index.lower.reshape(-1, 1).ceil()
    high = index.upper.reshape(-1, 1).floor()
    rows = torch.arange(count, dtype=torch.float64)
    return ((low <= rows) & (rows <= high)) | ((low <= rows - count) & (rows - count <= high))


def _hull_of_rows(x: Interval, index: Interval, dim: int) -> Interval:
    count = x.shape[dim]
    allowed = possible_rows(index, count)
    if not bool(allowed.any(dim=1).all()):
        raise UnsupportedError(f"every possible index is out of range for a dimension of size {count}")

    def best(end: Tensor, neutral: float, reduce: Callable[[Tensor], Tensor]) -> Tensor:
        rows = end.movedim(dim, 0).reshape(1, count, -1)
        chosen = reduce(torch.where(allowed.unsqueeze(-1), rows, neutral))
        rest = [size for place, size in enumerate(x.shape) if place != dim]
        block = chosen.reshape(*index.shape, *rest)
        return block.movedim(tuple(range(len(index.shape))), tuple(range(dim, dim + len(index.shape))))

    return Interval(
        best(x.lower, math.inf, lambda table: table.amin(1)),
        best(x.upper, -math.inf, lambda table: table.amax(1)),
    )


def sliced(emitter: Emitter, x: TensorValue, places: Sequence[Place]) -> TensorValue:
    """Apply integers, ranges and None; full ranges and None are a mere reshape."""
    sizes = iter(x.shape)
    if all(place is None or place == canonical(range(next(sizes))) for place in places):
        sizes = iter(x.shape)
        return layout.reshaped(emitter, x, tuple(1 if place is None else next(sizes) for place in places))
    return emitter.emit("slice", x, index=tuple(places))


@spelled("torch.Tensor.__getitem__")
def getitem(emitter: Emitter, input: TensorValue, index: Any) -> TensorValue:
    parsed = parse(emitter, tuple(input.shape), index)
    left = sliced(emitter, input, parsed.places)
    return indexed(emitter, left, parsed.advanced)


def indexed(emitter: Emitter, x: TensorValue, advanced: dict[int, TensorValue]) -> TensorValue:
    """Apply index tensors; one whose number is not known drops its dimension first, as an integer does."""
    scalars = sorted(dim for dim, index in advanced.items() if not index.shape)
    for dim in reversed(scalars):
        row = emitter.emit("index", x, layout.reshaped(emitter, advanced[dim], (1,)), dims=(dim,))
        x = layout.reshaped(emitter, row, tuple(row.shape[:dim] + row.shape[dim + 1 :]))
    rest = {dim - sum(s < dim for s in scalars): index for dim, index in advanced.items() if index.shape}
    return emitter.emit("index", x, *rest.values(), dims=tuple(rest)) if rest else x


def cut(emitter: Emitter, x: TensorValue, dim: int, part: int | range) -> TensorValue:
    """One place (the dimension is dropped) or a range of a dimension, everything of the others."""
    places: list[Place] = [canonical(range(size)) for size in x.shape]
    places[dim] = part if isinstance(part, int) else canonical(part)
    return sliced(emitter, x, places)
