"""Choosing elements by a condition: `where`, `masked_fill`, `masked_select`.

Where the condition is decided for the whole box the interval follows the branch that is taken; elsewhere it is the
hull of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import cast, indexing
from torchlean.ops.arguments import is_tensor, known_tensor, meta, torch_errors
from torchlean.ops.corners import larger, smaller
from torchlean.ops.lanes import Lane, Shapes, together
from torchlean.ops.linearization import Plane, Relaxation
from torchlean.ops.noise.selection import Switched
from torchlean.ops.op import (
    Attributes,
    Infinities,
    Op,
    ShapeError,
    TensorType,
    UnsupportedError,
    dtype_name,
    register,
)
from torchlean.ops.planes import operands_of, plane
from torchlean.ops.rearrangement import on_ends
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled


@register
class Where(Op):
    """`a` where the condition holds, `b` elsewhere."""

    name = "where"
    rounding = Switched()
    infinities = Infinities.MOVED

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        condition, a, b = inputs
        return torch.where(condition, a, b)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        condition, a, b = inputs
        if condition.is_point:
            holds = condition.lower != 0
            return on_ends(lambda x, y: torch.where(holds, x, y), a, b)
        surely, never = condition.lower > 0, condition.upper <= 0
        lower = torch.where(surely, a.lower, torch.where(never, b.lower, a.lower.minimum(b.lower)))
        upper = torch.where(surely, a.upper, torch.where(never, b.upper, a.upper.maximum(b.upper)))
        return Interval(lower, upper)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return together(shapes)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Where the condition is open, from the lower plane of the smaller one to the upper plane of the larger."""
        condition, a, b = operands_of(inputs)
        holds, never = condition.lower > 0, condition.upper <= 0
        return Relaxation(
            _chosen(smaller(a, b).lower, holds, never), _chosen(larger(a, b).upper, holds, never)
        )


def _chosen(open: Plane, holds: Tensor, never: Tensor) -> Plane:
    """The branch taken where the condition is known. The condition itself has the slope 0."""
    first, second = open.slopes
    intercept = torch.zeros_like(first) if open.intercept is None else open.intercept
    return plane(
        (
            torch.zeros_like(first),
            torch.where(holds, 1.0, torch.where(never, 0.0, first)),
            torch.where(never, 1.0, torch.where(holds, 0.0, second)),
        ),
        torch.where(holds | never, 0.0, intercept),
    )


@spelled("torch.where")
def where(
    emitter: Emitter, condition: Any, input: Any = None, other: Any = None, **keyword: Any
) -> TensorValue:
    input = keyword.pop("self", input)
    if keyword:
        raise ShapeError(f"where() has no argument {next(iter(keyword))!r}")
    if input is None or other is None:
        raise UnsupportedError(
            "where with a condition alone gives as many places as are true, which is not known"
        )
    return chosen(emitter, condition, input, other)


@spelled("torch.Tensor.where")
def where_method(emitter: Emitter, input: TensorValue, condition: Any, other: Any) -> TensorValue:
    return chosen(emitter, condition, input, other)


def chosen(emitter: Emitter, condition: Any, a: Any, b: Any) -> TensorValue:
    """`where` with torch's promotion of numbers; the two values have one dtype in the graph."""
    if not is_tensor(condition) or condition.dtype not in (torch.bool, torch.uint8):
        got = dtype_name(condition.dtype) if is_tensor(condition) else repr(condition)
        raise ShapeError(f"where needs a bool tensor as condition, got {got}")
    condition = cast.cast(emitter, condition, torch.bool)
    plain = [meta(item) if is_tensor(item) else item for item in (a, b)]
    with torch_errors():
        dtype = torch.where(meta(condition), *plain).dtype
    values = [
        cast.cast(emitter, item, dtype)
        if is_tensor(item)
        else emitter.constant(torch.tensor(item, dtype=dtype))
        for item in (a, b)
    ]
    return emitter.emit("where", condition, *values)


@spelled("torch.masked_fill", "torch.Tensor.masked_fill")
def masked_fill(emitter: Emitter, input: TensorValue, mask: TensorValue, value: Operand) -> TensorValue:
    if is_tensor(value) and value.shape:
        raise ShapeError(f"masked_fill needs a number or a 0-d tensor as value, got {value.type}")
    with torch_errors():
        meta(input).masked_fill(meta(mask), meta(value) if is_tensor(value) else value)
    return emitter.emit("where", mask, filling(emitter, value, input.dtype), input)


def filling(emitter: Emitter, value: Operand, dtype: torch.dtype) -> TensorValue:
    """What is written into a tensor of that dtype: a tensor is converted, a number must be one that dtype can hold.

    Raises:
        ShapeError: neither a tensor nor a number, or a number out of the dtype's range.
    """
    if is_tensor(value):
        return cast.cast(emitter, value, dtype)
    if not isinstance(value, (int, float)):
        raise ShapeError(f"only a number or a tensor can be written into a tensor, got {value!r}")
    with torch_errors():
        return emitter.constant(torch.zeros((), dtype=dtype).fill_(value))


@spelled("torch.Tensor.masked_fill_")
def masked_fill_(emitter: Emitter, input: TensorValue, mask: TensorValue, value: Operand) -> TensorValue:
    return emitter.overwrite(input, masked_fill(emitter, input, mask, value))


@spelled("torch.masked_select", "torch.Tensor.masked_select", "torch.nonzero", "torch.Tensor.nonzero")
def as_many_as_hold(emitter: Emitter, input: TensorValue, mask: Any = None, **options: Any) -> TensorValue:
    """The mask broadcasts against the input; without one, the places that are not zero."""
    if mask is None:
        found = known_tensor(emitter, input, "the number of elements that are not zero").nonzero()
        return emitter.constant(found)
    with torch_errors():
        shape = tuple(torch.broadcast_shapes(input.shape, mask.shape))
    known = known_tensor(emitter, mask, "the shape of the result, the number of true elements of the mask,")
    places = [emitter.constant(place.contiguous()) for place in known.expand(shape).nonzero(as_tuple=True)]
    whole = input if shape == tuple(input.shape) else emitter.emit("expand", input, shape=shape)
    return indexing.indexed(emitter, whole, dict(enumerate(places)))
