"""Elements by position: Gather and its kin, Trilu, and Einsum, which names dimensions by letters."""

from __future__ import annotations

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import same_dtypes
from torchlean.capture.onnx.operators.joining import part
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError


def places(call: Call, index: Value, size: int) -> torch.Tensor:
    """Known indices into a dimension of that size, counted from its start.

    Raises:
        UnsupportedError: they depend on the model's inputs.
        ShapeError: they are no integers, or one is out of range.
    """
    if index.dtype not in (torch.int32, torch.int64):
        raise ShapeError(f"indices must be integers, they are {index.type}")
    if index.data is None:
        raise UnsupportedError("indices that depend on the model's inputs are not supported")
    found = index.data.to(torch.int64)
    if bool(((found < -size) | (found >= size)).any()):
        raise ShapeError(f"an index is out of range for a dimension of {size} elements")
    return torch.where(found < 0, found + size, found)


@operator("Gather")
def gather(call: Call) -> Value:
    """Whole slices of a dimension; the dimensions of the indices take its place."""
    call.takes(2, 2)
    x, index = call.input(0), call.input(1)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    found = places(call, index, x.shape[axis])
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    flat = [int(place) for place in found.reshape(-1)]
    if flat and flat == list(range(flat[0], flat[0] + len(flat))):
        picked = part(x, call, {axis: range(flat[0], flat[0] + len(flat))})
    else:
        picked = call.emit("index", x, call.constant(found.reshape(-1)), dims=(axis,))
    return call.reshape(picked, (*before, *index.shape, *after))


@operator("GatherElements")
def gather_elements(call: Call) -> Value:
    call.takes(2, 2)
    x, index = call.input(0), call.input(1)
    axis = call.axis(call.integer("axis", 0), len(x.shape))
    found = places(call, index, x.shape[axis])
    if len(index.shape) != len(x.shape):
        raise ShapeError(f"indices of shape {index.shape} do not fit {x.shape}")
    return call.emit("gather", x, call.constant(found), dim=axis)


@operator("Trilu")
def trilu(call: Call) -> Value:
    """The triangle of a matrix at and above (or below) its `k`-th diagonal, zeros elsewhere."""
    call.takes(1, 2)
    x = call.input(0)
    diagonal = 0
    if call.optional(1) is not None:
        numbers = call.known_integers(1, "the diagonal")
        if len(numbers) != 1:
            raise ShapeError("its diagonal must be one integer")
        (diagonal,) = numbers
    return call.emit("triu" if call.flag("upper", True) else "tril", x, diagonal=diagonal)


@operator("Einsum")
def einsum(call: Call) -> Value:
    operands = [call.input(index) for index in range(len(call.inputs))]
    if not operands:
        raise ShapeError("it has no inputs")
    same_dtypes(*operands)
    return call.torch("torch.einsum", call.text("equation", "").replace(" ", ""), *operands)
