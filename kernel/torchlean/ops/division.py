"""Quotients and remainders. A divisor that can be zero leaves the result unbounded and undefined.

torch has two conventions: `//` and `%` round the quotient down, so that the remainder has the divisor's sign;
`fmod` and `rounding_mode="trunc"` round it towards zero, so that the remainder has the dividend's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.intervals.shapes import exact_increasing
from torchlean.ops.adjoint import scaled
from torchlean.ops.arguments import is_tensor
from torchlean.ops.bent import Bent
from torchlean.ops.elementwise import Elementwise, no_out, spell_binary, spell_operator, spell_unary
from torchlean.ops.linearization import Affine, Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.noise import choices
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.planes import bounds_of, operands_of
from torchlean.ops.quotients import quotient
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled

MODERATE = 2.0**500
"""Reciprocals between this and its own neither overflow nor underflow, and what they multiply rarely does."""


@register
class Div(Elementwise):
    """`a / b`, also of integers."""

    name = "div"
    function = staticmethod(torch.div)
    rounding = noise.Quotient()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.div(*inputs)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """By a known divisor: a product with its reciprocal, whose rounding counts as a term (`scaled` has two)."""
        a, b = inputs
        if a is not None or b is None or not all(type.dtype.is_floating_point for type in types):
            return None
        factor = torch.reciprocal(b.lower)
        if not bool(((factor.abs() >= 1 / MODERATE) & (factor.abs() <= MODERATE)).all()):
            return None
        out = broadcast_shapes(types[0].shape, types[1].shape)
        return [scaled(types[0], out, factor), None]

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        a, b = operands_of(inputs)
        return quotient(bounds_of(self, [a, b], attributes), a, b)


@register
class FloorDivide(Elementwise):
    """`a // b`: the quotient rounded down.

    `torch.floor_divide` computes the same and has no derivative, which the search for counterexamples asks for.
    """

    name = "floor_divide"
    function = staticmethod(partial(torch.div, rounding_mode="floor"))
    rounding = choices.WholeQuotient()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return _rounded_quotient(inputs[0], inputs[1], torch.floor)


@register
class TruncDivide(Elementwise):
    """The quotient rounded towards zero."""

    name = "trunc_divide"
    function = staticmethod(partial(torch.div, rounding_mode="trunc"))
    rounding = choices.WholeQuotient()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return _rounded_quotient(inputs[0], inputs[1], torch.trunc)


@register
class Reciprocal(Looked, Elementwise):
    """`1 / x`."""

    name = "reciprocal"
    function = staticmethod(torch.reciprocal)
    rounding = noise.Curve(noise.at_zero_most(lambda d: d.reciprocal().square()))
    planes = Bent(
        derivatives.accurate(torch.reciprocal),
        derivatives.accurate(lambda x: -torch.reciprocal(x).square()),
        (0.0,),
        convex=False,
        undefined=lambda x: (x.lower <= 0) & (x.upper >= 0),
        poles=True,
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        return exact.div(Interval.point(torch.ones_like(x.lower)), x)


@register
class Remainder(Elementwise):
    """`a - b * floor(a / b)`: in `[0, b)` for `b > 0`, in `(b, 0]` for `b < 0`."""

    name = "remainder"
    function = staticmethod(torch.remainder)
    rounding = choices.Remainder()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        a, b = inputs
        largest = _largest_remainder(b, out)
        bounds = Interval(-largest.masked_fill(b.lower >= 0, 0.0), largest.masked_fill(b.upper <= 0, 0.0))
        return _meet(_within_one_period(a, b, torch.floor), bounds, b)


@register
class Fmod(Elementwise):
    """`a - b * trunc(a / b)`: smaller than `b` in magnitude, with the sign of `a` and no larger than it."""

    name = "fmod"
    function = staticmethod(torch.fmod)
    rounding = choices.Remainder()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        a, b = inputs
        largest = _largest_remainder(b, out)
        zero = torch.zeros_like(largest)
        bounds = Interval(
            torch.maximum(-largest, torch.minimum(a.lower, zero)),
            torch.minimum(largest, torch.maximum(a.upper, zero)),
        )
        return _meet(_within_one_period(a, b, torch.trunc), bounds, b)


def _rounded_quotient(a: Interval, b: Interval, rounding: Callable[[Tensor], Tensor]) -> Interval:
    quotient = exact.div(a, b)
    bounds = exact_increasing(quotient, rounding)
    points = a.is_point and b.is_point and torch.equal(bounds.lower, bounds.upper)
    return Interval(bounds.lower, bounds.lower if points else bounds.upper, quotient.undefined)


def _largest_remainder(b: Interval, out: TensorType) -> Tensor:
    """The supremum of `|b|`; integers stay below it by one."""
    largest = torch.maximum(b.lower.abs(), b.upper.abs())
    return largest if out.dtype.is_floating_point else (largest - 1).clamp(min=0.0)


def _within_one_period(a: Interval, b: Interval, rounding: Callable[[Tensor], Tensor]) -> Interval:
    """`a - b * k` where the rounded quotient is certainly the same number `k`, else unbounded."""
    quotient = exact_increasing(exact.div(a, b), rounding)
    one = (quotient.lower == quotient.upper) & torch.isfinite(quotient.lower)
    k = Interval.point(quotient.lower.masked_fill(~one, 0.0))
    difference = exact.sub(a, exact.mul(b, k))
    if a.is_point and b.is_point and bool(one.all()):
        return difference
    return Interval(
        difference.lower.masked_fill(~one, -torch.inf), difference.upper.masked_fill(~one, torch.inf)
    )


def _meet(first: Interval, second: Interval, divisor: Interval) -> Interval:
    """Both hold; nothing is claimed where the divisor can be zero."""
    zero = (divisor.lower <= 0) & (divisor.upper >= 0)
    lower = torch.maximum(first.lower, second.lower)
    if first.is_point and torch.equal(first.lower, lower):
        return Interval(lower, lower, undefined=bool(zero.any()))
    upper = torch.minimum(first.upper, second.upper)
    undefined = bool(zero.any())
    if undefined:
        lower, upper = lower.masked_fill(zero, -torch.inf), upper.masked_fill(zero, torch.inf)
    return Interval(lower, upper, undefined)


def divided(emitter: Emitter, op: str, input: Operand, other: Operand) -> TensorValue:
    """Append a whole quotient or a remainder; of integers, zero as the divisor is an exception in torch.

    Raises:
        ShapeError: the divisor is zero.
        UnsupportedError: nothing says that it is not.
    """
    result = emitter.emit(op, input, other)
    if result.dtype.is_floating_point:
        return result
    known = emitter.value_of(other) if is_tensor(other) else torch.tensor(other)
    if known is None:
        raise UnsupportedError(
            "whole numbers are divided by numbers that are only known when the program runs; were one of them zero, "
            "torch would raise ZeroDivisionError"
        )
    if bool((known == 0).any()):
        raise ShapeError("ZeroDivisionError: whole numbers are divided by zero")
    return result


_QUOTIENTS = {None: "div", "floor": "floor_divide", "trunc": "trunc_divide"}


@spelled("torch.div", "torch.Tensor.div", "torch.divide", "torch.Tensor.divide")
def div(
    emitter: Emitter,
    input: TensorValue,
    other: Operand,
    *,
    rounding_mode: str | None = None,
    out: object = None,
) -> TensorValue:
    no_out(out)
    if rounding_mode not in _QUOTIENTS:
        raise ShapeError(f"`rounding_mode` is None, 'floor' or 'trunc', got {rounding_mode!r}")
    if rounding_mode is None:
        return emitter.emit("div", input, other)
    return divided(emitter, _QUOTIENTS[rounding_mode], input, other)


@spelled("torch.Tensor.div_", "torch.Tensor.divide_")
def div_(
    emitter: Emitter, input: TensorValue, other: Operand, *, rounding_mode: str | None = None
) -> TensorValue:
    return emitter.overwrite(input, div(emitter, input, other, rounding_mode=rounding_mode))


@spelled("torch.true_divide", "torch.Tensor.true_divide")
def true_divide(emitter: Emitter, input: TensorValue, other: Operand, *, out: object = None) -> TensorValue:
    no_out(out)
    return emitter.emit("div", input, other)


@spelled("torch.Tensor.true_divide_", "torch.Tensor.__itruediv__", "torch.Tensor.__idiv__")
def true_divide_(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return emitter.overwrite(input, emitter.emit("div", input, other))


@spelled("torch.Tensor.__truediv__", "torch.Tensor.__div__")
def dunder_truediv(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return emitter.emit("div", input, other)


@spelled("torch.Tensor.__rtruediv__", "torch.Tensor.__rdiv__")
def dunder_rtruediv(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    """As torch computes `number / x`: the reciprocal, times the number."""
    return emitter.emit("mul", emitter.emit("reciprocal", input), other)


spell_binary("floor_divide", apply=divided)
spell_operator("floor_divide", "floordiv", apply=divided)
spell_binary("remainder", apply=divided)
spell_operator("remainder", "mod", apply=divided)
spell_binary("fmod", apply=divided)
spell_unary("reciprocal")
