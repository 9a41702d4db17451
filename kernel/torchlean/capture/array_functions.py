"""Functions and methods of NumPy's arrays: elementwise ones, reductions, products, and what joins arrays.

Each runs as torch's function on operands of the dtype in which NumPy computes. What is missing here is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy

from torchlean.capture.array_operators import compute
from torchlean.capture.array_values import (
    ArrayValue,
    array_of,
    as_array,
    cast,
    dtype_of,
    fresh,
    result_dtype,
)
from torchlean.capture.tables import words
from torchlean.capture.values import TensorValue, Value, native
from torchlean.ops import SPELLINGS, ShapeError, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Function = Callable[..., Value]

METHODS: dict[str, Function] = {}
"""Functions that arrays have as methods, too."""


def function(name: str, method: bool = False) -> Callable[[Function], Function]:
    """Decorator: `numpy.name`, and `array.name` where that is a method."""

    def register(call: Function) -> Function:
        native(f"numpy.{name}")(call)
        if method:
            METHODS[name] = call
        return call

    return register


def torch_function(run: Interpreter, name: str, *arguments: Value, **keywords: Value) -> Value:
    """`torch.name(...)`."""
    return SPELLINGS[f"torch.{name}"](run.emitter, *arguments, **keywords)


# -- element by element ------------------------------------------------------------------------------------------------

UNARY = {
    **{
        name: name
        for name in words(
            """sqrt exp expm1 log log2 log10 log1p sin cos tan sinh cosh tanh abs ceil floor trunc sign square deg2rad
            rad2deg isnan isinf isfinite"""
        )
    },
    "absolute": "abs",
    "fabs": "abs",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "rint": "round",
    "negative": "neg",
    "radians": "deg2rad",
    "degrees": "rad2deg",
    "logical_not": "logical_not",
}
"""NumPy's name -> torch's."""

BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "true_divide": "truediv",
    "floor_divide": "floordiv",
    "mod": "mod",
    "remainder": "mod",
    "power": "pow",
    "matmul": "matmul",
    "equal": "eq",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
}
"""Functions that are operators."""

PAIRS = {"maximum": "maximum", "minimum": "minimum", "arctan2": "atan2", "hypot": "hypot"}
"""Functions of two arrays that torch has for tensors of one dtype."""

ANSWERS = words("isnan isinf isfinite logical_not")
"""Functions that give bools of numbers in their own dtype."""


def elementwise(run: Interpreter, name: str, *operands: Value) -> Value:
    """`numpy.name` of operands of which at least one is an array."""
    if name in BINARY:
        one, other = operands
        return compute(run, BINARY[name], one, other)
    kind = result_dtype(getattr(numpy, name), *operands)
    if name in UNARY:
        (operand,) = operands
        array = as_array(run, operand)
        taken = array if name in ANSWERS else cast(run, array, kind)
        if kind.kind in "iu" and name in ("ceil", "floor", "trunc", "rint"):
            return fresh(run, run.emitter.emit("clone", taken), (array,))
        return fresh(run, torch_function(run, UNARY[name], taken), (array,))
    arrays = [as_array(run, operand) for operand in operands]
    return fresh(run, torch_function(run, PAIRS[name], *(cast(run, a, kind) for a in arrays)), tuple(arrays))


@function("round", method=True)
def rounded(run: Interpreter, a: Value, decimals: int = 0) -> Value:
    array = as_array(run, a)
    if decimals != 0 or array.kind.kind == "b":
        raise UnsupportedError("`numpy.round` to decimals is not followed")
    return fresh(run, torch_function(run, "round", array), (array,))


@function("clip", method=True)
def clip(run: Interpreter, a: Value, a_min: Value = None, a_max: Value = None, **names: Value) -> Value:
    array = as_array(run, a)
    lower, upper = names.get("min", a_min), names.get("max", a_max)
    ends = [end for end in (lower, upper) if end is not None]
    kind = result_dtype(numpy.clip, array, *(ends if len(ends) == 2 else (*ends, None)))
    taken: Value = cast(run, array, kind)
    for end, name in ((lower, "maximum"), (upper, "minimum")):
        if end is not None:
            taken = torch_function(run, name, taken, cast(run, as_array(run, end), kind))
    return fresh(run, taken, (array,))


@function("where")
def where(run: Interpreter, condition: Value, *choices: Value) -> Value:
    """An array, also of one number."""
    if len(choices) != 2:
        raise UnsupportedError("where an array is true is not followed")
    kind = result_dtype(lambda one, other: numpy.where([True], one, other), *choices)
    one, other = (cast(run, as_array(run, choice), kind) for choice in choices)
    test = as_array(run, condition)
    return fresh(
        run, torch_function(run, "where", cast(run, test, numpy.dtype(bool)), one, other), scalar=False
    )


# -- reductions --------------------------------------------------------------------------------------------------------


def _dims(array: ArrayValue, axis: Value) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(len(array.shape)))
    return tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)


def _check_options(out: Value, where: Value = True) -> None:
    if out is not None or where is not True:
        raise UnsupportedError("`out=` and `where=` of NumPy's reductions are not followed")


def _reduction(name: str, as_name: str) -> Function:
    def reduce(
        run: Interpreter,
        a: Value,
        axis: Value = None,
        dtype: Value = None,
        out: Value = None,
        keepdims: Value = False,
        ddof: Value = 0,
    ) -> Value:
        _check_options(out)
        array = as_array(run, a)
        kind = dtype_of(dtype) or result_dtype(getattr(numpy, name), array)
        if kind.name == "float16":
            raise UnsupportedError("reductions of float16 are not followed")
        keywords = {"correction": ddof} if name in ("std", "var") else {}
        result: Value = cast(run, array, kind)
        if array.shape:
            dims = _dims(array, axis)
            result = torch_function(run, as_name, result, dim=dims, keepdim=bool(keepdims), **keywords)
        elif name in ("std", "var"):
            raise UnsupportedError(f"`numpy.{name}` of a number is not followed")
        return fresh(run, result, (array,))

    return reduce


def _selecting(name: str, as_name: str) -> Function:
    """Reductions that give an element, or whether there is one."""

    def reduce(
        run: Interpreter, a: Value, axis: Value = None, out: Value = None, keepdims: Value = False
    ) -> Value:
        _check_options(out)
        array = as_array(run, a)
        result: Value = cast(run, array, numpy.dtype(bool)) if name in ("any", "all") else array
        if array.shape:
            result = torch_function(run, as_name, result, dim=_dims(array, axis), keepdim=bool(keepdims))
        return fresh(run, result, (array,))

    return reduce


for _name in ("sum", "mean", "std", "var"):
    function(_name, method=True)(_reduction(_name, _name))
for _name in ("max", "min"):
    function(_name, method=True)(_selecting(_name, f"a{_name}"))
    function(f"a{_name}")(_selecting(_name, f"a{_name}"))
for _name in ("any", "all"):
    function(_name, method=True)(_selecting(_name, _name))


@function("prod", method=True)
def prod(run: Interpreter, a: Value, axis: Value = None, dtype: Value = None, out: Value = None) -> Value:
    _check_options(out)
    if isinstance(a, (tuple, list)) and all(isinstance(item, (int, float, numpy.generic)) for item in a):
        return numpy.prod(a, axis, dtype_of(dtype))
    array = as_array(run, a)
    kind = dtype_of(dtype) or result_dtype(numpy.prod, array)
    taken = cast(run, array, kind)
    if axis is None:
        taken, axis = torch_function(run, "reshape", taken, (-1,)), 0
    return fresh(run, torch_function(run, "prod", taken, axis), (array,))


def _place(name: str) -> Function:
    def find(
        run: Interpreter, a: Value, axis: Value = None, out: Value = None, keepdims: Value = False
    ) -> Value:
        _check_options(out)
        array = as_array(run, a)
        if axis is None and (keepdims or not array.shape):
            raise UnsupportedError(f"`numpy.{name}` of a number, or with `keepdims`, is not followed")
        taken: Value = array if axis is not None else torch_function(run, "reshape", array, (-1,))
        dim = 0 if axis is None else axis
        return fresh(run, torch_function(run, name, taken, dim=dim, keepdim=bool(keepdims)), (array,))

    return find


for _name in ("argmax", "argmin"):
    function(_name, method=True)(_place(_name))


@function("cumsum", method=True)
def cumsum(run: Interpreter, a: Value, axis: Value = None, dtype: Value = None, out: Value = None) -> Value:
    _check_options(out)
    array = as_array(run, a)
    kind = dtype_of(dtype) or result_dtype(numpy.cumsum, array)
    taken: Value = cast(run, array, kind)
    if axis is None:
        taken, axis = torch_function(run, "reshape", taken, (-1,)), 0
    return fresh(run, torch_function(run, "cumsum", taken, axis), (array,), scalar=False)


# -- products ----------------------------------------------------------------------------------------------------------


@function("dot", method=True)
def dot(run: Interpreter, a: Value, b: Value) -> Value:
    one, other = as_array(run, a), as_array(run, b)
    if not one.shape or not other.shape:
        return compute(run, "mul", one, other)
    if len(other.shape) > 2:
        raise UnsupportedError("`numpy.dot` with an array of more than two dimensions is not followed")
    return compute(run, "matmul", one, other)


@function("outer")
def outer(run: Interpreter, a: Value, b: Value) -> Value:
    one, other = (torch_function(run, "reshape", as_array(run, value), (-1,)) for value in (a, b))
    column = torch_function(run, "unsqueeze", one, 1)
    return compute(run, "mul", fresh(run, column, scalar=False), fresh(run, other, scalar=False))


# -- joining -----------------------------------------------------------------------------------------------------------


def _joined(name: str, as_name: str) -> Function:
    def join(run: Interpreter, arrays: Value, axis: Value = 0, dtype: Value = None) -> Value:
        if not isinstance(arrays, (list, tuple)) or not arrays:
            raise UnsupportedError(f"`numpy.{name}` of such values is not followed")
        parts = [as_array(run, part) for part in arrays]
        kind = dtype_of(dtype) or numpy.result_type(*(part.kind for part in parts))
        taken = [cast(run, part, kind) for part in parts]
        if name in ("vstack", "hstack"):
            return fresh(run, torch_function(run, as_name, taken), tuple(parts), scalar=False)
        if name == "concatenate" and any(not part.shape for part in parts):
            raise ShapeError("zero-dimensional arrays cannot be concatenated")
        if axis is None:
            raise UnsupportedError(f"`numpy.{name}` with `axis=None` is not followed")
        return fresh(run, torch_function(run, as_name, taken, axis), tuple(parts), scalar=False)

    return join


for _name, _torch_name in (
    ("concatenate", "cat"),
    ("stack", "stack"),
    ("vstack", "vstack"),
    ("hstack", "hstack"),
):
    function(_name)(_joined(_name, _torch_name))


@function("tile")
def tile(run: Interpreter, A: Value, reps: Value) -> Value:  # NumPy's own names
    array = as_array(run, A)
    times = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    return fresh(run, torch_function(run, "tile", array, times), (array,), scalar=False)


def _triangle(name: str) -> Function:
    def blank(run: Interpreter, m: Value, k: int = 0) -> Value:
        array = as_array(run, m)
        if len(array.shape) < 2:
            raise UnsupportedError(f"`numpy.{name}` of a vector is not followed")
        return fresh(run, torch_function(run, name, array, k), (array,))

    return blank


for _name in ("tril", "triu"):
    function(_name)(_triangle(_name))


@function("sort")
def sort(run: Interpreter, a: Value, axis: Value = -1) -> Value:
    array = as_array(run, a)
    if axis is None or not array.shape:
        raise UnsupportedError("`numpy.sort` of a flattened array is not followed")
    return fresh(run, torch_function(run, "sort", array, axis)[0], (array,))


def is_followed(value: Value) -> bool:
    """Whether a value is an array, or a list with one in it."""
    if isinstance(value, TensorValue):
        return True
    return isinstance(value, (list, tuple)) and any(map(is_followed, value))


def own(run: Interpreter, tensor: TensorValue) -> ArrayValue:
    """`numpy.array(tensor)`."""
    array = tensor if isinstance(tensor, ArrayValue) else array_of(tensor)
    return fresh(run, run.emitter.emit("clone", array), (array,), scalar=False)
