"""Values that are known when the file is read: Constant, shapes, ranges, and conversions of type."""

from __future__ import annotations

import math

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.messages import FileFault
from torchlean.capture.onnx.table import operator
from torchlean.capture.onnx.tensors import dtype_of
from torchlean.ops import ShapeError, TensorType, UnsupportedError, dtype_name


@operator("Constant")
def constant(call: Call) -> Value:
    call.takes(0, 0)
    attribute = call.any_of("value", "value_float", "value_floats", "value_int", "value_ints")
    if attribute is None:
        raise UnsupportedError("a constant that is neither a tensor nor numbers is not supported")
    name = attribute.name
    if name == "value":
        data = call.tensor(name)
        assert data is not None
    elif name == "value_ints":
        data = torch.tensor(call.integers(name), dtype=torch.int64)
    elif name == "value_floats":
        data = torch.tensor(call.numbers(name), dtype=torch.float32)
    elif name == "value_int":
        data = torch.tensor(call.integer(name, 0), dtype=torch.int64)
    else:
        data = torch.tensor(call.number(name, 0.0), dtype=torch.float32)
    return call.constant(data)


@operator("ConstantOfShape")
def constant_of_shape(call: Call) -> Value:
    call.takes(1, 1)
    shape = call.known_integers(0, "the shape")
    if any(size < 0 for size in shape):
        raise ShapeError(f"the shape {shape} has a negative size")
    number = call.tensor("value")
    if number is None:
        number = torch.zeros(1)
    if number.numel() != 1:
        raise ShapeError("its attribute `value` must be one number")
    call.emitter.fitting(TensorType(shape, number.dtype))
    return call.constant(number.reshape(()).expand(shape).contiguous())


@operator("Shape")
def shape(call: Call) -> Value:
    """Sizes `start` to `end`, cut to what there is."""
    call.takes(1, 1)
    sizes = call.input(0).shape
    start, end = 0, len(sizes)
    if call.opset >= 15:
        start, end = call.integer("start", 0), call.integer("end", end)
    return call.constant(torch.tensor(sizes[start:end], dtype=torch.int64))


@operator("Size")
def size(call: Call) -> Value:
    call.takes(1, 1)
    return call.constant(torch.tensor(call.input(0).type.numel, dtype=torch.int64))


@operator("Range")
def range_of(call: Call) -> Value:
    """`start`, `start + delta`, ... before `limit`."""
    call.takes(3, 3)
    parts = [call.known(index, "a range") for index in range(3)]
    dtype = parts[0].dtype
    if any(part.numel() != 1 or part.dtype != dtype for part in parts):
        raise ShapeError("a range needs three single numbers of one type")
    start, limit, delta = (part.item() for part in parts)
    if delta == 0 or not all(map(math.isfinite, (start, limit, delta))):
        raise ShapeError(f"there is no range from {start} to {limit} in steps of {delta}")
    count = max(math.ceil((limit - start) / delta), 0)
    call.emitter.fitting(TensorType((count,), dtype))
    if dtype.is_floating_point and not (float(start).is_integer() and float(delta).is_integer()):
        raise UnsupportedError("a range of fractions is not supported: its rounding is not specified")
    return call.constant(torch.arange(count, dtype=torch.float64).mul(delta).add(start).to(dtype))


@operator("Cast")
def cast(call: Call) -> Value:
    call.takes(1, 1)
    call.ignore("saturate")
    number = call.integer("to", 0)
    try:
        return _converted(call, call.input(0), dtype_of(number))
    except FileFault as fault:
        raise UnsupportedError(str(fault)) from fault


@operator("CastLike")
def cast_like(call: Call) -> Value:
    call.takes(2, 2)
    call.ignore("saturate")
    return _converted(call, call.input(0), call.input(1).dtype)


def _converted(call: Call, x: Value, dtype: torch.dtype) -> Value:
    if x.data is None and x.dtype.is_floating_point and dtype not in (*FRACTIONAL, torch.bool, torch.int64):
        raise UnsupportedError(
            f"converting {dtype_name(x.dtype)} that depends on inputs to {dtype_name(dtype)} is not supported"
        )
    return x if x.dtype == dtype else call.emit("cast", x, dtype=dtype)


FRACTIONAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
