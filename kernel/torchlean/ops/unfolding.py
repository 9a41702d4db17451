"""Sliding windows: `x.unfold`, and the image patches of `F.unfold`, which are built from it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops import indexing, padding
from torchlean.ops.arguments import TORCH_ERRORS, dimension, known_int, meta, torch_errors
from torchlean.ops.op import Attributes, ShapeError, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled
from torchlean.ops.subscript import canonical


@register
class Unfold(Rearrangement):
    """All windows of `size` along `dim`, `step` apart; the places inside a window are a new last dimension."""

    name = "unfold"
    view = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return x.unfold(attributes["dim"], attributes["size"], attributes["step"])


@spelled("torch.Tensor.unfold")
def windows(
    emitter: Emitter,
    input: TensorValue,
    dimension_: Any = None,
    size: Any = None,
    step: Any = None,
    **keyword: Any,
) -> TensorValue:
    """torch calls the first argument `dimension`."""
    dim = known_int(emitter, keyword.pop("dimension", dimension_), "the dimension")
    if keyword:
        raise TypeError(f"unfold() has no argument {next(iter(keyword))!r}")
    return emitter.emit(
        "unfold",
        input,
        dim=dimension(dim, len(input.shape)),
        size=known_int(emitter, size, "the size"),
        step=known_int(emitter, step, "the step"),
    )


@functools.cache
def _refusal(dtype: torch.dtype) -> str | None:
    """Torch's complaint about patches of this dtype, or None; only real data reaches the kernel that has it."""
    try:
        torch.nn.functional.unfold(torch.zeros(1, 1, 1, 1, dtype=dtype), 1)
    except TORCH_ERRORS as error:
        return str(error)
    return None


@spelled("torch.nn.functional.unfold")
def patches(
    emitter: Emitter,
    input: TensorValue,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> TensorValue:
    """Patches of images `(N, C, H, W)` (or without N) as columns: `(N, C kh kw, positions)`."""
    complaint = _refusal(input.dtype)
    if complaint is not None:
        raise ShapeError(f"unfold does not take {input.type}: {complaint}")
    with torch_errors():
        shape = tuple(torch.nn.functional.unfold(meta(input), kernel_size, dilation, padding, stride).shape)
    kernel, spread, border, step = (_pair(item) for item in (kernel_size, dilation, padding, stride))
    x = _bordered(emitter, input, border)
    first = len(x.shape) - 2
    for place in (0, 1):
        span = spread[place] * (kernel[place] - 1) + 1
        x = emitter.emit("unfold", x, dim=first + place, size=span, step=step[place])
    inside = tuple(canonical(range(0, x.shape[first + 2 + place], spread[place])) for place in (0, 1))
    x = indexing.sliced(emitter, x, (*(canonical(range(size)) for size in x.shape[: first + 2]), *inside))
    order = (*range(first), first + 2, first + 3, first, first + 1)
    columns = emitter.emit("reshape", emitter.emit("permute", x, dims=order), shape=shape)
    return emitter.emit("clone", columns)


def _bordered(emitter: Emitter, x: TensorValue, border: tuple[int, int]) -> TensorValue:
    if border == (0, 0):
        return x
    return padding.pad(emitter, x, (border[1], border[1], border[0], border[0]))


def _pair(value: Any) -> tuple[int, int]:
    """A number for both dimensions, or one for each."""
    return (value, value) if isinstance(value, int) else (value[0], value[-1])
