"""NumPy's random numbers and files, and the way between its arrays and torch's tensors.

Random numbers have the range of their distribution; files are read when the program runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture.array_attributes import array_attribute, plain_index
from torchlean.capture.array_operators import as_number, plain_copy
from torchlean.capture.array_values import ArrayValue, array_of, as_array, fresh, has_numpy, tensor_of
from torchlean.capture.data_sources import like
from torchlean.capture.legacy_constructors import DTYPES as LEGACY
from torchlean.capture.tables import words
from torchlean.capture.values import Instance, TensorValue, Unknown, Value, native
from torchlean.capture.varying import Number
from torchlean.graph.origin import Source
from torchlean.ops import TensorType, UnsupportedError
from torchlean.ops.random import normal_range

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

FILES = words(
    "loadtxt genfromtxt fromfile memmap frombuffer save savez savetxt savez_compressed set_printoptions"
)
"""Functions that read or write files: what they give is only known when the program runs."""


def _file(name: str) -> Callable[..., Value]:
    def read(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
        return Unknown(f"what `numpy.{name}` reads is only known when the program runs", reported=True)

    return read


for _name in FILES:
    native(f"numpy.{_name}", unknowns=True)(_file(_name))


# -- random numbers ------------------------------------------------------------------------------------------------


def _drawn(
    run: Interpreter,
    size: Value,
    lower: float,
    upper: float,
    dtype: torch.dtype = torch.float64,
    likely: tuple[float, float] | None = None,
) -> Value:
    """Draws in an array of this size; without one, a number."""
    if size is None:
        return Number("a number that is drawn", not dtype.is_floating_point, lower, upper)
    shape = (size,) if isinstance(size, int) else tuple(size)
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise UnsupportedError("the size of this array is not known")
    source = Source.NORMAL if likely is not None else Source.DRAWN
    made = run.emitter.random(
        TensorType(shape, dtype), lower, upper, "drawn at random", likely=likely, source=source
    )
    made.dense = True
    return ArrayValue(made)


@native("numpy.random.rand")
def rand(run: Interpreter, *size: int) -> Value:
    return _drawn(run, size or None, 0.0, 1.0)


@native("numpy.random.random", "numpy.random.random_sample", "numpy.random.sample", "numpy.random.ranf")
def random(run: Interpreter, size: Value = None) -> Value:
    return _drawn(run, size, 0.0, 1.0)


@native("numpy.random.randn")
def randn(run: Interpreter, *size: int) -> Value:
    return _drawn(run, size or None, -math.inf, math.inf, likely=normal_range())


@native("numpy.random.standard_normal")
def standard_normal(run: Interpreter, size: Value = None) -> Value:
    return _drawn(run, size, -math.inf, math.inf, likely=normal_range())


@native("numpy.random.normal")
def normal(run: Interpreter, loc: Value = 0.0, scale: Value = 1.0, size: Value = None) -> Value:
    return _drawn(run, size, -math.inf, math.inf, likely=normal_range(loc, scale))


@native("numpy.random.uniform")
def uniform(run: Interpreter, low: Value = 0.0, high: Value = 1.0, size: Value = None) -> Value:
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return _drawn(run, size, -math.inf, math.inf)
    # `low + (high - low) u` is rounded three times.
    slack = 4 * torch.finfo(torch.float64).eps * max(abs(low), abs(high))
    return _drawn(run, size, min(low, high) - slack, max(low, high) + slack)


@native("numpy.random.randint")
def randint(
    run: Interpreter, low: int, high: int | None = None, size: Value = None, dtype: Value = int
) -> Value:
    first, last = (0, low) if high is None else (low, high)
    return _drawn(run, size, float(first), float(max(first, last - 1)), torch.int64)


@native("numpy.random.permutation")
def permutation(run: Interpreter, x: Value) -> Value:
    if isinstance(x, TensorValue):
        return fresh(run, like(run, x, x.shape), (x,), scalar=False)
    if not isinstance(x, int):
        raise UnsupportedError("`numpy.random.permutation` of such values is not followed")
    return _drawn(run, x, 0.0, float(max(x - 1, 0)), torch.int64)


@native("numpy.random.choice")
def choice(run: Interpreter, a: Value, size: Value = None, replace: Value = True, p: Value = None) -> Value:
    if isinstance(a, int):
        return _drawn(run, size, 0.0, float(max(a - 1, 0)), torch.int64)
    if isinstance(a, TensorValue) and size is not None and len(a.shape) == 1:
        return fresh(run, like(run, a, (size,) if isinstance(size, int) else tuple(size)), scalar=False)
    raise UnsupportedError("`numpy.random.choice` of such values is not followed")


@native("numpy.random.shuffle", unknowns=True)
def shuffle(run: Interpreter, x: Value) -> None:
    """The items of `x` change places."""
    if isinstance(x, TensorValue):
        run.emitter.overwrite(x, like(run, x, x.shape))
    elif isinstance(x, (list, dict)):
        run.taint(x, Unknown("the order of what is shuffled is not known", reported=True))


# -- between arrays and tensors ------------------------------------------------------------------------------------


@native("torch.from_numpy")
def from_numpy(run: Interpreter, ndarray: Value) -> Value:
    """The tensor that shares an array's memory."""
    if isinstance(ndarray, ArrayValue) and ndarray.scalar:
        return run.error("TL103", f"`from_numpy` needs an array, this is a {ndarray!r}")
    if isinstance(ndarray, TensorValue):
        return tensor_of(ndarray) if isinstance(ndarray, ArrayValue) else ndarray
    raise UnsupportedError(
        "numpy arrays are not followed here; build the tensor with torch, or load it from a file"
    )


