"""Choosing elements by an index tensor: `gather`, `index_select`, `take`, `embedding`, `one_hot`.

The index may be known, or depend on the program's inputs; then it is known as a range, and the result is the hull of
everything that it can pick.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import indexing, layout
from torchlean.ops.adjoint import moving
from torchlean.ops.arguments import dimension, known_tensor, meta, torch_errors
from torchlean.ops.cast import cast
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.selection import LookedUp
from torchlean.ops.op import Attributes, Infinities, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import on_ends
from torchlean.ops.spelling import Emitter, TensorValue, spelled
from torchlean.ops.subscript import check_range


@register
class Gather(Op):
    """`out[i][j] = x[index[i][j]][j]` for `dim` 0, and likewise for the others."""

    name = "gather"
    rounding = LookedUp()
    infinities = Infinities.MOVED

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, index = inputs
        return x.gather(attributes["dim"], index)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        if inputs[0] is not None or any(value is None for value in inputs[1:]):
            return None
        return moving(self.evaluate, inputs, types, attributes)

    def raises(self, inputs: Sequence[Interval], attributes: Attributes) -> str:
        x, index = inputs
        dim = attributes["dim"]
        assert isinstance(dim, int)
        return indexing.beyond(index, x.shape[dim] if x.shape else 1, negative=False)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """An index known only as a range may pick any element in it: their hull."""
        x, index = inputs
        dim = attributes["dim"]
        assert isinstance(dim, int)
        if index.is_point:
            places = index.lower.to(torch.int64)
            return on_ends(lambda end: end.gather(dim, places), x)
        if not x.shape or index.lower.numel() * x.shape[dim] > indexing.HULL_ELEMENTS:
            origin = torch.zeros(index.shape, dtype=torch.int64)
            return Interval(
                x.lower.amin(dim, keepdim=True).gather(dim, origin),
                x.upper.amax(dim, keepdim=True).gather(dim, origin),
            )
        return self._hull(x, index, dim)

    def _hull(self, x: Interval, index: Interval, dim: int) -> Interval:
        count = x.shape[dim]
        allowed = indexing.possible_rows(index, count)
        if not bool(allowed.any(dim=1).all()):
            raise UnsupportedError(f"every possible index is out of range for a dimension of size {count}")
        table = allowed.reshape(*index.shape, count)
        # Of the other dimensions of `x` only the leading part that the index covers is read.
        covered = tuple(
            slice(None) if place == dim else slice(size) for place, size in enumerate(index.shape)
        )
        lower = x.lower[covered].movedim(dim, -1).unsqueeze(dim)
        upper = x.upper[covered].movedim(dim, -1).unsqueeze(dim)
        return Interval(
            torch.where(table, lower, math.inf).amin(-1), torch.where(table, upper, -math.inf).amax(-1)
        )


@spelled("torch.index_select", "torch.Tensor.index_select")
def index_select(emitter: Emitter, input: TensorValue, dim: int, index: TensorValue) -> TensorValue:
    with torch_errors():
        meta(input).index_select(dim, meta(index))
    if len(index.shape) > 1:
        raise ShapeError(f"index_select needs a vector of indices, got {index.type}")
    if not input.shape:
        return emitter.emit("clone", input)
    dim = dimension(dim, len(input.shape))
    _check_unsigned(emitter, index, input.shape[dim], dim)
    return emitter.emit("index", input, layout.reshaped(emitter, index, (index.type.numel,)), dims=(dim,))


def _check_unsigned(emitter: Emitter, index: TensorValue, size: int, dim: int) -> None:
    """Functions that, unlike `x[...]`, take no negative index."""
    check_range(emitter, index, size, dim)
    known = emitter.value_of(index)
    if known is not None and bool((known < 0).any()):
        raise ShapeError(f"index {int(known.min())} is out of bounds for dimension {dim} with size {size}")


@spelled("torch.gather", "torch.Tensor.gather")
def gather(
    emitter: Emitter, input: TensorValue, dim: int, index: TensorValue, *, sparse_grad: bool = False
) -> TensorValue:
    with torch_errors():
        meta(input).gather(dim, meta(index))
    dim = dimension(dim, len(input.shape))
    _check_unsigned(emitter, index, input.shape[dim] if input.shape else 1, dim)
    return emitter.emit("gather", input, index, dim=dim)


@spelled("torch.take_along_dim", "torch.Tensor.take_along_dim")
def take_along_dim(
    emitter: Emitter, input: TensorValue, indices: TensorValue, dim: int | None = None
) -> TensorValue:
    if dim is None:
        return gather(emitter, layout.ravel(emitter, input), 0, layout.ravel(emitter, indices))
    with torch_errors():
        meta(input).take_along_dim(meta(indices), dim)
    dim = dimension(dim, len(input.shape))

    def spread(x: TensorValue, other: TensorValue) -> TensorValue:
        shape = tuple(
            max(a, b) if place != dim and min(a, b) else a
            for place, (a, b) in enumerate(zip(x.shape, other.shape, strict=True))
        )
        return x if shape == tuple(x.shape) else emitter.emit("expand", x, shape=shape)

    return gather(emitter, spread(input, indices), dim, spread(indices, input))


@spelled("torch.take", "torch.Tensor.take")
def take(emitter: Emitter, input: TensorValue, index: TensorValue) -> TensorValue:
    """Index the flattened tensor; the result has the shape of the index."""
    with torch_errors():
        meta(input).take(meta(index))
    check_range(emitter, index, input.type.numel, 0)
    flat = layout.ravel(emitter, input)
    picked = emitter.emit("index", flat, layout.ravel(emitter, index), dims=(0,))
    return layout.reshaped(emitter, picked, tuple(index.shape))


@spelled("torch.nn.functional.embedding")
def embedding(
    emitter: Emitter,
    input: TensorValue,
    weight: TensorValue,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> TensorValue:
    """Rows of `weight`. `padding_idx` only matters for gradients."""
    if max_norm is not None:
        raise UnsupportedError(
            "embedding with max_norm rescales the weights while it runs, which is not followed"
        )
    if len(weight.shape) != 2:
        raise ShapeError(f"embedding needs a weight of shape (rows, row length), got {weight.type}")
    with torch_errors():
        torch.embedding(meta(weight), meta(input))
    _check_unsigned(emitter, input, weight.shape[0], 0)
    return indexing.indexed(emitter, weight, {0: input})


@spelled("torch.nn.functional.one_hot")
def one_hot(emitter: Emitter, tensor: TensorValue, num_classes: int = -1) -> TensorValue:
    if tensor.dtype != torch.int64:
        raise ShapeError(f"one_hot needs an int64 tensor of class numbers, got {tensor.type}")
    if emitter.value_of(tensor) is None and num_classes > 0:
        # Known only as a range: each place is hot where its number is the class, 0 or 1 in any case.
        _check_unsigned(emitter, tensor, num_classes, -1)
        classes = emitter.constant(torch.arange(num_classes))
        # Picked from the classes, a number is itself, or raises where it is none of them.
        flat = layout.reshaped(emitter, tensor, (tensor.type.numel,))
        picked = emitter.emit("gather", classes, flat, dim=0)
        hot = emitter.emit("eq", layout.reshaped(emitter, picked, (*tensor.shape, 1)), classes)
        return cast(emitter, hot, torch.int64)
    known = known_tensor(emitter, tensor, "how many classes there are")
    with torch_errors():
        return emitter.constant(torch.nn.functional.one_hot(known, num_classes))
