"""`linear` and `bilinear`: the layers' matrix product with a bias."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import contraction, integral, magnitude, shifted
from torchlean.intervals.products import times
from torchlean.ops.einsum import contract
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.contractions import Contraction, last_dimension
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, dtype_name, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Linear(Op):
    """`x @ weight.T + bias`; operands x, weight (out, in) or (in,), and the bias where there is one."""

    name = "linear"
    rounding = Contraction(last_dimension, stacks=True)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        same_dtype("linear", inputs)
        x, weight, *bias = inputs
        if len(weight.shape) not in (1, 2) or not x.shape:
            raise ShapeError(
                f"linear takes x (..., in) and weight (out, in), got {x.shape} and {weight.shape}"
            )
        features = weight.shape[-1]
        if x.shape[-1] != features:
            raise ShapeError(
                f"this linear layer takes {features} features (its weight is {weight.shape}), "
                f"but the last dimension of its input {x.shape} is {x.shape[-1]}"
            )
        if bias and bias[0].shape not in ((), weight.shape[:-1], (1,)):
            raise ShapeError(
                f"the bias must have shape {weight.shape[:-1]}, one per output, got {bias[0].shape}"
            )

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """`(..., in)` and `(out, in)` give `(..., out)`; a one-dimensional weight gives `(...)`."""
        self.check(inputs, attributes)
        x, weight = inputs[:2]
        return TensorType((*x.shape[:-1], *weight.shape[:-1]), x.dtype)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return torch.nn.functional.linear(*inputs)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """An affine map of the input: `intervals.affine.contraction` of the weight with it, plus the bias."""
        x, weight, *bias = inputs
        result = contraction(
            lambda w, v: torch.nn.functional.linear(v, w), weight, x, weight.shape[-1], out.shape
        )
        for b in bias:
            result = shifted(result, b)
        return result if out.dtype.is_floating_point else integral(result)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Rows of the input; rows of the weight with their elements of the bias."""
        x, weight, *bias = shapes
        rows = leading(len(x) - 1, len(shapes))
        if len(weight) == 1:
            return rows
        return [*rows, (len(x) - 1, (None, 0, *(0 if shape else None for shape in bias)))]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """`rows @ weight`: each coefficient of the input adds up one product for each output."""
        x, weight, *bias = inputs
        if x is not None or weight is None or any(b is None for b in bias):
            return None
        matrix = weight.lower if weight.lower.dim() == 2 else weight.lower.unsqueeze(0)
        sizes = magnitude(weight.lower)
        vector = weight.lower.dim() == 1
        shape = types[0].shape

        def unit(elements: Tensor) -> Tensor:
            """Rows of the weight, each at its own place of the batch."""
            chosen = matrix.index_select(0, elements % matrix.shape[0])
            if math.prod(shape[:-1]) == 1:
                return chosen.reshape(len(elements), *shape)
            rows = torch.zeros(len(elements), math.prod(shape[:-1]), shape[-1], dtype=torch.float64)
            rows[torch.arange(len(elements)), elements // matrix.shape[0]] = chosen
            return rows.reshape(len(elements), *shape)

        matrices = {torch.float64: matrix}

        def transpose(rows: Tensor) -> Tensor:
            if rows.dtype not in matrices:
                matrices[rows.dtype] = matrix.to(rows.dtype)
            return times(rows.unsqueeze(-1) if vector else rows, matrices[rows.dtype])

        part = Affine(
            transpose,
            matrix.shape[0],
            lambda values: torch.nn.functional.linear(values, sizes),
            unit,
            lambda values: torch.nn.functional.linear(values, weight.lower),
        )
        return [part, *[None] * (len(inputs) - 1)]


def same_dtype(what: str, inputs: Sequence[TensorType]) -> None:
    """torch multiplies matrices of one dtype only, and never booleans; its meta device does not notice.

    Raises:
        ShapeError: the dtypes differ.
    """
    dtypes = {t.dtype for t in inputs}
    if len(dtypes) > 1:
        names = ", ".join(dtype_name(t.dtype) for t in inputs)
        raise ShapeError(
            f"{what} needs operands of one dtype, got {names}: convert with `.to(...)` or `.float()`"
        )
    if torch.bool in dtypes and all(t.numel for t in inputs):
        raise ShapeError(f"{what} is not defined for bool tensors: convert with `.float()`")


@spelled("torch.nn.functional.linear")
def linear(
    emitter: Emitter, input: TensorValue, weight: TensorValue, bias: TensorValue | None = None
) -> TensorValue:
    return emitter.emit("linear", input, weight, *([] if bias is None else [bias]))


@spelled("torch.nn.functional.bilinear")
def bilinear(
    emitter: Emitter,
    input1: TensorValue,
    input2: TensorValue,
    weight: TensorValue,
    bias: TensorValue | None = None,
) -> TensorValue:
    if len(weight.shape) != 3:
        raise ShapeError(f"the weight of bilinear must be (out, in1, in2), got {weight.shape}")
    if input1.shape[:-1] != input2.shape[:-1]:
        raise ShapeError(
            f"bilinear: inputs {input1.shape} and {input2.shape} differ before the last dimension"
        )
    result = contract(emitter, "...i,oij,...j->...o", input1, weight, input2)
    operands = [input1, input2, weight]
    if bias is not None:
        result = emitter.emit("add", result, bias)
        operands.append(bias)
    return emitter.emit("bilinear", result, *operands)
