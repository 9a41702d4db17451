"""The part of NumPy that model files use beside torch: constants, functions of plain numbers, small arrays of numbers.

An array is followed as a tensor of NumPy's dtype, so that `torch.tensor(array)` and `torch.from_numpy(array)` work;
functions of arrays are not followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture.torch_names import CONSTANTS
from torchlean.capture.values import TensorValue, Value, native
from torchlean.ops import SPELLINGS, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

CONSTANTS.update(
    {f"numpy.{name}": getattr(numpy, name) for name in ("pi", "e", "inf", "nan", "newaxis", "euler_gamma")}
)
CONSTANTS.update(
    {
        f"numpy.{name}": getattr(torch, name)
        for name in ("float16", "float32", "float64", "int32", "int64", "uint8")
    }
)

SCALAR_FUNCTIONS = [
    "sqrt",
    "cbrt",
    "exp",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "sinh",
    "cosh",
    "tanh",
    "abs",
    "absolute",
    "fabs",
    "ceil",
    "floor",
    "round",
    "rint",
    "trunc",
    "sign",
    "square",
    "power",
    "maximum",
    "minimum",
    "deg2rad",
    "rad2deg",
    "radians",
    "degrees",
    "hypot",
    "clip",
]
"""Functions that are computed where all arguments are plain numbers."""


def _of_numbers(name: str) -> Callable[..., Value]:
    function: Callable[..., object] = getattr(numpy, name)

    def compute(run: Interpreter, *numbers: Value) -> Value:
        if any(isinstance(number, TensorValue) for number in numbers):
            from torchlean.capture.numpy_arrays import as_torch

            return as_torch(run, name, numbers, {})
        if not all(isinstance(number, (bool, int, float)) for number in numbers):
            raise UnsupportedError(f"`numpy.{name}` of anything but plain numbers is not followed")
        with numpy.errstate(all="ignore"):
            result = numpy.asarray(function(*numbers))
        return result.item()

    return compute


for _name in SCALAR_FUNCTIONS:
    native(f"numpy.{_name}")(_of_numbers(_name))


@native("numpy.prod")
def prod(run: Interpreter, a: Value) -> Value:
    """The product of a shape's sizes, mostly."""
    if isinstance(a, (tuple, list)) and all(isinstance(item, (int, float)) for item in a):
        return math.prod(a)
    raise UnsupportedError("`numpy.prod` of anything but plain numbers is not followed")


@native("numpy.array", "numpy.asarray")
def array(run: Interpreter, object: Value, dtype: Value = None) -> Value:
    """An array of known numbers."""
    if isinstance(object, TensorValue):
        if not run.in_script:
            raise UnsupportedError("a tensor that becomes an array is not followed")
        from torchlean.capture.numpy_arrays import converted

        return object if dtype is None else converted(run, object, dtype)
    from torchlean.capture.numpy_arrays import is_array

    if is_array(object):
        return SPELLINGS["torch.tensor"](run.emitter, object)
    return _constant(run, numpy.asarray(object), dtype)


@native("numpy.zeros")
def zeros(run: Interpreter, shape: Value, dtype: Value = None) -> Value:
    return _filled(run, shape, 0.0, dtype)


@native("numpy.ones")
def ones(run: Interpreter, shape: Value, dtype: Value = None) -> Value:
    return _filled(run, shape, 1.0, dtype)


@native("numpy.eye")
def eye(run: Interpreter, N: int, M: int | None = None) -> Value:  # NumPy's own names
    run.fuel.allocate(N * (M or N), "this array")
    return _constant(run, numpy.eye(N, M), None)


@native("numpy.linspace")
def linspace(run: Interpreter, start: float, stop: float, num: int = 50) -> Value:
    run.fuel.allocate(num, "this array")
    return _constant(run, numpy.linspace(start, stop, num), None)


@native("numpy.arange")
def arange(run: Interpreter, *bounds: float) -> Value:
    span = range(*(math.ceil(bound) for bound in bounds))
    run.fuel.allocate(len(span), "this array")
    return _constant(run, numpy.arange(*bounds), None)


def _filled(run: Interpreter, shape: Value, number: float, dtype: Value) -> TensorValue:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    run.fuel.allocate(math.prod(sizes), "this array")
    return _constant(run, numpy.full(sizes, number), dtype)


def _constant(run: Interpreter, values: numpy.ndarray, dtype: Value) -> TensorValue:
    if values.dtype.kind not in "biuf":
        raise UnsupportedError(f"an array of dtype {values.dtype} is not followed")
    kind = {float: torch.float64, int: torch.int64, bool: torch.bool}.get(dtype, dtype)
    if kind is not None and not isinstance(kind, torch.dtype):
        raise UnsupportedError("the dtype of this array is not followed")
    return run.emitter.constant(torch.from_numpy(values.copy()).to(kind))