def array_method(run: Interpreter, tensor: TensorValue, name: str) -> Value | None:
    """A method of what a stub or a file gave, which may be an array; None for names that only tensors have."""
    if name in ("astype", "copy") or (name == "dot" and len(tensor.shape) != 1):
        return array_attribute(run, array_of(tensor), name)
    return None


COPYING = ("torch.tensor", "torch.as_tensor", "torch.asarray")
"""Functions of torch that take arrays."""


def for_torch(run: Interpreter, name: str, arguments: list[Value]) -> list[Value]:
    """What a function of torch gets, without NumPy's values: scalars as numbers, arrays as indices or as data.

    Raises:
        UnsupportedError: it gets an array where torch wants a tensor.
    """
    if name == "torch.is_tensor":
        return arguments
    model = next((value for value in arguments if type(value) is TensorValue), None)
    indexing = name in ("torch.Tensor.__getitem__", "torch.Tensor.__setitem__")

    def converted(value: Value, place: int) -> Value:
        if isinstance(value, Instance):
            return value.data if isinstance(value.data, (int, float)) else value  # of an `IntEnum`
        if isinstance(value, numpy.generic) and not name.startswith(COPYING):
            return value.item()
        if isinstance(value, numpy.generic):
            return tensor_of(as_array(run, value))
        if type(value) in (list, tuple) and has_numpy(value):
            return type(value)(converted(part, place) for part in value)
        if isinstance(value, slice) and has_numpy((value.start, value.stop, value.step)):
            return plain_index(run, value)
        if not isinstance(value, ArrayValue):
            return value
        if indexing and place == 1:
            return plain_index(run, value)
        if name in COPYING:
            return tensor_of(value)
        if name == "torch.Tensor.__call__" or name in LEGACY:
            return plain_copy(run, value, value.dtype)
        if value.scalar and model is not None:
            return as_number(run, value, model)
        raise UnsupportedError("a NumPy array where torch wants a tensor is not followed")

    return [converted(value, place) for place, value in enumerate(arguments)]


def without_numpy(
    run: Interpreter, name: str, arguments: list[Value], keywords: dict[str, Value]
) -> tuple[list[Value], dict[str, Value]]:
    """What torch makes of NumPy's numbers and arrays among the arguments of one of its functions.

    Raises:
        UnsupportedError: it gets an array where torch wants a tensor.
    """
    given = [*arguments, *keywords.values()]
    if name == "torch.from_numpy" or not has_numpy(given):
        return arguments, keywords
    converted = for_torch(run, name, given)
    count = len(arguments)
    return converted[:count], dict(zip(keywords, converted[count:], strict=True))
