"""Functions of NumPy that give an array another shape: views wherever NumPy gives views."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from torchlean.capture.array_functions import METHODS, function, torch_function
from torchlean.capture.array_values import ArrayValue, as_array, fresh, view_of
from torchlean.capture.values import TensorValue, Value
from torchlean.ops import ShapeError, UnsupportedError
from torchlean.ops.subscript import canonical

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def _row_major(order: Value) -> None:
    if order not in ("C", None):
        raise UnsupportedError("the order of elements in memory is not followed")


@function("reshape")
def reshape(run: Interpreter, a: Value, shape: Value, order: Value = "C") -> Value:
    _row_major(order)
    array = as_array(run, a)
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    return view_of(run, array, torch_function(run, "reshape", array, sizes), certain=False)


def _reshape_method(run: Interpreter, array: ArrayValue, *shape: Value, order: Value = "C") -> Value:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return reshape(run, array, sizes, order)


METHODS["reshape"] = _reshape_method


@function("ravel", method=True)
def ravel(run: Interpreter, a: Value, order: Value = "C") -> Value:
    return reshape(run, a, (-1,), order)


def _flatten(run: Interpreter, array: ArrayValue, order: Value = "C") -> Value:
    """A copy, unlike `ravel`."""
    _row_major(order)
    flat = torch_function(run, "reshape", array, (-1,))
    copied = fresh(run, run.emitter.emit("clone", flat), scalar=False)
    copied.dense = True
    return copied


METHODS["flatten"] = _flatten


@function("transpose")
def transpose(run: Interpreter, a: Value, axes: Value = None) -> Value:
    array = as_array(run, a)
    if array.scalar:
        return array
    dims = tuple(reversed(range(len(array.shape)))) if axes is None else tuple(axes)
    return view_of(run, array, torch_function(run, "permute", array, dims))


def _transpose_method(run: Interpreter, array: ArrayValue, *axes: Value) -> Value:
    given = axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list, type(None))) else axes or None
    return transpose(run, array, given)


METHODS["transpose"] = _transpose_method


@function("swapaxes", method=True)
def swapaxes(run: Interpreter, a: Value, axis1: int, axis2: int) -> Value:
    array = as_array(run, a)
    return view_of(run, array, torch_function(run, "transpose", array, axis1, axis2))


@function("moveaxis")
def moveaxis(run: Interpreter, a: Value, source: Value, destination: Value) -> Value:
    array = as_array(run, a)
    return view_of(run, array, torch_function(run, "movedim", array, source, destination))


@function("squeeze", method=True)
def squeeze(run: Interpreter, a: Value, axis: Value = None) -> Value:
    array = as_array(run, a)
    if array.scalar:
        return array
    axes = range(len(array.shape)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    if axis is not None and any(array.shape[one] != 1 for one in axes):
        raise ShapeError("only dimensions of size 1 can be squeezed")
    dims = () if axis is None else (tuple(axes),)
    return view_of(run, array, torch_function(run, "squeeze", array, *dims))


@function("expand_dims")
def expand_dims(run: Interpreter, a: Value, axis: Value) -> Value:
    array = as_array(run, a)
    if not isinstance(axis, int):
        raise UnsupportedError("`numpy.expand_dims` of several axes is not followed")
    return view_of(run, array, torch_function(run, "unsqueeze", array, axis))


@function("diagonal", method=True)
def diagonal(run: Interpreter, a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    array = as_array(run, a)
    return view_of(run, array, torch_function(run, "diagonal", array, offset, axis1, axis2))


@function("diag")
def diag(run: Interpreter, v: Value, k: int = 0) -> Value:
    """Of a matrix a view, of a vector a matrix."""
    array = as_array(run, v)
    if len(array.shape) == 2:
        return diagonal(run, array, k)
    return fresh(run, torch_function(run, "diag", array, k), scalar=False)


@function("flip")
def flip(run: Interpreter, m: Value, axis: Value = None) -> Value:
    array = as_array(run, m)
    dims = range(len(array.shape)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return flipped(run, array, tuple(dims))


def flipped(run: Interpreter, array: ArrayValue, dims: tuple[int, ...]) -> ArrayValue:
    """The view of an array in which some dimensions run backwards; torch has only copies of that kind."""
    result = torch_function(run, "flip", array, dims)
    assert isinstance(result, TensorValue)
    result.shares(array.storage)
    return view_of(run, array, result)


@function("split")
def split(run: Interpreter, ary: Value, indices_or_sections: Value, axis: int = 0) -> Value:
    """Views, in a list: a number says how many, a list where they begin."""
    array = as_array(run, ary)
    size = array.shape[axis]
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count <= 0 or size % count:
            raise ShapeError(f"a dimension of size {size} cannot be split into {count} equal parts")
        ends = list(range(0, size + 1, size // count)) if size else [0] * (count + 1)
    else:
        ends = [0, *indices_or_sections, size]
    return _pieces(run, array, ends, axis)


@function("array_split")
def array_split(run: Interpreter, ary: Value, indices_or_sections: Value, axis: int = 0) -> Value:
    """Like `split`, with parts that may differ by one in their size."""
    array = as_array(run, ary)
    if not isinstance(indices_or_sections, int):
        return split(run, array, indices_or_sections, axis)
    each, more = divmod(array.shape[axis], indices_or_sections)
    ends = [0]
    for part in range(indices_or_sections):
        ends.append(ends[-1] + each + (part < more))
    return _pieces(run, array, ends, axis)


def _pieces(run: Interpreter, array: ArrayValue, ends: list[int], axis: int) -> list[Value]:
    dims = len(array.shape)
    pieces: list[Value] = []
    for start, stop in itertools.pairwise(ends):
        places = [canonical(range(size)) for size in array.shape]
        places[axis % dims] = canonical(range(array.shape[axis])[start:stop])
        pieces.append(view_of(run, array, run.emitter.emit("slice", array, index=tuple(places))))
    return pieces
