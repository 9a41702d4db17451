"""Ops that give a tensor another shape or another order of dimensions, with the same elements.

torch has some forty names for these; all of them come down to `reshape`, `permute` and `expand`. What shape
or order a name asks for is read off torch itself, by running it on a tensor without data.

Where the result is the operand unchanged, the operand itself is returned: in torch, too, both share their
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.repetition import one_of_each
from torchlean.ops.arguments import is_tensor, shape_after, shape_text, sizes, torch_errors
from torchlean.ops.linearization import Affine
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Reshape(Rearrangement):
    """The same elements in row-major order under another `shape` (no -1: sizes are resolved before)."""

    name = "reshape"
    never_grows = True
    view = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        resolved(inputs[0].shape, attributes["shape"])

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        shape = attributes["shape"]
        assert isinstance(shape, tuple)
        return _held_once(x, tuple(size for size in shape if isinstance(size, int)))

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        shape = types[0].shape
        out = self.infer(types, attributes).shape
        return [
            Affine(
                lambda rows: rows.reshape(rows.shape[0], *shape),
                forward=lambda values: values.reshape(values.shape[0], *out),
            )
        ]


@register
class Permute(Rearrangement):
    """Dimension `i` of the result is dimension `dims[i]` of the operand."""

    name = "permute"
    never_grows = True
    view = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.permute(attributes["dims"])


@register
class Expand(Rearrangement):
    """Repeat dimensions of size 1, and add leading ones, up to `shape` (no -1)."""

    name = "expand"
    never_grows = True
    view = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        have, want = inputs[0].shape, attributes["shape"]
        assert isinstance(want, tuple)
        tail = want[len(want) - len(have) :]
        if len(want) < len(have) or any(h not in (1, w) for h, w in zip(have, tail, strict=False)):
            raise ShapeError(
                f"cannot expand shape {shape_text(have)} to {want}: counted from the right, "
                "each size must be equal or 1"
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.expand(attributes["shape"])


def _held_once(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x.reshape(shape)`. Dimensions at either end that stay what they are and repeat go on to be held once; torch
    would copy them with the others."""
    alike = [before == after for before, after in zip(x.shape, shape, strict=False)]
    first = alike.index(False) if False in alike else len(alike)
    alike = [
        before == after
        for before, after in zip(reversed(x.shape[first:]), reversed(shape[first:]), strict=False)
    ]
    last = alike.index(False) if False in alike else len(alike)
    ends = [*range(first), *range(x.dim() - last, x.dim())]
    one = one_of_each(x, ends)
    if one is x:
        return x.reshape(shape)
    middle = shape[first : len(shape) - last]
    return one.reshape(*one.shape[:first], *middle, *one.shape[x.dim() - last :]).expand(shape)


def resolved(have: tuple[int, ...], want: object) -> tuple[int, ...]:
    """The sizes of a view, with a single -1 filled in.

    Raises:
        ShapeError: the number of elements does not fit.
    """
    assert isinstance(want, tuple)
    try:
        return tuple(torch.empty(have, device="meta").view(want).shape)
    except RuntimeError as error:
        count = TensorType(have, torch.float32).numel
        raise ShapeError(f"cannot give shape {want} to {shape_text(have)}: {_misfit(want, count)}") from error


def _misfit(want: tuple[int, ...], count: int) -> str:
    if sum(size == -1 for size in want) > 1:
        return "only one size can be -1 (inferred)"
    if any(size < -1 for size in want):
        return "sizes cannot be negative (except one -1, which is inferred)"
    fixed = TensorType(tuple(size for size in want if size != -1), torch.float32).numel
    if -1 in want:
        return f"it has {count} elements, which is not a multiple of {fixed} with one size left to infer"
    return f"it has {count} elements, the new shape has {fixed}"


def reshaped(emitter: Emitter, x: TensorValue, shape: tuple[int, ...]) -> TensorValue:
    """`x` under a shape without -1; `x` itself where that is its shape."""
    return x if shape == tuple(x.shape) else emitter.emit("reshape", x, shape=shape)


