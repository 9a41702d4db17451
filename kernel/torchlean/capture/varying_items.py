"""`x[i]` and `x[i : i + 64]` in a loop that is followed once: which items are taken is not known, how many is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from torchlean.capture.data_sources import like
from torchlean.capture.values import TensorValue, Unknown, Value
from torchlean.capture.varying import Number, distance
from torchlean.graph.origin import Source
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def varies(index: Value) -> bool:
    """Whether an index has a number in it that is not known."""
    if isinstance(index, slice):
        return any(isinstance(part, Number) for part in (index.start, index.stop, index.step))
    if isinstance(index, (tuple, list)):
        return any(varies(part) for part in index)
    return isinstance(index, Number)


def varying_item(run: Interpreter, tensor: TensorValue, index: Value) -> Value:
    """`tensor[index]`, an item of which is a number that varies.

    What it takes of the first dimension is taken at integers that are drawn; anything else is a tensor whose numbers
    lie in the range of `tensor`.
    """
    from torchlean.capture.subscripts import subscript

    parts = index if isinstance(index, tuple) else (index,)
    if isinstance(index, list) or not tensor.shape:
        return _elsewhere()
    if varies(parts[0]) and not any(varies(part) for part in parts[1:]):
        places = _places(run, parts[0], tensor.shape[0])
        if isinstance(places, Unknown):
            return places
        rows = subscript(run, tensor, places)
        rest = (slice(None), *parts[1:]) if places.shape else parts[1:]
        return subscript(run, rows, rest) if parts[1:] and isinstance(rows, TensorValue) else rows
    plain = [_representative(part) for part in parts]
    if any(isinstance(part, Unknown) for part in plain):
        return _elsewhere()
    try:
        shape = torch.empty(tensor.shape, device="meta")[tuple(plain)].shape
    except (IndexError, TypeError, ValueError):
        return _elsewhere()
    return like(run, tensor, tuple(shape))


def _elsewhere() -> Unknown:
    return Unknown("how many items are taken differs from one iteration to the next", reported=True)


def _places(run: Interpreter, part: Value, size: int) -> TensorValue | Unknown:
    """The indices that one item of an index stands for."""
    shape: tuple[int, ...] = ()
    if isinstance(part, slice):
        length = _length(part, size)
        if length is None:
            return _elsewhere()
        shape = (length,)
    return run.emitter.random(
        TensorType(shape, torch.int64), 0.0, float(max(size - 1, 0)), "an index", source=Source.DRAWN
    )


def _length(part: slice, size: int) -> int | None:
    """How many items a slice takes in all iterations but perhaps the last ones, which may reach the end."""
    if part.step not in (None, 1) or part.start is None or part.stop is None:
        return None
    length = distance(part.start, part.stop)
    return None if length is None else max(0, min(length, size))


def _representative(part: Value) -> Value:
    """An index of the same kind that takes as many items; lengths that are not known are unknown."""
    if isinstance(part, Number):
        return 0
    if isinstance(part, slice) and varies(part):
        length = _length(part, math.inf)  # type: ignore[arg-type] # the end of the dimension is not looked at
        return _elsewhere() if length is None else slice(0, length)
    if isinstance(part, TensorValue):
        return torch.zeros(part.shape, dtype=part.dtype, device="meta")
    return part
