"""Ops that pick out, mirror or blank parts of a tensor by position: triangles, diagonals, `flip`, `roll`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops import layout
from torchlean.ops.arguments import dimension, meta, shape_text, sizes, torch_errors
from torchlean.ops.op import Attributes, ShapeError, TensorType, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled


class Triangle(Rearrangement):
    """What the two triangles share: zeros on one side of a `diagonal` of the last two dimensions."""

    writes = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if len(inputs[0].shape) < 2:
            raise ShapeError(
                f"{self.name} needs a matrix (two dimensions or more), got shape {shape_text(inputs[0].shape)}"
            )


@register
class Tril(Triangle):
    """Zeros above the diagonal."""

    name = "tril"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.tril(x, attributes["diagonal"])


@register
class Triu(Triangle):
    """Zeros below the diagonal."""

    name = "triu"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.triu(x, attributes["diagonal"])


@register
class Diagonal(Rearrangement):
    """The elements whose places in `dim1` and `dim2` differ by `offset`, as a new last dimension."""

    name = "diagonal"
    view = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.diagonal(attributes["offset"], attributes["dim1"], attributes["dim2"])


@register
class DiagEmbed(Rearrangement):
    """The last dimension laid on the diagonal `offset` of two new dimensions, zeros elsewhere."""

    name = "diag_embed"
    writes = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.diag_embed(x, attributes["offset"], attributes["dim1"], attributes["dim2"])


@register
class Flip(Rearrangement):
    """Reverse the order along `dims`."""

    name = "flip"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """A number stays as it is: torch's `vmap` would look for the dimension that it allows numbers to have."""
        (x,) = inputs
        return x.flip(attributes["dims"]) if x.dim() else x.clone()


@register
class Roll(Rearrangement):
    """Shift along `dims` by `shifts`, what falls off the end coming back at the start."""

    name = "roll"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.roll(attributes["shifts"], attributes["dims"])


@spelled("torch.tril", "torch.Tensor.tril")
def tril(emitter: Emitter, input: TensorValue, diagonal: int = 0) -> TensorValue:
    return emitter.emit("tril", input, diagonal=diagonal)


@spelled("torch.Tensor.tril_")
def tril_(emitter: Emitter, input: TensorValue, diagonal: int = 0) -> TensorValue:
    return emitter.overwrite(input, tril(emitter, input, diagonal))


@spelled("torch.triu", "torch.Tensor.triu")
def triu(emitter: Emitter, input: TensorValue, diagonal: int = 0) -> TensorValue:
    return emitter.emit("triu", input, diagonal=diagonal)


@spelled("torch.Tensor.triu_")
def triu_(emitter: Emitter, input: TensorValue, diagonal: int = 0) -> TensorValue:
    return emitter.overwrite(input, triu(emitter, input, diagonal))


@spelled("torch.diagonal", "torch.Tensor.diagonal", "torch.linalg.diagonal")
def diagonal(
    emitter: Emitter, input: TensorValue, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> TensorValue:
    ndim = len(input.shape)
    with torch_errors():
        meta(input).diagonal(offset, dim1, dim2)
    return emitter.emit(
        "diagonal", input, offset=offset, dim1=dimension(dim1, ndim), dim2=dimension(dim2, ndim)
    )


@spelled("torch.diag_embed", "torch.Tensor.diag_embed")
def diag_embed(
    emitter: Emitter, input: TensorValue, offset: int = 0, dim1: int = -2, dim2: int = -1
) -> TensorValue:
    return emitter.emit("diag_embed", input, offset=offset, dim1=dim1, dim2=dim2)


@spelled("torch.diag", "torch.Tensor.diag")
def diag(emitter: Emitter, input: TensorValue, diagonal: int = 0) -> TensorValue:
    """A matrix from a vector, or a copy of the diagonal of a matrix."""
    if len(input.shape) == 1:
        return diag_embed(emitter, input, diagonal)
    if len(input.shape) == 2:
        return emitter.emit("clone", emitter.emit("diagonal", input, offset=diagonal, dim1=0, dim2=1))
    raise ShapeError(f"diag needs a vector or a matrix, got shape {shape_text(input.shape)}")


@spelled("torch.flip", "torch.Tensor.flip")
def flip(emitter: Emitter, input: TensorValue, *spread: Any, dims: Any = None) -> TensorValue:
    order = sizes(emitter, spread, dims, "the dims to flip")
    return emitter.emit("flip", input, dims=tuple(sorted(_unique(order, len(input.shape)))))


def _unique(dims: tuple[int, ...], ndim: int) -> list[int]:
    places = [dimension(dim, ndim) for dim in dims]
    if len(set(places)) < len(places):
        raise ShapeError(f"dims {dims} name a dimension twice")
    return places


@spelled("torch.fliplr", "torch.Tensor.fliplr")
def fliplr(emitter: Emitter, input: TensorValue) -> TensorValue:
    if len(input.shape) < 2:
        raise ShapeError(f"fliplr needs two dimensions or more, got shape {shape_text(input.shape)}")
    return emitter.emit("flip", input, dims=(1,))


@spelled("torch.flipud", "torch.Tensor.flipud")
def flipud(emitter: Emitter, input: TensorValue) -> TensorValue:
    if not input.shape:
        raise ShapeError("flipud needs one dimension or more, got a 0-d tensor")
    return emitter.emit("flip", input, dims=(0,))


@spelled("torch.roll", "torch.Tensor.roll")
def roll(emitter: Emitter, input: TensorValue, shifts: Any, dims: Any = None) -> TensorValue:
    by = sizes(emitter, (shifts,), None, "the shifts")
    along = () if dims is None else sizes(emitter, (dims,), None, "the dims to roll")
    if not along and len(by) == 1:
        flat = emitter.emit("roll", layout.ravel(emitter, input), shifts=by, dims=(0,))
        return layout.reshaped(emitter, flat, tuple(input.shape))
    return emitter.emit("roll", input, shifts=by, dims=along)


@spelled("torch.rot90", "torch.Tensor.rot90")
def rot90(emitter: Emitter, input: TensorValue, k: int = 1, dims: Sequence[int] = (0, 1)) -> TensorValue:
    """Quarter turns from the first of the two dims toward the second: flips and a transposition."""
    with torch_errors():
        meta(input).rot90(k, dims)
    first, second = (dimension(dim, len(input.shape)) for dim in dims)
    turns = k % 4
    if turns == 0:
        return emitter.emit("clone", input)
    if turns == 2:
        return emitter.emit("flip", input, dims=tuple(sorted((first, second))))
    mirrored = emitter.emit("flip", input, dims=(second if turns == 1 else first,))
    return layout.transpose(emitter, mirrored, first, second)


@spelled("torch.tril_indices")
def tril_indices(emitter: Emitter, row: int, col: int, offset: int = 0, **options: Any) -> TensorValue:
    with torch_errors():
        return emitter.constant(torch.tril_indices(row, col, offset))


@spelled("torch.triu_indices")
def triu_indices(emitter: Emitter, row: int, col: int, offset: int = 0, **options: Any) -> TensorValue:
    with torch_errors():
        return emitter.constant(torch.triu_indices(row, col, offset))
