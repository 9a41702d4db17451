"""Changing the dtype, and the names that copy a tensor or leave it as it is.

An interval speaks of the real number that a value approximates, so a conversion between floating dtypes is
the identity; what rounding to fewer bits does to an execution belongs to the rounding-error analysis.
Conversions to integers and to bool change the number itself and have rules of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.arguments import is_tensor
from torchlean.ops.lanes import Lane, Shapes, together
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.selection import Converted
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Cast(Op):
    """The same numbers in another `dtype`: truncated toward zero for integers, `!= 0` for bool."""

    name = "cast"
    rounding = Converted()
    never_grows = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dtype = attributes["dtype"]
        assert isinstance(dtype, torch.dtype)
        return x.to(dtype)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if out.dtype == torch.bool:
            return _nonzero(x)
        if out.dtype.is_floating_point:
            return Interval(x.lower, x.upper)
        if out.dtype.is_complex:
            raise UnsupportedError("complex numbers have no intervals")
        lower = x.lower.trunc()
        return _within_dtype(Interval(lower, lower if x.is_point else x.upper.trunc()), out.dtype)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return together(shapes)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """To a floating dtype the identity of real numbers."""
        wanted = attributes["dtype"]
        assert isinstance(wanted, torch.dtype)
        if types[0].dtype.is_complex or not wanted.is_floating_point:
            return None
        return [Affine(lambda rows: rows, forward=lambda values: values)]


def _nonzero(x: Interval) -> Interval:
    """`x != 0` as 0 or 1."""
    never_zero = (x.lower > 0) | (x.upper < 0)
    lower = never_zero.to(torch.float64)
    if x.is_point:
        return Interval(lower, lower)
    always_zero = (x.lower == 0) & (x.upper == 0)
    return Interval(lower, (~always_zero).to(torch.float64))


def _within_dtype(x: Interval, dtype: torch.dtype) -> Interval:
    """What does not fit the integer type wraps around or is undefined in torch: anything of that type."""
    info = torch.iinfo(dtype)
    fits = (x.lower >= info.min) & (x.upper <= info.max)
    if bool(fits.all()):
        return x
    return Interval(torch.where(fits, x.lower, float(info.min)), torch.where(fits, x.upper, float(info.max)))


@register
class Clone(Rearrangement):
    """The same tensor in memory of its own."""

    name = "clone"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.clone()

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return together(shapes)


@register
class Contiguous(Rearrangement):
    """The same tensor in row-major memory: itself or a copy, depending on strides that are not followed."""

    name = "contiguous"
    view = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.contiguous()

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return together(shapes)


def cast(emitter: Emitter, x: TensorValue, dtype: object) -> TensorValue:
    """`x` in that dtype; `x` itself where it has it.

    Raises:
        ShapeError: not a dtype.
    """
    if not isinstance(dtype, torch.dtype):
        raise ShapeError(f"expected a dtype such as torch.float32, got {dtype!r}")
    return x if x.dtype == dtype else emitter.emit("cast", x, dtype=dtype)


def promoted(emitter: Emitter, *parts: TensorValue) -> list[TensorValue]:
    """The tensors in the dtype that holds all of theirs, whatever dimensions they have."""
    common = functools.reduce(torch.promote_types, (part.dtype for part in parts))
    return [cast(emitter, part, common) for part in parts]


def _register_short_names() -> None:
    """`x.float()`, `x.long()` and their like: methods without arguments."""
    names = {
        "float": torch.float32,
        "double": torch.float64,
        "half": torch.float16,
        "bfloat16": torch.bfloat16,
        "bool": torch.bool,
        "byte": torch.uint8,
        "char": torch.int8,
        "short": torch.int16,
        "int": torch.int32,
        "long": torch.int64,
    }
    for name, dtype in names.items():

        def convert(
            emitter: Emitter, input: TensorValue, memory_format: Any = None, *, _dtype: torch.dtype = dtype
        ) -> TensorValue:
            return cast(emitter, input, _dtype)

        spelled(f"torch.Tensor.{name}")(convert)


_register_short_names()


@spelled("torch.Tensor.to")
def to(emitter: Emitter, input: TensorValue, *arguments: Any, **keywords: Any) -> TensorValue:
    """A dtype, a device, both, or another tensor to take them from; devices make no difference."""
    copy = keywords.pop("copy", False)
    memory_format = keywords.pop("memory_format", None)
    for name in ("device", "non_blocking"):
        keywords.pop(name, None)
    given = [keywords.pop(name) for name in ("dtype", "other") if name in keywords]
    if keywords:
        raise ShapeError(f"to() has no argument {next(iter(keywords))!r}")
    wanted = [item for item in (*arguments, *given) if isinstance(item, torch.dtype) or is_tensor(item)]
    target = wanted[-1] if wanted else input.dtype
    result = cast(emitter, input, target.dtype if is_tensor(target) else target)
    if copy is True and result is input:
        result = emitter.emit("clone", result)
    return laid_out(emitter, result, memory_format)


def laid_out(emitter: Emitter, x: TensorValue, memory_format: object) -> TensorValue:
    """`x` in memory of this format. Channels last is a copy in another order of dimensions: how far some kernels may
    be off depends on that order."""
    if str(memory_format) not in _CHANNELS_LAST:
        return x
    rank = len(x.shape)
    moved = emitter.emit("permute", x, dims=(0, *range(2, rank), 1))
    return emitter.emit("permute", emitter.emit("contiguous", moved), dims=(0, rank - 1, *range(1, rank - 1)))


_CHANNELS_LAST = ("torch.channels_last", "torch.channels_last_3d")


@spelled("torch.Tensor.type")
def type_(emitter: Emitter, input: TensorValue, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without an argument the old type name, such as `torch.FloatTensor`."""
    if dtype is None:
        return torch.empty((), dtype=input.dtype).type()
    if isinstance(dtype, str):
        named = {torch.empty((), dtype=known).type(): known for known in _NAMED}
        if dtype not in named:
            raise ShapeError(f"{dtype!r} is not the name of a tensor type")
        dtype = named[dtype]
    return cast(emitter, input, dtype)


