"""Logic: `and`, `or`, `xor`, `not` on truth values, and the bitwise operators, which are the same on bools.

Numbers count as true when they are not zero. On integers, bitwise results are bounded by the operands' signs
and by the range of the dtype; what single bits do is not followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval, up
from torchlean.intervals.shapes import exact_decreasing
from torchlean.ops.compare import truth
from torchlean.ops.elementwise import Elementwise, spell_binary, spell_operator, spell_unary
from torchlean.ops.noise.choices import Decided
from torchlean.ops.op import Attributes, TensorType, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled

Masks = tuple[Tensor, Tensor]
"""Where something certainly holds, and where it possibly holds."""


def truth_of(x: Interval) -> Masks:
    """Where `x` is certainly, and where possibly, not zero."""
    return (x.lower > 0) | (x.upper < 0), (x.lower != 0) | (x.upper != 0)


def _and(a: Masks, b: Masks) -> Masks:
    return a[0] & b[0], a[1] & b[1]


def _or(a: Masks, b: Masks) -> Masks:
    return a[0] | b[0], a[1] | b[1]


def _xor(a: Masks, b: Masks) -> Masks:
    differ, equal = (a[0] & ~b[1]) | (b[0] & ~a[1]), (a[0] & b[0]) | ~(a[1] | b[1])
    return differ, ~equal


def _not(a: Masks) -> Masks:
    return ~a[1], ~a[0]


@register
class LogicalAnd(Elementwise):
    """Both are not zero."""

    name = "logical_and"
    function = staticmethod(torch.logical_and)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return truth(*_and(*map(truth_of, inputs)))


@register
class LogicalOr(Elementwise):
    """At least one is not zero."""

    name = "logical_or"
    function = staticmethod(torch.logical_or)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return truth(*_or(*map(truth_of, inputs)))


@register
class LogicalXor(Elementwise):
    """Exactly one is not zero."""

    name = "logical_xor"
    function = staticmethod(torch.logical_xor)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return truth(*_xor(*map(truth_of, inputs)))


@register
class LogicalNot(Elementwise):
    """`x` is zero."""

    name = "logical_not"
    function = staticmethod(torch.logical_not)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return truth(*_not(truth_of(*inputs)))


@register
class BitwiseAnd(Elementwise):
    """`a & b`. Of two non-negative integers it is at most the smaller."""

    name = "bitwise_and"
    function = staticmethod(torch.bitwise_and)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        if out.dtype == torch.bool:
            return truth(*_and(*map(truth_of, inputs)))
        a, b = inputs
        return _bits(a, b, 0.0, torch.minimum(a.upper, b.upper), out.dtype)


@register
class BitwiseOr(Elementwise):
    """`a | b`. Of two non-negative integers it is at least the larger and at most their sum."""

    name = "bitwise_or"
    function = staticmethod(torch.bitwise_or)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        if out.dtype == torch.bool:
            return truth(*_or(*map(truth_of, inputs)))
        a, b = inputs
        return _bits(a, b, torch.maximum(a.lower, b.lower), up(a.upper + b.upper), out.dtype)


@register
class BitwiseXor(Elementwise):
    """`a ^ b`. Of two non-negative integers it is at most their sum."""

    name = "bitwise_xor"
    function = staticmethod(torch.bitwise_xor)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        if out.dtype == torch.bool:
            return truth(*_xor(*map(truth_of, inputs)))
        a, b = inputs
        return _bits(a, b, 0.0, up(a.upper + b.upper), out.dtype)


@register
class BitwiseNot(Elementwise):
    """`~x`, which is `-x - 1` of a signed integer and `max - x` of an unsigned one."""

    name = "bitwise_not"
    function = staticmethod(torch.bitwise_not)
    rounding = Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if out.dtype == torch.bool:
            return truth(*_not(truth_of(x)))
        mirror = -1.0 if out.dtype.is_signed else float(torch.iinfo(out.dtype).max)
        return exact_decreasing(x, lambda end: mirror - end)


def _bits(a: Interval, b: Interval, least: Tensor | float, greatest: Tensor, dtype: torch.dtype) -> Interval:
    """`[least, greatest]` where both operands are certainly non-negative, else the range of the dtype."""
    positive = (a.lower >= 0) & (b.lower >= 0)
    limits = torch.iinfo(dtype)
    lower = torch.as_tensor(least, dtype=torch.float64)  # torch makes float32 numbers of two plain ones
    return Interval(
        torch.where(positive, lower, float(limits.min)), torch.where(positive, greatest, float(limits.max))
    )


@spelled("torch.Tensor.__invert__")
def invert(emitter: Emitter, input: TensorValue) -> TensorValue:
    return emitter.emit("bitwise_not", input)


for _name in ("and", "or", "xor"):
    spell_binary(f"logical_{_name}")
    spell_binary(f"bitwise_{_name}")
    spell_operator(f"bitwise_{_name}", _name)
spell_unary("logical_not")
spell_unary("bitwise_not")