def permuted(emitter: Emitter, x: TensorValue, function: Callable[[Tensor], Tensor]) -> TensorValue:
    """Apply a torch function that reorders dimensions.

    The order is read off the strides it gives a tensor of the same rank in which every stride is different.
    """
    ndim = len(x.shape)
    with torch_errors():
        strides = function(torch.empty((2,) * ndim, device="meta")).stride()
    dims = tuple(ndim - stride.bit_length() for stride in strides)
    return x if dims == tuple(range(ndim)) else emitter.emit("permute", x, dims=dims)


@spelled("torch.Tensor.view")
def view(
    emitter: Emitter, input: TensorValue, *shape: Any, size: Any = None, dtype: Any = None
) -> TensorValue:
    target = dtype if isinstance(dtype, torch.dtype) else shape[0] if shape else None
    if isinstance(target, torch.dtype):
        if target == input.dtype:
            return input
        raise UnsupportedError(
            "`view(dtype)` reads the bits as another type, which is not followed; to convert the numbers use "
            "`.to(dtype)`"
        )
    return reshaped(emitter, input, resolved(input.shape, sizes(emitter, shape, size, "the sizes of a view")))


@spelled("torch.reshape", "torch.Tensor.reshape")
def reshape(emitter: Emitter, input: TensorValue, *spread: Any, shape: Any = None) -> TensorValue:
    return reshaped(
        emitter, input, resolved(input.shape, sizes(emitter, spread, shape, "the sizes of a reshape"))
    )


