"""Activations made of straight pieces: relu and its kin. Most are exact, so points stay points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from torchlean.intervals import Interval, derivatives
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.approximation import Approximation, relative
from torchlean.intervals.rounding import UNIT_ROUNDOFF
from torchlean.intervals.shapes import exact_increasing, increasing, valley
from torchlean.ops.curves import Curve, Piece, between
from torchlean.ops.elementwise import Elementwise, activate, number, spell_unary
from torchlean.ops.linearization import Relaxation
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise import choices, partials
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise.choices import Nonexpansive, negative
from torchlean.ops.op import Attributes, Infinities, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.planes import beside
from torchlean.ops.polygons import Knot, kinked, polygon
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Relu(Elementwise):
    """`max(x, 0)`. Monotone and exact: the ends map to the ends, no rounding."""

    name = "relu"
    function = staticmethod(torch.relu)
    rounding = Nonexpansive(least=0.0, flat=negative)
    infinities = Infinities.MOVED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact_increasing(inputs[0], torch.relu)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return Relaxation(*kinked(inputs[0], 0.0, 1.0))

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return Relaxation(*kinked(inputs[0], 0.0, 1.0, alpha))


@register
class Relu6(Elementwise):
    """`min(max(x, 0), 6)`."""

    name = "relu6"
    function = staticmethod(functional.relu6)
    rounding = Nonexpansive(least=0.0, greatest=6.0)
    infinities = Infinities.MOVED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact_increasing(inputs[0], lambda end: end.clamp(0.0, 6.0))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return polygon(self, inputs[0], attributes, [Knot.at(0.0, 0.0), Knot.at(6.0, 6.0)], steepest=1.0)


@register
class Hardtanh(Elementwise):
    """`min(max(x, min_val), max_val)`."""

    name = "hardtanh"
    function = staticmethod(functional.hardtanh)
    rounding = choices.Clamped(low="min_val", high="max_val")

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if number(attributes, "min_val") > number(attributes, "max_val"):
            raise ShapeError(
                "`hardtanh` needs min_val <= max_val, "
                f"got {attributes['min_val']} and {attributes['max_val']}"
            )
        super().check(inputs, attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        low, high = number(attributes, "min_val"), number(attributes, "max_val")
        return exact_increasing(inputs[0], lambda end: end.clamp(low, high))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        limits = (number(attributes, "min_val"), number(attributes, "max_val"))
        return polygon(self, inputs[0], attributes, [Knot.at(end, end) for end in limits], steepest=1.0)


@register
class LeakyRelu(Elementwise):
    """`x` for `x > 0`, else `negative_slope * x`."""

    name = "leaky_relu"
    function = staticmethod(functional.leaky_relu)
    rounding = noise.Steps(
        noise.from_attributes(lambda a: max(1.0, abs(number(a, "negative_slope")))), roundings=1.0
    )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        slope = torch.tensor(number(attributes, "negative_slope"), dtype=torch.float64)
        return _two_slopes(x, Interval.point(slope))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return Relaxation(*kinked(inputs[0], number(attributes, "negative_slope"), 1.0))

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return Relaxation(*kinked(inputs[0], number(attributes, "negative_slope"), 1.0, alpha))


@register
class Prelu(Elementwise):
    """`x` for `x > 0`, else `weight * x`, with one weight for all or one per channel (dimension 1)."""

    name = "prelu"
    function = staticmethod(torch.prelu)
    rounding = noise.Several(partials.prelu, noise.rounded(2.0), laid=partials.along_channels)
    broadcasts = False

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """The weight lies along dimension 1 and does not broadcast: the result has the input's shape."""
        x, weight = inputs
        channels = x.shape[1] if len(x.shape) >= 2 else 1
        if len(weight.shape) > 1 or weight.numel not in (1, channels):
            raise ShapeError(
                f"`prelu` needs one weight, or one for each of the {channels} channels of the input {x}; "
                f"got a weight of {weight}"
            )
        single = super().infer([TensorType((1,), operand.dtype) for operand in inputs], attributes)
        return TensorType(x.shape, single.dtype)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        x, weight = inputs
        # With boxes in front of every operand, the channels are one dimension further.
        boxes = weight.shape[:1] if len(weight.shape) > 1 else ()
        rank = len(out.shape) - len(boxes)
        one = weight.lower.numel() == math.prod(boxes)
        shape = (*boxes, *[1] * rank) if one else (*boxes, *[1] * len(boxes), -1, *[1] * (rank - 2))
        slope = Interval(weight.lower.reshape(shape), weight.upper.reshape(shape))
        if weight.is_point:
            slope = Interval(slope.lower, slope.lower)
        return _two_slopes(x, slope)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return self._planes(inputs, None)

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        return self._planes(inputs, alpha)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """Channels behind which other dimensions come are moved to the end, where a weight broadcasts to them.

        A number gets the one dimension that its weight may have, which rows could not be passed to otherwise.
        """
        x, weight = inputs
        if not x.shape:
            return steps.reshape(steps.op("prelu", steps.reshape(x, (1,)), weight), ())
        if len(x.shape) < 3 or weight.type.numel == 1:
            return None
        last = (0, *range(2, len(x.shape)), 1)
        moved = steps.permute(x, last)
        rows = steps.reshape(moved, (moved.type.numel // weight.type.numel, weight.type.numel))
        back = (0, len(x.shape) - 1, *range(1, len(x.shape) - 1))
        return steps.permute(steps.reshape(steps.op("prelu", rows, weight), moved.shape), back)

    def _planes(self, inputs: Sequence[Interval], alpha: Tensor | None) -> Relaxation:
        x, weight = inputs
        if not torch.equal(weight.lower, weight.upper):
            raise UnsupportedError("`prelu` has planes for a known weight only")
        # After the batch the channels are the second dimension, if there are two; else there is one weight.
        rank = x.lower.dim()
        per_channel = (1, -1, *[1] * (rank - 3)) if rank >= 3 else [1] * (rank - 1)
        slope = weight.lower.reshape(weight.shape[0], *per_channel)
        return beside(Relaxation(*kinked(x, slope, 1.0, alpha)), after=1)


@register
class Threshold(Elementwise):
    """`x` for `x > threshold`, else `value`."""

    name = "threshold"
    function = staticmethod(functional.threshold)
    rounding = choices.Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        threshold, value = number(attributes, "threshold"), number(attributes, "value")
        if x.is_point:
            return exact_increasing(x, lambda end: torch.where(end > threshold, end, value))
        above, below = x.upper > threshold, x.lower <= threshold
        lower = x.lower.clamp(min=threshold)
        return Interval(
            torch.where(above, torch.where(below, lower.clamp(max=value), lower), value),
            torch.where(above, torch.where(below, x.upper.clamp(min=value), x.upper), value),
        )

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        threshold, value = number(attributes, "threshold"), number(attributes, "value")
        return polygon(
            self, inputs[0], attributes, [Knot(threshold, min(threshold, value), max(threshold, value))]
        )


@register
class Hardshrink(Elementwise):
    """0 for `|x| <= lambd`, else `x`: increasing, with two jumps."""

    name = "hardshrink"
    function = staticmethod(functional.hardshrink)
    rounding = choices.Decided()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        width = number(attributes, "lambd")
        return exact_increasing(inputs[0], lambda end: torch.where(end.abs() <= width, 0.0, end))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        width = number(attributes, "lambd")
        return polygon(self, inputs[0], attributes, [Knot(-width, -width, 0.0), Knot(width, 0.0, width)])


@register
class Softshrink(Elementwise):
    """`x` moved by `lambd` towards 0, which it does not cross."""

    name = "softshrink"
    function = staticmethod(functional.softshrink)
    rounding = noise.Steps(noise.steepest(1.0), roundings=1.0)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        width = Interval.point(torch.tensor(number(attributes, "lambd"), dtype=torch.float64))
        positive = exact_increasing(exact.sub(x, width), torch.relu)
        negative = exact_increasing(exact.add(x, width), lambda end: end.clamp(max=0.0))
        # At each end at most one of the two is not zero.
        lower = positive.lower + negative.lower
        exact_point = positive.is_point and negative.is_point
        return Interval(lower, lower if exact_point else positive.upper + negative.upper)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        width = number(attributes, "lambd")
        return polygon(self, inputs[0], attributes, [Knot.at(-width, 0.0), Knot.at(width, 0.0)], steepest=1.0)


@register
class Hardsigmoid(Elementwise):
    """`min(max(x + 3, 0), 6) / 6`."""

    name = "hardsigmoid"
    function = staticmethod(functional.hardsigmoid)
    rounding = noise.Curve(noise.steepest(0.17), least=0.0)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return increasing(inputs[0], _gate, 0.0, 1.0)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return polygon(self, inputs[0], attributes, [Knot.at(-3.0, 0.0), Knot.at(3.0, 1.0)], steepest=1 / 6)


@register
class Hardswish(Elementwise):
    """`x * hardsigmoid(x)`: its minimum is `-3/8`, at `-3/2`."""

    name = "hardswish"
    function = staticmethod(functional.hardswish)
    rounding = noise.Curve(noise.steepest(1.5))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return valley(inputs[0], _gated, at=(-1.5, -1.5), least=-0.375)

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Flat, a parabola, straight: with a concave kink at -3 and at 3."""
        pieces = (
            Piece(_gated, derivatives.constant(0.0), convex=True),
            Piece(_gated, derivatives.hardswish, convex=True),
            Piece(_gated, derivatives.constant(1.0), convex=True),
        )
        return between(self, inputs[0], attributes, [Curve(pieces, lambda x: (-3.0, 3.0), kinked=True)])


def _gate(points: torch.Tensor) -> Approximation:
    """`x + 3` is computed with one rounding (without any near -3), the quotient with another."""
    flat = points.abs() >= 3
    return relative((points + 3).clamp(0.0, 6.0) / 6, 2 * UNIT_ROUNDOFF, exact=flat)


def _gated(points: torch.Tensor) -> Approximation:
    """Three roundings, none left of -3 (where it is 0, also at -inf) and right of 3 (where it is `x`)."""
    flat = points.abs() >= 3
    near = points.clamp(min=-3.0)
    value = torch.where(points >= 3, points, near * (near + 3).clamp(max=6.0) / 6)
    return relative(value, 3 * UNIT_ROUNDOFF, exact=flat)


def _two_slopes(x: Interval, slope: Interval) -> Interval:
    """`max(x, 0) + slope * min(x, 0)`, of which at each point one term is 0.

    The lower end is reached by the negative part where there is one; the upper end by either part.
    """
    positive = exact_increasing(x, torch.relu)
    negative = exact.mul(exact_increasing(x, lambda end: end.clamp(max=0.0)), slope)
    lower = positive.lower + negative.lower
    if x.is_point and negative.is_point:
        return Interval(lower, lower)
    reached = torch.maximum(positive.upper, negative.upper)
    return Interval(lower, torch.where(x.upper > 0, reached, negative.upper))


@spelled("torch.nn.functional.relu")
def relu(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "relu", input, inplace)


@spelled("torch.nn.functional.relu6")
def relu6(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "relu6", input, inplace)


@spelled("torch.nn.functional.hardtanh")
def hardtanh(
    emitter: Emitter, input: TensorValue, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> TensorValue:
    return activate(emitter, "hardtanh", input, inplace, min_val=min_val, max_val=max_val)


@spelled("torch.nn.functional.hardtanh_")
def hardtanh_(
    emitter: Emitter, input: TensorValue, min_val: float = -1.0, max_val: float = 1.0
) -> TensorValue:
    return activate(emitter, "hardtanh", input, True, min_val=min_val, max_val=max_val)


@spelled("torch.nn.functional.leaky_relu")
def leaky_relu(
    emitter: Emitter, input: TensorValue, negative_slope: float = 0.01, inplace: bool = False
) -> TensorValue:
    return activate(emitter, "leaky_relu", input, inplace, negative_slope=negative_slope)


@spelled("torch.nn.functional.leaky_relu_")
def leaky_relu_(emitter: Emitter, input: TensorValue, negative_slope: float = 0.01) -> TensorValue:
    return activate(emitter, "leaky_relu", input, True, negative_slope=negative_slope)


@spelled("torch.nn.functional.rrelu", "torch.rrelu")
def rrelu(
    emitter: Emitter,
    input: TensorValue,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> TensorValue:
    """In evaluation mode a leaky relu with the mean slope."""
    if training:
        raise UnsupportedError("`rrelu` in training mode draws its slopes at random; call `.eval()` first")
    return activate(emitter, "leaky_relu", input, inplace, negative_slope=(lower + upper) / 2)


@spelled("torch.nn.functional.rrelu_", "torch.rrelu_")
def rrelu_(
    emitter: Emitter,
    input: TensorValue,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
) -> TensorValue:
    return rrelu(emitter, input, lower, upper, training, inplace=True)


@spelled("torch.nn.functional.prelu", "torch.prelu", "torch.Tensor.prelu")
def prelu(emitter: Emitter, input: TensorValue, weight: TensorValue) -> TensorValue:
    return emitter.emit("prelu", input, weight)


@spelled("torch.nn.functional.threshold", "torch.threshold")
def threshold(
    emitter: Emitter, input: TensorValue, threshold: float, value: float, inplace: bool = False
) -> TensorValue:
    return activate(emitter, "threshold", input, inplace, threshold=threshold, value=value)


@spelled("torch.nn.functional.threshold_", "torch.threshold_")
def threshold_(emitter: Emitter, input: TensorValue, threshold: float, value: float) -> TensorValue:
    return activate(emitter, "threshold", input, True, threshold=threshold, value=value)


@spelled("torch.nn.functional.hardshrink", "torch.hardshrink", "torch.Tensor.hardshrink")
def hardshrink(emitter: Emitter, input: TensorValue, lambd: float = 0.5) -> TensorValue:
    return activate(emitter, "hardshrink", input, lambd=lambd)


@spelled("torch.nn.functional.softshrink")
def softshrink(emitter: Emitter, input: TensorValue, lambd: float = 0.5) -> TensorValue:
    return activate(emitter, "softshrink", input, lambd=lambd)


@spelled("torch.nn.functional.hardsigmoid")
def hardsigmoid(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "hardsigmoid", input, inplace)


@spelled("torch.nn.functional.hardswish")
def hardswish(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    return activate(emitter, "hardswish", input, inplace)


spell_unary("relu")
