"""Convolutions and transposed convolutions in one, two and three dimensions, with or without a batch dimension."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import contraction, integral, magnitude, shifted
from torchlean.ops import overlaps
from torchlean.ops.adjoint import weighted
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.linear import same_dtype
from torchlean.ops.linearization import Affine, Window
from torchlean.ops.noise.contractions import Contraction, kernel_terms, transposed_terms
from torchlean.ops.op import Attribute, Attributes, Op, ShapeError, TensorType, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled
from torchlean.ops.windows import laid, places

functional = torch.nn.functional

Sizes = int | Sequence[int]


class AnyConvolution(Op):
    """Operands x, weight and, where there is one, bias. The rank is that of the weight less two.

    torch computes float64 convolutions on the CPU as sums of products (im2col and a matrix product; its fast
    algorithms, oneDNN's Winograd among them, are for float32 and smaller), which is what the interval rule relies on.
    """

    functions: tuple[Callable[..., Tensor], ...]
    out_dim: int
    """The weight's dimension of the result's channels."""

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
                f"{_channels_last(x, rank) if x[-1] == expected else ''}"
            )
        if groups < 1 or weight[0] % groups:
            raise ShapeError(f"groups={groups} must divide the weight's first dimension {weight[0]}")
        if bias and bias[0] != (out_channels,):
            raise ShapeError(
                f"the bias must have shape ({out_channels},), one per output channel, got {bias[0]}"
            )

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """The formula of torch's documentation. What it gives no size for, and sizes that torch refuses, are left to
        torch's meta device, whose first use takes a second."""
        self.check(inputs, attributes)
        x, weight = inputs[0].shape, inputs[1].shape
        rank = len(weight) - 2
        sizes = self._result_sizes(x[-rank:], weight, attributes)
        if min((*sizes, *x, *weight)) < 1:
            return super().infer(inputs, attributes)
        return TensorType((*x[: -rank - 1], self._out_channels(weight, attributes), *sizes), inputs[0].dtype)

    def _result_sizes(
        self, sizes: tuple[int, ...], weight: tuple[int, ...], attributes: Attributes
    ) -> tuple[int, ...]:
        """The sizes of the result for an image of `sizes`; below 1 where there is none."""
        raise NotImplementedError

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
            result = shifted(result, Interval(lower, lower if b.is_point else b.upper.reshape(shape)))
        return result if out.dtype.is_floating_point else integral(result)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Images of a batch; where all channels are of one group, those of the result, with their kernels."""
        x, weight, *bias = shapes
        rank = len(weight) - 2
        images = leading(len(x) - rank - 1, len(shapes))
        if self._groups(attributes) != 1:
            return images
        return [*images, (len(x) - rank - 1, (None, self.out_dim, *[0] * len(bias)))]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """In the image: the other kind of convolution, with the same weight. An element of the image goes into each
        output channel of its group at most once for each element of the kernel."""
        x, weight, *bias = inputs
        if any(b is None for b in bias) or not types[0].dtype.is_floating_point:
            return None
        if x is not None or weight is None:
            return weighted(self.evaluate, inputs, types, attributes)
        kernel, rank = weight.lower, weight.lower.dim() - 2
        shape = types[0].shape
        batched = len(shape) == rank + 2
        outputs = self._out_channels(weight.shape, attributes) // self._groups(attributes)

        def transpose(rows: Tensor) -> Tensor:
            # In float64: torch's convolutions of float32 may use algorithms whose rounding is not that of sums.
            images = rows.to(torch.float64).flatten(0, 1) if batched else rows.to(torch.float64)
            found = self._transposed(images, kernel, shape[-rank:], attributes)
            return found.reshape(len(rows), *shape).to(rows.dtype)

        def convolved(values: Tensor, weight: Tensor) -> Tensor:
            """Of images of `shape`, with or without a batch dimension in front."""
            if values.dim() == len(shape) or not batched:
                return self._convolve(values, weight, attributes)
            together = self._convolve(values.flatten(0, 1), weight, attributes)
            return together.unflatten(0, values.shape[:2])

        part = Affine(
            transpose,
            outputs * math.prod(kernel.shape[2:]),
            lambda values: convolved(values, magnitude(kernel)),
            self._unit(kernel, shape, attributes),
            lambda values: convolved(values, kernel),
            self._window(kernel, shape, attributes),
        )
        return [part, *[None] * (len(inputs) - 1)]

    def _transposed(
        self, rows: Tensor, weight: Tensor, sizes: tuple[int, ...], attributes: Attributes
    ) -> Tensor:
        """The transpose of the convolution of an image of `sizes`, for a batch of coefficients of its output."""
        raise NotImplementedError

    def _window(self, weight: Tensor, shape: tuple[int, ...], attributes: Attributes) -> Window | None:
        """See `Affine.window`."""
        return None

    def _unit(
        self, weight: Tensor, shape: tuple[int, ...], attributes: Attributes
    ) -> Callable[[Tensor], Tensor] | None:
        """See `Affine.unit`; None where one-hot rows through the transpose must do."""
        return None

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

    @classmethod
    def _whole(cls, attributes: Attributes, name: str) -> tuple[int, ...]:
        sizes = cls._sizes(attributes, name)
        assert all(isinstance(size, int) for size in sizes)
        return tuple(size for size in sizes if isinstance(size, int))

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
    out_dim = 0
    rounding = Contraction(kernel_terms)

    def _transposed(
        self, rows: Tensor, weight: Tensor, sizes: tuple[int, ...], attributes: Attributes
    ) -> Tensor:
        """Without padding, the transposed convolution gives the image with its padding; what a stride left over at the
        far end is filled with zeros (`output_padding`). torch cuts the padding off, unless both sides differ."""
        strides, dilations = self._whole(attributes, "stride"), self._whole(attributes, "dilation")
        before, after = self.padding(attributes, weight.shape)
        if self._groups(attributes) == 1 and overlaps.pays(rows, weight):
            return overlaps.added_up(rows, weight, sizes, strides, dilations, before)
        cut = before if before == after else (0,) * len(sizes)
        spans = [d * (k - 1) for d, k in zip(dilations, weight.shape[2:], strict=True)]
        left_over = [
            (size + low + high - span - 1) % stride
            for size, low, high, span, stride in zip(sizes, before, after, spans, strides, strict=True)
        ]
        transposed = TransposedConvolution.functions[len(sizes) - 1]
        found: Tensor = transposed(
            rows, weight, None, strides, cut, left_over, self._groups(attributes), dilations
        )
        if before != after:
            for place, (low, size) in enumerate(zip(before, sizes, strict=True)):
                found = found.narrow(2 + place, low, size)
        return found

    def _unit(
        self, weight: Tensor, shape: tuple[int, ...], attributes: Attributes
    ) -> Callable[[Tensor], Tensor] | None:
        """An output's coefficients: the kernel of its channel, laid on the image at its window."""
        sizes = shape[2 - weight.dim() :]
        before, after = self.padding(attributes, weight.shape)
        strides, dilations = self._whole(attributes, "stride"), self._whole(attributes, "dilation")
        counts = [
            (size + low + high - d * (k - 1) - 1) // stride + 1
            for size, low, high, d, k, stride in zip(
                sizes, before, after, dilations, weight.shape[2:], strides, strict=True
            )
        ]
        windows = [
            places(*window)
            for window in zip(counts, weight.shape[2:], strides, dilations, before, strict=True)
        ]
        groups = self._groups(attributes)
        return lambda elements: laid(weight, groups, windows, shape, elements)

    def _window(self, weight: Tensor, shape: tuple[int, ...], attributes: Attributes) -> Window | None:
        strides, dilations = self._whole(attributes, "stride"), self._whole(attributes, "dilation")
        if (
            weight.dim() != 4
            or self._groups(attributes) != 1
            or set(dilations) != {1}
            or shape[:-3] not in ((), (1,))
        ):
            return None
        before, after = self.padding(attributes, tuple(weight.shape))
        high, wide = (
            (size + low + high - k) // stride + 1
            for size, low, high, k, stride in zip(
                shape[-2:], before, after, weight.shape[2:], strides, strict=True
            )
        )
        channels, height, width = shape[-3:]
        return Window(
            weight, (channels, height, width), (high, wide), (strides[0], strides[1]), (before[0], before[1])
        )

    def padding(
        self, attributes: Attributes, weight: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Zeros before and after each dimension; "same" adds an odd one after."""
        padding = attributes["padding"]
        if not isinstance(padding, str):
            sizes = self._whole(attributes, "padding")
            return sizes, sizes
        if padding == "valid":
            return (0,) * (len(weight) - 2), (0,) * (len(weight) - 2)
        both = [d * (k - 1) for d, k in zip(self._whole(attributes, "dilation"), weight[2:], strict=True)]
        return tuple(b // 2 for b in both), tuple(b - b // 2 for b in both)

    def _result_sizes(
        self, sizes: tuple[int, ...], weight: tuple[int, ...], attributes: Attributes
    ) -> tuple[int, ...]:
        before, after = self.padding(attributes, weight)
        strides, dilations = self._whole(attributes, "stride"), self._whole(attributes, "dilation")
        if min((*before, *after)) < 0 or min(dilations) < 1 or min(strides) < 1:
            return (0,)
        return tuple(
            (size + low + high - d * (k - 1) - 1) // stride + 1
            for size, low, high, d, k, stride in zip(
                sizes, before, after, dilations, weight[2:], strides, strict=True
            )
        )

    def _in_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[1] * self._groups(attributes)

    def _out_channels(self, weight: tuple[int, ...], attributes: Attributes) -> int:
        return weight[0]


@register
class TransposedConvolution(AnyConvolution):
    """Weight (in, out / groups, *kernel); attributes stride, padding, output_padding, groups, dilation."""

    name = "conv_transpose"
    functions = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
    out_dim = 1
    rounding = Contraction(transposed_terms)

    def _transposed(
        self, rows: Tensor, weight: Tensor, sizes: tuple[int, ...], attributes: Attributes
    ) -> Tensor:
        """The plain convolution that this op is the transpose of; an `output_padding` may give it an element more."""
        plain = Convolution.functions[len(sizes) - 1]
        found: Tensor = plain(
            rows, weight, None, *(attributes[name] for name in ("stride", "padding", "dilation", "groups"))
        )
        for place, size in enumerate(sizes):
            found = found.narrow(2 + place, 0, size)
        return found

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        super().check(inputs, attributes)
        sizes = (self._sizes(attributes, name) for name in ("output_padding", "stride", "dilation"))
        for extra, stride, dilation in zip(*sizes, strict=True):
            if extra >= max(stride, dilation):
                raise ShapeError(
                    f"output_padding={extra} must be smaller than stride={stride} or dilation={dilation}"
                )

    def _result_sizes(
        self, sizes: tuple[int, ...], weight: tuple[int, ...], attributes: Attributes
    ) -> tuple[int, ...]:
        names = ("stride", "padding", "output_padding", "dilation")
        whole = [self._whole(attributes, name) for name in names]
        if min((*whole[0], *whole[3])) < 1 or min((*whole[1], *whole[2])) < 0:
            return (0,)
        return tuple(
            (size - 1) * stride - 2 * padding + d * (k - 1) + extra + 1
            for size, k, stride, padding, extra, d in zip(sizes, weight[2:], *whole, strict=True)
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


def _channels_last(x: Sequence[int], rank: int) -> str:
    """What to write where a picture stands with its channels last."""
    batch = [str(dim) for dim in range(len(x) - rank - 1)]
    sizes = [str(dim) for dim in range(len(batch), len(x) - 1)]
    order = ", ".join([*batch, str(len(x) - 1), *sizes])
    return f". Its channels seem to stand last: `.permute({order})` moves them"


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
