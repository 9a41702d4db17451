"""Activation functions of one tensor, element by element."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.op import Attributes, Op, TensorType, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@register
class Relu(Op):
    """`max(x, 0)`. Monotone and exact: the ends map to the ends, no rounding."""

    name = "relu"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.relu(x)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        return Interval(torch.relu(x.lower), torch.relu(x.upper))


@spelled("torch.relu", "torch.nn.functional.relu", "torch.Tensor.relu")
def relu(emitter: Emitter, input: TensorValue, inplace: bool = False) -> TensorValue:
    result = emitter.emit("relu", input)
    return emitter.overwrite(input, result) if inplace else result
