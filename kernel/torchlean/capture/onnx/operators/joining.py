"""Taking tensors apart and putting them together: Concat, Split, Slice, Gather, Pad."""

from __future__ import annotations

from collections.abc import Sequence

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import same_dtypes
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError
from torchlean.ops.indexing import sliced
from torchlean.ops.subscript import canonical


@operator("Concat")
def concat(call: Call) -> Value:
    values = [call.input(index) for index in range(len(call.inputs))]
    if not values or not call.has("axis"):
        raise ShapeError("it needs inputs and an axis")
    same_dtypes(*values)
    axis = call.axis(call.integer("axis", 0), len(values[0].shape))
    return values[0] if len(values) == 1 else call.emit("cat", *values, dim=axis)


@operator("Split")
def split(call: Call) -> Sequence[Value]:
    """Pieces of given sizes; else of equal ones, the last smaller where it does not go up (from opset 18)."""
    call.takes(1, 2)
    x = call.input(0)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    size, count = x.shape[axis], len(call.outputs)
    if call.opset >= 18 and call.integer("num_outputs", count) != count:
        raise ShapeError(f"num_outputs is not the number of its outputs, {count}")
    sizes = call.listed("split", 1, 13, "the sizes of the pieces")
    if call.opset >= 18 and (sizes is None) != call.has("num_outputs"):
        raise ShapeError("it is given the sizes of its pieces or `num_outputs`, and exactly one of them")
    if sizes is None:
        if size % count and call.opset < 18:
            raise ShapeError(f"{size} elements do not split into {count} equal pieces")
        step = -(-size // count)
        sizes = tuple(max(min(step, size - place * step), 0) for place in range(count))
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 0:
        raise ShapeError(f"sizes {sizes} do not split dimension {axis} of {x.shape} into {count} pieces")
    starts = [sum(sizes[:place]) for place in range(count)]
    return [part(x, call, {axis: range(a, a + n)}) for a, n in zip(starts, sizes, strict=True)]


def part(x: Value, call: Call, ranges: dict[int, range]) -> Value:
    """The elements in some ranges of some dimensions, and all of the others; steps may be negative."""
    forward = {d: r if r.step > 0 else r[::-1] for d, r in ranges.items()}
    places = [canonical(forward.get(d, range(size))) for d, size in enumerate(x.shape)]
    found = sliced(call.emitter, x, places)
    assert isinstance(found, Value)
    backward = tuple(sorted(d for d, r in ranges.items() if r.step < 0 and len(r) > 1))
    return call.emit("flip", found, dims=backward) if backward else found


NO_END = 2**31 - 1
"""And whatever is greater: how files say that a slice has no end."""


@operator("Slice")
def slice_(call: Call) -> Value:
    """Starts and ends may be negative or too large, as in Python."""
    call.takes(1, 5)
    x = call.input(0)
    starts = call.listed("starts", 1, 10, "where to start")
    ends = call.listed("ends", 2, 10, "where to end")
    axes = call.listed("axes", 3, 10, "the axes")
    if starts is None or ends is None:
        raise ShapeError("it needs starts and ends")
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts)
    if call.opset >= 10 and call.optional(4) is not None:
        steps = call.known_integers(4, "the steps")
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise ShapeError(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} do not fit each other")
    call.axes(axes, len(x.shape))
    ranges = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        dim = call.axis(axis, len(x.shape))
        if step < 0 and end >= NO_END:
            raise UnsupportedError(
                f"backward to the end {end} is nothing by the standard, and all to the first element in onnxruntime"
            )
        ranges[dim] = range(x.shape[dim])[_start(start, step, x.shape[dim]) : end : step]
    return part(x, call, ranges)


def _start(start: int, step: int, size: int) -> int:
    """ONNX clamps a start far before the tensor to its first element also where steps are negative; Python does not."""
    return max(start, -size) if step < 0 else start
