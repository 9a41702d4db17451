"""Growing a tensor at its borders: `pad` in all modes, with fixed numbers or with copies of its own elements."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops.arguments import TORCH_ERRORS, meta, shape_text, sizes, torch_errors
from torchlean.ops.op import Attributes, ShapeError, TensorType, dtype_name, register
from torchlean.ops.rearrangement import Rearrangement
from torchlean.ops.spelling import Emitter, TensorValue, spelled

MODES = ("constant", "reflect", "replicate", "circular")


@functools.cache
def _refusal(mode: str, dtype: torch.dtype) -> str | None:
    """Torch's complaint about this dtype, or None; it depends on the kernel, which only real data reaches."""
    try:
        torch.nn.functional.pad(torch.zeros(1, 1, 2, dtype=dtype), (1, 1), mode)
    except TORCH_ERRORS as error:
        return str(error)
    return None


@register
class Pad(Rearrangement):
    """`pad` holds (before, after) for the last dimension, then the one before it, and so on; negative ones cut.

    `mode` is one of `MODES`; `value` is written by "constant", as a number that the operand's dtype holds exactly.
    """

    name = "pad"
    writes = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        (x,) = inputs
        pad, mode = attributes["pad"], attributes["mode"]
        assert isinstance(pad, tuple)
        if len(pad) % 2 or len(pad) > 2 * len(x.shape):
            raise ShapeError(
                f"pad needs a (before, after) pair for at most {len(x.shape)} dimensions of {shape_text(x.shape)}, "
                f"got {len(pad)} numbers"
            )
        if _refusal(str(mode), x.dtype) is not None:
            raise ShapeError(
                f'pad with mode "{mode}" does not take {dtype_name(x.dtype)}: {_refusal(str(mode), x.dtype)}'
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.nn.functional.pad(x, attributes["pad"], attributes["mode"], attributes["value"])


@spelled("torch.nn.functional.pad")
def pad(
    emitter: Emitter, input: TensorValue, pad: Any, mode: str = "constant", value: float | None = None
) -> TensorValue:
    amounts = sizes(emitter, (pad,), None, "the padding")
    if mode not in MODES:
        raise ShapeError(f"pad knows the modes {', '.join(MODES)}, not {mode!r}")
    if mode != "constant" and value not in (None, 0):
        raise ShapeError(f'pad with mode "{mode}" takes no value')
    return emitter.emit("pad", input, pad=amounts, mode=mode, value=_written(value, input.dtype))


@spelled("torch.constant_pad_nd")
def constant_pad_nd(emitter: Emitter, input: TensorValue, pad: Any, value: float = 0) -> TensorValue:
    return emitter.emit(
        "pad",
        input,
        pad=sizes(emitter, (pad,), None, "the padding"),
        mode="constant",
        value=_written(value, input.dtype),
    )


def _written(value: object, dtype: torch.dtype) -> float | None:
    """The number that lands in the tensor, as the dtype holds it; None for zero, so that one padding has one form."""
    if value is None:
        return None
    if not isinstance(value, (int, float)):
        raise ShapeError(f"the padding value must be a number, got {value!r}")
    with torch_errors():
        number: float = torch.nn.functional.pad(torch.zeros(1, dtype=dtype), (1, 0), value=value)[0].item()
    return None if number == 0 and math.copysign(1.0, number) > 0 else number


@spelled("torch.nn.functional.pixel_shuffle", "torch.pixel_shuffle")
def pixel_shuffle(emitter: Emitter, input: TensorValue, upscale_factor: int) -> TensorValue:
    """Channels `(C r r)` become pixels: `(..., C r r, H, W)` to `(..., C, H r, W r)`."""
    with torch_errors():
        target = tuple(torch.pixel_shuffle(meta(input), upscale_factor).shape)
    *batch, channels, height, width = target
    r = upscale_factor
    apart = emitter.emit("reshape", input, shape=(*batch, channels, r, r, height // r, width // r))
    n = len(batch)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return emitter.emit("reshape", emitter.emit("permute", apart, dims=order), shape=target)


@spelled("torch.nn.functional.pixel_unshuffle", "torch.pixel_unshuffle")
def pixel_unshuffle(emitter: Emitter, input: TensorValue, downscale_factor: int) -> TensorValue:
    """The reverse of `pixel_shuffle`."""
    with torch_errors():
        target = tuple(torch.pixel_unshuffle(meta(input), downscale_factor).shape)
    *batch, channels, height, width = input.shape
    r = downscale_factor
    apart = emitter.emit("reshape", input, shape=(*batch, channels, height // r, r, width // r, r))
    n = len(batch)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return emitter.emit("reshape", emitter.emit("permute", apart, dims=order), shape=target)


@spelled("torch.nn.functional.channel_shuffle", "torch.channel_shuffle")
def channel_shuffle(emitter: Emitter, input: TensorValue, groups: int) -> TensorValue:
    """Deal the channels (dimension 1) of `groups` groups out in turn."""
    with torch_errors():
        torch.channel_shuffle(meta(input), groups)
    batch, channels, *rest = input.shape
    apart = emitter.emit("reshape", input, shape=(batch, groups, channels // groups, *rest))
    dealt = emitter.emit("permute", apart, dims=(0, 2, 1, *range(3, 3 + len(rest))))
    return emitter.emit("reshape", dealt, shape=tuple(input.shape))
