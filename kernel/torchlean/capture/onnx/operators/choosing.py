"""Choices between values: Min, Max, Clip, Where, comparisons and logic."""

from __future__ import annotations

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.arithmetic import chained, pair, same_dtypes
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError


@operator("Min")
def minimum(call: Call) -> Value:
    return chained(call, "minimum")


@operator("Max")
def maximum(call: Call) -> Value:
    return chained(call, "maximum")


@operator("Clip")
def clip(call: Call) -> Value:
    """`min(max(x, low), high)`; the limits are attributes before opset 11, and may be left out."""
    x = call.input(0)
    if call.opset < 11:
        call.takes(1, 1)
        limits = {name: call.number(name, 0.0) for name in ("min", "max") if call.has(name)}
        if len(limits) == 2 and limits["min"] > limits["max"]:
            raise ShapeError(f"its limits leave nothing between {limits['min']:g} and {limits['max']:g}")
        return call.emit("clamp", x, **limits) if limits else x
    call.takes(1, 3)
    low, high = call.optional(1), call.optional(2)
    given = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    same_dtypes(x, *given.values())
    if any(value.type.numel != 1 for value in given.values()):
        raise ShapeError("its limits must be single numbers")
    known = {name: value.data.item() for name, value in given.items() if value.data is not None}
    if len(known) == len(given):
        return call.emit("clamp", x, **known) if known else x
    if low is not None:
        x = call.emit("maximum", x, call.reshape(low, ()))
    return x if high is None else call.emit("minimum", x, call.reshape(high, ()))


@operator("Where")
def where(call: Call) -> Value:
    call.takes(3, 3)
    condition, a, b = truth(call.input(0)), call.input(1), call.input(2)
    same_dtypes(a, b)
    return call.emit("where", condition, a, b)


def truth(x: Value) -> Value:
    """An operand of truth values.

    Raises:
        ShapeError: it holds numbers.
    """
    if x.dtype != torch.bool:
        raise ShapeError(f"it takes truth values, it is given {x.type}")
    return x


COMPARISONS = {
    "Equal": "eq",
    "Greater": "gt",
    "GreaterOrEqual": "ge",
    "Less": "lt",
    "LessOrEqual": "le",
}
LOGIC = {"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"}


def _compare(name: str, op: str) -> None:
    @operator(name)
    def handler(call: Call) -> Value:
        return call.emit(op, *pair(call))


def _connect(name: str, op: str) -> None:
    @operator(name)
    def handler(call: Call) -> Value:
        a, b = pair(call)
        return call.emit(op, truth(a), truth(b))


for _name, _op in COMPARISONS.items():
    _compare(_name, _op)
for _name, _op in LOGIC.items():
    _connect(_name, _op)


@operator("Not")
def negation(call: Call) -> Value:
    call.takes(1, 1)
    return call.emit("logical_not", truth(call.input(0)))
