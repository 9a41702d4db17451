"""Reading the arguments of torch calls: what several families of spellings need.

Shape arithmetic is left to torch wherever possible: `shape_after` runs the torch function on the meta device,
so that negative dimensions, sizes of zero and error cases are torch's own and not a copy of its rules.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor

from torchlean.ops.op import OutOfRangeError, ShapeError, TensorType, UnsupportedError
from torchlean.ops.spelling import Emitter, TensorValue

TORCH_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError, AssertionError)
"""What torch raises for operands that do not fit; without numbers (on the meta device) some versions only assert it."""


def is_tensor(value: object) -> TypeGuard[TensorValue]:
    """Whether an argument is a tensor that the capture follows (and not a number, a tuple, None)."""
    return isinstance(getattr(value, "type", None), TensorType)


def meta(x: TensorValue | TensorType) -> Tensor:
    """A tensor of that shape and dtype without numbers."""
    return torch.empty(x.shape, dtype=x.dtype, device="meta")


@contextlib.contextmanager
def torch_errors() -> Iterator[None]:
    """Report what torch refuses as the user's mistake, in torch's words.

    Raises:
        ShapeError: torch raised inside the block.
    """
    try:
        yield
    except TORCH_ERRORS as error:
        raise ShapeError(str(error).splitlines()[0]) from error


def shape_after(function: Callable[..., Tensor], *operands: TensorValue) -> tuple[int, ...]:
    """The shape of what a torch function returns for operands of these types.

    Raises:
        ShapeError: torch refuses them.
    """
    with torch_errors():
        return tuple(function(*(meta(x) for x in operands)).shape)


def known_int(emitter: Emitter, value: object, what: str) -> int:
    """An integer argument; a tensor with one known integer counts, as in torch.

    Raises:
        ShapeError: not an integer.
        UnsupportedError: a tensor whose value is not known.
    """
    if is_tensor(value):
        number = known_tensor(emitter, value, what)
        if number.numel() != 1 or number.is_floating_point() or number.is_complex():
            raise ShapeError(f"{what} must be an integer, got a tensor {value.type}")
        return int(number.item())
    if not isinstance(value, int):
        raise ShapeError(f"{what} must be an integer, got {value!r}")
    return int(value)


def known_tensor(emitter: Emitter, value: TensorValue, what: str) -> Tensor:
    """The numbers of a tensor argument that torch needs to decide a shape.

    Raises:
        UnsupportedError: they are not known when the file is analysed.
    """
    number = emitter.value_of(value)
    if number is None:
        raise UnsupportedError(f"{what} depends on values that are only known when the program runs")
    return number


def sizes(emitter: Emitter, spread: Sequence[Any], keyword: object, what: str) -> tuple[int, ...]:
    """Sizes or dimensions given as `f(2, 3)`, `f((2, 3))` or by keyword.

    Args:
        spread: the positional arguments.
        keyword: the keyword's value, None where absent.
        what: the argument's name, for messages.

    Raises:
        ShapeError: something else than integers, or nothing at all.
        UnsupportedError: one of them is a tensor whose value is not known.
    """
    given: object = keyword if keyword is not None and not spread else tuple(spread)
    if isinstance(given, tuple) and len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    if isinstance(given, int):
        given = (given,)
    if not isinstance(given, (tuple, list)):
        raise ShapeError(f"{what} must be integers, got {given!r}")
    return tuple(known_int(emitter, item, what) for item in given)


def dimension(dim: int, ndim: int) -> int:
    """A possibly negative dimension as an index in `[0, ndim)`; a 0-d tensor counts as having one.

    Raises:
        OutOfRangeError: out of range.
        ShapeError: no integer.
    """
    if not isinstance(dim, int):
        raise ShapeError(f"dim must be an integer, got {dim!r}")
    count = max(ndim, 1)
    if not -count <= dim < count:
        raise OutOfRangeError(
            f"dim {dim} is out of range: the tensor has {ndim} dimensions ({-count} to {count - 1})"
        )
    return dim % count


def shape_text(shape: Sequence[int]) -> str:
    """`(2, 3)`, as Python writes it."""
    return str(tuple(shape))
