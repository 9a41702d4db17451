"""Convolutions and transposed convolutions in one, two and three dimensions."""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import fractional, same_dtypes
from torchlean.capture.onnx.operators.joining import part
from torchlean.capture.onnx.operators.windows import Sizes, Window, padded
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError


def _operands(call: Call) -> tuple[Value, Value, list[Value]]:
    """Image, weight and, where there is one, bias."""
    call.takes(2, 3)
    x, weight, bias = fractional(call.input(0)), call.input(1), call.optional(2)
    same_dtypes(x, weight, *([] if bias is None else [bias]))
    rank = len(weight.shape) - 2
    if rank not in (1, 2, 3) or len(x.shape) != rank + 2:
        raise ShapeError(
            f"a convolution of {x.shape} with a weight {weight.shape}: expected (batch, channels, sizes...) and "
            "(out, in, kernel...) with one to three sizes"
        )
    return x, weight, [] if bias is None else [bias]


@operator("Conv")
def conv(call: Call) -> Value:
    x, weight, bias = _operands(call)
    window = Window.of(call, x.shape[2:], weight.shape[2:])
    groups = call.integer("group", 1)
    x, padding = padded(call, x, window)
    return call.emit(
        "conv",
        x,
        weight,
        *bias,
        stride=window.strides,
        padding=padding,
        dilation=window.dilations,
        groups=groups,
    )


@operator("ConvTranspose")
def conv_transpose(call: Call) -> Value:
    """`pads` take away from the result. Where its ends differ, the whole result is made and then cut."""
    x, weight, bias = _operands(call)
    sizes, rank = x.shape[2:], len(x.shape) - 2
    extra = call.integers("output_padding") or (0,) * rank
    if len(extra) != rank or any(size < 0 for size in extra):
        raise ShapeError(f"its attribute `output_padding` must be {rank} sizes, it is {extra}")
    mode, wanted = call.text("auto_pad", "NOTSET"), call.integers("output_shape")
    window = Window.of(call, sizes, weight.shape[2:], growing=True)
    before, after = window.before, window.after
    full = tuple(
        stride * (size - 1) + extent + more
        for stride, size, extent, more in zip(window.strides, sizes, window.extents(), extra, strict=True)
    )
    if wanted is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(size * stride for size, stride in zip(sizes, window.strides, strict=True))
    if wanted is not None:
        before, after = _cut(full, wanted, mode)
    left = tuple(size - low - high for size, low, high in zip(full, before, after, strict=True))
    if any(size < 1 for size in left):
        raise ShapeError(f"its pads leave sizes {left}")
    alike = before == after
    result = call.emit(
        "conv_transpose",
        x,
        weight,
        *bias,
        stride=window.strides,
        padding=before if alike else (0,) * rank,
        output_padding=extra,
        groups=call.integer("group", 1),
        dilation=window.dilations,
    )
    if alike:
        return result
    kept = {2 + d: range(before[d], full[d] - after[d]) for d in range(rank)}
    return part(result, call, kept)


def _cut(full: Sizes, wanted: Sizes, mode: str) -> tuple[Sizes, Sizes]:
    """What to take away at both ends to be left with `wanted` (which may name batch and channels, too)."""
    wanted = wanted[-len(full) :]
    total = [have - want for have, want in zip(full, wanted, strict=False)]
    if len(wanted) != len(full) or any(size < 0 for size in total):
        raise UnsupportedError(f"an output of {wanted} is larger than the {full} that the windows cover")
    less, more = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    return (less, more) if mode == "SAME_UPPER" else (more, less)
