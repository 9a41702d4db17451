"""Choices between values: Min, Max, Clip, Where, comparisons and logic."""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import chained
from torchlean.capture.onnx.table import operator


@operator("Min")
def minimum(call: Call) -> Value:
    return chained(call, "minimum")


@operator("Max")
def maximum(call: Call) -> Value:
    return chained(call, "maximum")
