"""Pad: numbers around a tensor, or copies of its own elements."""

from __future__ import annotations

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, TensorType, UnsupportedError

COPYING = ("reflect", "edge", "wrap")


@operator("Pad")
def pad(call: Call) -> Value:
    """Sizes for the start of every dimension, then for every end; negative ones cut."""
    x = call.input(0)
    mode = call.text("mode", "constant")
    before, after = _amounts(call, x)
    number = _number(call, x)
    if mode == "constant":
        amounts = tuple(size for pair in zip(before[::-1], after[::-1], strict=True) for size in pair)
        sizes = [size + low + high for size, low, high in zip(x.shape, before, after, strict=True)]
        if any(size < 0 for size in sizes):
            raise ShapeError(f"the pads leave sizes {tuple(sizes)}")
        call.emitter.fitting(TensorType(tuple(sizes), x.dtype))
        return call.torch("torch.nn.functional.pad", x, amounts, "constant", number)
    if mode == "wrap" and call.opset < 19:
        # The standard has it from then on. onnxruntime takes it before, too, but nothing says what it means there.
        raise ShapeError(f"the mode 'wrap' does not exist in opset {call.opset}, only from 19 on")
    if mode not in COPYING:
        raise UnsupportedError(f"the mode {mode!r} is not supported")
    if min((*before, *after), default=0) < 0:
        raise UnsupportedError(f"cutting with the mode {mode!r} is not supported")
    for dim, (low, high) in enumerate(zip(before, after, strict=True)):
        if low or high:
            x = _copied(call, x, dim, low, high, mode)
    return x


def _amounts(call: Call, x: Value) -> tuple[tuple[int, ...], tuple[int, ...]]:
    rank = len(x.shape)
    call.takes(1, 1 if call.opset < 11 else 3 if call.opset < 18 else 4)
    pads = call.listed("pads", 1, 11, "the pads")
    axes = tuple(range(rank))
    if call.opset >= 18 and call.optional(3) is not None:
        axes = tuple(call.axis(axis, rank) for axis in call.known_integers(3, "the axes"))
        call.axes(axes, rank)
    if pads is None or len(pads) != 2 * len(axes):
        raise ShapeError(f"its pads must be {2 * len(axes)} integers, they are {pads}")
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[len(axes) + place]
    return tuple(before), tuple(after)


def _number(call: Call, x: Value) -> float | None:
    """What is written; zero where nothing is said."""
    if call.opset < 11:
        return call.number("value", 0.0)
    if call.optional(2) is None:
        return None
    data = call.known(2, "the number to write")
    if data.numel() != 1 or data.dtype != x.dtype:
        raise ShapeError(f"the number to write must be one {x.dtype}, it is a tensor {call.input(2).type}")
    return float(data.item()) if data.is_floating_point() else int(data.item())


def _copied(call: Call, x: Value, dim: int, before: int, after: int, mode: str) -> Value:
    """Elements of one dimension at positions that go on beyond its ends."""
    size = x.shape[dim]
    call.emitter.fitting(TensorType((*x.shape[:dim], size + before + after, *x.shape[dim + 1 :]), x.dtype))
    if size == 0 or (mode == "reflect" and max(before, after) >= size):
        raise ShapeError(f"dimension {dim} of {x.shape} is too small for pads of {before} and {after}")
    places = torch.arange(-before, size + after)
    if mode == "edge":
        places = places.clamp(0, size - 1)
    elif mode == "wrap":
        places = places % size
    else:
        places = (size - 1) - (places.abs() - (size - 1)).abs()
    return call.emit("index", x, call.constant(places), dims=(dim,))
