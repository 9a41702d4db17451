"""NumPy on arrays, as training scripts prepare their data with it: followed as tensors of NumPy's dtypes.

Functions that torch has under the same name run as torch's. Random numbers have the range of their distribution; files
are read when the program runs. What is missing here is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchlean.capture.data_sources import like
from torchlean.capture.tables import words
from torchlean.capture.values import BoundMethod, Native, TensorValue, Unknown, Value, native
from torchlean.capture.varying import Number
from torchlean.graph.origin import Source
from torchlean.ops import TensorType, UnsupportedError
from torchlean.ops.random import normal_range

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

RENAMED = {
    "concatenate": "cat",
    "absolute": "abs",
    "fabs": "abs",
    "power": "pow",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "expand_dims": "unsqueeze",
    "rint": "round",
}
"""NumPy functions that torch has under another name."""

SHARED = words(
    """sum mean std var dot matmul argmax argmin max min prod stack vstack hstack reshape transpose squeeze zeros_like
    ones_like where flip cumsum outer tile isnan isinf sort argsort triu tril diag trace einsum amax amin split
    any all full_like concatenate expand_dims"""
)
"""Functions of arrays that are run as torch's function of the same (or the renamed) name."""

FILES = words(
    "loadtxt genfromtxt fromfile memmap frombuffer save savez savetxt savez_compressed set_printoptions"
)
"""Functions that read or write files: what they give is only known when the program runs."""

ITEMS = 3
"""Nesting of lists in which an array is looked for: `np.concatenate([a, b])`, `np.stack([[a, b], [c, d]])`."""


def is_array(value: Value, depth: int = ITEMS) -> bool:
    """Whether a value is a followed array, or a list with one in it."""
    if isinstance(value, TensorValue):
        return True
    return depth > 0 and isinstance(value, (list, tuple)) and any(is_array(part, depth - 1) for part in value)


def as_torch(run: Interpreter, name: str, arguments: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    """`numpy.name(...)` on arrays, by torch's function.

    Raises:
        UnsupportedError: torch has no such function.
    """
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import member

    function = member("torch", RENAMED.get(name, name))
    if not isinstance(function, Native):
        raise UnsupportedError(f"`numpy.{name}` is not followed")
    keywords = {
        ("keepdim" if key == "keepdims" else "dim" if key == "axis" else key): value
        for key, value in keywords.items()
    }
    return call(run, function, list(arguments), keywords)


def _shared(name: str) -> Callable[..., Value]:
    def compute(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
        if not any(map(is_array, arguments)):
            raise UnsupportedError(f"`numpy.{name}` of such values is not followed")
        if name in ("max", "min") and (len(arguments) > 1 or keywords):
            return as_torch(run, f"a{name}", arguments, keywords)
        return as_torch(run, name, arguments, keywords)

    return compute


for _name in SHARED - {"prod"}:
    native(f"numpy.{_name}")(_shared(_name))


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
    return run.emitter.random(
        TensorType(shape, dtype), lower, upper, "drawn at random", likely=likely, source=source
    )


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
        return like(run, x, x.shape)
    if not isinstance(x, int):
        raise UnsupportedError("`numpy.random.permutation` of such values is not followed")
    return _drawn(run, x, 0.0, float(max(x - 1, 0)), torch.int64)


@native("numpy.random.choice")
def choice(run: Interpreter, a: Value, size: Value = None, replace: Value = True, p: Value = None) -> Value:
    if isinstance(a, int):
        return _drawn(run, size, 0.0, float(max(a - 1, 0)), torch.int64)
    if isinstance(a, TensorValue) and size is not None and len(a.shape) == 1:
        return like(run, a, (size,) if isinstance(size, int) else tuple(size))
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
    if isinstance(ndarray, TensorValue):
        return ndarray
    raise UnsupportedError(
        "numpy arrays are not followed here; build the tensor with torch, or load it from a file"
    )


def array_method(run: Interpreter, array: TensorValue, name: str) -> Value | None:
    """A method that arrays have and tensors have not; None for any other name."""
    if name == "astype":
        return Native("numpy.ndarray.astype", lambda run, dtype, **options: converted(run, array, dtype))
    if name == "dot" and len(array.shape) != 1:
        from torchlean.capture.torch_names import known_member

        return BoundMethod(array, known_member("torch.Tensor", "matmul"))
    if name == "copy":
        return Native("numpy.ndarray.copy", lambda run, *order: array)
    return None


DTYPES: dict[Value, torch.dtype] = {
    float: torch.float64,
    int: torch.int64,
    bool: torch.bool,
    "float": torch.float64,
    "int": torch.int64,
    "bool": torch.bool,
    "long": torch.int64,
    **{name: getattr(torch, name) for name in ("float16", "float32", "float64", "int32", "int64", "uint8")},
}


def converted(run: Interpreter, array: TensorValue, dtype: Value) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import known_member

    kind = dtype if isinstance(dtype, torch.dtype) else DTYPES.get(dtype)
    if kind is None:
        raise UnsupportedError("the dtype of this array is not followed")
    return call(run, BoundMethod(array, known_member("torch.Tensor", "to")), [kind], {})
