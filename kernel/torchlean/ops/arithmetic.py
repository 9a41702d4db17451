"""Sums and products of two tensors, and the fused forms torch has of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval, derivatives
from torchlean.intervals import arithmetic as exact
from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.intervals.shapes import hull
from torchlean.ops.adjoint import scaled
from torchlean.ops.corners import corner_pairs, multiaffine, product_planes, product_slopes, with_slopes
from torchlean.ops.curves import Curved, between, curve
from torchlean.ops.elementwise import Elementwise, computed, no_out, number, spell_operator, spell_unary
from torchlean.ops.linearization import Affine, Relaxation
from torchlean.ops.noise import elementwise as noise
from torchlean.ops.noise import partials
from torchlean.ops.noise.choices import Nonexpansive
from torchlean.ops.op import Attributes, Infinities, ShapeError, TensorType, register
from torchlean.ops.planes import between_ends, bounds_of, finite, operands_of
from torchlean.ops.quotients import quotient
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled


def _sum_of(
    inputs: Sequence[Interval | None], types: Sequence[TensorType], signs: tuple[float, float]
) -> list[Affine | None] | None:
    """The linear maps of `sign * a + sign * b`; sums of integers wrap around and those of bools saturate."""
    if not all(type.dtype.is_floating_point for type in types):
        return None
    out = broadcast_shapes(*(type.shape for type in types))
    return [
        scaled(type, out, sign) if value is None else None
        for value, type, sign in zip(inputs, types, signs, strict=True)
    ]


@register
class Add(Elementwise):
    """`a + b`; the logical or of bools."""

    name = "add"
    function = staticmethod(torch.add)
    rounding = noise.Sum()
    infinities = Infinities.MOVED_FROM_ONE

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        result = exact.add(*inputs)
        return _as_bool(result) if out.dtype == torch.bool else result

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return _sum_of(inputs, types, (1.0, 1.0))


@register
class AddScaled(Elementwise):
    """`a + alpha * b`, which torch computes in one step; `alpha` is a number."""

    name = "add_scaled"
    function = staticmethod(torch.add)
    rounding = noise.Sum(lambda a: number(a, "alpha"))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        a, b = inputs
        result = exact.add(a, exact.scale(b, number(attributes, "alpha")))
        return _as_bool(result) if out.dtype == torch.bool else result


@register
class Sub(Elementwise):
    """`a - b`."""

    name = "sub"
    function = staticmethod(torch.sub)
    rounding = noise.Sum(sign=-1.0)
    infinities = Infinities.MOVED_FROM_ONE

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.sub(*inputs)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return _sum_of(inputs, types, (1.0, -1.0))


@register
class Mul(Elementwise):
    """`a * b`; the logical and of bools."""

    name = "mul"
    function = staticmethod(torch.mul)
    rounding = noise.Product()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.mul(*inputs)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        a, b = inputs
        if (a is None) == (b is None) or not all(type.dtype.is_floating_point for type in types):
            return None
        out = broadcast_shapes(types[0].shape, types[1].shape)
        if b is not None:
            return [scaled(types[0], out, b.lower), None]
        return [None, None if a is None else scaled(types[1], out, a.lower)]

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        return product_planes(*operands_of(inputs))

    def relax_with(self, inputs: Sequence[Interval], attributes: Attributes, alpha: Tensor) -> Relaxation:
        """Between McCormick's two planes on either side: with slopes between theirs, a mean of planes is a plane."""
        a, b = operands_of(inputs)
        p, q, opposite = between_ends(a, alpha), between_ends(b, alpha), between_ends(b, 1.0 - alpha)
        return with_slopes(self, [a, b], attributes, (q, p), (opposite, p))


@register
class Square(Curved, Elementwise):
    """`x * x` of one tensor: unlike a product of two, it knows that both factors are the same."""

    name = "square"
    function = staticmethod(torch.square)
    rounding = noise.Squared()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.square(*inputs)

    def lines(self, inputs: Sequence[Interval], attributes: Attributes, at: Tensor | None) -> Relaxation:
        value = derivatives.accurate(torch.square)
        return between(self, inputs[0], attributes, [curve(value, derivatives.doubled, convex=True)], at=at)


@register
class Neg(Elementwise):
    """`-x`."""

    name = "neg"
    function = staticmethod(torch.neg)
    rounding = Nonexpansive()
    infinities = Infinities.MOVED

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return exact.neg(*inputs)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return [scaled(types[0], types[0].shape, -1.0)] if types[0].dtype.is_floating_point else None


