"""Matrix products: `@` and its many names, and the fused `addmm` family."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import Expansion, contraction, integral
from torchlean.intervals.arithmetic import add, scale
from torchlean.intervals.broadcasting import broadcast_shapes
from torchlean.ops.adjoint import weighted
from torchlean.ops.cast import promoted
from torchlean.ops.lanes import Lane, Shapes, together
from torchlean.ops.linear import same_dtype
from torchlean.ops.linearization import Affine
from torchlean.ops.lowering import EXPANDED, Part, Steps
from torchlean.ops.noise.contractions import Contraction
from torchlean.ops.noise.values import Call
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Matmul(Op):
    """`torch.matmul` in all its combinations of ranks: dot, matrix-vector, matrix-matrix, batched with broadcasting."""

    name = "matmul"
    rounding = Contraction(lambda shapes, attributes: shapes[0][-1])

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        same_dtype("a matrix product", inputs)
        a, b = (t.shape for t in inputs)
        if not a or not b:
            raise ShapeError(f"a matrix product needs tensors of at least one dimension, got {a} and {b}")
        rows = b[0] if len(b) == 1 else b[-2]
        if a[-1] != rows:
            raise ShapeError(
                f"{a} @ {b}: the last dimension of the left operand ({a[-1]}) must equal "
                f"the {'length' if len(b) == 1 else 'second to last dimension'} of the right ({rows})"
            )

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """`(..., n, k) @ (..., k, m)` gives `(..., n, m)`, where `...` broadcast; a vector has no `n` or no `m`."""
        self.check(inputs, attributes)
        a, b = (t.shape for t in inputs)
        try:
            batch = broadcast_shapes(a[:-2], b[:-2])
        except ValueError as error:
            raise ShapeError(
                f"{a} @ {b}: the batch dimensions {a[:-2]} and {b[:-2]} do not broadcast"
            ) from error
        rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
        return TensorType((*batch, *rows, *columns), inputs[0].dtype)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return torch.matmul(*inputs)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """`intervals.affine.contraction`, with the single products of small matrices written down."""
        a, b = inputs
        result = contraction(torch.matmul, a, b, a.shape[-1], out.shape, matrix_expansion(a, b, out.shape))
        return result if out.dtype.is_floating_point else integral(result)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Batches, rows of the left and columns of the right matrix."""
        a, b = shapes
        batch = together([a[:-2], b[:-2]])
        rank = max(len(a), len(b), 2) - 2
        rows: list[Lane] = [(rank, (len(a) - 2, None))] if len(a) > 1 else []
        columns: list[Lane] = [(rank + len(rows), (None, len(b) - 1))] if len(b) > 1 else []
        return [*batch, *rows, *columns]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return weighted(self.evaluate, inputs, types, attributes)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """Every single product of two unknown matrices, then their sums."""
        a, b = inputs
        out = self.infer([a.type, b.type], attributes).shape
        if not (a.varies and b.varies) or not a.floating or math.prod(out) * a.shape[-1] > EXPANDED:
            return None
        left = steps.reshape(a, [*(a.shape if len(a.shape) > 1 else (1, *a.shape)), 1])
        column = b.shape if len(b.shape) > 1 else (*b.shape, 1)
        right = steps.reshape(b, [*column[:-2], 1, *column[-2:]])
        products = steps.op("mul", left, right)
        return steps.reshape(steps.sum(products, [len(products.shape) - 2]), out)


def matrix_expansion(a: Interval, b: Interval, shape: tuple[int, ...]) -> Expansion:
    """The single products of a matrix product on the dimensions (..., row, summed, column)."""
    rows, columns = len(a.shape) > 1, len(b.shape) > 1
    size = a.shape[-1]
    for length in shape:
        size *= length
    dropped = [i for i, kept in ((-2, rows), (-1, columns)) if not kept]
    return Expansion(
        lambda v: (v if rows else v.unsqueeze(0)).unsqueeze(-1),
        lambda w: (w if columns else w.unsqueeze(-1)).unsqueeze(-3),
        lambda products: products.sum(-2).sum(dropped) if dropped else products.sum(-2),
        size,
    )


