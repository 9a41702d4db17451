"""NumPy's arrays and scalars: tensors of the graph that follow NumPy's rules and not torch's.

The two differ where programs look alike. NumPy promotes `int64` with `float32` to `float64`; a sum of all elements is
a scalar, which is immutable, so that `s += 1` gives another object and leaves `t = s` alone; `a.flatten()` is a copy.
Which dtype a function gives is asked of NumPy itself, with arrays of one element. Scalars whose numbers were computed
from plain numbers are NumPy's own objects (`numpy.float64(2.0)`); others are `ArrayValue`s that are marked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy
import torch

from torchlean.capture.values import Instance, Storage, TensorValue, Value
from torchlean.capture.varying import Number
from torchlean.capture.views import is_dense, note_view
from torchlean.ops import SPELLINGS, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

DTYPES = {
    numpy.dtype(name): getattr(torch, name)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
}
"""The dtypes that NumPy and torch share."""

OF_TORCH = {kind: dtype for dtype, kind in DTYPES.items()}

OF_PYTHON = frozenset({TensorValue, bool, int, float, str, type(None), torch.dtype})
"""Types, and not what derives from them, of most values that torch's functions get."""

PLAIN = (bool, int, float, numpy.generic)


class ArrayValue(TensorValue):
    """A NumPy array, or a NumPy scalar (`scalar`), whose memory nothing else shares."""

    __slots__ = ("scalar",)

    def __init__(self, tensor: TensorValue, scalar: bool = False) -> None:
        super().__init__(tensor.node, tensor.type, None if scalar else tensor.storage)
        self.scalar = scalar
        if not scalar:
            self.base, self.dense = tensor.base, tensor.dense

    @property
    def kind(self) -> numpy.dtype[Any]:
        """NumPy's dtype."""
        return OF_TORCH[self.dtype]

    def __repr__(self) -> str:
        return f"{'NumPy scalar' if self.scalar else 'array'} {self.type}"


def array_of(tensor: TensorValue) -> ArrayValue:
    """The array that shares a tensor's memory."""
    if tensor.dtype not in OF_TORCH:
        raise UnsupportedError(f"arrays of {tensor.dtype} are not followed")
    array = ArrayValue(tensor)
    array.base, array.dense = tensor, False
    return array


def tensor_of(array: TensorValue) -> TensorValue:
    """The tensor that shares an array's memory."""
    tensor = TensorValue(array.node, array.type, array.storage)
    tensor.base = array
    return tensor


def fresh(
    run: Interpreter, result: Value, sources: tuple[Value, ...] = (), scalar: bool | None = None
) -> ArrayValue:
    """What a function gave as an array with memory of its own; one number is a scalar, unless that is said.

    Raises:
        UnsupportedError: it gave no tensor of a dtype that NumPy has.
    """
    if not isinstance(result, TensorValue) or result.dtype not in OF_TORCH:
        raise UnsupportedError("what NumPy computes here is not followed")
    tensors = [source for source in sources if isinstance(source, TensorValue)]
    dense = all(is_dense(run, tensor) for tensor in tensors)
    array = ArrayValue(result, result.shape == () if scalar is None else scalar)
    array.shares(Storage())
    array.base, array.dense = None, dense
    return array


def view_of(run: Interpreter, array: ArrayValue, result: Value, certain: bool = True) -> ArrayValue:
    """What an op that rearranges gave as a view of an array, or as a copy where NumPy has to make one.

    Raises:
        UnsupportedError: it gave no tensor.
    """
    if not isinstance(result, TensorValue):
        raise UnsupportedError("this view of an array is not followed")
    if array.scalar:
        return fresh(run, result, scalar=False)
    view = ArrayValue(result)
    if result is array:
        view.base, view.dense = array, False
        return view
    view.base, view.dense = None, False
    note_view(run, array, view, certain)
    return view


def as_array(run: Interpreter, value: Value) -> ArrayValue:
    """`numpy.asarray(value)`; a scalar stays one.

    Raises:
        UnsupportedError: the value is no array, number, or list of them.
    """
    if isinstance(value, ArrayValue):
        return value
    if isinstance(value, TensorValue):
        return array_of(value)
    if isinstance(value, PLAIN):
        return _constant(run, numpy.asarray(value), scalar=isinstance(value, numpy.generic))
    if isinstance(value, range):
        value = list(value)
    if not isinstance(value, (list, tuple)):
        raise UnsupportedError("an array of such values is not followed")
    if not _has_array(value):
        return _constant(run, numpy.asarray(value))
    items = [as_array(run, item) for item in value]
    kind = numpy.result_type(*(item.kind for item in items))
    parts = [cast(run, item, kind) for item in items]
    return fresh(run, SPELLINGS["torch.stack"](run.emitter, parts, 0), scalar=False)