@register
class Addcmul(Elementwise):
    """`input + value * a * b`."""

    name = "addcmul"
    function = staticmethod(torch.addcmul)
    rounding = noise.Several(partials.addcmul, partials.addcmul_error, partials.addcmul_peak)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        start, a, b = inputs
        return exact.add(start, exact.scale(exact.mul(a, b), number(attributes, "value")))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Those of a product, turned over by a negative factor; the first operand has the slope 1."""
        start, a, b = operands_of(inputs)
        scale, one = number(attributes, "value"), torch.ones_like(start.lower)
        slopes = product_slopes(a, b)
        below, above = (
            (one, *(finite(scale * slope) for slope in each)) for each in slopes[:: 1 if scale >= 0 else -1]
        )
        return with_slopes(self, [start, a, b], attributes, below, above)


@register
class Addcdiv(Elementwise):
    """`input + value * a / b`."""

    name = "addcdiv"
    function = staticmethod(torch.addcdiv)
    rounding = noise.Several(partials.addcdiv, partials.addcdiv_error, partials.addcdiv_peak)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        start, a, b = inputs
        return exact.add(start, exact.scale(exact.div(a, b), number(attributes, "value")))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        start, a, b = operands_of(inputs)
        bounds = bounds_of(self, [start, a, b], attributes)
        return quotient(bounds, a, b, start, number(attributes, "value"))


@register
class Lerp(Elementwise):
    """`start + weight * (end - start)`.

    For fixed ends it is affine in the weight, so its extremes lie at the ends of the weight's interval; for a
    fixed weight, `(1 - weight) * start + weight * end` has every operand once and is tight.
    """

    name = "lerp"
    function = staticmethod(torch.lerp)
    rounding = noise.Several(partials.lerp, partials.lerp_error, partials.lerp_peak)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        start, end, weight = inputs
        at_lower = _mix(start, end, weight.lower)
        return at_lower if weight.is_point else hull(at_lower, _mix(start, end, weight.upper))

    def relax(self, inputs: Sequence[Interval], attributes: Attributes) -> Relaxation:
        """Those of the product of the weight and `end - start`."""
        start, end, weight = operands_of(inputs)
        difference = Interval(end.lower - start.upper, end.upper - start.lower)
        slopes = [(1.0 - p, p, q) for p, q in corner_pairs(weight, difference)]
        return multiaffine(self, [start, end, weight], attributes, slopes)


def _mix(start: Interval, end: Interval, weight: Tensor) -> Interval:
    """`(1 - weight) * start + weight * end`; unbounded for an infinite weight."""
    infinite = torch.isinf(weight)
    share = Interval.point(weight.masked_fill(infinite, 0.0))
    rest = exact.sub(Interval.point(torch.ones_like(weight)), share)
    mixed = exact.add(exact.mul(rest, start), exact.mul(share, end))
    if not bool(infinite.any()):
        return mixed
    return Interval(
        mixed.lower.masked_fill(infinite, -torch.inf), mixed.upper.masked_fill(infinite, torch.inf)
    )


def _as_bool(x: Interval) -> Interval:
    """A sum of zeros and ones, read as bool."""
    lower = x.lower.clamp(0, 1)
    return Interval(lower, lower if x.is_point else x.upper.clamp(0, 1))


@spelled("torch.add", "torch.Tensor.add")
def add(
    emitter: Emitter, input: TensorValue, other: Operand, *, alpha: float = 1, out: object = None
) -> TensorValue:
    no_out(out)
    return _sum(emitter, input, other, alpha)


@spelled("torch.Tensor.add_")
def add_(emitter: Emitter, input: TensorValue, other: Operand, *, alpha: float = 1) -> TensorValue:
    return emitter.overwrite(input, _sum(emitter, input, other, alpha))


@spelled("torch.sub", "torch.Tensor.sub", "torch.subtract", "torch.Tensor.subtract")
def sub(
    emitter: Emitter, input: TensorValue, other: Operand, *, alpha: float = 1, out: object = None
) -> TensorValue:
    no_out(out)
    return _difference(emitter, input, other, alpha)


@spelled("torch.Tensor.sub_", "torch.Tensor.subtract_")
def sub_(emitter: Emitter, input: TensorValue, other: Operand, *, alpha: float = 1) -> TensorValue:
    return emitter.overwrite(input, _difference(emitter, input, other, alpha))


@spelled("torch.rsub")
def rsub(emitter: Emitter, input: TensorValue, other: Operand, *, alpha: float = 1) -> TensorValue:
    return _difference(emitter, other, input, alpha)


@spelled("torch.mul", "torch.Tensor.mul", "torch.multiply", "torch.Tensor.multiply")
def mul(emitter: Emitter, input: TensorValue, other: Operand, *, out: object = None) -> TensorValue:
    no_out(out)
    return product(emitter, input, other)


@spelled("torch.Tensor.mul_", "torch.Tensor.multiply_", "torch.Tensor.__imul__")
def mul_(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return emitter.overwrite(input, product(emitter, input, other))


@spelled("torch.Tensor.__mul__")
def dunder_mul(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return product(emitter, input, other)


@spelled("torch.Tensor.__rmul__")
def dunder_rmul(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    return emitter.emit("mul", other, input)


@spelled("torch.positive", "torch.Tensor.positive", "torch.Tensor.__pos__")
def positive(emitter: Emitter, input: TensorValue) -> TensorValue:
    if input.dtype == torch.bool:
        raise ShapeError("`+x` is not defined for bool tensors")
    return input


@spelled("torch.addcmul", "torch.Tensor.addcmul")
def addcmul(
    emitter: Emitter,
    input: TensorValue,
    tensor1: TensorValue,
    tensor2: TensorValue,
    *,
    value: float = 1,
    out: object = None,
) -> TensorValue:
    no_out(out)
    return emitter.emit("addcmul", input, tensor1, tensor2, value=computed(value, input.dtype))


@spelled("torch.Tensor.addcmul_")
def addcmul_(
    emitter: Emitter, input: TensorValue, tensor1: TensorValue, tensor2: TensorValue, *, value: float = 1
) -> TensorValue:
    return emitter.overwrite(input, addcmul(emitter, input, tensor1, tensor2, value=value))


@spelled("torch.addcdiv", "torch.Tensor.addcdiv")
def addcdiv(
    emitter: Emitter,
    input: TensorValue,
    tensor1: TensorValue,
    tensor2: TensorValue,
    *,
    value: float = 1,
    out: object = None,
) -> TensorValue:
    no_out(out)
    return emitter.emit("addcdiv", input, tensor1, tensor2, value=computed(value, input.dtype))


@spelled("torch.Tensor.addcdiv_")
def addcdiv_(
    emitter: Emitter, input: TensorValue, tensor1: TensorValue, tensor2: TensorValue, *, value: float = 1
) -> TensorValue:
    return emitter.overwrite(input, addcdiv(emitter, input, tensor1, tensor2, value=value))


@spelled("torch.lerp", "torch.Tensor.lerp")
def lerp(
    emitter: Emitter, input: TensorValue, end: TensorValue, weight: Operand, *, out: object = None
) -> TensorValue:
    no_out(out)
    return emitter.emit("lerp", input, end, weight)


@spelled("torch.Tensor.lerp_")
def lerp_(emitter: Emitter, input: TensorValue, end: TensorValue, weight: Operand) -> TensorValue:
    return emitter.overwrite(input, emitter.emit("lerp", input, end, weight))


def product(emitter: Emitter, input: TensorValue, other: Operand) -> TensorValue:
    """`x * x` of the same value is a square: never negative. (A bool times itself stays a product, and a
    bool.)
    """
    if input is other and input.dtype != torch.bool:
        return emitter.emit("square", input)
    return emitter.emit("mul", input, other)


def _sum(emitter: Emitter, input: Operand, other: Operand, alpha: float) -> TensorValue:
    if alpha == 1 and not isinstance(alpha, bool):
        return emitter.emit("add", input, other)
    return emitter.emit("add_scaled", input, other, alpha=_scaling(input, other, alpha))


def _difference(emitter: Emitter, input: Operand, other: Operand, alpha: float) -> TensorValue:
    if alpha == 1 and not isinstance(alpha, bool):
        return emitter.emit("sub", input, other)
    return emitter.emit("add_scaled", input, other, alpha=-_scaling(input, other, alpha))


def _scaling(input: Operand, other: Operand, alpha: float) -> float:
    """`alpha` as the kernel takes it: in float64 only when a tensor is float64."""
    dtypes = [operand.dtype for operand in (input, other) if not isinstance(operand, int | float)]
    return computed(alpha, torch.float64 if torch.float64 in dtypes else torch.float32)


for _symbol in ("add", "sub"):
    spell_operator(_symbol, _symbol)
spell_unary("neg", "negative", also=["torch.Tensor.__neg__"])
spell_unary("square")
