"""Partial derivatives and kernel errors of the ops with several operands, for the rule `Several`.

Slopes are suprema of magnitudes over all that the operands may be, in an execution too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.periodic import tangent
from torchlean.ops.noise.elementwise import distance_from_zero
from torchlean.ops.noise.values import Call, Noisy
from torchlean.ops.op import Attributes


def _number(attributes: Attributes, name: str) -> float:
    value = attributes[name]
    assert isinstance(value, int | float)
    return float(value)


def ones(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """Functions that move no faster than any operand: hypot, logaddexp."""
    return [torch.ones((), dtype=torch.float64) for _ in operands]


def prelu(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """`x` or `w x`."""
    x, weight = operands
    return [weight.magnitude.clamp(min=1.0).expand(x.exact.shape), x.magnitude]


def along_channels(operands: Sequence[Noisy]) -> Sequence[Noisy]:
    """Of `prelu`: the weight, one or one per channel, as it broadcasts along dimension 1 of the other operand."""
    x, weight = operands
    rank = len(x.exact.shape)
    shape = [1] * rank if weight.type.numel == 1 else [1, weight.type.numel, *[1] * (rank - 2)]
    ends = (weight.exact.lower.reshape(shape), weight.exact.upper.reshape(shape))
    error = None if weight.error is None else weight.error.reshape(shape)
    return x, Noisy(Interval(*ends), error, weight.type)


def addcmul(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """`start + v a b`."""
    _, a, b = operands
    scale = abs(_number(attributes, "value"))
    return [torch.ones((), dtype=torch.float64), b.magnitude * scale, a.magnitude * scale]


def addcmul_error(call: Call, size: Tensor) -> Tensor:
    """Two products in any order, and a sum. What underflows in the first is multiplied by the other factor."""
    _, a, b = call.operands
    scale = abs(_number(call.attributes, "value"))
    precision = call.precision
    products = a.magnitude * b.magnitude * scale
    return (
        size * precision.unit
        + products * (3.0 * precision.unit)
        + (a.magnitude + b.magnitude + scale + 2.0) * (precision.tiny + precision.tiny_sum)
    )


def addcmul_peak(call: Call) -> Tensor:
    _, a, b = call.operands
    scale = abs(_number(call.attributes, "value"))
    return torch.maximum(
        a.magnitude * b.magnitude * max(scale, 1.0), torch.maximum(a.magnitude, b.magnitude) * scale
    )


def addcdiv(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """`start + v a / b`."""
    _, a, b = operands
    scale = abs(_number(attributes, "value"))
    near = distance_from_zero(b.reach)
    return [torch.ones((), dtype=torch.float64), scale / near, a.magnitude * scale / near.square()]


def addcdiv_error(call: Call, size: Tensor) -> Tensor:
    """A product and a quotient in either order, and a sum."""
    _, a, b = call.operands
    scale = abs(_number(call.attributes, "value"))
    near = distance_from_zero(b.reach)
    precision = call.precision
    quotients = a.magnitude / near * scale
    lost = (scale + 2.0 + 1.0 / near) * (precision.tiny + precision.tiny_sum)
    error = size * precision.unit + quotients * (3.0 * precision.unit) + lost
    return torch.where(near > 0, error, math.inf)


def addcdiv_peak(call: Call) -> Tensor:
    _, a, b = call.operands
    scale = abs(_number(call.attributes, "value"))
    return torch.maximum(a.magnitude / distance_from_zero(b.reach) * max(scale, 1.0), a.magnitude * scale)


def lerp(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """`start + w (end - start)`."""
    start, end, weight = operands
    return [_rest(weight), weight.magnitude, start.magnitude + end.magnitude]


def lerp_error(call: Call, size: Tensor) -> Tensor:
    """From the nearer end: a difference, a product and a sum."""
    start, end, weight = call.operands
    precision = call.precision
    apart = start.magnitude + end.magnitude
    steps = (weight.magnitude + _rest(weight)) * apart
    return (size + 4.0 * steps) * precision.unit + 4.0 * (precision.tiny + precision.tiny_sum)


def lerp_peak(call: Call) -> Tensor:
    """The difference of the ends, times the weight or what is left of one."""
    start, end, weight = call.operands
    return (start.magnitude + end.magnitude) * torch.maximum(weight.magnitude, _rest(weight)).clamp(min=1.0)


def _rest(weight: Noisy) -> Tensor:
    """The largest `|1 - w|`."""
    return torch.maximum((1.0 - weight.reach.lower).abs(), (1.0 - weight.reach.upper).abs())


def xlogy(operands: Sequence[Noisy], attributes: Attributes) -> list[Tensor]:
    """`x log y`."""
    x, y = operands
    near = y.reach.lower.clamp(min=0.0)
    logarithm = torch.maximum(near.log().abs(), y.reach.upper.clamp(min=0.0).log().abs())
    return [logarithm, x.magnitude / near]


def elu(x: Interval, attributes: Attributes) -> Tensor:
    """1, or `alpha e**x` below zero."""
    return torch.full_like(x.lower, max(1.0, abs(_number(attributes, "alpha"))))


def tan(x: Interval, attributes: Attributes) -> Tensor:
    """`1 + tan(x)**2`; across a pole there is none."""
    range_ = tangent(x)
    size = torch.maximum(range_.lower.abs(), range_.upper.abs())
    return torch.full_like(size, math.inf) if range_.undefined else 1.0 + size.square()


def arc(x: Tensor) -> Tensor:
    """Of asin and acos."""
    return torch.rsqrt((1.0 - x) * (1.0 + x))


def arc_modulus(error: Tensor) -> Tensor:
    """`acos(1 - e)`: nowhere does asin move faster than at its ends."""
    return 2.0 * torch.asin((error * 0.5).clamp(max=1.0).sqrt())
