"""Numbers for whole dimensions: sums, means, extrema, norms, and where extrema are."""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.table import operator


def reduced(call: Call, since: int) -> tuple[int, ...] | None:
    """The dimensions to reduce: an attribute, or an operand `since` some version. None for "leave it alone"."""
    call.takes(1, 2)
    rank = len(call.input(0).shape)
    axes = call.listed("axes", 1, since, "the axes")
    alone = call.opset >= since and call.flag("noop_with_empty_axes")
    if not axes:
        return None if alone else tuple(range(rank))
    return call.axes(axes, rank)


@operator("ReduceSum")
def reduce_sum(call: Call) -> Value:
    x, dims, keep = call.input(0), reduced(call, 13), call.flag("keepdims", True)
    return x if not dims else call.emit("sum", x, dim=dims, keepdim=keep)
