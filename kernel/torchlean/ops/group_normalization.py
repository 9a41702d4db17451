"""Normalisation by the statistics of each sample's channels: group and instance norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.dispersion import standardised
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.statistics import Standardised, by_channel, grouped
from torchlean.ops.normalization import (
    Normalization,
    affine,
    batch_norm,
    epsilon,
    present,
    require_one_dtype,
    standardising_steps,
    viewed,
    weighted_steps,
)
from torchlean.ops.op import Attributes, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled

functional = torch.nn.functional


class Grouped(Normalization):
    """Elements standardised over groups of channels, times weight and plus bias per channel (dimension 1)."""

    def groups(self, shape: tuple[int, ...], attributes: Attributes) -> int:
        """How many groups the channels of an operand of this shape are in."""
        raise NotImplementedError

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_one_dtype(self.name, inputs)
        x, *vectors = inputs
        if len(x.shape) < 2:
            raise ShapeError(f"{self.name} takes (batch, channels, ...), got {x.shape}")
        for vector in vectors:
            if vector.shape != (x.shape[1],):
                raise ShapeError(
                    f"{self.name} of {x.shape} needs vectors of {x.shape[1]} elements, got {vector.shape}"
                )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """As layer_norm, on rows that hold one group of one sample each."""
        (x,), weight, bias = self.parts(inputs, attributes)
        if out.numel == 0:
            return Interval(x.lower, x.lower)
        rows = viewed(x, (out.shape[0] * self.groups(out.shape, attributes), -1))
        shape = (-1,) + (1,) * (len(out.shape) - 2)
        return affine(viewed(standardised(rows, epsilon(attributes)), out.shape), weight, bias, shape)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return leading(1, len(shapes))

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,), weight, bias = self.parts(inputs, attributes)
        if x.type.numel == 0:
            return None
        groups = self.groups(x.shape, attributes)
        size = math.prod(x.shape[1:]) // groups
        rows = standardising_steps(
            steps, steps.reshape(x, [x.shape[0], groups, size]), [2], epsilon(attributes)
        )
        shape = (x.shape[1],) + (1,) * (len(x.shape) - 2)
        return weighted_steps(steps, steps.reshape(rows, x.shape), weight, bias, shape)


@register
class GroupNorm(Grouped):
    """Groups of as many channels each."""

    name = "group_norm"
    rounding = Standardised(grouped, by_squares=True)

    def groups(self, shape: tuple[int, ...], attributes: Attributes) -> int:
        groups = attributes["num_groups"]
        assert isinstance(groups, int)
        return groups

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        super().check(inputs, attributes)
        shape = inputs[0].shape
        groups = self.groups(shape, attributes)
        if groups < 1 or shape[1] % groups:
            raise ShapeError(
                f"num_groups={groups} must divide the {shape[1]} channels (dimension 1) of {shape}"
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,), weight, bias = self.parts(inputs, attributes)
        groups = self.groups(tuple(x.shape), attributes)
        return functional.group_norm(x, groups, weight, bias, epsilon(attributes))


@register
class InstanceNorm(Grouped):
    """A group per channel. Of the same value as `group_norm`, but torch computes it by its batch normalisation, with
    every channel of every sample as one of its channels: in another order, so that executions differ in rounding."""

    name = "instance_norm"
    rounding = Standardised(by_channel)

    def groups(self, shape: tuple[int, ...], attributes: Attributes) -> int:
        return shape[1]

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        super().check(inputs, attributes)
        shape = inputs[0].shape
        if math.prod(shape[2:]) == 1:
            raise ShapeError(f"Expected more than 1 spatial element when training, got input size {shape}")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,), weight, bias = self.parts(inputs, attributes)
        return functional.instance_norm(x, weight=weight, bias=bias, eps=epsilon(attributes))


@spelled("torch.nn.functional.group_norm")
def group_norm(
    emitter: Emitter,
    input: TensorValue,
    num_groups: int,
    weight: TensorValue | None = None,
    bias: TensorValue | None = None,
    eps: float = 1e-5,
) -> TensorValue:
    return emitter.emit(
        "group_norm",
        *present(input, weight, bias),
        has_weight=weight is not None,
        has_bias=bias is not None,
        num_groups=num_groups,
        eps=float(eps),
    )


@spelled("torch.instance_norm")
def instance_norm(
    emitter: Emitter,
    input: TensorValue,
    weight: TensorValue | None,
    bias: TensorValue | None,
    running_mean: TensorValue | None,
    running_var: TensorValue | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> TensorValue:
    """The function below torch's layers, which `torch.nn.functional.instance_norm` and the layers call."""
    if not use_input_stats:
        return batch_norm(emitter, input, running_mean, running_var, weight, bias, eps=eps)
    if running_mean is not None or running_var is not None:
        raise UnsupportedError("instance normalisation with running statistics changes them")
    return emitter.emit(
        "instance_norm",
        *present(input, weight, bias),
        has_weight=weight is not None,
        has_bias=bias is not None,
        eps=float(eps),
    )