@spelled("torch.Tensor.view_as", "torch.Tensor.reshape_as")
def view_as(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    return reshaped(emitter, input, resolved(input.shape, tuple(other.shape)))


@spelled("torch.flatten", "torch.Tensor.flatten")
def flatten(emitter: Emitter, input: TensorValue, start_dim: int = 0, end_dim: int = -1) -> TensorValue:
    return reshaped(emitter, input, shape_after(lambda x: x.flatten(start_dim, end_dim), input))


@spelled("torch.unflatten", "torch.Tensor.unflatten")
def unflatten(emitter: Emitter, input: TensorValue, dim: int, sizes: Sequence[int]) -> TensorValue:
    return reshaped(emitter, input, shape_after(lambda x: x.unflatten(dim, sizes), input))


@spelled("torch.ravel", "torch.Tensor.ravel")
def raveled(emitter: Emitter, input: TensorValue) -> TensorValue:
    """Unlike `flatten`, a copy of a vector whose elements do not lie next to each other."""
    return emitter.emit("contiguous", input) if len(input.shape) == 1 else ravel(emitter, input)


def ravel(emitter: Emitter, input: TensorValue) -> TensorValue:
    """The elements in row-major order."""
    return reshaped(emitter, input, (input.type.numel,))


@spelled("torch.squeeze", "torch.Tensor.squeeze")
def squeeze(emitter: Emitter, input: TensorValue, *dim: Any, **keyword: Any) -> TensorValue:
    return reshaped(emitter, input, shape_after(lambda x: x.squeeze(*dim, **keyword), input))


@spelled("torch.unsqueeze", "torch.Tensor.unsqueeze")
def unsqueeze(emitter: Emitter, input: TensorValue, dim: int) -> TensorValue:
    return reshaped(emitter, input, shape_after(lambda x: x.unsqueeze(dim), input))


@spelled("torch.atleast_1d")
def atleast_1d(emitter: Emitter, *tensors: Any) -> Any:
    return _atleast(emitter, torch.atleast_1d, tensors)


@spelled("torch.atleast_2d")
def atleast_2d(emitter: Emitter, *tensors: Any) -> Any:
    return _atleast(emitter, torch.atleast_2d, tensors)


@spelled("torch.atleast_3d")
def atleast_3d(emitter: Emitter, *tensors: Any) -> Any:
    return _atleast(emitter, torch.atleast_3d, tensors)


def _atleast(emitter: Emitter, function: Callable[[Tensor], Tensor], tensors: tuple[Any, ...]) -> Any:
    """One tensor gives a tensor, several (or a sequence) a tuple."""
    if len(tensors) == 1 and is_tensor(tensors[0]):
        return reshaped(emitter, tensors[0], shape_after(function, tensors[0]))
    items = tensors[0] if len(tensors) == 1 else tensors
    return tuple(reshaped(emitter, x, shape_after(function, x)) for x in items)


@spelled("torch.permute", "torch.Tensor.permute")
def permute(emitter: Emitter, input: TensorValue, *spread: Any, dims: Any = None) -> TensorValue:
    order = sizes(emitter, spread, dims, "the dims of a permutation")
    if len(order) != len(input.shape):
        raise ShapeError(
            f"permute{order} names {len(order)} dimensions, but the tensor {shape_text(input.shape)} "
            f"has {len(input.shape)}: every dimension must be named once"
        )
    return permuted(emitter, input, lambda x: x.permute(order))


@spelled(
    *("torch.transpose", "torch.Tensor.transpose", "torch.swapdims", "torch.Tensor.swapdims"),
)
def transpose(emitter: Emitter, input: TensorValue, dim0: int, dim1: int) -> TensorValue:
    return permuted(emitter, input, lambda x: x.transpose(dim0, dim1))


@spelled("torch.swapaxes", "torch.Tensor.swapaxes")
def swapaxes(emitter: Emitter, input: TensorValue, axis0: int, axis1: int) -> TensorValue:
    return permuted(emitter, input, lambda x: x.transpose(axis0, axis1))


@spelled("torch.movedim", "torch.Tensor.movedim", "torch.moveaxis", "torch.Tensor.moveaxis")
def movedim(emitter: Emitter, input: TensorValue, source: Any, destination: Any) -> TensorValue:
    return permuted(emitter, input, lambda x: x.movedim(source, destination))


@spelled("torch.t", "torch.Tensor.t")
def t(emitter: Emitter, input: TensorValue) -> TensorValue:
    return permuted(emitter, input, torch.t)


@spelled("torch.Tensor.T")
def upper_t(emitter: Emitter, input: TensorValue) -> TensorValue:
    """All dimensions in reverse order (torch deprecates it for other than two)."""
    return permuted(emitter, input, lambda x: x.permute(tuple(reversed(range(x.dim())))))


@spelled("torch.Tensor.mT", "torch.adjoint", "torch.Tensor.adjoint", "torch.Tensor.mH")
def matrix_transpose(emitter: Emitter, input: TensorValue) -> TensorValue:
    """For real tensors the adjoint is the transpose."""
    return permuted(emitter, input, lambda x: x.mT)


@spelled("torch.Tensor.H")
def upper_h(emitter: Emitter, input: TensorValue) -> TensorValue:
    return permuted(emitter, input, lambda x: x.H)


@spelled("torch.Tensor.expand")
def expand(emitter: Emitter, input: TensorValue, *spread: Any, size: Any = None) -> TensorValue:
    return _expanded(emitter, input, sizes(emitter, spread, size, "the sizes to expand to"))


@spelled("torch.Tensor.expand_as")
def expand_as(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    return _expanded(emitter, input, tuple(other.shape))


@spelled("torch.broadcast_to", "torch.Tensor.broadcast_to")
def broadcast_to(emitter: Emitter, input: TensorValue, *spread: Any, size: Any = None) -> TensorValue:
    return _expanded(emitter, input, sizes(emitter, spread, size, "the sizes to broadcast to"))


@spelled("torch.broadcast_tensors")
def broadcast_tensors(emitter: Emitter, *tensors: Any) -> tuple[TensorValue, ...]:
    items: Sequence[TensorValue] = tensors[0] if len(tensors) == 1 and not is_tensor(tensors[0]) else tensors
    with torch_errors():
        shape = tuple(torch.broadcast_shapes(*(x.shape for x in items)))
    return tuple(_expanded(emitter, x, shape) for x in items)


def _expanded(emitter: Emitter, x: TensorValue, want: tuple[int, ...]) -> TensorValue:
    """Expand to sizes in which -1 keeps the operand's size."""
    new = len(want) - len(x.shape)
    have = (0,) * new + tuple(x.shape)
    filled = tuple(
        have[place] if size == -1 and place >= max(new, 0) and new >= 0 else size
        for place, size in enumerate(want)
    )
    return x if filled == tuple(x.shape) else emitter.emit("expand", x, shape=filled)
