"""Vector norms: `x.norm()`, `torch.linalg.norm` and their kin. Spectral and nuclear norms need singular values and are
not followed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.norms import norm as norm_bounds
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.statistics import Norm
from torchlean.ops.op import Attribute, Attributes, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.reduction import Dims, reduced_dims
from torchlean.ops.softmax import require_floating
from torchlean.ops.spelling import Emitter, TensorValue, spelled

Order = int | float | str | None


@register
class VectorNorm(Op):
    """`(sum |x|^ord)^(1/ord)` over `dim` (sorted dimensions; all of them as None), with `keepdim`."""

    name = "vector_norm"
    rounding = Norm()

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        (x,) = inputs
        require_floating("a norm", x, attributes)
        order, dims = attributes["ord"], attributes["dim"]
        assert isinstance(order, float) and isinstance(dims, tuple)
        if (order < 0 or order == math.inf) and any(x.shape[d] == 0 for d in dims):
            raise ShapeError(f"the norm of order {order:g} of no elements has no value, got {x.shape}")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        options: dict[str, Any] = dict(attributes)
        dims = options.pop("dim")
        # torch sums a whole tensor in another order than "all its dimensions"; ask as most users do.
        return torch.linalg.vector_norm(
            x, options.pop("ord"), dim=None if len(dims) == x.dim() else dims, **options
        )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """`intervals.norms.norm`: rises with every magnitude, so it is exact up to rounding."""
        (x,) = inputs
        order, dims = attributes["ord"], attributes["dim"]
        assert isinstance(order, float) and isinstance(dims, tuple)
        if x.lower.numel() == 0:
            return Interval.point(torch.zeros(out.shape, dtype=torch.float64))
        if not x.shape:
            x = Interval(x.lower.reshape(1), x.upper.reshape(1))
            result = norm_bounds(x, order, (0,), keepdim=False)
        else:
            result = norm_bounds(x, order, dims, keepdim=bool(attributes["keepdim"]))
        return Interval(result.lower.reshape(out.shape), result.upper.reshape(out.shape), result.undefined)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """Of order 1, 2 and infinity."""
        (x,) = inputs
        order, dims = attributes["ord"], attributes["dim"]
        assert isinstance(dims, tuple)
        if not x.shape or x.type.numel == 0 or order not in (1.0, 2.0, math.inf):
            return None
        keepdim = bool(attributes["keepdim"])
        if order == 2.0:
            return steps.op("sqrt", steps.op("sum", steps.op("square", x), dim=dims, keepdim=keepdim))
        return steps.op("sum" if order == 1.0 else "amax", steps.op("abs", x), dim=dims, keepdim=keepdim)


def emit_norm(
    emitter: Emitter, x: TensorValue, order: float, dim: Dims, keepdim: bool, dtype: torch.dtype | None
) -> TensorValue:
    attributes: dict[str, Attribute] = {"dtype": dtype} if dtype is not None else {}
    dims = tuple(sorted(reduced_dims(dim, len(x.shape))))
    return emitter.emit("vector_norm", x, ord=float(order), dim=dims, keepdim=bool(keepdim), **attributes)


@spelled("torch.norm", "torch.functional.norm", "torch.Tensor.norm")
def norm(
    emitter: Emitter,
    input: TensorValue,
    p: Order = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: None = None,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    # torch.norm always means the vector norm of the elements; a matrix norm is spelled torch.linalg.norm.
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise ShapeError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    if p == "nuc":
        raise UnsupportedError("the nuclear norm is not followed: it needs singular values")
    order = 2.0 if p is None or isinstance(p, str) else float(p)
    return emit_norm(emitter, input, order, dim, keepdim, dtype)


@spelled("torch.linalg.vector_norm")
def vector_norm(
    emitter: Emitter,
    x: TensorValue,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    return emit_norm(emitter, x, float(ord), dim, keepdim, dtype)


@spelled("torch.linalg.norm")
def linalg_norm(
    emitter: Emitter,
    input: TensorValue,
    ord: Order = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    """The vector norm without `ord`; with one, a 2-d tensor (or two dimensions) has a matrix norm."""
    if ord is None:
        return emit_norm(emitter, input, 2.0, dim, keepdim, dtype)
    count = len(input.shape) if dim is None else (1 if isinstance(dim, int) else len(dim))
    if count == 1 and not isinstance(ord, str):
        return emit_norm(emitter, input, float(ord), dim, keepdim, dtype)
    if count != 2:
        raise ShapeError(f"linalg.norm: a norm of order {ord!r} takes one or two dimensions, got {count}")
    return matrix_norm(emitter, input, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)


@spelled("torch.linalg.matrix_norm")
def matrix_norm(
    emitter: Emitter,
    A: TensorValue,
    ord: Order = "fro",
    dim: Dims = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    """Frobenius: the vector norm. Orders 1 and inf: the greatest (-1, -inf: least) sum of a column or row."""
    dims = reduced_dims(dim, len(A.shape))
    if len(dims) != 2:
        raise ShapeError(f"a matrix norm takes two dimensions, got dim={dim!r}")
    if ord == "fro":
        return emit_norm(emitter, A, 2.0, dims, keepdim, dtype)
    if ord not in ("nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ShapeError(f"matrix norms have order 1, 2, inf (or negative), 'fro' or 'nuc', got {ord!r}")
    if isinstance(ord, str) or ord is None or abs(ord) == 2:
        raise UnsupportedError(f"the matrix norm of order {ord!r} is not followed: it needs singular values")
    row, column = dims
    summed, kept = (row, column) if abs(ord) == 1 else (column, row)
    sums = emit_norm(emitter, A, 1.0, summed, True, dtype)
    # Of no rows (or columns) the greatest sum is zero, and there is no least.
    chosen = "amin" if ord < 0 else "amax" if A.shape[kept] else "sum"
    result = emitter.emit(chosen, sums, dim=(kept,), keepdim=True)
    if keepdim:
        return result
    shape = tuple(size for d, size in enumerate(A.shape) if d not in dims)
    return emitter.emit("reshape", result, shape=shape)


@spelled("torch.dist", "torch.Tensor.dist")
def dist(emitter: Emitter, input: TensorValue, other: TensorValue, p: float = 2) -> TensorValue:
    return emit_norm(emitter, emitter.emit("sub", input, other), float(p), None, False, None)
