"""Signs, absolute values and rounding to integers: exact in floating point, so points stay points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.shapes import exact_increasing
from torchlean.ops.elementwise import Elementwise, no_out, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.noise import choices
from torchlean.ops.op import Attributes, Infinities, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.polygons import Knot, kinked, polygon, staircase
from torchlean.ops.spelling import Emitter, TensorValue, spelled

_EXACT_POWERS = 22
"""`10.0 ** n` is exact up to here."""


class _Step(Elementwise):
    """An increasing function that float64 computes exactly."""

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact_increasing(inputs[0], self.function)


@register
class Sign(_Step):
    """-1, 0 or 1."""

    name = "sign"
    function = staticmethod(torch.sign)
    rounding = choices.Decided()

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return polygon(self, inputs[0], attributes, [Knot(0.0, -1.0, 1.0)])


@register
class Floor(_Step):
    """The largest integer not above `x`."""

    name = "floor"
    function = staticmethod(torch.floor)
    rounding = choices.Stepped()

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        (x,) = inputs
        return staircase(
            self, x, attributes, -1.0, 0.0, _rises(torch.floor(x.lower) + 1.0, torch.floor(x.upper))
        )


@register
class Ceil(_Step):
    """The smallest integer not below `x`."""

    name = "ceil"
    function = staticmethod(torch.ceil)
    rounding = choices.Stepped()

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        (x,) = inputs
        jumps = _rises(torch.ceil(x.lower), torch.ceil(x.upper) - 1.0, above=1.0)
        return staircase(self, x, attributes, 0.0, 1.0, jumps)


@register
class Trunc(_Step):
    """The integer part of `x`, towards zero."""

    name = "trunc"
    function = staticmethod(torch.trunc)
    rounding = choices.Stepped()

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Towards zero: downwards for positive numbers, upwards for negative ones."""
        (x,) = inputs
        negative = _rises(torch.ceil(x.lower), (torch.ceil(x.upper) - 1.0).clamp(max=-1.0), above=1.0)
        positive = _rises((torch.floor(x.lower) + 1.0).clamp(min=1.0), torch.floor(x.upper))
        least, greatest = -(x.upper > 0).to(x.upper.dtype), (x.lower < 0).to(x.lower.dtype)
        return staircase(self, x, attributes, least, greatest, [*negative, *positive])


@register
class Round(Elementwise):
    """The nearest multiple of `10**-decimals`, halves to the even one."""

    name = "round"
    function = staticmethod(torch.round)
    rounding = choices.RoundedTo()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """Integers are rounded to themselves, but only when no number of decimals is given."""
        return super().evaluate(inputs, {} if attributes["decimals"] == 0 else attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        decimals = attributes["decimals"]
        if decimals == 0 or not out.dtype.is_floating_point:
            return exact_increasing(x, torch.round)
        assert isinstance(decimals, int)
        if abs(decimals) > _EXACT_POWERS:
            raise UnsupportedError(f"no bounds for rounding to {decimals} decimals")
        unit = Interval.point(torch.tensor(10.0 ** abs(decimals), dtype=torch.float64))
        multiply, divide = (exact.mul, exact.div) if decimals > 0 else (exact.div, exact.mul)
        return divide(exact_increasing(multiply(x, unit), torch.round), unit)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        if attributes["decimals"] != 0:
            raise UnsupportedError("`round` has planes for rounding to integers only")
        (x,) = inputs
        jumps = _rises(torch.round(x.lower) + 0.5, torch.round(x.upper) - 0.5, above=0.5)
        return staircase(self, x, attributes, -0.5, 0.5, jumps)


@register
class Abs(Elementwise):
    """`|x|`."""

    name = "abs"
    function = staticmethod(torch.abs)
    rounding = choices.Nonexpansive(least=0.0)
    infinities = Infinities.MOVED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if x.is_point:
            return exact_increasing(x, torch.abs)
        return Interval(torch.maximum(x.lower, -x.upper).clamp(min=0.0), torch.maximum(-x.lower, x.upper))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return Relaxation(*kinked(inputs[0], -1.0, 1.0))

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return Relaxation(*kinked(inputs[0], -1.0, 1.0, alpha))


@register
class Frac(Elementwise):
    """`x - trunc(x)`, with the sign of `x`: rises from 0 to 1 (or from -1 to 0) between integers."""

    name = "frac"
    function = staticmethod(torch.frac)
    rounding = choices.Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if x.is_point:
            return exact_increasing(x, _fraction)
        jumps = torch.trunc(x.lower) != torch.trunc(x.upper)
        jumps |= torch.isinf(x.lower) | torch.isinf(x.upper)
        return Interval(
            torch.where(jumps, x.lower.clamp(-1.0, 0.0), _fraction(x.lower)),
            torch.where(jumps, x.upper.clamp(0.0, 1.0), _fraction(x.upper)),
        )

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Between jumps `x` less an integer."""
        (x,) = inputs
        whole = torch.trunc(x.lower)
        jumps = whole != torch.trunc(x.upper)
        low, high = (torch.where(jumps, end, -whole) for end in (-torch.inf, torch.inf))
        return staircase(self, x, attributes, low, high)


def _fraction(end: Tensor) -> Tensor:
    """Exact: both numbers are multiples of the same power of two. The fraction of an infinite end is not
    used.
    """
    return torch.nan_to_num(end - torch.trunc(end), nan=0.0)


def _rises(first: Tensor, last: Tensor, above: float = 0.0) -> list[Knot]:
    """Jumps from `place + above - 1` to `place + above`, at the first place and at the last, if there are any."""
    there = first <= last
    places = [torch.where(there, place, math.nan) for place in (first, last)]
    return [Knot(place, place + (above - 1.0), place + above) for place in places]


@spelled("torch.round", "torch.Tensor.round")
def round(emitter: Emitter, input: TensorValue, *, decimals: int = 0, out: object = None) -> TensorValue:
    no_out(out)
    return emitter.emit("round", input, decimals=decimals)


@spelled("torch.special.round")
def special_round(
    emitter: Emitter, input: TensorValue, *, decimals: int = 0, out: object = None
) -> TensorValue:
    no_out(out)
    if not input.dtype.is_floating_point:
        raise ShapeError(
            f"`torch.special.round` takes floating tensors only, got {input.type}; `torch.round` takes integers"
        )
    return emitter.emit("round", input, decimals=decimals)


@spelled("torch.round_", "torch.Tensor.round_")
def round_(emitter: Emitter, input: TensorValue, *, decimals: int = 0) -> TensorValue:
    return emitter.overwrite(input, emitter.emit("round", input, decimals=decimals))


for _op in ("sign", "floor", "ceil", "frac"):
    spell_unary(_op)
spell_unary("trunc", "fix")
spell_unary("abs", "absolute", also=["torch.Tensor.__abs__"])
