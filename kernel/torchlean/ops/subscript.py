"""What stands between the brackets of `x[...]`, read and checked against the tensor's shape.

The rules are torch's: integers, ranges and None apply first and in place; index tensors (lists, masks) then
index what those leave. A mask is known when the file is analysed or it is not followed: the result's shape
depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from torchlean.ops.arguments import is_tensor, known_int, known_tensor, shape_text, torch_errors
from torchlean.ops.op import OutOfRangeError, ShapeError, UnsupportedError, dtype_name
from torchlean.ops.spelling import Emitter, TensorValue

Range = tuple[int, int, int]
"""Start, stop and step, with no room behind the last element: one form for one choice of elements."""

Place = int | Range | None


@dataclass
class Parsed:
    """What stands between the brackets, in torch's order of application.

    Attributes:
        places: integers, ranges and None; they leave a tensor of shape `left`.
        advanced: dimension of what `places` leave -> integer index tensor.
    """

    places: tuple[Place, ...]
    left: tuple[int, ...]
    advanced: dict[int, TensorValue] = field(default_factory=dict)


def parse(emitter: Emitter, shape: tuple[int, ...], index: object) -> Parsed:
    """Read an index expression for a tensor of that shape.

    Raises:
        ShapeError: torch would refuse it: too many indices, out of range, not an index.
        UnsupportedError: the shape of the result depends on values that are not known.
    """
    if isinstance(index, list) and not all(isinstance(item, int) for item in index):
        raise UnsupportedError(
            "a list with lists, tensors or slices in it means different things in different torch versions; "
            "write a tuple, or one torch.tensor([...])"
        )
    items = [_plain(emitter, item) for item in (index if isinstance(index, tuple) else (index,))]
    items = _without_ellipsis(items, shape)
    places: list[Place] = []
    left: list[int] = []
    advanced: dict[int, TensorValue] = {}
    dim = 0
    for item in items:
        if item is None:
            places.append(None)
            left.append(1)
        elif is_tensor(item):
            for single in _integer_indices(emitter, item, shape, dim):
                advanced[len(left)] = single
                places.append((0, shape[dim], 1))
                left.append(shape[dim])
                dim += 1
        else:
            place = _place(item, shape[dim], dim)
            places.append(place)
            left += [] if isinstance(place, int) else [len(range(*place))]
            dim += 1
    return Parsed(tuple(places), tuple(left), advanced)


def _plain(emitter: Emitter, item: object) -> Any:
    """One item between the brackets: known numbers as integers, lists as constant tensors."""
    if isinstance(item, slice):
        ends = (item.start, item.stop, item.step)
        return slice(
            *(None if end is None else known_int(emitter, end, "the end of a slice") for end in ends)
        )
    if isinstance(item, (list, tuple, range)):
        return emitter.constant(_tensor_of(emitter, list(item)))
    if isinstance(item, bool):
        raise UnsupportedError(
            "indexing with a single True or False is not followed; use None to add a dimension"
        )
    if is_tensor(item) and not item.shape and item.dtype != torch.bool:
        number = emitter.value_of(item)
        if number is not None:
            return known_int(emitter, item, "an index")
    if item is None or item is Ellipsis or isinstance(item, int) or is_tensor(item):
        return item
    raise ShapeError(f"an index must be an integer, a slice, None, `...` or a tensor, got {item!r}")


def _tensor_of(emitter: Emitter, items: list[Any]) -> Tensor:
    """A list of indices, possibly nested, as a tensor."""

    def number(item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return [number(inner) for inner in item]
        return item if isinstance(item, bool) else known_int(emitter, item, "an index")

    with torch_errors():
        found = torch.tensor([number(item) for item in items])
    return found if found.numel() else found.to(torch.int64)


def _consumed(item: object) -> int:
    """How many dimensions of the tensor an item indexes."""
    if item is None:
        return 0
    return len(item.shape) if is_tensor(item) and item.dtype in (torch.bool, torch.uint8) else 1


def _without_ellipsis(items: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Fill up to the full rank with full ranges, where `...` stands or at the end."""
    dots = [place for place, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise UnsupportedError(
            "an index with more than one `...` is not followed; write `:` for single dimensions"
        )
    consumed = sum(_consumed(item) for item in items if item is not Ellipsis)
    if consumed > len(shape):
        raise OutOfRangeError(f"too many indices: {consumed} for a tensor of shape {shape_text(shape)}")
    place = dots[0] if dots else len(items)
    return items[:place] + [slice(None)] * (len(shape) - consumed) + items[place + 1 :]


def _place(item: Any, size: int, dim: int) -> int | Range:
    """An integer or slice of Python, brought into the range of the dimension."""
    if isinstance(item, int):
        if not -size <= item < size:
            raise OutOfRangeError(f"index {item} is out of bounds for dimension {dim} with size {size}")
        return item % size
    if item.step is not None and item.step <= 0:
        text = f"a slice of a tensor needs a step above zero, got {item.step}; use flip to reverse"
        raise ShapeError(text) from ValueError("step must be greater than zero")
    return canonical(range(size)[item])


def canonical(places: range) -> Range:
    """The range with the smallest stop that holds these places."""
    if not places:
        return (0, 0, 1)
    return (places[0], places[-1] + 1, places.step if len(places) > 1 else 1)


def _integer_indices(
    emitter: Emitter, index: TensorValue, shape: tuple[int, ...], dim: int
) -> list[TensorValue]:
    """An index tensor, or the positions where a mask is true, one index per dimension of the mask.

    Raises:
        ShapeError: a value out of range, or a mask of another shape.
        UnsupportedError: a mask that is not known.
    """
    if index.dtype not in (torch.bool, torch.uint8):
        if index.dtype not in (torch.int64, torch.int32):
            raise ShapeError(f"an index tensor must be int64, int32 or bool, got {dtype_name(index.dtype)}")
        check_range(emitter, index, shape[dim], dim)
        return [index]
    covered = shape[dim : dim + len(index.shape)]
    if tuple(index.shape) != covered:
        raise ShapeError(
            f"a mask of shape {shape_text(index.shape)} does not fit the dimensions {shape_text(covered)}"
        )
    mask = known_tensor(emitter, index, "the shape of the result, the number of true elements of the mask,")
    if mask.dim() == 0:
        raise UnsupportedError(
            "indexing with a single True or False is not followed; use None to add a dimension"
        )
    return [emitter.constant(found.contiguous()) for found in mask.nonzero(as_tuple=True)]


def check_range(emitter: Emitter, index: TensorValue, size: int, dim: int) -> None:
    """Where the index is known: does it stay inside the dimension?

    Raises:
        ShapeError: naming the first value that does not.
    """
    known = emitter.value_of(index)
    if known is None or not known.numel():
        return
    wrong = (known < -size) | (known >= size)
    if bool(wrong.any()):
        value = int(known[wrong].reshape(-1)[0])
        raise ShapeError(f"index {value} is out of bounds for dimension {dim} with size {size}")
