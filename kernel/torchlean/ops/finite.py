"""Asking for NaN and infinities, and replacing them.

Intervals speak of exact real results, which are neither; what is left to decide are constants that are
infinite, and values without a bound, of which nothing is claimed: a gradient may be NaN, and whoever asks wants
to know. A value that may be undefined keeps its flag, so nothing is proved from the answer either way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.compare import truth
from torchlean.ops.elementwise import Elementwise, no_out, spell_unary
from torchlean.ops.noise.choices import Nonexpansive
from torchlean.ops.noise.selection import Classified
from torchlean.ops.op import Attributes, Infinities, TensorType, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled


def _infinite(x: Interval, sign: float) -> tuple[Tensor, Tensor]:
    """Where `x` is certainly, and where possibly, `sign * inf`."""
    inner, outer = (x.lower, x.upper) if sign > 0 else (x.upper, x.lower)
    return inner == sign * math.inf, outer == sign * math.inf


def _maybe_nan(x: Interval) -> Tensor:
    """Where `x` may be NaN: by its flag, or because nothing bounds it. An infinity that is certain is a number."""
    unbounded = (x.lower < x.upper) & ((x.lower == -math.inf) | (x.upper == math.inf))
    return torch.ones_like(unbounded) if x.undefined else unbounded


@register
class IsNan(Elementwise):
    """`x != x`."""

    name = "isnan"
    function = staticmethod(torch.isnan)
    rounding = Classified()
    infinities = Infinities.SETTLED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        possible = _maybe_nan(x)
        return truth(torch.zeros_like(possible), possible)


@register
class IsInf(Elementwise):
    """`|x|` is infinite."""

    name = "isinf"
    function = staticmethod(torch.isinf)
    rounding = Classified()
    infinities = Infinities.SETTLED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (above, may_above), (below, may_below) = _infinite(inputs[0], 1.0), _infinite(inputs[0], -1.0)
        return truth(above | below, may_above | may_below)


@register
class IsFinite(Elementwise):
    """`x` is neither infinite nor NaN."""

    name = "isfinite"
    function = staticmethod(torch.isfinite)
    rounding = Classified()
    infinities = Infinities.SETTLED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        (above, may_above), (below, may_below) = _infinite(x, 1.0), _infinite(x, -1.0)
        certain = ~(may_above | may_below)
        return truth(torch.zeros_like(certain) if x.undefined else certain, ~(above | below))


@register
class NanToNum(Elementwise):
    """`nan`, `posinf` and `neginf` in place of NaN and the infinities; None stands for the dtype's largest
    numbers.
    """

    name = "nan_to_num"
    function = staticmethod(torch.nan_to_num)
    rounding = Nonexpansive()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        if not out.dtype.is_floating_point:
            return x
        limits = torch.finfo(out.dtype)
        lower, upper = x.lower, x.upper
        for sign, name, default in ((1.0, "posinf", limits.max), (-1.0, "neginf", limits.min)):
            value = _or(attributes[name], default)
            certain, possible = _infinite(x, sign)
            lower = torch.where(certain, value, torch.where(possible, lower.clamp(max=value), lower))
            upper = torch.where(certain, value, torch.where(possible, upper.clamp(min=value), upper))
        possible, value = _maybe_nan(x), _or(attributes["nan"], 0.0)
        lower = torch.where(possible, lower.clamp(max=value), lower)
        upper = torch.where(possible, upper.clamp(min=value), upper)
        return Interval(lower, lower if x.is_point else upper)


def _or(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


@spelled("torch.nan_to_num", "torch.Tensor.nan_to_num")
def nan_to_num(
    emitter: Emitter,
    input: TensorValue,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: object = None,
) -> TensorValue:
    no_out(out)
    return emitter.emit("nan_to_num", input, nan=nan, posinf=posinf, neginf=neginf)


@spelled("torch.nan_to_num_", "torch.Tensor.nan_to_num_")
def nan_to_num_(
    emitter: Emitter,
    input: TensorValue,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> TensorValue:
    return emitter.overwrite(input, nan_to_num(emitter, input, nan, posinf, neginf))


for _op in ("isnan", "isinf", "isfinite"):
    spell_unary(_op)