@spelled("torch.matmul", "torch.Tensor.matmul", "torch.linalg.matmul", "torch.Tensor.__matmul__")
def matmul(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    return emitter.emit("matmul", input, other)


@spelled("torch.Tensor.__rmatmul__")
def reflected_matmul(emitter: Emitter, self: TensorValue, other: TensorValue) -> TensorValue:
    return emitter.emit("matmul", other, self)


@spelled("torch.Tensor.__imatmul__")
def inplace_matmul(emitter: Emitter, self: TensorValue, other: TensorValue) -> TensorValue:
    # torch has no in-place product: Python falls back to `x = x @ y`, which gives the name a new tensor.
    return emitter.emit("matmul", self, other)


def _with_ranks(
    name: str, left: int, right: int
) -> Callable[[Emitter, TensorValue, TensorValue], TensorValue]:
    """A product that torch allows for these ranks only."""

    def product(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
        if (len(input.shape), len(other.shape)) != (left, right):
            raise ShapeError(
                f"{name} takes a {left}-d and a {right}-d tensor, got {input.shape} and {other.shape}; "
                "`@` takes all ranks and broadcasts"
            )
        if left == 3 and input.shape[0] != other.shape[0]:
            raise ShapeError(f"{name} needs batches of one size, got {input.shape} and {other.shape}")
        return emitter.emit("matmul", input, other)

    return product


@spelled("torch.mm", "torch.Tensor.mm")
def mm(emitter: Emitter, input: TensorValue, mat2: TensorValue) -> TensorValue:
    return _with_ranks("mm", 2, 2)(emitter, input, mat2)


@spelled("torch.bmm", "torch.Tensor.bmm")
def bmm(emitter: Emitter, input: TensorValue, mat2: TensorValue) -> TensorValue:
    return _with_ranks("bmm", 3, 3)(emitter, input, mat2)


@spelled("torch.mv", "torch.Tensor.mv")
def mv(emitter: Emitter, input: TensorValue, vec: TensorValue) -> TensorValue:
    return _with_ranks("mv", 2, 1)(emitter, input, vec)


@spelled("torch.dot", "torch.Tensor.dot")
def dot(emitter: Emitter, input: TensorValue, tensor: TensorValue) -> TensorValue:
    return _with_ranks("dot", 1, 1)(emitter, input, tensor)


@spelled("torch.vdot", "torch.Tensor.vdot")
def vdot(emitter: Emitter, input: TensorValue, other: TensorValue) -> TensorValue:
    # Conjugates its first operand; real tensors have nothing to conjugate.
    return _with_ranks("vdot", 1, 1)(emitter, input, other)


@spelled("torch.linalg.multi_dot", "torch.chain_matmul")
def multi_dot(emitter: Emitter, tensors: Any, *more: TensorValue) -> TensorValue:
    operands: list[TensorValue] = (
        [*tensors, *more] if isinstance(tensors, (tuple, list)) else [tensors, *more]
    )
    if len(operands) < 2:
        raise ShapeError(f"multi_dot needs at least two matrices, got {len(operands)}")
    return _associated(emitter, operands)


def _associated(emitter: Emitter, operands: Sequence[TensorValue]) -> TensorValue:
    """The product as torch forms it, with the fewest multiplications: any other has the same exact value, but not the
    same rounding. A vector in front is a row, one at the end a column."""
    count = len(operands)
    ranks = [len(x.shape) for x in operands]
    if set(ranks[1:-1]) - {2} or {ranks[0], ranks[-1]} - {1, 2}:
        raise ShapeError(
            f"multi_dot multiplies matrices, and vectors at the ends, got {[x.shape for x in operands]}"
        )
    sizes = [x.shape[0] for x in operands] + [operands[-1].shape[-1]]
    sizes[0] = 1 if ranks[0] == 1 else sizes[0]
    sizes[-1] = 1 if ranks[-1] == 1 else sizes[-1]

    @cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """Multiplications for the operands from `first` to `last`, and the last one before the split."""
        if first == last:
            return 0, first
        found = [
            (
                cheapest(first, k)[0]
                + cheapest(k + 1, last)[0]
                + sizes[first] * sizes[k + 1] * sizes[last + 1],
                k,
            )
            for k in range(first, last)
        ]
        # Of three matrices torch multiplies the left two first where both ways cost the same, of more the right ones.
        return min(reversed(found) if count == 3 else found, key=lambda way: way[0])

    def product(first: int, last: int) -> TensorValue:
        if first == last:
            return operands[first]
        split = cheapest(first, last)[1]
        return emitter.emit("matmul", product(first, split), product(split + 1, last))

    return product(0, count - 1)


FUSED = {"addmm": (2, 2), "addmv": (2, 1), "baddbmm": (3, 3), "addbmm": (3, 3), "addr": (1, 1)}
"""The ranks that each member of the family takes."""


def _fused_terms(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """Products that an element adds up, from the shapes of the factors."""
    function = attributes["function"]
    if function == "addr":
        return 1
    return shapes[0][-1] * (shapes[0][0] if function == "addbmm" else 1)


def _fused_magnitude(call: Call, values: Sequence[Tensor]) -> Tensor:
    """`|beta| |input| + |alpha| (|a| @ |b|)`, of the factors and the input."""
    a, b, x = values
    scales = {name: abs(float(call.attributes[name])) for name in ("alpha", "beta")}  # type: ignore[arg-type] # numbers
    return call.op.evaluate([x, a, b], {**call.attributes, **scales})


@register
class Addmm(Op):
    """`beta * input + alpha * (a @ b)`; `function` names the member of the family (`FUSED`)."""

    name = "addmm"
    rounding = Contraction(_fused_terms, order=(1, 2, 0), apply=_fused_magnitude, extra=lambda attributes: 3)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        function = str(attributes["function"])
        if function == "addr" and all(item.dtype == torch.bool for item in inputs):
            raise UnsupportedError("addr of truths is not followed: convert with `.float()`")
        same_dtype(function, inputs)
        _, a, b = inputs
        if (len(a.shape), len(b.shape)) != FUSED[function]:
            ranks = "-d and ".join(map(str, FUSED[function]))
            raise ShapeError(f"{function} multiplies {ranks}-d tensors, got {a.shape} and {b.shape}")
        for factor in ("alpha", "beta"):
            if isinstance(attributes[factor], float) and not a.dtype.is_floating_point:
                raise ShapeError(f"{function}: {factor} must be an integer for integer tensors")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        fused = getattr(torch, str(attributes["function"]))
        result: Tensor = fused(*inputs, beta=attributes["beta"], alpha=attributes["alpha"])
        return result

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """The bounds of the product and of the input, scaled and added. With `beta = 0` torch ignores the input."""
        x, a, b = inputs
        function = str(attributes["function"])
        product, terms = torch.matmul, a.shape[-1]
        shape = out.shape
        expansion: Expansion | None = None
        if function == "addbmm":
            product, terms = _summed_bmm, a.shape[0] * a.shape[2]
        elif function == "addr":
            product, terms = torch.outer, 1
        else:
            expansion = matrix_expansion(a, b, shape)
        alpha, beta = float(attributes["alpha"]), float(attributes["beta"])  # type: ignore[arg-type] # numbers
        result = scale(contraction(product, a, b, terms, shape, expansion), alpha)
        if beta != 0.0:
            result = add(result, scale(x, beta))
        return result if out.dtype.is_floating_point else integral(result)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        x, a, b = inputs
        if not a.floating:
            return None
        if attributes["function"] == "addr":
            a, b = steps.reshape(a, [*a.shape, 1]), steps.reshape(b, [1, *b.shape])
        product = steps.op("matmul", a, b)
        if attributes["function"] == "addbmm":
            product = steps.sum(product, [0])
        alpha, beta = float(attributes["alpha"]), float(attributes["beta"])  # type: ignore[arg-type] # numbers
        product = steps.scaled(product, alpha)
        return product if beta == 0.0 else steps.op("add", steps.scaled(x, beta), product)


def _summed_bmm(a: Tensor, b: Tensor) -> Tensor:
    return torch.bmm(a, b).sum(0)


def _spell_fused(function: str, first: str, second: str) -> None:
    """Register `torch.FUNCTION`, the method and the in-place method; torch names the factors `first`, `second`."""

    def call(emitter: Emitter, input: TensorValue, *factors: TensorValue, **options: Any) -> TensorValue:
        given: dict[str, Any] = dict(zip((first, second), factors, strict=False))
        beta, alpha = options.pop("beta", 1), options.pop("alpha", 1)
        for name in (first, second):
            value = options.pop(name, None)
            if value is not None:
                given[name] = value
        if options or set(given) != {first, second} or len(factors) > 2:
            raise TypeError(f"{function}(input, {first}, {second}, *, beta=1, alpha=1): wrong arguments")
        if not isinstance(beta, (int, float)) or not isinstance(alpha, (int, float)):
            raise TypeError(f"{function}: beta and alpha must be numbers, got {beta!r} and {alpha!r}")
        left: TensorValue = given[first]
        right: TensorValue = given[second]
        if function == "addr":  # torch multiplies and adds elements, which promotes; the others contract
            input, left, right = promoted(emitter, input, left, right)
        return emitter.emit("addmm", input, left, right, function=function, beta=beta, alpha=alpha)

    def inplace(emitter: Emitter, input: TensorValue, *factors: TensorValue, **options: Any) -> TensorValue:
        return emitter.overwrite(input, call(emitter, input, *factors, **options))

    spelled(f"torch.{function}", f"torch.Tensor.{function}")(call)
    spelled(f"torch.Tensor.{function}_")(inplace)


for _function, _factors in {
    "addmm": ("mat1", "mat2"),
    "addmv": ("mat", "vec"),
    "baddbmm": ("batch1", "batch2"),
    "addbmm": ("batch1", "batch2"),
    "addr": ("vec1", "vec2"),
}.items():
    _spell_fused(_function, *_factors)
