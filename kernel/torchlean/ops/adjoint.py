"""Transposes of linear maps, for ops that have no faster form of their own.

torch differentiates every op that the graph knows. For a linear map `f` the backward pass *is* the transpose: it adds
up, for each element of the operand, the coefficients of all outputs that the element goes into, in some order. Only
rounding is left to account for, and that needs no more than how many coefficients are added: `f`'s transpose of ones
counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.linearization import Affine
from torchlean.ops.op import Attributes, TensorType

Evaluate = Callable[[Sequence[Tensor], Attributes], Tensor]


def transpose(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """The transpose of an affine map's linear part.

    Args:
        function: an affine map of a float64 tensor of `shape`.

    Returns:
        (rows, *output) -> (rows, *shape).
    """
    operand = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        result = function(operand)

    def back(rows: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(
            result, operand, rows, retain_graph=True, is_grads_batched=True, allow_unused=False
        )
        return found

    return back


def moving(
    evaluate: Evaluate,
    inputs: Sequence[Interval | None],
    types: Sequence[TensorType],
    attributes: Attributes,
) -> list[Affine | None]:
    """The linear maps of an op that only moves, repeats or drops elements of its unknown operands.

    Known operands (indices, masks) are passed to `evaluate` with their own dtype. Nothing is rounded unless an element
    is repeated, when its coefficients are added.
    """
    return [
        None
        if value is not None
        else _moving(lambda x, i=i: _with(evaluate, inputs, types, attributes, i, x), type)
        for i, (value, type) in enumerate(zip(inputs, types, strict=True))
    ]


def _moving(function: Callable[[Tensor], Tensor], type: TensorType) -> Affine:
    back = transpose(function, type.shape)
    with torch.no_grad():
        out = function(torch.zeros(type.shape, dtype=torch.float64))
        repeats = int(back(torch.ones(1, *out.shape, dtype=torch.float64)).max()) if type.numel else 0
    if repeats <= 1:
        return Affine(back)
    return Affine(back, repeats, lambda magnitude: function(magnitude).abs())


def _with(
    evaluate: Evaluate,
    inputs: Sequence[Interval | None],
    types: Sequence[TensorType],
    attributes: Attributes,
    index: int,
    value: Tensor,
) -> Tensor:
    """The op with `value` for one unknown operand and zeros for the others."""
    operands = []
    for i, (known, type) in enumerate(zip(inputs, types, strict=True)):
        if i == index:
            operands.append(value)
        elif known is None:
            operands.append(torch.zeros(type.shape, dtype=torch.float64))
        else:
            # Indices and masks keep their dtype; numbers meet the float64 operand as float64.
            operands.append(known.lower if type.dtype.is_floating_point else known.lower.to(type.dtype))
    return evaluate(operands, attributes)
