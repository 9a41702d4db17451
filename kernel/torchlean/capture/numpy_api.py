"""NumPy's names: constants, classes, functions of plain numbers, and how arrays are made (`array_values`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy

from torchlean.capture.array_attributes import astype
from torchlean.capture.array_functions import BINARY, PAIRS, UNARY, elementwise, is_followed, own
from torchlean.capture.array_values import DTYPES, ArrayValue, as_array, constant, dtype_of, fresh
from torchlean.capture.calling import call
from torchlean.capture.tables import words
from torchlean.capture.torch_names import CONSTANTS, member
from torchlean.capture.values import TensorValue, Value, native
from torchlean.capture.views import is_dense
from torchlean.graph.origin import Source
from torchlean.ops import TensorType, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

CONSTANTS.update(
    {f"numpy.{name}": getattr(numpy, name) for name in ("pi", "e", "inf", "nan", "newaxis", "euler_gamma")}
)
CONSTANTS.update(
    {
        f"numpy.{name}": getattr(numpy, name)
        for name in words(
            """float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ single double half intp
            longlong ndarray generic number integer floating inexact signedinteger unsignedinteger"""
        )
    }
)

FUNCTIONS = (*UNARY, *BINARY, *PAIRS, "cbrt")
"""Functions of numbers and of arrays, element by element."""

NUMBERS = (bool, int, float, numpy.generic)


def _elementwise(name: str) -> Callable[..., Value]:
    function: Callable[..., object] = getattr(numpy, name)

    def call(run: Interpreter, *operands: Value) -> Value:
        if all(isinstance(operand, NUMBERS) for operand in operands):
            with numpy.errstate(all="ignore"):
                return function(*operands)
        if not any(isinstance(operand, (ArrayValue, list, tuple)) for operand in operands):
            return _on_tensors(run, name, operands)
        if not all(
            is_followed(operand) or isinstance(operand, (*NUMBERS, list, tuple)) for operand in operands
        ):
            raise UnsupportedError(f"`numpy.{name}` of such values is not followed")
        return elementwise(run, name, *operands)

    return call


def _on_tensors(run: Interpreter, name: str, operands: tuple[Value, ...]) -> Value:
    """NumPy's functions of torch's tensors give tensors.

    Raises:
        UnsupportedError: the operands are something else, or torch has no such function.
    """
    if not any(isinstance(operand, TensorValue) for operand in operands) or name not in UNARY:
        raise UnsupportedError(f"`numpy.{name}` of such values is not followed")
    return call(run, member("torch", UNARY[name]), list(operands), {})


for _name in FUNCTIONS:
    native(f"numpy.{_name}")(_elementwise(_name))


@native("numpy.array", "numpy.copy")
def array(run: Interpreter, object: Value, dtype: Value = None, copy: Value = True) -> Value:
    """An array of its own."""
    if copy is not True:
        return asarray(run, object, dtype)
    if isinstance(object, TensorValue):
        _check_tensor(run, object)
        return _of_dtype(run, own(run, object), dtype)
    made = as_array(run, object)
    return _of_dtype(run, ArrayValue(made) if made.scalar else made, dtype)


@native("numpy.asarray", "numpy.ascontiguousarray", "numpy.asanyarray")
def asarray(run: Interpreter, a: Value, dtype: Value = None) -> Value:
    """An array itself; the array that shares a tensor's memory."""
    _check_tensor(run, a)
    made = as_array(run, a)
    return _of_dtype(run, fresh(run, made, scalar=False) if made.scalar else made, dtype)


def _check_tensor(run: Interpreter, value: Value) -> None:
    if type(value) is TensorValue and not run.in_script:
        raise UnsupportedError("a tensor that becomes an array is not followed")


def _of_dtype(run: Interpreter, array: ArrayValue, dtype: Value) -> Value:
    kind = dtype_of(dtype)
    return array if kind is None or kind == array.kind else astype(run, array, kind)


@native("numpy.zeros")
def zeros(run: Interpreter, shape: Value, dtype: Value = float) -> Value:
    return _filled(run, shape, 0, dtype)


@native("numpy.ones")
def ones(run: Interpreter, shape: Value, dtype: Value = float) -> Value:
    return _filled(run, shape, 1, dtype)


@native("numpy.full")
def full(run: Interpreter, shape: Value, fill_value: Value, dtype: Value = None) -> Value:
    if not isinstance(fill_value, NUMBERS):
        raise UnsupportedError("an array filled with such a value is not followed")
    return _filled(run, shape, fill_value, numpy.asarray(fill_value).dtype if dtype is None else dtype)


@native("numpy.empty")
def empty(run: Interpreter, shape: Value, dtype: Value = float) -> Value:
    """Whatever the memory held before."""
    kind = dtype_of(dtype)
    assert kind is not None
    type = TensorType(_sizes(shape), DTYPES[kind])
    lower, upper = (0.0, 1.0) if kind.kind == "b" else (-math.inf, math.inf)
    made = run.emitter.random(type, lower, upper, "not initialised", source=Source.UNKNOWN)
    made.dense = True
    return ArrayValue(made)


def _like(name: str, fill: Callable[..., Value]) -> None:
    def make(run: Interpreter, a: Value, *value: Value, dtype: Value = None) -> Value:
        array = as_array(run, a)
        made = fill(run, tuple(array.shape), *value, array.kind if dtype is None else dtype)
        made.dense = is_dense(run, array)
        return made

    native(f"numpy.{name}_like")(make)


for _name, _fill in (("zeros", zeros), ("ones", ones), ("full", full), ("empty", empty)):
    _like(_name, _fill)


@native("numpy.eye", "numpy.identity")
def eye(
    run: Interpreter, N: int, M: int | None = None, k: int = 0, dtype: Value = float
) -> Value:  # NumPy's own names
    run.fuel.allocate(N * (M or N), "this array")
    return constant(run, numpy.eye(N, M, k, dtype=dtype_of(dtype)))


@native("numpy.linspace")
def linspace(
    run: Interpreter, start: float, stop: float, num: int = 50, endpoint: bool = True, *, dtype: Value = None
) -> Value:
    if not all(isinstance(end, NUMBERS) for end in (start, stop)):
        raise UnsupportedError("`numpy.linspace` between arrays is not followed")
    run.fuel.allocate(num, "this array")
    return constant(run, numpy.linspace(start, stop, num, endpoint, dtype=dtype_of(dtype)))


@native("numpy.arange")
def arange(run: Interpreter, *bounds: float, dtype: Value = None) -> Value:
    if not all(isinstance(bound, NUMBERS) for bound in bounds) or len(bounds) not in (1, 2, 3):
        raise UnsupportedError("`numpy.arange` of such values is not followed")
    first, last = (0, bounds[0]) if len(bounds) == 1 else bounds[:2]
    step = bounds[2] if len(bounds) == 3 else 1
    run.fuel.allocate(max(0, math.ceil((last - first) / step)), "this array")
    return constant(run, numpy.arange(*bounds, dtype=dtype_of(dtype)))


@native("numpy.dtype")
def dtype(run: Interpreter, dtype: Value) -> Value:
    return dtype_of(dtype)


def _sizes(shape: Value) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not all(isinstance(size, (int, numpy.integer)) and size >= 0 for size in sizes):
        raise UnsupportedError("the size of this array is not known")
    return tuple(map(int, sizes))


def _filled(run: Interpreter, shape: Value, number: Value, dtype: Value) -> ArrayValue:
    sizes = _sizes(shape)
    run.fuel.allocate(math.prod(sizes), "this array")
    return constant(run, numpy.full(sizes, number, dtype_of(dtype)))
