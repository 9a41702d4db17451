"""What the stubs of data sets need: leaves for samples, numbers in a range, batches and streams of them.

Data is read when the program runs; only its type, and the range that its transforms leave it in, are known here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_values import ArrayValue, dtype_for_torch
from torchlean.capture.intrinsics import MODULE
from torchlean.capture.ranges import drawn, range_of
from torchlean.capture.values import Abstract, Instance, TensorValue, Unknown, Value, native
from torchlean.capture.varying import Number, Stream
from torchlean.graph.origin import Source
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


@native(f"{MODULE}.data")
def data(
    run: Interpreter,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    lower: float = -math.inf,
    upper: float = math.inf,
    source: str = "data",
) -> TensorValue:
    """Numbers that a data set holds, in a range that is known of it; an array where the dtype is one of NumPy."""
    kind = Source(source)
    of_array = not isinstance(dtype, torch.dtype)
    type = TensorType(tuple(shape), dtype_for_torch(dtype) if of_array else dtype)
    tensor = run.emitter.random(type, float(lower), float(upper), kind.in_words, source=kind)
    return ArrayValue(tensor) if of_array else tensor


@native(f"{MODULE}.unknown")
def unknown(run: Interpreter, reason: str, said: bool = False) -> Unknown:
    """Something that is only known when the program runs; `said`: that is reported where it meets a tensor."""
    return Unknown(reason, reported=not said)


@native(f"{MODULE}.any_integer")
def any_integer(run: Interpreter, lower: float, upper: float, reason: str) -> Number:
    """An integer between two ends."""
    return Number(reason, True, lower, upper)


@native(f"{MODULE}.any_float")
def any_float(run: Interpreter, lower: float, upper: float, reason: str) -> Number:
    """A Python float between two ends."""
    return Number(reason, False, lower, upper)


@native(f"{MODULE}.stream")
def stream(run: Interpreter, function: Value, reason: str, length: Value = None) -> Stream:
    """An iterable of unknown length; each of its items is what calling `function` gives."""
    from torchlean.capture.calling import call

    return Stream(reason, lambda run: call(run, function, [], {}), length)


@native(f"{MODULE}.any_of", unknowns=True)
def any_of(run: Interpreter, tensor: Value) -> Value:
    """One row of a tensor: which one is not known."""
    if isinstance(tensor, (list, tuple)) and tensor:
        from torchlean.capture.streams import common_item

        make = common_item(run, list(tensor))
        return Unknown("which item is taken is not known", reported=True) if make is None else make(run)
    if not isinstance(tensor, TensorValue) or not tensor.shape:
        return Unknown("which item is taken is not known", reported=True)
    return like(run, tensor, tensor.shape[1:])


@native(f"{MODULE}.rows_of", unknowns=True)
def rows_of(run: Interpreter, tensor: Value, count: int) -> Value:
    """So many rows of a tensor, in an order that is not known."""
    if isinstance(tensor, TensorValue) and tensor.shape:
        return like(run, tensor, (count, *tensor.shape[1:]))
    return Unknown("which items are taken is not known", reported=True)


@native(f"{MODULE}.numbers_of", unknowns=True)
def numbers_of(run: Interpreter, tensor: Value, shape: tuple[int, ...]) -> Value:
    """A tensor of another shape with numbers between the least and the greatest of a tensor."""
    if isinstance(tensor, TensorValue):
        return like(run, tensor, tuple(shape))
    return Unknown("an image is not followed", reported=True)


def like(run: Interpreter, tensor: TensorValue, shape: tuple[int, ...]) -> TensorValue:
    """A tensor of another shape whose numbers are some of a tensor's."""
    return drawn(run, TensorType(tuple(shape), tensor.dtype), range_of(run, tensor.node))


@native(f"{MODULE}.collated", unknowns=True)
def collated(run: Interpreter, sample: Value, size: Value) -> Value:
    """`torch.utils.data.default_collate` of `size` samples that one sample describes."""
    if not isinstance(size, int) or isinstance(size, bool):
        return Unknown("the size of a batch is not known", reported=True)
    if isinstance(sample, TensorValue):
        return like(run, sample, (size, *sample.shape))
    if isinstance(sample, (bool, int, float)):
        sample = Number("a number of a data set", isinstance(sample, int), sample, sample)
    if isinstance(sample, Number):
        dtype = torch.int64 if sample.integer else torch.float64
        source = Source.LABELS if sample.integer else Source.DATA
        ends = (sample.lower, sample.upper)
        return run.emitter.random(TensorType((size,), dtype), *ends, source.in_words, source=source)
    if isinstance(sample, (tuple, list)):
        return [collated(run, part, size) for part in sample]
    if isinstance(sample, dict):
        return {key: collated(run, part, size) for key, part in sample.items()}
    if isinstance(sample, (Unknown, Abstract, Instance)):
        return Unknown("a sample of a data set is not followed", reported=True)
    return Unknown("a batch of such values is not followed", reported=True)
