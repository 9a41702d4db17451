"""Normalisation by statistics: of the whole data (batch_norm), of the elements themselves (layer and RMS norm; those of
channels are in `group_normalization`), and by a vector's own norm (`F.normalize`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.arithmetic import add, div, mul, sub
from torchlean.intervals.dispersion import standardised
from torchlean.intervals.norms import divided_by_norm, divided_by_root_mean_square, norm, root
from torchlean.ops.adjoint import weighted
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.linearization import Affine
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.statistics import FixedNormalised, Normalised, Standardised, trailing
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, dtype_name, register
from torchlean.ops.reduction import Dims, accumulate, reduced_dims
from torchlean.ops.softmax import require_floating
from torchlean.ops.spelling import Emitter, TensorValue, spelled

functional = torch.nn.functional


class Normalization(Op):
    """Operands x, other tensors the op needs, then weight and bias where `has_weight` and `has_bias` say so."""

    never_grows = True

    def parts(self, inputs: Sequence[Any], attributes: Attributes) -> tuple[list[Any], Any, Any]:
        """The operands before the weight, the weight and the bias (None where absent)."""
        rest = list(inputs)
        bias = rest.pop() if attributes["has_bias"] else None
        weight = rest.pop() if attributes["has_weight"] else None
        return rest, weight, bias


def epsilon(attributes: Attributes) -> float:
    eps = attributes["eps"]
    assert isinstance(eps, float)
    if eps < 0:
        raise UnsupportedError(
            f"normalisation with a negative eps ({eps}) may take the root of a negative number"
        )
    return eps


def affine(x: Interval, weight: Interval | None, bias: Interval | None, shape: tuple[int, ...]) -> Interval:
    """`x * weight + bias`, with weight and bias seen under `shape`."""
    if weight is not None:
        x = mul(x, viewed(weight, shape))
    return x if bias is None else add(x, viewed(bias, shape))


def viewed(x: Interval, shape: tuple[int, ...]) -> Interval:
    """The same intervals under another shape."""
    lower = x.lower.reshape(shape)
    return Interval(lower, lower if x.is_point else x.upper.reshape(shape), x.undefined)


def standardising_steps(
    steps: Steps, x: Part, dims: Sequence[int], eps: float, *, centred: bool = True
) -> Part:
    """`x / sqrt(mean(x**2) + eps)` over `dims`, of `x` less its mean where `centred`."""
    if centred:
        x = steps.centred(x, dims)
    mean = steps.op("mean", steps.op("square", x), dim=tuple(dims), keepdim=True)
    return steps.op("mul", x, steps.op("rsqrt", steps.op("add", mean, steps.number(eps))))


def weighted_steps(
    steps: Steps, x: Part, weight: Part | None, bias: Part | None, shape: Sequence[int]
) -> Part:
    """`x * weight + bias`, with weight and bias seen under `shape`."""
    if weight is not None:
        x = steps.op("mul", x, steps.reshape(weight, shape))
    return x if bias is None else steps.op("add", x, steps.reshape(bias, shape))


def _trailing(shape: tuple[int, ...], attributes: Attributes) -> range:
    """The dimensions that `normalized_shape` means."""
    return range(len(shape) - _count(attributes), len(shape))


def _count(attributes: Attributes) -> int:
    wanted = attributes["normalized_shape"]
    assert isinstance(wanted, tuple)
    return len(wanted)


def require_one_dtype(name: str, inputs: Sequence[TensorType]) -> None:
    require_floating(name, inputs[0], {})
    dtypes = {t.dtype for t in inputs}
    if inputs[0].dtype in (torch.float16, torch.bfloat16) and {t.dtype for t in inputs[1:]} == {
        torch.float32
    }:
        raise UnsupportedError(
            f"{name} of {dtype_name(inputs[0].dtype)} with weights of float32 is not followed"
        )
    if len(dtypes) > 1:
        raise ShapeError(
            f"{name} needs input, weight and bias of one dtype, got {', '.join(dtype_name(t.dtype) for t in inputs)}"
        )


@register
class BatchNorm(Normalization):
    """`(x - mean) / sqrt(var + eps) * weight + bias` per channel (dimension 1), with given statistics."""

    name = "batch_norm"
    rounding = FixedNormalised()

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_floating(self.name, inputs[0], {})
        x, *vectors = inputs
        if len(x.shape) < 2:
            raise ShapeError(f"batch_norm takes (batch, channels, ...), got {x.shape}")
        for vector in vectors:
            if vector.shape != (x.shape[1],):
                raise ShapeError(
                    f"batch_norm over the {x.shape[1]} channels (dimension 1) of {x.shape} needs vectors of that "
                    f"length, got {vector.shape}"
                )
        if x.dtype in (torch.float16, torch.bfloat16) and len({vector.dtype for vector in vectors}) > 1:
            raise UnsupportedError(
                f"batch_norm of {dtype_name(x.dtype)} with vectors of several dtypes is not followed"
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """torch's kernel has no derivative by the statistics, and refuses those that want one: to a search for
        counterexamples they are constants."""
        (x, mean, variance), weight, bias = self.parts(inputs, attributes)
        mean, variance = mean.detach(), variance.detach()
        return functional.batch_norm(x, mean, variance, weight, bias, training=False, eps=epsilon(attributes))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Composed of interval operations; every element of x occurs once, so known statistics make it optimal up to
        rounding. A variance that may be at most `-eps` gives the root of a negative number."""
        (x, mean, variance), weight, bias = self.parts(inputs, attributes)
        shape = (-1,) + (1,) * (len(out.shape) - 2)
        radicand = add(variance, Interval.point(torch.tensor(epsilon(attributes), dtype=torch.float64)))
        scale = root(radicand)
        result = div(sub(x, viewed(mean, shape)), viewed(scale, shape))
        result = affine(result, weight, bias, shape)
        undefined = result.undefined or bool((radicand.lower <= 0).any())
        return Interval(result.lower, result.upper, undefined)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Every dimension; the vectors lie along the channels."""
        vectors = len(shapes) - 1
        return [(d, (d, *[0 if d == 1 else None] * vectors)) for d in range(len(shapes[0]))]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """One factor per channel, `weight / sqrt(var + eps)`: a sum, a root, a quotient and a product, rounded each."""
        if inputs[0] is not None or any(value is None for value in inputs[1:]):
            return None
        return weighted(self.evaluate, inputs, types, attributes, extra=8, products=1)


@register
class LayerNorm(Normalization):
    """Elements standardised over the last dimensions (`normalized_shape`), times weight, plus bias."""

    name = "layer_norm"
    rounding = Standardised(trailing)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_one_dtype(self.name, inputs)
        _check_trailing(self.name, inputs, attributes)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,), weight, bias = self.parts(inputs, attributes)
        shape: Any = attributes["normalized_shape"]
        return functional.layer_norm(x, shape, weight, bias, epsilon(attributes))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """`intervals.dispersion.standardised`, then an affine map of each element."""
        (x,), weight, bias = self.parts(inputs, attributes)
        if out.numel == 0:
            return Interval(x.lower, x.lower)
        shape: Any = attributes["normalized_shape"]
        rows = viewed(x, (-1, math.prod(shape)))
        return affine(_reshaped(standardised(rows, epsilon(attributes)), out.shape), weight, bias, shape)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return leading(len(shapes[0]) - _count(attributes), len(shapes))

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,), weight, bias = self.parts(inputs, attributes)
        shape: Any = attributes["normalized_shape"]
        if x.type.numel == 0:
            return None
        rows = standardising_steps(steps, x, _trailing(x.shape, attributes), epsilon(attributes))
        return weighted_steps(steps, rows, weight, bias, shape)


@register
class RmsNorm(Normalization):
    """Elements divided by their root mean square over the last dimensions, times weight."""

    name = "rms_norm"
    rounding = Standardised(trailing, centred=False)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_floating(self.name, inputs[0], {})
        _check_trailing(self.name, inputs, attributes)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,), weight, _ = self.parts(inputs, attributes)
        shape: Any = attributes["normalized_shape"]
        return functional.rms_norm(x, shape, weight, epsilon(attributes))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """`intervals.norms.divided_by_root_mean_square`: reached at corners, so optimal up to rounding."""
        (x,), weight, _ = self.parts(inputs, attributes)
        if out.numel == 0:
            return Interval(x.lower, x.lower)
        shape: Any = attributes["normalized_shape"]
        rows = viewed(x, (-1, math.prod(shape)))
        divided = divided_by_root_mean_square(rows, epsilon(attributes))
        return affine(_reshaped(divided, out.shape), weight, None, shape)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return leading(len(shapes[0]) - _count(attributes), len(shapes))

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,), weight, _ = self.parts(inputs, attributes)
        shape: Any = attributes["normalized_shape"]
        if x.type.numel == 0:
            return None
        rows = standardising_steps(
            steps, x, _trailing(x.shape, attributes), epsilon(attributes), centred=False
        )
        return weighted_steps(steps, rows, weight, None, shape)


@register
class Normalize(Op):
    """`x / max(norm(x, p), eps)` along `dim` (sorted dimensions)."""

    name = "normalize"
    rounding = Normalised()

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_floating(self.name, inputs[0], {})

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dims: Any = attributes["dim"]
        # One dimension is passed as a number: torch has another kernel for it.
        return functional.normalize(
            x, _order(attributes), dims[0] if len(dims) == 1 else dims, epsilon(attributes)
        )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Optimal up to rounding for p > 0 (`intervals.norms.divided_by_norm`); else a quotient of intervals, which
        forgets that the element is part of its norm."""
        (x,) = inputs
        if out.numel == 0:
            return Interval(x.lower, x.lower)
        dims: Any = attributes["dim"]
        order, eps = _order(attributes), epsilon(attributes)
        if order > 0:
            return divided_by_norm(x, order, dims, eps)
        length = norm(x, order, dims, keepdim=True)
        return div(x, Interval(length.lower.clamp(min=eps), length.upper.clamp(min=eps)))

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,) = inputs
        if x.type.numel == 0:
            return None
        length = steps.op("vector_norm", x, ord=_order(attributes), dim=attributes["dim"], keepdim=True)
        return steps.op("div", x, steps.op("clamp", length, min=epsilon(attributes), max=None))


