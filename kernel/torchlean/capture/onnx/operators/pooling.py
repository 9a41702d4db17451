"""Pooling. torch pads both ends alike and by half a window at most; what goes beyond is laid around the image first.

A maximum is not changed by copies of elements that are under the window anyway, so that the outermost elements can be
repeated outward. A mean becomes a sum of zeros and elements, divided by how many elements count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import fractional
from torchlean.capture.onnx.operators.windows import Sizes, Window, grown
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Plan:
    """How the windows lie on the image.

    Attributes:
        counts: windows in each dimension.
        beyond: how far the last window reaches behind the image.
        native: torch can do it with padding of its own.
    """

    window: Window
    counts: Sizes
    beyond: Sizes
    native: bool

    @staticmethod
    def of(call: Call, sizes: Sizes) -> Plan:
        window = Window.of(call, sizes)
        if set(window.dilations) != {1} and call.text("auto_pad", "NOTSET").startswith("SAME"):
            raise UnsupportedError(
                "with dilated windows `auto_pad` for the same size is another padding in onnxruntime than by the "
                "standard"
            )
        ceil = call.flag("ceil_mode")
        counts = tuple(
            _count(size, extent, stride, before, after, ceil)
            for size, extent, stride, before, after in zip(
                sizes, window.extents(), window.strides, window.before, window.after, strict=True
            )
        )
        if any(count < 1 for count in counts):
            raise ShapeError(f"windows of {window.kernel} do not fit an image of {sizes}")
        reach = [
            (count - 1) * stride - before + extent - size
            for count, stride, before, extent, size in zip(
                counts, window.strides, window.before, window.extents(), sizes, strict=True
            )
        ]
        beyond = tuple(max(r, 0) for r in reach)
        if not all(
            _meets(range(start, start + extent, dilation), size)
            for count, stride, before, extent, dilation, size in zip(
                counts, window.strides, window.before, window.extents(), window.dilations, sizes, strict=True
            )
            for start in range(-before, count * stride - before, stride)
        ):
            raise UnsupportedError("windows that lie in the padding altogether are not supported")
        # A step more, and another window would fit into equal padding at the far end.
        native = all(
            2 * before <= kernel and r <= before < r + stride
            for before, kernel, r, stride in zip(
                window.before, window.kernel, reach, window.strides, strict=True
            )
        )
        return Plan(window, counts, beyond, native)


def _meets(places: range, size: int) -> bool:
    """Whether any of them is a place of the image."""
    first = max(0, -(places.start // places.step))  # of the places from zero on
    return first < len(places) and places[first] < size


def _count(size: int, extent: int, stride: int, before: int, after: int, ceil: bool) -> int:
    """Windows in one dimension. Rounded up, the last one must start on the image or in the padding before it."""
    room = size + before + after - extent
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def _image(call: Call) -> Value:
    call.takes(1, 1)
    x = call.input(0)
    if len(x.shape) not in (3, 4, 5):
        raise ShapeError(
            f"it takes (batch, channels, sizes...) with one to three sizes, it is given {x.shape}"
        )
    return x


@operator("MaxPool")
def max_pool(call: Call) -> Value:
    x = _image(call)
    call.ignore("storage_order")  # how indices are counted, which are not supported
    plan = Plan.of(call, x.shape[2:])
    window = plan.window
    padding = window.before
    if not plan.native:
        if set(window.dilations) != {1} and (any(window.before) or any(plan.beyond)):
            raise UnsupportedError("padding of dilated windows is supported only if both ends are alike")
        x = grown(call, x, window.before, plan.beyond, "replicate")
        padding = (0,) * len(padding)
    return call.emit(
        "max_pool",
        x,
        rank=len(padding),
        kernel_size=window.kernel,
        stride=window.strides,
        padding=padding,
        dilation=window.dilations,
        ceil_mode=False,
    )


@operator("AveragePool")
def average_pool(call: Call) -> Value:
    x = fractional(_image(call))
    plan = Plan.of(call, x.shape[2:])
    window, include = plan.window, call.flag("count_include_pad")
    # What lies behind the file's padding is not counted, but torch's padding at the far end would be.
    counted = include and any(r > after for r, after in zip(plan.beyond, window.after, strict=True))
    if plan.native and set(window.dilations) == {1} and not counted:
        return call.emit(
            "avg_pool",
            x,
            rank=len(window.kernel),
            kernel_size=window.kernel,
            stride=window.strides,
            padding=window.before,
            ceil_mode=False,
            count_include_pad=include,
        )
    counts = _counted(plan, x.shape[2:], include).to(x.dtype)
    x = grown(call, x, window.before, plan.beyond)
    channels = x.shape[1]
    kernel = torch.ones(channels, 1, *window.kernel, dtype=x.dtype)
    total = call.emit(
        "conv",
        x,
        call.constant(kernel),
        stride=window.strides,
        padding=(0,) * len(window.kernel),
        dilation=window.dilations,
        groups=channels,
    )
    return call.emit("div", total, call.constant(counts))


def _counted(plan: Plan, sizes: Sizes, include: bool) -> torch.Tensor:
    """How many elements count under each window: those of the image, and the padding where it is included."""
    window = plan.window
    result = torch.ones((1, 1) + (1,) * len(sizes))
    for dim, size in enumerate(sizes):
        first, last = (-window.before[dim], size + window.after[dim]) if include else (0, size)
        starts = torch.arange(plan.counts[dim]) * window.strides[dim] - window.before[dim]
        places = starts[:, None] + torch.arange(window.kernel[dim]) * window.dilations[dim]
        count = ((places >= first) & (places < last)).sum(1).float()
        if bool((count == 0).any()):
            raise UnsupportedError("windows that lie in the padding altogether are not supported")
        result = result * count.reshape([-1 if d == dim else 1 for d in range(-2, len(sizes))])
    return result


def _all_places(call: Call, op: str) -> Value:
    """An op over all sizes of the image, which become 1."""
    call.takes(1, 1)
    x = fractional(call.input(0))
    if len(x.shape) < 3:
        raise ShapeError(f"it takes (batch, channels, sizes...), it is given {x.shape}")
    return call.emit(op, x, dim=tuple(range(2, len(x.shape))), keepdim=True)


@operator("GlobalAveragePool")
def global_average_pool(call: Call) -> Value:
    return _all_places(call, "mean")


@operator("GlobalMaxPool")
def global_max_pool(call: Call) -> Value:
    return _all_places(call, "amax")
