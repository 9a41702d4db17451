"""Attributes, methods and items of NumPy's arrays and scalars."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy
import torch

from torchlean.capture import array_layout as array_layout  # adds methods
from torchlean.capture.array_functions import METHODS, Function
from torchlean.capture.array_layout import flipped, transpose
from torchlean.capture.array_values import ArrayValue, cast, dtype_of, fresh, known, tensor_of, view_of
from torchlean.capture.memory import overwritten
from torchlean.capture.naming import no_attribute
from torchlean.capture.values import Instance, Native, TensorValue, Unknown, Value
from torchlean.capture.varying import Number
from torchlean.capture.views import is_basic
from torchlean.ops import SPELLINGS, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Index = tuple[Value, ...]


def array_attribute(run: Interpreter, array: ArrayValue, name: str) -> Value:
    """`array.name`."""
    plain = {
        "shape": tuple(array.shape),
        "ndim": len(array.shape),
        "size": array.type.numel,
        "dtype": array.kind,
        "itemsize": array.kind.itemsize,
        "nbytes": array.kind.itemsize * array.type.numel,
        "__class__": class_of_array(array),
    }
    if name in plain:
        return plain[name]
    if name == "T":
        return transpose(run, array)
    method = METHODS.get(name)
    if method is not None:
        return Native(
            f"numpy.ndarray.{name}", lambda run, *given, **named: method(run, array, *given, **named)
        )
    if hasattr(class_of_array(array), name):
        unknown = Unknown(f"`{name}` of an array is not followed by TorchLean", run.place())
        unknown.source = f"numpy.ndarray.{name}"
        return unknown
    return no_attribute(run, repr(array), name, [*METHODS, *plain, "T"])


def class_of_array(array: ArrayValue) -> type:
    """`type(array)`."""
    return array.kind.type if array.scalar else numpy.ndarray


def dtype_attribute(run: Interpreter, kind: numpy.dtype[Any], name: str) -> Value:
    """`array.dtype.name` and the like."""
    if name in ("name", "kind", "char", "itemsize", "str", "type"):
        return getattr(kind, name)
    return Unknown(f"`{name}` of a dtype is not followed", run.place())


def _method(name: str) -> Callable[[Function], Function]:
    """Decorator: `array.name(...)`."""

    def register(call: Function) -> Function:
        METHODS[name] = call
        return call

    return register


@_method("copy")
def copy(run: Interpreter, array: ArrayValue, order: Value = "C") -> Value:
    if array.scalar:
        return array
    if order not in ("C", "K", "A"):
        raise UnsupportedError("the order of elements in memory is not followed")
    copied = fresh(run, run.emitter.emit("clone", array), (array,), scalar=False)
    copied.dense = order == "C" or copied.dense
    return copied


@_method("astype")
def astype(run: Interpreter, array: ArrayValue, dtype: Value, copy: Value = True) -> Value:
    kind = dtype_of(dtype)
    assert kind is not None
    if copy is not True and kind == array.kind:
        return array
    converted = cast(run, array, kind)
    own = run.emitter.emit("clone", converted) if converted is array else converted
    return fresh(run, own, (array,), scalar=array.scalar)


@_method("item")
def item(run: Interpreter, array: ArrayValue, *index: Value) -> Value:
    if index:
        raise UnsupportedError("`item` with an index is not followed")
    if array.type.numel != 1:
        return run.error(
            "TL103", f"only arrays of one number have an `item`, this is {array!r}", kind=ValueError
        )
    numbers = known(run, array)
    if numbers is not None:
        return numbers.item()
    if run.in_script:
        return Number("a number that the program computes", not array.dtype.is_floating_point)
    return Unknown("a number that depends on the input of the network", run.place())


@_method("tolist")
def tolist(run: Interpreter, array: ArrayValue) -> Value:
    numbers = known(run, array)
    return Unknown("the numbers of an array", run.place()) if numbers is None else numbers.tolist()


@_method("fill")
def fill(run: Interpreter, array: ArrayValue, value: Value) -> None:
    set_item(run, array, Ellipsis, value)


@_method("sort")
def sort(run: Interpreter, array: ArrayValue, axis: int = -1) -> None:
    run.emitter.overwrite(array, SPELLINGS["torch.sort"](run.emitter, array, axis)[0])


# -- items ---------------------------------------------------------------------------------------------------------


def plain_index(run: Interpreter, index: Value) -> Value:
    """An index in torch's terms: arrays as tensors, NumPy's numbers as Python's."""
    if isinstance(index, tuple):
        return tuple(plain_index(run, part) for part in index)
    if isinstance(index, ArrayValue):
        numbers = known(run, index) if not index.shape and index.dtype != torch.bool else None
        if numbers is not None:
            return numbers.item()
        kind = numpy.dtype(bool) if index.dtype == torch.bool else numpy.dtype(numpy.int64)
        if index.dtype.is_floating_point:
            raise UnsupportedError("an index that is no whole number is not followed")
        return tensor_of(cast(run, index, kind))
    if isinstance(index, slice):
        return slice(*(plain_index(run, end) for end in (index.start, index.stop, index.step)))
    if isinstance(index, Instance) and isinstance(index.data, int):
        return index.data
    return index.item() if isinstance(index, numpy.generic) else index


