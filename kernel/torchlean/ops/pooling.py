"""Pooling: the maximum, the mean or the p-norm of the elements under a window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import nonnegative_map
from torchlean.ops.adjoint import weighted
from torchlean.ops.convolution import Sizes, sizes_for
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.linearization import Affine
from torchlean.ops.lowering import EXPANDED, Part, Steps
from torchlean.ops.noise.choices import Pooled
from torchlean.ops.noise.contractions import Accumulated, Terms
from torchlean.ops.op import (
    Attributes,
    Infinities,
    Op,
    ShapeError,
    TensorType,
    UnsupportedError,
    dtype_name,
    register,
)
from torchlean.ops.rearrangement import on_ends
from torchlean.ops.spelling import Emitter, TensorValue, spelled
from torchlean.ops.windows import elements_under, places

functional = torch.nn.functional


class Pooling(Op):
    """Attribute `rank` and the arguments of torch's function; operand (batch, channels, *sizes) or without batch."""

    functions: tuple[Callable[..., Tensor], ...]

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        rank, shape = attributes["rank"], inputs[0].shape
        assert isinstance(rank, int)
        if len(shape) not in (rank + 1, rank + 2):
            raise ShapeError(
                f"{rank}-d pooling takes (batch, channels, {'size, ' * rank}) or the same without a batch, got {shape}"
            )
        if inputs[0].dtype == torch.bool:
            raise ShapeError("pooling is not defined for bool tensors: convert with `.float()`")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        options: dict[str, Any] = dict(attributes)
        return type(self).functions[options.pop("rank") - 1](x, **options)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        rank = attributes["rank"]
        assert isinstance(rank, int)
        return leading(len(shapes[0]) - rank, 1)


class GreatestUnderWindow(Pooling):
    """Max pooling: monotone and exact, the op itself on both ends. Padding counts as `-inf`, that is not at all."""

    infinities = Infinities.MOVED
    rounding = Pooled()

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """A window that stands on nothing but padding gives `-inf`."""
        found = on_ends(lambda x: self.evaluate([x], attributes), *inputs)
        if bool((found.upper == -math.inf).any()):
            return Interval(found.lower, found.upper, infinite=True)
        return found

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """The elements under every window side by side, then their maximum."""
        (x,) = inputs
        rank: Any = attributes["rank"]
        sizes, outer = x.shape[-rank:], x.shape[:-rank]
        if not x.floating or x.type.numel == 0:
            return None
        out = self.infer([x.type], attributes).shape
        under = elements_under(self._windows(sizes, out[-rank:], attributes), sizes)
        if under is None or math.prod(outer) * under.numel() > EXPANDED:
            return None
        flat = steps.reshape(x, [*outer, math.prod(sizes)])
        chosen = steps.op("index", flat, steps.constant(under), dims=(len(outer),))
        return steps.reshape(steps.greatest(chosen), out)

    def _windows(self, sizes: tuple[int, ...], out: tuple[int, ...], attributes: Attributes) -> list[Tensor]:
        """Per dimension, the places of the elements under each window: (windows, kernel)."""
        raise NotImplementedError


@register
class MaxPool(GreatestUnderWindow):
    name = "max_pool"
    functions = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)

    def _windows(self, sizes: tuple[int, ...], out: tuple[int, ...], attributes: Attributes) -> list[Tensor]:
        names = ("kernel_size", "stride", "dilation", "padding")
        arguments: list[Any] = [attributes[name] for name in names]
        return [places(*window) for window in zip(out, *arguments, strict=True)]


@register
class AdaptiveMaxPool(GreatestUnderWindow):
    name = "adaptive_max_pool"
    functions = (
        functional.adaptive_max_pool1d,
        functional.adaptive_max_pool2d,
        functional.adaptive_max_pool3d,
    )

    def _windows(self, sizes: tuple[int, ...], out: tuple[int, ...], attributes: Attributes) -> list[Tensor]:
        """Window `i` covers `floor(i n / m)` to `ceil((i + 1) n / m)`; short ones repeat their last element."""
        windows = []
        for size, count in zip(sizes, out, strict=True):
            index = torch.arange(count)
            first, end = index * size // count, -((-(index + 1) * size) // count)
            longest = int((end - first).max()) if count else 0
            windows.append(torch.minimum(first[:, None] + torch.arange(longest), end[:, None] - 1))
        return windows


