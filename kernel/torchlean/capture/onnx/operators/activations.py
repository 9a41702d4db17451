"""Activation functions with attributes, and softmax."""

from __future__ import annotations

import math

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import fractional, same_dtypes
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError


def _only(call: Call) -> Value:
    """The single operand, which holds fractions."""
    call.takes(1, 1)
    return fractional(call.input(0))


@operator("LeakyRelu")
def leaky_relu(call: Call) -> Value:
    return call.emit("leaky_relu", _only(call), negative_slope=call.number("alpha", 0.01))


@operator("PRelu")
def prelu(call: Call) -> Value:
    """The slope broadcasts to the operand. The op takes one per channel; others are written with two relus."""
    call.takes(2, 2)
    x, slope = fractional(call.input(0)), call.input(1)
    same_dtypes(x, slope)
    if len(slope.shape) > len(x.shape):
        raise ShapeError(f"its slope of shape {slope.shape} does not broadcast to {x.shape}")
    aligned = (1,) * (len(x.shape) - len(slope.shape)) + slope.shape
    if slope.type.numel == 1 or all(size == 1 or dim == 1 for dim, size in enumerate(aligned)):
        return call.emit("prelu", x, call.reshape(slope, (slope.type.numel,)))
    below = call.emit("mul", call.emit("relu", call.emit("neg", x)), slope)
    return call.emit("sub", call.emit("relu", x), below)


@operator("ThresholdedRelu")
def thresholded_relu(call: Call) -> Value:
    """`x` above `alpha`, else 0."""
    return call.emit("threshold", _only(call), threshold=call.number("alpha", 1.0), value=0.0)


@operator("Elu")
def elu(call: Call) -> Value:
    return call.emit("elu", _only(call), alpha=call.number("alpha", 1.0))


@operator("Celu")
def celu(call: Call) -> Value:
    return call.emit("celu", _only(call), alpha=call.number("alpha", 1.0))


@operator("Selu")
def selu(call: Call) -> Value:
    """`gamma * elu(x, alpha)`; the constants are rounded to binary32, unlike those of torch's selu."""
    alpha = call.number("alpha", 1.67326319217681884765625)
    gamma = call.number("gamma", 1.05070102214813232421875)
    return call.emit("mul", call.emit("elu", _only(call), alpha=alpha), gamma)


@operator("HardSigmoid")
def hard_sigmoid(call: Call) -> Value:
    """`alpha * x + beta`, cut to [0, 1]."""
    scaled = call.emit("mul", _only(call), call.number("alpha", 0.2))
    return call.emit("clamp", call.emit("add", scaled, call.number("beta", 0.5)), min=0.0, max=1.0)


@operator("HardSwish")
def hard_swish(call: Call) -> Value:
    return call.emit("hardswish", _only(call))


@operator("Mish")
def mish(call: Call) -> Value:
    return call.emit("mish", _only(call))


@operator("Softplus")
def softplus(call: Call) -> Value:
    """torch's has a straight part where the difference is below 1e-8; its bounds contain both."""
    return call.emit("softplus", _only(call), beta=1.0, threshold=20.0)


@operator("Gelu")
def gelu(call: Call) -> Value:
    approximate = call.text("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise UnsupportedError(f"approximate {approximate!r} is not supported")
    return call.emit("gelu", _only(call), approximate=approximate)


@operator("Softmax")
def softmax(call: Call) -> Value:
    return _over_axis(call, "torch.softmax")


@operator("LogSoftmax")
def log_softmax(call: Call) -> Value:
    return _over_axis(call, "torch.log_softmax")


def _over_axis(call: Call, function: str) -> Value:
    """Along `axis`; before opset 13 over all dimensions from `axis` on, as if they were one."""
    x = _only(call)
    rank = len(x.shape)
    if call.opset >= 13:
        return call.torch(function, x, call.axis(call.integer("axis", -1), max(rank, 1)))
    axis = call.axis(call.integer("axis", 1), rank)
    if axis == rank - 1:
        return call.torch(function, x, axis)
    matrix = call.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))
    return call.reshape(call.torch(function, matrix, 1), x.shape)
