"""Products of many elements: prod and cumprod."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import integral
from torchlean.intervals.arithmetic import mul
from torchlean.ops.arguments import dimension
from torchlean.ops.cast import cast
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.contractions import reduced
from torchlean.ops.noise.powers import Multiplied
from torchlean.ops.op import (
    Attribute,
    Attributes,
    Op,
    ShapeError,
    TensorType,
    UnsupportedError,
    dtype_name,
    register,
)
from torchlean.ops.reduction import pick
from torchlean.ops.spelling import Emitter, TensorValue, spelled


def _factors(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """How many numbers are multiplied: of one dimension, or all of them."""
    dim: Any = attributes["dim"]
    shape = shapes[0]
    if dim is None:
        return math.prod(shape)
    return int(shape[dim]) if shape else 1


@register
class Product(Op):
    """`prod`: attributes `dim` (None for all elements), `keepdim`, and `dtype` where it was given."""

    name = "prod"
    rounding = Multiplied(_factors)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dim: Any = attributes["dim"]
        dtype: Any = attributes.get("dtype")
        if dim is None:
            return torch.prod(x, dtype=dtype)
        return torch.prod(x, dim, keepdim=bool(attributes["keepdim"]), dtype=dtype)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Halves are multiplied element by element until one is left: interval products are optimal for factors that
        occur once, and associative up to their outward rounding."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        if dim is None or not x.shape:
            x, dim = _reshaped(x, (-1,)), 0
        while x.shape[dim] > 1:
            half = x.shape[dim] // 2
            product = mul(_part(x, dim, 0, half), _part(x, dim, half, half))
            rest = _part(x, dim, 2 * half, x.shape[dim] - 2 * half)
            x = product if rest.shape[dim] == 0 else _joined(product, rest, dim)
        if x.shape[dim] == 0:
            return Interval.point(torch.ones(out.shape, dtype=torch.float64))
        result = _reshaped(x, out.shape)
        return result if out.dtype.is_floating_point else integral(result)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """Pairs are multiplied until one factor is left, as in the interval rule."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        if not x.floating or not x.shape or x.type.numel == 0:
            return None
        dims = range(len(x.shape)) if dim is None else [dim]
        keepdim = bool(attributes["keepdim"]) and dim is not None
        shape = [1 if d in dims else size for d, size in enumerate(x.shape) if keepdim or d not in dims]
        rows = steps.last(x, dims)
        along = len(rows.shape) - 1
        while (count := rows.shape[along]) > 1:
            half = count // 2
            first, second = steps.along(rows, along, 0, half), steps.along(rows, along, half, 2 * half)
            products = steps.op("mul", first, second)
            odd = count - 2 * half
            rest = [steps.along(rows, along, 2 * half, count)] if odd else []
            rows = steps.op("cat", products, *rest, dim=along) if rest else products
        return steps.reshape(rows, shape)


@register
class CumulativeProduct(Op):
    """Running product along `dim`."""

    name = "cumprod"
    rounding = Multiplied(reduced)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dim: Any = attributes["dim"]
        dtype: Any = attributes.get("dtype")
        return torch.cumprod(x, dim, dtype=dtype)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Doubling (Hillis and Steele 1986): after step k every element is the product of the last 2^k factors."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        x = x if x.shape else _reshaped(x, (1,))
        step, length = 1, x.shape[dim]
        while step < length:
            later = mul(_part(x, dim, step, length - step), _part(x, dim, 0, length - step))
            x = _joined(_part(x, dim, 0, step), later, dim)
            step *= 2
        result = _reshaped(x, out.shape)
        return result if out.dtype.is_floating_point else integral(result)


def _part(x: Interval, dim: int, start: int, length: int) -> Interval:
    lower = x.lower.narrow(dim, start, length)
    return Interval(lower, lower if x.is_point else x.upper.narrow(dim, start, length), x.undefined)


def _joined(a: Interval, b: Interval, dim: int) -> Interval:
    lower = torch.cat([a.lower, b.lower], dim)
    upper = lower if a.is_point and b.is_point else torch.cat([a.upper, b.upper], dim)
    return Interval(lower, upper, a.undefined or b.undefined)


def _reshaped(x: Interval, shape: tuple[int, ...]) -> Interval:
    lower = x.lower.reshape(shape)
    return Interval(lower, lower if x.is_point else x.upper.reshape(shape), x.undefined)


def _with_dtype(name: str, x: TensorValue, dtype: torch.dtype | None) -> dict[str, Attribute]:
    if dtype is None:
        return {}
    if not dtype.is_floating_point and x.dtype.is_floating_point:
        raise UnsupportedError(f"{name} to {dtype_name(dtype)}: convert with `.to(...)` before")
    return {"dtype": dtype}


@spelled("torch.prod", "torch.Tensor.prod")
def prod(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
    axis: int | None = None,
) -> TensorValue:
    chosen = pick(dim, axis)
    place = None if chosen is None else dimension(chosen, len(input.shape))
    if dtype == torch.bool:
        dims = tuple(range(len(input.shape))) if place is None else (place,) if input.shape else ()
        return emitter.emit("all", cast(emitter, input, dtype), dim=dims, keepdim=bool(keepdim))
    attributes = _with_dtype("prod", input, dtype)
    return emitter.emit("prod", input, dim=place, keepdim=bool(keepdim), **attributes)


@spelled("torch.cumprod", "torch.Tensor.cumprod")
def cumprod(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    *,
    dtype: torch.dtype | None = None,
    axis: int | None = None,
) -> TensorValue:
    chosen = pick(dim, axis)
    if chosen is None:
        raise ShapeError("cumprod needs a dimension: cumprod(input, dim)")
    if dtype == torch.bool:
        raise UnsupportedError("cumprod of truths is not followed")
    attributes = _with_dtype("cumprod", input, dtype)
    return emitter.emit("cumprod", input, dim=dimension(chosen, len(input.shape)), **attributes)


@spelled("torch.Tensor.cumprod_")
def inplace_cumprod(
    emitter: Emitter, input: TensorValue, dim: int, *, dtype: torch.dtype | None = None
) -> TensorValue:
    result = cumprod(emitter, input, dim, dtype=dtype)
    return emitter.overwrite(input, result) if input.shape else input  # as in `cumsum_`