def _has_array(value: Value) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_array, value))
    return isinstance(value, TensorValue)


def _constant(run: Interpreter, values: numpy.ndarray[Any, Any], scalar: bool = False) -> ArrayValue:
    if values.dtype not in DTYPES:
        raise UnsupportedError(f"an array of dtype {values.dtype} is not followed")
    run.fuel.allocate(values.size, "this array")
    tensor = run.emitter.constant(torch.from_numpy(numpy.array(values, order="C")))
    tensor.dense = True
    return ArrayValue(tensor, scalar)


def constant(run: Interpreter, values: numpy.ndarray[Any, Any]) -> ArrayValue:
    """An array of known numbers.

    Raises:
        UnsupportedError: torch has no such dtype.
    """
    return _constant(run, values)


def dtype_of(value: Value) -> numpy.dtype[Any] | None:
    """What a program gives as `dtype=`: a class, a name or a dtype of NumPy.

    Raises:
        UnsupportedError: torch has no such dtype.
    """
    if value is None:
        return None
    if not isinstance(value, (type, str, numpy.dtype)):
        raise UnsupportedError("the dtype of this array is not followed")
    try:
        kind = numpy.dtype(value)
    except TypeError as error:
        raise UnsupportedError(f"the dtype of this array is not followed: {error}") from error
    if kind not in DTYPES:
        raise UnsupportedError(f"arrays of dtype {kind} are not followed")
    return kind


def dtype_for_torch(value: Value) -> torch.dtype:
    """Torch's dtype for one of NumPy.

    Raises:
        UnsupportedError: torch has no such dtype.
    """
    kind = dtype_of(value)
    if kind is None:
        raise UnsupportedError("the dtype of this array is not followed")
    return DTYPES[kind]


def sample(value: Value) -> Any:
    """One element of an operand, to ask NumPy for the dtype of a result. Plain numbers stand for themselves."""
    if isinstance(value, ArrayValue):
        return numpy.ones((1,), value.kind)
    if isinstance(value, Number):
        return 1 if value.integer else 1.0
    return value


def result_dtype(function: Callable[..., Any], *operands: Value) -> numpy.dtype[Any]:
    """The dtype that a function of NumPy gives for operands of these dtypes.

    Raises:
        UnsupportedError: it refuses them, or torch has no such dtype.
    """
    try:
        with numpy.errstate(all="ignore"):
            kind = numpy.asarray(function(*map(sample, operands))).dtype
    except (TypeError, OverflowError, ValueError) as error:
        raise UnsupportedError(f"NumPy refuses these operands: {error}") from error
    if kind not in DTYPES:
        raise UnsupportedError(f"arrays of dtype {kind} are not followed")
    return kind


def same_kind(one: TensorValue, other: TensorValue) -> bool:
    """Whether both are tensors, or both arrays, or both scalars of NumPy."""
    return type(one) is type(other) and getattr(one, "scalar", None) == getattr(other, "scalar", None)


def of_kind(model: TensorValue, tensor: TensorValue) -> TensorValue:
    """A new tensor as an array or a scalar, where the model is one."""
    return ArrayValue(tensor, model.scalar) if isinstance(model, ArrayValue) else tensor


def cast(run: Interpreter, array: TensorValue, kind: numpy.dtype[Any]) -> TensorValue:
    """The tensor of an array's numbers in another dtype; itself where it has that."""
    if array.dtype == DTYPES[kind]:
        return array
    result = SPELLINGS["torch.Tensor.to"](run.emitter, array, DTYPES[kind])
    if not isinstance(result, TensorValue):
        raise UnsupportedError(f"an array is converted to {kind}")
    return result


def known(run: Interpreter, array: TensorValue) -> numpy.ndarray[Any, Any] | None:
    """The numbers of an array that depends on no input."""
    numbers = run.emitter.value_of(array)
    return None if numbers is None else numbers.numpy()


def has_numpy(value: Value) -> bool:
    """Whether a value is NumPy's or an object that is a number, or has such in it."""
    if type(value) in OF_PYTHON:
        return False
    if isinstance(value, (list, tuple)):
        return any(type(item) not in OF_PYTHON and has_numpy(item) for item in value)
    if isinstance(value, slice):
        return has_numpy((value.start, value.stop, value.step))
    if isinstance(value, Instance):
        return isinstance(value.data, (int, float))
    return isinstance(value, (ArrayValue, numpy.generic))