def _order(attributes: Attributes) -> float:
    order = attributes["p"]
    assert isinstance(order, float)
    return order


def _reshaped(x: Interval, shape: tuple[int, ...]) -> Interval:
    return Interval(x.lower.reshape(shape), x.upper.reshape(shape), x.undefined)


def _check_trailing(name: str, inputs: Sequence[TensorType], attributes: Attributes) -> None:
    """The normalised dimensions must be the last ones, and weight and bias have their shape."""
    x, *vectors = inputs
    wanted = attributes["normalized_shape"]
    assert isinstance(wanted, tuple)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise ShapeError(
            f"{name} over normalized_shape={wanted} needs an input (..., {wanted}), got {x.shape}"
        )
    for vector in vectors:
        if vector.shape != wanted:
            raise ShapeError(f"{name}: weight and bias must have the shape {wanted}, got {vector.shape}")


def present(*tensors: TensorValue | None) -> list[TensorValue]:
    return [tensor for tensor in tensors if tensor is not None]


@spelled("torch.nn.functional.batch_norm")
def batch_norm(
    emitter: Emitter,
    input: TensorValue,
    running_mean: TensorValue | None,
    running_var: TensorValue | None,
    weight: TensorValue | None = None,
    bias: TensorValue | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> TensorValue:
    of_batch = training and running_mean is None and running_var is None
    if of_batch:
        running_mean, running_var = _of_the_batch(emitter, input)  # standardised weights, for example
    elif training:
        raise UnsupportedError(
            "batch normalisation in training mode depends on the whole batch and changes its statistics: "
            "call `model.eval()` first"
        )
    if running_mean is None or running_var is None:
        raise ShapeError("batch_norm outside of training needs running_mean and running_var, got None")
    given = {"has_weight": weight is not None, "has_bias": bias is not None}
    result = emitter.emit(
        "batch_norm", *present(input, running_mean, running_var, weight, bias), **given, eps=float(eps)
    )
    if not of_batch:
        return result
    return emitter.emit("batch_norm_training", result, *present(input, weight, bias), **given, eps=float(eps))


def _of_the_batch(emitter: Emitter, input: TensorValue) -> tuple[TensorValue, TensorValue]:
    """Mean and biased variance of each channel, (C,).

    Raises:
        ShapeError: a channel has a single element, whose variance says nothing.
    """
    dims = tuple(dim for dim in range(len(input.shape)) if dim != 1)
    if math.prod(input.shape[dim] for dim in dims) <= 1:
        shape = tuple(input.shape)
        raise ShapeError(f"Expected more than 1 value per channel when training, got input size {shape}")
    variance = emitter.emit("var", input, dim=dims, correction=0, keepdim=False)
    return accumulate(emitter, "mean", input, dims, False, None), variance


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (
        (normalized_shape,) if isinstance(normalized_shape, int) else tuple(int(n) for n in normalized_shape)
    )


@spelled("torch.nn.functional.layer_norm", "torch.layer_norm")
def layer_norm(
    emitter: Emitter,
    input: TensorValue,
    normalized_shape: Sequence[int],
    weight: TensorValue | None = None,
    bias: TensorValue | None = None,
    eps: float = 1e-5,
) -> TensorValue:
    return emitter.emit(
        "layer_norm",
        *present(input, weight, bias),
        has_weight=weight is not None,
        has_bias=bias is not None,
        normalized_shape=_sizes(normalized_shape),
        eps=float(eps),
    )


@spelled("torch.nn.functional.rms_norm", "torch.rms_norm")
def rms_norm(
    emitter: Emitter,
    input: TensorValue,
    normalized_shape: Sequence[int],
    weight: TensorValue | None = None,
    eps: float | None = None,
) -> TensorValue:
    require_floating("rms_norm", input.type, {})
    return emitter.emit(
        "rms_norm",
        *present(input, weight),
        has_weight=weight is not None,
        has_bias=False,
        normalized_shape=_sizes(normalized_shape),
        # Of 16 bits too the kernel computes in float32, and takes that epsilon.
        eps=torch.finfo(torch.promote_types(input.dtype, torch.float32)).eps if eps is None else float(eps),
    )


@spelled("torch.nn.functional.normalize")
def normalize(
    emitter: Emitter, input: TensorValue, p: float = 2.0, dim: Dims = 1, eps: float = 1e-12
) -> TensorValue:
    dims = tuple(sorted(reduced_dims(dim, len(input.shape))))
    return emitter.emit("normalize", input, p=float(p), dim=dims, eps=float(eps))