_NAMED = (
    *(torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)
"""The dtypes that have an old-style type name."""


@spelled("torch.Tensor.type_as")
def type_as(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    return cast(emitter, input, other.dtype)


@spelled("torch.clone", "torch.Tensor.clone", "torch.detach_copy")
def clone(emitter: Emitter, input: TensorValue, *, memory_format: Any = None) -> TensorValue:
    return laid_out(emitter, emitter.emit("clone", input), memory_format)


@spelled("torch.Tensor.contiguous")
def contiguous(emitter: Emitter, input: TensorValue, memory_format: Any = None) -> TensorValue:
    if str(memory_format) in _CHANNELS_LAST:
        return laid_out(emitter, input, memory_format)
    return emitter.emit("contiguous", input)


@spelled(
    *("torch.Tensor.is_contiguous", "torch.Tensor.stride", "torch.Tensor.storage_offset"),
    *("torch.Tensor.data_ptr", "torch.Tensor.storage", "torch.Tensor.untyped_storage"),
)
def memory_layout(emitter: Emitter, input: TensorValue, *arguments: Any, **keywords: Any) -> Any:
    raise UnsupportedError("how a tensor lies in memory is not followed")


@spelled(
    *("torch.detach", "torch.Tensor.detach", "torch.Tensor.detach_", "torch.detach_", "torch.Tensor.data"),
    *("torch.Tensor.resolve_conj", "torch.Tensor.resolve_neg", "torch.real", "torch.Tensor.real"),
)
def itself(emitter: Emitter, input: TensorValue) -> TensorValue:
    """The same numbers in the same memory."""
    return input


@spelled("torch.Tensor.requires_grad_")
def requires_grad_(emitter: Emitter, input: TensorValue, requires_grad: bool = True) -> TensorValue:
    if requires_grad and not input.dtype.is_floating_point and not input.dtype.is_complex:
        raise ShapeError(f"only floating tensors can require gradients, this one is {input.type}")
    return input


@spelled("torch.Tensor.retain_grad")
def retain_grad(emitter: Emitter, input: TensorValue) -> None:
    """Gradients are not followed."""


@spelled("torch.Tensor.cpu", "torch.Tensor.cuda", "torch.Tensor.pin_memory")
def on_device(emitter: Emitter, input: TensorValue, *arguments: Any, **keywords: Any) -> TensorValue:
    """Where a tensor lies does not change its numbers."""
    return input


@spelled("torch.Tensor.share_memory_")
def share_memory_(emitter: Emitter, input: TensorValue) -> TensorValue:
    return input
