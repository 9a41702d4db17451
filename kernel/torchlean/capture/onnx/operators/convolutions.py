"""Convolutions in one, two and three dimensions."""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.windows import Window, padded
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError


@operator("Conv")
def conv(call: Call) -> Value:
    call.takes(2, 3)
    x, weight, bias = call.input(0), call.input(1), call.optional(2)
    rank = len(weight.shape) - 2
    if rank not in (1, 2, 3) or len(x.shape) != rank + 2:
        raise ShapeError(
            f"a convolution of {x.shape} with a weight {weight.shape}: expected (batch, channels, sizes...) and "
            "(out, in, kernel...) with one to three sizes"
        )
    window = Window.of(call, x.shape[2:], weight.shape[2:])
    groups = call.integer("group", 1)
    x, padding = padded(call, x, window)
    return call.emit(
        "conv",
        x,
        weight,
        *([] if bias is None else [bias]),
        stride=window.strides,
        padding=padding,
        dilation=window.dilations,
        groups=groups,
    )
