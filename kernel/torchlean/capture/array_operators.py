"""Operators on NumPy's arrays and scalars, with NumPy's dtypes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy
import torch

from torchlean.capture.array_values import (
    PLAIN,
    ArrayValue,
    as_array,
    cast,
    fresh,
    known,
    result_dtype,
    sample,
)
from torchlean.capture.values import Instance, Native, TensorValue, Unknown, Value, type_name
from torchlean.capture.varying import Number, as_tensor
from torchlean.ops import SPELLINGS, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "matmul": operator.matmul,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}
"""Arithmetic: operands are converted to the dtype of the result first."""

COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


def binary(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    """`left op right`, of which one is an array or a NumPy scalar that is not known."""
    for side in (left, right):
        if isinstance(side, Unknown):
            return run.enters(side)
    for side, other in ((left, right), (right, left)):
        if type(side) is TensorValue:
            return _with_tensor(run, name, left, right, other)
        if isinstance(side, Instance):
            from torchlean.capture.operators import on_instances

            return on_instances(run, name, left, right)
        if not isinstance(side, (ArrayValue, Number, list, tuple, *PLAIN)):
            return Unknown(f"an array and a value of type {type_name(side)} are not followed", run.place())
    return _called(run, name, lambda run: compute(run, name, left, right), [left, right])


def _with_tensor(run: Interpreter, name: str, left: Value, right: Value, array: Value) -> Value:
    """Tensors take NumPy's scalars as plain numbers."""
    if not isinstance(array, ArrayValue) or not array.scalar:
        return run.unfollowed("an operator between a tensor and a NumPy array is not followed")
    from torchlean.capture.operators import binary as on_tensors

    if left is array:
        return on_tensors(run, name, as_number(run, array, right), right)
    return on_tensors(run, name, left, as_number(run, array, left))


def as_number(run: Interpreter, scalar: ArrayValue, tensor: TensorValue) -> Value:
    """A NumPy scalar where torch takes it as a number: it does not change the dtype of a tensor of its kind."""
    numbers = known(run, scalar)
    if numbers is not None:
        return numbers.item()
    if tensor.dtype.is_floating_point or not scalar.dtype.is_floating_point:
        dtype = tensor.dtype if tensor.dtype != torch.bool else scalar.dtype
    else:
        dtype = run.default_dtype or torch.get_default_dtype()
    return plain_copy(run, scalar, dtype)


def plain_copy(run: Interpreter, array: ArrayValue, dtype: torch.dtype) -> TensorValue:
    """A tensor of its own with the numbers of an array."""
    made = SPELLINGS["torch.Tensor.to"](run.emitter, array, dtype)
    return run.emitter.emit("clone", made)


def compute(run: Interpreter, name: str, left: Value, right: Value) -> ArrayValue:
    """The operator on two operands, of which at least one is an array.

    Raises:
        ShapeError: the shapes do not fit.
        UnsupportedError: NumPy refuses the dtypes, or the result depends on numbers that are not known.
    """
    left, right = (as_array(run, side) if isinstance(side, (list, tuple)) else side for side in (left, right))
    if name in COMPARISONS:
        kind = _common(left, right)
    else:
        kind = result_dtype(OPERATORS[name], left, right)
        _check(run, name, kind, right)
    one, other = (_operand(run, side, kind) for side in (left, right))
    method = f"__{name}__"
    if not isinstance(one, TensorValue):
        method = f"__{MIRRORED[name]}__" if name in COMPARISONS else f"__r{name}__"
        one, other = other, one
    result = SPELLINGS[f"torch.Tensor.{method}"](run.emitter, one, other)
    return fresh(run, result, (left, right))


def _common(left: Value, right: Value) -> numpy.dtype[Any]:
    """The dtype in which two operands are compared."""
    return result_dtype(lambda one, other: numpy.result_type(one, other).type(0), left, right)


def _operand(run: Interpreter, value: Value, kind: numpy.dtype[Any]) -> Value:
    if isinstance(value, Number):
        value = as_tensor(run, value)
    if isinstance(value, TensorValue):
        return cast(run, value, kind)
    # Of a Python number NumPy takes what it is in the dtype of the result.
    return kind.type(value).item() if kind.kind != "f" else float(value)


def _check(run: Interpreter, name: str, kind: numpy.dtype[Any], right: Value) -> None:
    """What NumPy and torch do differently with whole numbers.

    Raises:
        UnsupportedError: a divisor may be zero, or an exponent negative.
    """
    if kind.kind == "b" and name in ("mul", "add", "sub"):
        raise UnsupportedError("arithmetic between arrays of bool is not followed")
    if kind.kind not in "iu" or name not in ("floordiv", "mod", "pow"):
        return
    numbers = known(run, right) if isinstance(right, ArrayValue) else sample(right)
    if isinstance(right, Number) or numbers is None:
        raise UnsupportedError(f"`{name}` of whole numbers by some that are not known is not followed")
    if bool(numpy.any(numpy.less(numbers, 0) if name == "pow" else numpy.equal(numbers, 0))):
        raise UnsupportedError("a whole number divided by zero, or with a negative exponent, is not followed")


def in_place(run: Interpreter, name: str, left: ArrayValue, right: Value) -> Value:
    """`left op= right`: an array is written, a scalar gives another scalar."""
    if left.scalar or name not in OPERATORS:
        return binary(run, name, left, right)

    def change(run: Interpreter) -> Value:
        if type(right) is TensorValue:
            raise UnsupportedError("an array that is changed by a tensor is not followed")
        result = compute(run, name, left, right)
        if not numpy.can_cast(result.kind, left.kind, "same_kind"):
            text = f"the result is {result.kind} and cannot be stored into an array of {left.kind} in place"
            return run.error("TL103", text)
        run.emitter.overwrite(left, cast(run, result, left.kind))
        return left

    if isinstance(right, Unknown):
        from torchlean.capture.memory import overwritten

        overwritten(run, left, right)
        return right
    result = _called(run, name, change, [left, right])
    if isinstance(result, Unknown):
        from torchlean.capture.memory import overwritten

        overwritten(run, left, result)
    return result


def unary(run: Interpreter, name: str, array: ArrayValue) -> Value:
    """`-a`, `+a`, `~a`, `abs(a)`, by the name of the method."""

    def compute(run: Interpreter) -> Value:
        if array.dtype == torch.bool and name != "__invert__":
            raise UnsupportedError("arithmetic on arrays of bool is not followed")
        if name == "__pos__":
            return fresh(run, run.emitter.emit("clone", array), (array,))
        return fresh(run, SPELLINGS[f"torch.Tensor.{name}"](run.emitter, array), (array,))

    return _called(run, name.strip("_"), compute, [array])


def compare(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    """One comparison."""
    return binary(run, name, left, right)


def _called(
    run: Interpreter, name: str, compute: Callable[[Interpreter], Value], operands: list[Value]
) -> Value:
    """Errors are reported as those of a function of NumPy."""
    from torchlean.capture.calling import call_native

    function = Native(f"numpy.{name}", lambda run, *operands: compute(run), accepts_unknown=True)
    return call_native(run, function, operands, {})
