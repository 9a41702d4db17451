"""Arithmetic element by element: the four operations, functions of one variable, powers."""

from __future__ import annotations

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.operators.products import with_bias
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, UnsupportedError, dtype_name

UNARY = {
    "Abs": "abs",
    "Acos": "acos",
    "Acosh": "acosh",
    "Asin": "asin",
    "Asinh": "asinh",
    "Atan": "atan",
    "Atanh": "atanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Log": "log",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Round": "round",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Sin": "sin",
    "Sinh": "sinh",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Tan": "tan",
    "Tanh": "tanh",
}
"""Operators of one operand without attributes, and the ops that are the same function. Round goes to even, in both."""


WHOLE = ("Abs", "Ceil", "Floor", "Neg", "Relu", "Round", "Sign")
"""Those among them that take integers, too."""


def _unary(name: str, op: str) -> None:
    attributes = {"decimals": 0} if op == "round" else {}

    def handler(call: Call) -> Value:
        call.takes(1, 1)
        x = call.input(0)
        return call.emit(op, x if name in WHOLE else fractional(x), **attributes)

    operator(name)(handler)


for _name, _op in UNARY.items():
    _unary(_name, _op)


def fractional(x: Value) -> Value:
    """The operand of an operator that has no meaning for integers.

    Raises:
        ShapeError: it holds integers or truth values.
    """
    if not x.dtype.is_floating_point:
        raise ShapeError(f"it takes fractions (float16, float or double), it is given {dtype_name(x.dtype)}")
    return x


def same_dtypes(*values: Value) -> None:
    """ONNX converts nothing on its own.

    Raises:
        ShapeError: the dtypes differ.
    """
    names = {dtype_name(value.dtype) for value in values}
    if len(names) > 1:
        raise ShapeError(f"its inputs must have one type, they have {', '.join(sorted(names))}")


def pair(call: Call) -> tuple[Value, Value]:
    """Two operands of one dtype."""
    call.takes(2, 2)
    a, b = call.input(0), call.input(1)
    same_dtypes(a, b)
    return a, b


@operator("Add")
def add(call: Call) -> Value:
    a, b = pair(call)
    return with_bias(call, a, b) or with_bias(call, b, a) or call.emit("add", a, b)


@operator("Sub")
def sub(call: Call) -> Value:
    return call.emit("sub", *pair(call))


@operator("Mul")
def mul(call: Call) -> Value:
    a, b = pair(call)
    return call.torch("torch.mul", a, b)


@operator("Div")
def div(call: Call) -> Value:
    """Of integers, the quotient rounded toward zero."""
    a, b = pair(call)
    if a.dtype.is_floating_point:
        return call.emit("div", a, b)
    return call.torch("torch.div", a, b, rounding_mode="trunc")


@operator("Sum")
def sum_of(call: Call) -> Value:
    return chained(call, "add")


@operator("Mean")
def mean_of(call: Call) -> Value:
    return call.emit("div", fractional(chained(call, "add")), float(len(call.inputs)))


def chained(call: Call, op: str) -> Value:
    """An op of two operands over any number of them."""
    values = [call.input(index) for index in range(len(call.inputs))]
    if not values:
        raise ShapeError("it has no inputs")
    same_dtypes(*values)
    if call.opset < 8 and len({value.shape for value in values}) > 1:
        raise ShapeError(
            f"its inputs must have one shape before opset 8, they have {[value.shape for value in values]}"
        )
    result = values[0]
    for value in values[1:]:
        result = call.emit(op, result, value)
    return result


@operator("Pow")
def pow(call: Call) -> Value:
    """The result has the type of the base."""
    call.takes(2, 2)
    base, exponent = call.input(0), call.input(1)
    if not base.dtype.is_floating_point and exponent.dtype.is_floating_point:
        raise UnsupportedError("an integer raised to a fractional power is not supported")
    number = None if exponent.data is None or exponent.type.numel != 1 else exponent.data.item()
    if number is not None and len(exponent.shape) <= len(base.shape):
        # A whole exponent is written as an integer: the square of a negative number exists.
        whole = isinstance(number, float) and number.is_integer() and base.dtype.is_floating_point
        return call.torch("torch.pow", base, int(number) if whole else number)
    if exponent.dtype != base.dtype:
        exponent = call.torch("torch.Tensor.to", exponent, base.dtype)
    return call.torch("torch.pow", base, exponent)


@operator("Mod")
def mod(call: Call) -> Value:
    """With `fmod=1` the remainder has the sign of the dividend, as in C; otherwise that of the divisor."""
    fmod = call.flag("fmod")
    a, b = pair(call)
    if a.dtype.is_floating_point and not fmod:
        raise ShapeError("of fractions there is only the remainder with `fmod=1`")
    return call.torch("torch.fmod" if fmod else "torch.remainder", a, b)
