"""Convolutions and transposed convolutions in one, two and three dimensions, with or without a batch dimension."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import contraction, integral
from torchlean.intervals.arithmetic import add
from torchlean.ops.adjoint import weighted
from torchlean.ops.linear import same_dtype
from torchlean.ops.linearization import Affine
from torchlean.ops.op import Attribute, Attributes, Op, ShapeError, TensorType, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled

functional = torch.nn.functional

Sizes = int | Sequence[int]


class AnyConvolution(Op):
    """Operands x, weight and, where there is one, bias. The rank is that of the weight less two.

    torch computes float64 convolutions on the CPU as sums of products (im2col and a matrix product; its fast
    algorithms, oneDNN's Winograd among them, are for float32 and smaller), which is what the interval rule relies on.
    """

    functions: tuple[Callable[..., Tensor], ...]

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        same_dtype(self.name, inputs)
        x, weight, *bias = (t.shape for t in inputs)
        rank = len(self._sizes(attributes, "stride"))
        if len(weight) != rank + 2:
            raise ShapeError(f"a {rank}-d convolution needs a {rank + 2}-d weight, got {weight}")
        if len(x) not in (rank + 1, rank + 2):
            raise ShapeError(
                f"a {rank}-d convolution takes (batch, channels, {'size, ' * rank}) or the same without a batch "
                f"({rank + 2} or {rank + 1} dimensions), got {x}"
            )
        groups, out_channels = self._groups(attributes), self._out_channels(weight, attributes)
        channels, expected = x[-rank - 1], self._in_channels(weight, attributes)
        if channels != expected:
            raise ShapeError(
                f"this convolution takes {expected} channels (weight {weight}, groups={groups}), "
                f"but its input {x} has {channels} (dimension {len(x) - rank - 1})"
            )
        if groups < 1 or weight[0] % groups:
            raise ShapeError(f"groups={groups} must divide the weight's first dimension {weight[0]}")
        if bias and bias[0] != (out_channels,):
            raise ShapeError(
                f"the bias must have shape ({out_channels},), one per output channel, got {bias[0]}"
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, weight, *bias = inputs
        return self._convolve(x, weight, attributes, *bias)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Every output is a sum of at most (channels of a group) x (kernel size) products, plus the bias."""
        x, weight, *bias = inputs
        channels = self._in_channels(weight.shape, attributes) // self._groups(attributes)
        terms = channels * math.prod(weight.shape[2:])
        result = contraction(lambda w, v: self._convolve(v, w, attributes), weight, x, terms, out.shape)
        for b in bias:
            shape = (-1,) + (1,) * (len(weight.shape) - 2)
            lower = b.lower.reshape(shape)
            result = add(result, Interval(lower, lower if b.is_point else b.upper.reshape(shape)))
        return result if out.dtype.is_floating_point else integral(result)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return weighted(self.evaluate, inputs, types, attributes)

    def _convolve(
        self, x: Tensor, weight: Tensor, attributes: Attributes, bias: Tensor | None = None
    ) -> Tensor:
        rank = len(self._sizes(attributes, "stride"))
        return type(self).functions[rank - 1](x, weight, bias, **attributes)

    @staticmethod
    def _sizes(attributes: Attributes, name: str) -> tuple[Attribute, ...]:
        sizes = attributes[name]
        assert isinstance(sizes, tuple)
        return sizes

    @staticmethod
    def _groups(attributes: Attributes) -> int:
        groups = attributes["groups"]
        assert isinstance(groups, int)
        return groups

    def _in_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        raise NotImplementedError

    def _out_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        raise NotImplementedError


@register
class Convolution(AnyConvolution):
    """Weight (out, in / groups, *kernel); attributes stride, padding (sizes, "same" or "valid"), dilation, groups."""

    name = "conv"
    functions = (functional.conv1d, functional.conv2d, functional.conv3d)

    def _in_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[1] * self._groups(attributes)

    def _out_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[0]


@register
class TransposedConvolution(AnyConvolution):
    """Weight (in, out / groups, *kernel); attributes stride, padding, output_padding, groups, dilation."""

    name = "conv_transpose"
    functions = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        super().check(inputs, attributes)
        sizes = (self._sizes(attributes, name) for name in ("output_padding", "stride", "dilation"))
        for extra, stride, dilation in zip(*sizes, strict=True):
            if extra >= max(stride, dilation):
                raise ShapeError(
                    f"output_padding={extra} must be smaller than stride={stride} or dilation={dilation}"
                )

    def _in_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[0]

    def _out_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[1] * self._groups(attributes)


def sizes_for(name: str, value: Sizes, rank: int) -> tuple[int, ...]:
    """One size per dimension, from one number or as many as there are dimensions.

    Raises:
        ShapeError: another number of them.
    """
    given = (value,) if isinstance(value, int) else tuple(value)
    if len(given) == 1:
        given *= rank
    if len(given) != rank or not all(isinstance(size, int) for size in given):
        raise ShapeError(f"{name} must be one integer or {rank} of them, got {value!r}")
    return tuple(int(size) for size in given)


def _spell(rank: int) -> None:
    """Register `conv{rank}d` and `conv_transpose{rank}d`."""

    def conv(
        emitter: Emitter,
        input: TensorValue,
        weight: TensorValue,
        bias: TensorValue | None = None,
        stride: Sizes = 1,
        padding: Any = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> TensorValue:
        strides = sizes_for("stride", stride, rank)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ShapeError(f"padding must be sizes, 'same' or 'valid', got {padding!r}")
            if padding == "same" and set(strides) != {1}:
                raise ShapeError("padding='same' needs stride 1: with a larger one no padding keeps the size")
        return emitter.emit(
            "conv",
            input,
            weight,
            *([] if bias is None else [bias]),
            stride=strides,
            padding=padding if isinstance(padding, str) else sizes_for("padding", padding, rank),
            dilation=sizes_for("dilation", dilation, rank),
            groups=groups,
        )

    def conv_transpose(
        emitter: Emitter,
        input: TensorValue,
        weight: TensorValue,
        bias: TensorValue | None = None,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> TensorValue:
        return emitter.emit(
            "conv_transpose",
            input,
            weight,
            *([] if bias is None else [bias]),
            stride=sizes_for("stride", stride, rank),
            padding=sizes_for("padding", padding, rank),
            output_padding=sizes_for("output_padding", output_padding, rank),
            groups=groups,
            dilation=sizes_for("dilation", dilation, rank),
        )

    spelled(f"torch.nn.functional.conv{rank}d", f"torch.conv{rank}d")(conv)
    spelled(f"torch.nn.functional.conv_transpose{rank}d", f"torch.conv_transpose{rank}d")(conv_transpose)


for _rank in (1, 2, 3):
    _spell(_rank)