def _forwards(array: ArrayValue, index: Value) -> tuple[Value, tuple[int, ...]]:
    """An index whose slices run forwards, and the dimensions of the result that then have to be flipped."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
        return index, ()
    if not is_basic(index) or parts.count(Ellipsis) > 1:
        raise UnsupportedError("a slice that runs backwards beside other arrays is not followed")
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        left = len(array.shape) - sum(part is not None for part in parts) + 1
        parts[place : place + 1] = [slice(None)] * left
    dim, made, dims = 0, 0, []
    for place, part in enumerate(parts):
        if isinstance(part, slice) and (part.step or 1) < 0:
            numbers = range(array.shape[dim])[part][::-1]
            parts[place] = slice(numbers.start, numbers.stop, numbers.step) if numbers else slice(0, 0)
            dims.append(made)
        dim += part is not None
        made += not isinstance(part, int)
    return tuple(parts), tuple(dims)


def item_of(run: Interpreter, array: ArrayValue, index: Value) -> Value:
    """`array[index]`: a view for slices, a copy for arrays of indices, a scalar where integers leave one number."""
    forwards, dims = _forwards(array, plain_index(run, index))
    result = SPELLINGS["torch.Tensor.__getitem__"](run.emitter, array, forwards)
    basic = is_basic(forwards)
    parts = index if isinstance(index, tuple) else (index,)
    if not isinstance(result, TensorValue):
        raise UnsupportedError("this item of an array is not followed")
    if result.shape == () and not any(part is Ellipsis for part in parts):
        return fresh(run, run.emitter.emit("clone", result) if result is array else result)
    if not basic:
        copied = fresh(run, result, scalar=False)
        copied.dense = False  # arrays of indices may leave another order
        return copied
    view = view_of(run, array, result)
    return flipped(run, view, dims) if dims else view


def call_item(run: Interpreter, array: ArrayValue, index: Value) -> Value:
    """`array[index]`, with errors reported."""
    from torchlean.capture.calling import call_native

    function = Native("numpy.ndarray.__getitem__", lambda run, *given: item_of(run, *given))
    return call_native(run, function, [array, index], {})


def set_item(run: Interpreter, array: ArrayValue, index: Value, value: Value) -> Value:
    """`array[index] = value`, with the value in the array's dtype."""
    if array.scalar:
        return run.error("TL103", f"items of a {array!r} cannot be assigned")
    forwards, dims = _forwards(array, plain_index(run, index))
    if isinstance(value, (list, tuple)):
        from torchlean.capture.array_values import as_array

        value = as_array(run, value)
    if isinstance(value, numpy.generic):
        value = value.item()
    if isinstance(value, TensorValue):
        value = tensor_of(cast(run, value, array.kind))
        value = SPELLINGS["torch.flip"](run.emitter, value, dims) if dims and value.shape else value
    elif isinstance(value, float) and array.kind.kind in "iu":
        value = int(value)
    return SPELLINGS["torch.Tensor.__setitem__"](run.emitter, array, forwards, value)


def set_items(run: Interpreter, array: ArrayValue, index: Value, value: Value) -> None:
    """`array[index] = value`; where that is not followed, the array is unknown."""
    from torchlean.capture.calling import call_native

    function = Native("numpy.ndarray.__setitem__", lambda run, *given: set_item(run, *given))
    result = call_native(run, function, [array, index, value], {})
    if isinstance(result, Unknown) and not array.scalar:
        overwritten(run, array, result)