def _under_kernel(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """Most elements under a window of the kernel's size."""
    kernel: Any = attributes["kernel_size"]
    return math.prod(kernel)


def _under_adaptive(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """The same where only the result's size is given: a window of ceil and floor ends covers at most `size / output`
    elements, rounded up, and one more."""
    output: Any = attributes["output_size"]
    return math.prod(
        math.ceil(size / max(wanted, 1)) + 1
        for size, wanted in zip(shapes[0][-len(output) :], output, strict=True)
    )


class MeanUnderWindow(Pooling):
    """Average pooling: a linear map with positive weights. `terms` are most elements under one window."""

    terms: Terms

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """The op on both ends, moved outward by its own rounding error (`intervals.affine.nonnegative_map`). A negative
        divisor turns the ends around."""
        (x,) = inputs
        terms = type(self).terms([x.shape], attributes)
        options = dict(attributes)
        divisor = options.get("divisor_override")
        if isinstance(divisor, int) and divisor < 0:
            options["divisor_override"] = -divisor
        result = nonnegative_map(lambda v: self.evaluate([v], options), x, terms)
        if options != attributes:
            return Interval(-result.upper, -result.lower)
        return result

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        return weighted(self.evaluate, inputs, types, attributes, extra=2)


@register
class AvgPool(MeanUnderWindow):
    name = "avg_pool"
    functions = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
    terms = staticmethod(_under_kernel)
    rounding = Accumulated(_under_kernel, roundings=2)


@register
class AdaptiveAvgPool(MeanUnderWindow):
    name = "adaptive_avg_pool"
    functions = (
        functional.adaptive_avg_pool1d,
        functional.adaptive_avg_pool2d,
        functional.adaptive_avg_pool3d,
    )
    terms = staticmethod(_under_adaptive)
    rounding = Accumulated(_under_adaptive, roundings=2)


def _window(rank: int, kernel_size: Sizes, stride: Sizes | None, padding: Sizes) -> dict[str, Any]:
    """Kernel, stride (default: the kernel) and padding, one number per dimension."""
    kernel = sizes_for("kernel_size", kernel_size, rank)
    # torch takes an empty list for "not given".
    given = None if stride is None or stride in ((), []) else stride
    return {
        "rank": rank,
        "kernel_size": kernel,
        "stride": kernel if given is None else sizes_for("stride", given, rank),
        "padding": sizes_for("padding", padding, rank),
    }


def _spell_max(rank: int) -> None:
    def max_pool(
        emitter: Emitter,
        input: TensorValue,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> TensorValue:
        if return_indices:
            raise UnsupportedError(
                "max pooling with return_indices=True is not followed: indices have no useful bounds"
            )
        window = _window(rank, kernel_size, stride, padding)
        dilations = sizes_for("dilation", dilation, rank)
        return emitter.emit("max_pool", input, **window, dilation=dilations, ceil_mode=bool(ceil_mode))

    def adaptive(
        emitter: Emitter, input: TensorValue, output_size: Any, return_indices: bool = False
    ) -> TensorValue:
        if return_indices:
            raise UnsupportedError(
                "max pooling with return_indices=True is not followed: indices have no useful bounds"
            )
        return emitter.emit(
            "adaptive_max_pool", input, rank=rank, output_size=_target(rank, output_size, input)
        )

    spelled(f"torch.nn.functional.max_pool{rank}d", f"torch.max_pool{rank}d")(max_pool)
    spelled(f"torch.nn.functional.adaptive_max_pool{rank}d")(adaptive)


def _spell_avg(rank: int) -> None:
    def avg_pool(
        emitter: Emitter,
        input: TensorValue,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> TensorValue:
        _require_fractions(input)
        options = _window(rank, kernel_size, stride, padding)
        options |= {"ceil_mode": bool(ceil_mode), "count_include_pad": bool(count_include_pad)}
        if divisor_override is not None:
            if rank == 1:
                raise TypeError("avg_pool1d() got an unexpected argument 'divisor_override'")
            options["divisor_override"] = divisor_override
        return emitter.emit("avg_pool", input, **options)

    def adaptive(emitter: Emitter, input: TensorValue, output_size: Any) -> TensorValue:
        _require_fractions(input)
        return emitter.emit(
            "adaptive_avg_pool", input, rank=rank, output_size=_target(rank, output_size, input)
        )

    # torch itself has the one-dimensional functions too.
    outer = ["torch.avg_pool1d"] if rank == 1 else []
    spelled(f"torch.nn.functional.avg_pool{rank}d", *outer)(avg_pool)
    outer = ["torch.adaptive_avg_pool1d"] if rank == 1 else []
    spelled(f"torch.nn.functional.adaptive_avg_pool{rank}d", *outer)(adaptive)


def _require_fractions(x: TensorValue) -> None:
    """torch's averages of integers drop the fraction.

    Raises:
        UnsupportedError: the dtype holds integers.
    """
    if not x.dtype.is_floating_point:
        raise UnsupportedError(
            f"average pooling of {dtype_name(x.dtype)} is not followed: convert with `.float()`"
        )


def _target(rank: int, output_size: Any, x: TensorValue) -> tuple[int, ...]:
    """The output's sizes; None keeps the input's."""
    given = (
        (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    )
    if len(given) == 1:
        given *= rank
    if len(given) != rank or len(x.shape) < rank:
        raise ShapeError(f"output_size={output_size!r} does not fit {rank}-d pooling of {x.shape}")
    return tuple(
        int(size if wanted is None else wanted) for wanted, size in zip(given, x.shape[-rank:], strict=True)
    )


for _rank in (1, 2, 3):
    _spell_max(_rank)
    _spell_avg(_rank)
