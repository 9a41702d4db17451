"""The smaller, the larger, and keeping numbers between bounds: exact, so points stay points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.shapes import exact_increasing
from torchlean.ops.arguments import torch_errors
from torchlean.ops.corners import larger, smaller
from torchlean.ops.elementwise import Elementwise, computed, no_out, spell_binary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.noise.choices import Clamped, Nonexpansive
from torchlean.ops.op import Attributes, Infinities, ShapeError, TensorType, register
from torchlean.ops.planes import operands_of
from torchlean.ops.polygons import Knot, polygon
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled

Bound = Operand | None


class _Choice(Elementwise):
    """One of two operands, chosen by size: increasing in both."""

    choose: Callable[[Tensor, Tensor], Tensor]
    planes: Callable[..., Relaxation]

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        a, b = inputs
        lower = self.choose(a.lower, b.lower)
        return Interval(lower, lower if a.is_point and b.is_point else self.choose(a.upper, b.upper))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return self.planes(*operands_of(inputs))

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return self.planes(*operands_of(inputs), alpha)


@register
class Minimum(_Choice):
    """The smaller one, NaN when either is."""

    name = "minimum"
    function = staticmethod(torch.minimum)
    rounding = Nonexpansive()
    choose = staticmethod(torch.minimum)
    planes = staticmethod(smaller)
    infinities = Infinities.MOVED


@register
class Maximum(_Choice):
    """The larger one, NaN when either is."""

    name = "maximum"
    function = staticmethod(torch.maximum)
    rounding = Nonexpansive()
    choose = staticmethod(torch.maximum)
    planes = staticmethod(larger)
    infinities = Infinities.MOVED


@register
class Fmin(_Choice):
    """The smaller one, ignoring NaN."""

    name = "fmin"
    function = staticmethod(torch.fmin)
    rounding = Nonexpansive()
    choose = staticmethod(torch.minimum)
    planes = staticmethod(smaller)


@register
class Fmax(_Choice):
    """The larger one, ignoring NaN."""

    name = "fmax"
    function = staticmethod(torch.fmax)
    rounding = Nonexpansive()
    choose = staticmethod(torch.maximum)
    planes = staticmethod(larger)


@register
class Clamp(Elementwise):
    """`min(max(x, low), high)` for numbers `min`, `max`, of which one may be None."""

    name = "clamp"
    function = staticmethod(torch.clamp)
    rounding = Clamped()
    infinities = Infinities.MOVED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact_increasing(inputs[0], lambda end: torch.clamp(end, **attributes))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        limits = sorted(float(limit) for limit in attributes.values() if isinstance(limit, int | float))
        places = torch.tensor(limits, dtype=torch.float64)
        knots = [
            Knot.at(*pair) for pair in zip(limits, self.function(places, **attributes).tolist(), strict=True)
        ]
        return polygon(self, inputs[0], attributes, knots, steepest=1.0)


@spelled("torch.clamp", "torch.Tensor.clamp", "torch.clip", "torch.Tensor.clip")
def clamp(
    emitter: Emitter, input: TensorValue, min: Bound = None, max: Bound = None, *, out: object = None
) -> TensorValue:
    no_out(out)
    return _clamped(emitter, input, min, max)


@spelled("torch.clamp_", "torch.Tensor.clamp_", "torch.clip_", "torch.Tensor.clip_")
def clamp_(emitter: Emitter, input: TensorValue, min: Bound = None, max: Bound = None) -> TensorValue:
    return emitter.overwrite(input, _clamped(emitter, input, min, max))


@spelled("torch.clamp_min", "torch.Tensor.clamp_min")
def clamp_min(emitter: Emitter, input: TensorValue, min: Operand) -> TensorValue:
    return _clamped(emitter, input, min, None)


@spelled("torch.clamp_min_", "torch.Tensor.clamp_min_")
def clamp_min_(emitter: Emitter, input: TensorValue, min: Operand) -> TensorValue:
    return emitter.overwrite(input, _clamped(emitter, input, min, None))


@spelled("torch.clamp_max", "torch.Tensor.clamp_max")
def clamp_max(emitter: Emitter, input: TensorValue, max: Operand) -> TensorValue:
    return _clamped(emitter, input, None, max)


@spelled("torch.clamp_max_", "torch.Tensor.clamp_max_")
def clamp_max_(emitter: Emitter, input: TensorValue, max: Operand) -> TensorValue:
    return emitter.overwrite(input, _clamped(emitter, input, None, max))


def _clamped(emitter: Emitter, input: TensorValue, low: Bound, high: Bound) -> TensorValue:
    """Numbers become attributes; where a bound is a tensor, clamping is a maximum and then a minimum."""
    if low is None and high is None:
        raise ShapeError("`clamp` needs `min` or `max`, got neither")
    numbers = [bound for bound in (low, high) if isinstance(bound, int | float)]
    if len(numbers) == (low is not None) + (high is not None):
        dtype = torch.result_type(torch.empty(0, dtype=input.dtype), sum(numbers))
        limits = {
            name: _limit(bound, dtype)
            for name, bound in (("min", low), ("max", high))
            if isinstance(bound, int | float)
        }
        return emitter.emit("clamp", input, **limits)
    result = input if low is None else emitter.emit("maximum", input, low)
    return result if high is None else emitter.emit("minimum", result, high)


def _limit(bound: float, dtype: torch.dtype) -> float:
    """The number that torch clamps to: -2 wraps round to 254 in uint8."""
    if dtype.is_floating_point or dtype == torch.bool:
        return computed(bound, dtype)
    with torch_errors():
        torch.clamp(torch.zeros(1, dtype=dtype), min=bound)  # 300 does not wrap round: torch refuses it
    return int(torch.tensor(bound).to(dtype))


for _name in ("minimum", "maximum", "fmin", "fmax"):
    spell_binary(_name)
