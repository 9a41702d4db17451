"""Normalisations, as they run when a network is used."""

from __future__ import annotations

import math

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import fractional, same_dtypes
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError


@operator("BatchNormalization")
def batch_normalization(call: Call) -> Value:
    """With the statistics that are stored; those of the batch are for training."""
    call.takes(5, 5)
    x, scale, bias, mean, variance = (call.input(index) for index in range(5))
    same_dtypes(x, scale, bias, mean, variance)
    call.ignore("momentum")
    if call.flag("training_mode"):
        raise UnsupportedError("training_mode is not supported: statistics would be those of the batch")
    if call.opset < 9 and not call.flag("spatial", True):
        raise UnsupportedError("statistics of single elements (spatial=0) are not supported")
    eps = call.number("epsilon", 1e-5)
    return call.torch("torch.nn.functional.batch_norm", fractional(x), mean, variance, scale, bias, eps=eps)


@operator("LayerNormalization")
def layer_normalization(call: Call) -> Value:
    """Over the dimensions from `axis` on. Scale and bias may broadcast, which the op does not know."""
    call.takes(2, 3)
    x, scale, bias = fractional(call.input(0)), call.input(1), call.optional(2)
    same_dtypes(x, scale, *([] if bias is None else [bias]))
    _single_precision(call, x)
    axis = call.axis(call.integer("axis", -1), len(x.shape))
    sizes, eps = x.shape[axis:], call.number("epsilon", 1e-5)
    if scale.shape == sizes and (bias is None or bias.shape == sizes):
        return call.torch("torch.nn.functional.layer_norm", x, sizes, scale, bias, eps)
    plain = call.torch("torch.nn.functional.layer_norm", x, sizes, None, None, eps)
    result = call.emit("mul", plain, scale)
    result = result if bias is None else call.emit("add", result, bias)
    if result.shape != x.shape:
        raise ShapeError(f"its scale {scale.shape} or bias does not broadcast to {x.shape}")
    return result


@operator("InstanceNormalization")
def instance_normalization(call: Call) -> Value:
    """Each channel of each sample on its own."""
    call.takes(3, 3)
    x, scale, bias = fractional(call.input(0)), call.input(1), call.input(2)
    same_dtypes(x, scale, bias)
    if len(x.shape) < 3:
        raise ShapeError(f"it takes (batch, channels, sizes...), it is given {x.shape}")
    if math.prod(x.shape[2:]) == 1:
        raise UnsupportedError("a channel of a single element has no variance")
    eps = call.number("epsilon", 1e-5)
    return call.torch("torch.instance_norm", x, scale, bias, None, None, True, 0.0, eps, False)


def _single_precision(call: Call, x: Value) -> None:
    """`stash_type` is the precision of mean and variance: binary32, whatever the operand's."""
    if call.integer("stash_type", 1) != 1:
        raise UnsupportedError("a stash_type other than 1 (binary32) is not supported")
    if x.dtype.itemsize < 4:
        raise UnsupportedError(f"normalising {x.dtype} in binary32 is not supported")
