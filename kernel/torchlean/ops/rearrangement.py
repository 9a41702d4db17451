"""Ops that only move, copy or drop elements: their interval rule is the op itself on both ends, exactly.

No arithmetic happens, so nothing is rounded, a point stays a point, and infinite ends stay infinite. An op
that also writes fixed numbers (zeros beyond a diagonal, padding) belongs here too, as long as float64 holds
them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.adjoint import moving
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.choices import Moved
from torchlean.ops.noise.rule import Rule
from torchlean.ops.op import Attributes, Infinities, Op, TensorType

VIEW_OPS: set[str] = set()
"""Ops whose result may share memory with their first operand: changing one in place changes the other."""


class Rearrangement(Op):
    """An op whose result's elements are elements of its operands, or fixed numbers.

    Class attributes:
        view: the result may share memory with the operand.
        writes: some elements of the result are fixed numbers and no elements of an operand.
    """

    view: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    infinities = Infinities.MOVED
    rounding: ClassVar[Rule] = Moved()

    def __init_subclass__(cls) -> None:
        if cls.writes and isinstance(cls.rounding, Moved):
            cls.rounding = Moved(writes=True)
        if cls.view:
            VIEW_OPS.add(cls.name)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        if len(inputs) == 1 and not self.writes and out.numel > 0 and is_one_number(inputs[0]):
            # Every element is the same number held once: nothing large is written for an unknown value.
            return expanded(inputs[0], out.shape)
        return on_ends(lambda *ends: self.evaluate(ends, attributes), *inputs)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return moving(self.evaluate, inputs, types, attributes)


def on_ends(function: Callable[..., Tensor], *inputs: Interval) -> Interval:
    """Apply a rearrangement to all lower and to all upper ends; points give a point."""
    lower = function(*(x.lower for x in inputs))
    if all(x.is_point for x in inputs):
        return Interval(lower, lower)
    return Interval(lower, function(*(x.upper for x in inputs)))


def is_one_number(x: Interval) -> bool:
    """Whether both ends are a single number expanded to the shape."""
    return not any(x.lower.stride()) and not any(x.upper.stride())


def expanded(x: Interval, shape: tuple[int, ...]) -> Interval:
    """The one interval of a value that `is_one_number`, for another shape."""
    first = (0,) * x.lower.dim()
    lower = x.lower[first].expand(shape)
    return Interval(lower, lower if x.is_point else x.upper[first].expand(shape))


def hull(lower: Sequence[Tensor], upper: Sequence[Tensor]) -> Interval:
    """The smallest interval that contains all the given ones, element by element."""
    low, high = lower[0], upper[0]
    for other in lower[1:]:
        low = low.minimum(other)
    for other in upper[1:]:
        high = high.maximum(other)
    return Interval(low, high)
