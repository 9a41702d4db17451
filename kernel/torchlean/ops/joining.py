"""Putting tensors together: `cat`, `stack` and the names that torch builds from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops import layout
from torchlean.ops.arguments import is_tensor, known_int, meta, shape_text, sizes, torch_errors
from torchlean.ops.lanes import Lane, Shapes, all_but
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Cat(Rearrangement):
    """Operands one after the other along `dim`. dtypes are promoted; an operand of shape (0,) is skipped."""

    name = "cat"
    never_grows = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        shapes = [t.shape for t in inputs if t.shape != (0,)]
        if any(len(shape) != len(shapes[0]) for shape in shapes):
            raise ShapeError(f"cat needs tensors of equal rank, got {_listed(shapes)}")
        dim = attributes["dim"]
        assert isinstance(dim, int)
        for place in range(len(shapes[0]) if shapes else 0):
            if place != dim % len(shapes[0]) and len({shape[place] for shape in shapes}) > 1:
                raise ShapeError(
                    f"cat along dim {dim} needs equal sizes in every other dimension; dim {place} differs: "
                    f"{_listed(shapes)}"
                )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return torch.cat(list(inputs), dim=attributes["dim"])

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """The other dimensions. Operands of shape (0,) have none of them."""
        if len({len(shape) for shape in shapes}) > 1:
            return ()
        return [(d, (d,) * len(shapes)) for d, _ in all_but(shapes[0], attributes["dim"])]


@register
class Stack(Rearrangement):
    """Operands of one shape along a new dimension `dim`."""

    name = "stack"
    never_grows = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if len({t.shape for t in inputs}) > 1:
            raise ShapeError(f"stack needs tensors of one shape, got {_listed([t.shape for t in inputs])}")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return torch.stack(list(inputs), dim=attributes["dim"])

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        rank = len(shapes[0]) + 1
        dim = attributes["dim"]
        assert isinstance(dim, int)
        others = [d for d in range(rank) if d != dim % rank]
        return [(place, (d,) * len(shapes)) for d, place in enumerate(others)]


@register
class Repeat(Rearrangement):
    """The whole tensor, `repeats[i]` times along dimension `i`."""

    name = "repeat"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.repeat(attributes["repeats"])


@register
class RepeatInterleave(Rearrangement):
    """Every element `repeats` times in place along `dim`."""

    name = "repeat_interleave"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.repeat_interleave(attributes["repeats"], dim=attributes["dim"])


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(shape_text, shapes))


def tensor_list(tensors: object, what: str) -> list[TensorValue]:
    """The operands of a function that takes a sequence of tensors.

    Raises:
        ShapeError: not a sequence of tensors, or an empty one.
    """
    if not isinstance(tensors, (tuple, list)) or not all(is_tensor(item) for item in tensors):
        raise ShapeError(f"{what} needs a list or tuple of tensors")
    if not tensors:
        raise ShapeError(f"{what} needs at least one tensor, got none")
    return list(tensors)


@spelled("torch.cat", "torch.concat", "torch.concatenate")
def cat(emitter: Emitter, tensors: Any, dim: int = 0) -> TensorValue:
    return emitter.emit("cat", *tensor_list(tensors, "cat"), dim=dim)


@spelled("torch.stack")
def stack(emitter: Emitter, tensors: Any, dim: int = 0) -> TensorValue:
    return emitter.emit("stack", *tensor_list(tensors, "stack"), dim=dim)


@spelled("torch.hstack")
def hstack(emitter: Emitter, tensors: Any) -> TensorValue:
    items = _lifted(emitter, tensors, "hstack", torch.atleast_1d)
    return cat(emitter, items, dim=0 if len(items[0].shape) == 1 else 1)


@spelled("torch.vstack", "torch.row_stack")
def vstack(emitter: Emitter, tensors: Any) -> TensorValue:
    return cat(emitter, _lifted(emitter, tensors, "vstack", torch.atleast_2d), dim=0)


@spelled("torch.dstack")
def dstack(emitter: Emitter, tensors: Any) -> TensorValue:
    return cat(emitter, _lifted(emitter, tensors, "dstack", torch.atleast_3d), dim=2)


@spelled("torch.column_stack")
def column_stack(emitter: Emitter, tensors: Any) -> TensorValue:
    columns = _lifted(
        emitter, tensors, "column_stack", lambda x: x.reshape(x.numel(), 1) if x.dim() <= 1 else x
    )
    return cat(emitter, columns, dim=1)


def _lifted(
    emitter: Emitter, tensors: object, what: str, function: Callable[[Tensor], Tensor]
) -> list[TensorValue]:
    """The operands, given the rank that `function` gives them."""
    return [layout.reshaped(emitter, x, tuple(function(meta(x)).shape)) for x in tensor_list(tensors, what)]


@spelled("torch.Tensor.repeat")
def repeat(emitter: Emitter, input: TensorValue, *spread: Any, repeats: Any = None) -> TensorValue:
    return emitter.emit("repeat", input, repeats=sizes(emitter, spread, repeats, "the repeats"))


@spelled("torch.tile", "torch.Tensor.tile")
def tile(emitter: Emitter, input: TensorValue, *spread: Any, dims: Any = None) -> TensorValue:
    """Like `repeat`, with missing leading repeats taken as 1."""
    repeats = sizes(emitter, spread, dims, "the repeats")
    missing = len(input.shape) - len(repeats)
    return emitter.emit("repeat", input, repeats=(1,) * missing + repeats)


@spelled("torch.repeat_interleave", "torch.Tensor.repeat_interleave")
def repeat_interleave(
    emitter: Emitter,
    input: TensorValue,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> TensorValue:
    if repeats is None or (is_tensor(repeats) and repeats.type.numel != 1):
        raise UnsupportedError(
            "repeat_interleave is followed only for one number of repeats, not one per element"
        )
    return emitter.emit(
        "repeat_interleave", input, repeats=known_int(emitter, repeats, "the number of repeats"), dim=dim
    )


@spelled("torch.meshgrid", "torch.functional.meshgrid")
def meshgrid(emitter: Emitter, *tensors: Any, indexing: str = "ij") -> tuple[TensorValue, ...]:
    given = tensors[0] if len(tensors) == 1 and not is_tensor(tensors[0]) else tensors
    axes = tensor_list(given, "meshgrid")
    with torch_errors():
        shapes = [tuple(x.shape) for x in torch.meshgrid(*map(meta, axes), indexing=indexing)]
    order = list(range(len(axes)))
    if indexing == "xy" and len(axes) >= 2:
        order[:2] = [1, 0]
    return tuple(
        _along(emitter, x, place, shape) for x, place, shape in zip(axes, order, shapes, strict=True)
    )


def _along(emitter: Emitter, x: TensorValue, place: int, shape: tuple[int, ...]) -> TensorValue:
    """A vector laid along dimension `place` of `shape`, the same everywhere else."""
    lying = tuple(x.type.numel if dim == place else 1 for dim in range(len(shape)))
    line = layout.reshaped(emitter, x, lying)
    return line if lying == shape else emitter.emit("expand", line, shape=shape)


@spelled("torch.cartesian_prod")
def cartesian_prod(emitter: Emitter, *tensors: Any) -> TensorValue:
    axes = tensor_list(tensors, "cartesian_prod")
    if any(len(x.shape) != 1 for x in axes):
        raise ShapeError(f"cartesian_prod needs 1-d tensors, got {_listed([x.shape for x in axes])}")
    if len(axes) == 1:
        return axes[0]
    columns = [layout.ravel(emitter, grid) for grid in meshgrid(emitter, *axes)]
    return stack(emitter, columns, dim=1)
