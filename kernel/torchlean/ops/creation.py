"""Tensors made from nothing: `zeros`, `full`, `arange`, `tensor` and their like, as constants of the graph.

torch makes them; only their arguments are read here. Above `LARGEST_WRITTEN` elements a tensor of one
repeated number is held as that number expanded, so that a slip of the keyboard (`torch.zeros(10**9)`) costs
nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops import cast, layout
from torchlean.ops.arguments import is_tensor, known_int, known_tensor, sizes, torch_errors
from torchlean.ops.op import ShapeError, UnsupportedError
from torchlean.ops.spelling import Emitter, TensorValue, spelled

LARGEST_WRITTEN = 2**24
"""Elements (64 MiB of float32) up to which a constant is written out."""


def filled(emitter: Emitter, shape: tuple[int, ...], number: Any, dtype: torch.dtype | None) -> TensorValue:
    """A constant that is the same number everywhere.

    Raises:
        ShapeError: a negative size, or a number that the dtype cannot hold.
    """
    with torch_errors():
        count = torch.empty(shape, device="meta").numel()
        scalar = torch.full((), number, dtype=dtype)
    if count > LARGEST_WRITTEN:
        return emitter.constant(scalar.expand(shape))
    return emitter.constant(scalar.expand(shape).contiguous())


def option_dtype(options: dict[str, Any], default: torch.dtype | None) -> torch.dtype | None:
    """The dtype among a factory's keyword options; the others say nothing about numbers.

    Raises:
        ShapeError: an unknown option, or a dtype that is none.
    """
    known = {"dtype", "device", "requires_grad", "layout", "pin_memory", "memory_format", "names", "out"}
    for name, value in options.items():
        if name not in known:
            raise ShapeError(f"unexpected argument {name!r}")
        if name == "out" and value is not None:
            raise UnsupportedError("writing into `out=` is not followed; assign the result instead")
    dtype = options.get("dtype")
    if dtype is not None and not isinstance(dtype, torch.dtype):
        raise ShapeError(f"expected a dtype such as torch.float32, got {dtype!r}")
    return default if dtype is None else dtype


def number_of(emitter: Emitter, value: Any, what: str) -> Any:
    """A Python number, or the one of a known 0-d tensor."""
    if is_tensor(value):
        return known_tensor(emitter, value, what).item()
    if not isinstance(value, (int, float, complex)):
        raise ShapeError(f"{what} must be a number, got {value!r}")
    return value


@spelled("torch.zeros")
def zeros(emitter: Emitter, *spread: Any, size: Any = None, **options: Any) -> TensorValue:
    return filled(
        emitter,
        sizes(emitter, spread, size, "the sizes"),
        0,
        option_dtype(options, torch.get_default_dtype()),
    )


@spelled("torch.ones")
def ones(emitter: Emitter, *spread: Any, size: Any = None, **options: Any) -> TensorValue:
    return filled(
        emitter,
        sizes(emitter, spread, size, "the sizes"),
        1,
        option_dtype(options, torch.get_default_dtype()),
    )


@spelled("torch.full")
def full(emitter: Emitter, size: Any, fill_value: Any, **options: Any) -> TensorValue:
    shape = sizes(emitter, (size,), None, "the sizes")
    return _filled_with(emitter, shape, fill_value, option_dtype(options, None))


def _filled_with(
    emitter: Emitter, shape: tuple[int, ...], fill_value: Any, dtype: torch.dtype | None
) -> TensorValue:
    """Filled with a number, or with a 0-d tensor whose number need not be known."""
    if is_tensor(fill_value) and emitter.value_of(fill_value) is None:
        if fill_value.shape:
            raise ShapeError(f"the fill value must be a number or a 0-d tensor, got {fill_value.type}")
        number = cast.cast(emitter, fill_value, dtype or fill_value.dtype)
        return number if not shape else emitter.emit("expand", number, shape=shape)
    if dtype is None and is_tensor(fill_value):
        dtype = fill_value.dtype
    return filled(emitter, shape, number_of(emitter, fill_value, "the fill value"), dtype)


@spelled("torch.zeros_like")
def zeros_like(emitter: Emitter, input: TensorValue, **options: Any) -> TensorValue:
    return filled(emitter, tuple(input.shape), 0, option_dtype(options, input.dtype))


@spelled("torch.ones_like")
def ones_like(emitter: Emitter, input: TensorValue, **options: Any) -> TensorValue:
    return filled(emitter, tuple(input.shape), 1, option_dtype(options, input.dtype))


@spelled("torch.full_like")
def full_like(emitter: Emitter, input: TensorValue, fill_value: Any, **options: Any) -> TensorValue:
    return _filled_with(emitter, tuple(input.shape), fill_value, option_dtype(options, input.dtype))


@spelled("torch.Tensor.new_zeros")
def new_zeros(
    emitter: Emitter, input: TensorValue, *spread: Any, size: Any = None, **options: Any
) -> TensorValue:
    return filled(emitter, sizes(emitter, spread, size, "the sizes"), 0, option_dtype(options, input.dtype))


@spelled("torch.Tensor.new_ones")
def new_ones(
    emitter: Emitter, input: TensorValue, *spread: Any, size: Any = None, **options: Any
) -> TensorValue:
    return filled(emitter, sizes(emitter, spread, size, "the sizes"), 1, option_dtype(options, input.dtype))


@spelled("torch.Tensor.new_full")
def new_full(emitter: Emitter, input: TensorValue, size: Any, fill_value: Any, **options: Any) -> TensorValue:
    shape = sizes(emitter, (size,), None, "the sizes")
    return _filled_with(emitter, shape, fill_value, option_dtype(options, input.dtype))


@spelled("torch.eye")
def eye(emitter: Emitter, n: int, m: int | None = None, **options: Any) -> TensorValue:
    rows = known_int(emitter, n, "n")
    columns = rows if m is None else known_int(emitter, m, "m")
    return _made(
        emitter,
        functools.partial(torch.eye, rows, columns, dtype=option_dtype(options, torch.get_default_dtype())),
    )


@spelled("torch.arange")
def arange(emitter: Emitter, *bounds: Any, **options: Any) -> TensorValue:
    """`arange(end)`, `arange(start, end)`, `arange(start, end, step)`, also by keyword."""
    named = {name: options.pop(name) for name in ("start", "end", "step") if name in options}
    given = [number_of(emitter, value, "a bound of arange") for value in bounds]
    named = {name: number_of(emitter, value, f"the {name} of arange") for name, value in named.items()}
    return _made(emitter, functools.partial(torch.arange, *given, **named, dtype=option_dtype(options, None)))


@spelled("torch.linspace")
def linspace(emitter: Emitter, start: Any, end: Any, steps: int, **options: Any) -> TensorValue:
    ends = [number_of(emitter, value, "an end of linspace") for value in (start, end)]
    count = known_int(emitter, steps, "steps")
    return _made(emitter, functools.partial(torch.linspace, *ends, count, dtype=option_dtype(options, None)))


@spelled("torch.logspace")
def logspace(
    emitter: Emitter, start: Any, end: Any, steps: int, base: float = 10.0, **options: Any
) -> TensorValue:
    ends = [number_of(emitter, value, "an end of logspace") for value in (start, end)]
    count = known_int(emitter, steps, "steps")
    return _made(
        emitter, functools.partial(torch.logspace, *ends, count, base, dtype=option_dtype(options, None))
    )


def _made(emitter: Emitter, make: Callable[..., Tensor]) -> TensorValue:
    """A constant that torch makes, after a look at its size.

    Raises:
        ShapeError: torch refuses the arguments.
        UnsupportedError: too large to write out.
    """
    with torch_errors():
        count = make(device="meta").numel()
        if count <= LARGEST_WRITTEN:
            return emitter.constant(make())
    raise UnsupportedError(f"a constant of {count} elements is too large to analyse")


@spelled("torch.tensor")
def tensor(emitter: Emitter, data: Any, dtype: torch.dtype | None = None, **options: Any) -> TensorValue:
    """Nested lists of numbers, or of tensors of one number each; a tensor gives a copy of itself."""
    result = as_tensor(emitter, data, dtype, **options)
    return emitter.emit("clone", result) if result is data else result


@spelled("torch.as_tensor", "torch.asarray")
def as_tensor(emitter: Emitter, data: Any, dtype: torch.dtype | None = None, **options: Any) -> TensorValue:
    """Like `tensor`, but a tensor that has the dtype already is given back and not copied."""
    dtype = option_dtype({**options, "dtype": dtype}, None)
    if is_tensor(data):
        return cast.cast(emitter, data, dtype or data.dtype)
    if any(is_tensor(item) for item in _leaves(data)):
        return _gathered(emitter, data, dtype)
    with torch_errors():
        return emitter.constant(torch.tensor(_plain(data), dtype=dtype))


@spelled("torch.scalar_tensor")
def scalar_tensor(emitter: Emitter, s: Any, **options: Any) -> TensorValue:
    return filled(
        emitter, (), number_of(emitter, s, "the number"), option_dtype(options, torch.get_default_dtype())
    )


@spelled("torch.Tensor.new_tensor")
def new_tensor(emitter: Emitter, input: TensorValue, data: Any, **options: Any) -> TensorValue:
    return tensor(emitter, data, option_dtype(options, input.dtype))


@spelled("torch.from_numpy", "torch.from_dlpack", "torch.frombuffer")
def from_numpy(emitter: Emitter, *arguments: Any, **keywords: Any) -> TensorValue:
    raise UnsupportedError(
        "numpy arrays are not followed; build the tensor with torch, or load it from a file"
    )


def _leaves(data: Any) -> list[Any]:
    if isinstance(data, (list, tuple, range)):
        return [leaf for item in data for leaf in _leaves(item)]
    return [data]


def _plain(data: Any) -> Any:
    """Ranges and sizes as the lists that torch takes."""
    return [_plain(item) for item in data] if isinstance(data, (list, tuple, range)) else data


def _gathered(emitter: Emitter, data: Sequence[Any], dtype: torch.dtype | None) -> TensorValue:
    """`torch.tensor([a, b])` with tensors inside: their numbers side by side, in the dtype that holds all."""
    parts = [item if is_tensor(item) else tensor(emitter, item, dtype) for item in data]
    parts = [_gathered(emitter, item, dtype) if isinstance(item, (list, tuple)) else item for item in parts]
    if any(part.type.numel != 1 and is_tensor(item) for part, item in zip(parts, data, strict=True)):
        raise ShapeError("only tensors of one element can be numbers of a new tensor; use torch.stack")
    flat = [
        layout.reshaped(emitter, part, ()) if is_tensor(item) else part
        for part, item in zip(parts, data, strict=True)
    ]
    common = dtype or functools.reduce(torch.promote_types, (part.dtype for part in flat))
    return emitter.emit("stack", *(cast.cast(emitter, part, common) for part in flat), dim=0)
