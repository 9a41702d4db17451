"""Scaling images: `F.interpolate`. Nearest-neighbour modes copy elements; linear modes average neighbours."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval, down, up
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF
from torchlean.ops.adjoint import moving, transpose
from torchlean.ops.arguments import TORCH_ERRORS, known_int
from torchlean.ops.linearization import Affine
from torchlean.ops.noise.selection import Interpolated, resampling_roundings
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.spelling import Emitter, TensorValue, spelled

COPYING = ("nearest", "nearest-exact")
AVERAGING = ("linear", "bilinear", "trilinear")


@functools.cache
def _refusal(mode: str, ndim: int, dtype: torch.dtype, antialias: bool) -> str | None:
    """Torch's complaint about this kind of tensor, or None; only real data reaches the kernel that has it."""
    try:
        image = torch.zeros((1,) * ndim, dtype=dtype)
        torch.nn.functional.interpolate(image, 1, mode=mode, antialias=antialias)
    except TORCH_ERRORS as error:
        return str(error).splitlines()[0]
    return None


@register
class Interpolate(Op):
    """Resample all dimensions after the second to `size`, or by the factors `scale`, in torch's `mode`."""

    name = "interpolate"
    rounding = Interpolated(AVERAGING, COPYING)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        (x,) = inputs
        mode = str(attributes["mode"])
        complaint = _refusal(mode, len(x.shape), x.dtype, bool(attributes.get("antialias")))
        if complaint is not None:
            raise ShapeError(f'interpolate with mode "{mode}" does not take {x}: {complaint}')

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.nn.functional.interpolate(
            x,
            size=attributes["size"],
            scale_factor=attributes["scale"],
            mode=attributes["mode"],
            align_corners=attributes["align_corners"],
            recompute_scale_factor=attributes["recompute"],
            antialias=bool(attributes.get("antialias")),
        )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        mode = attributes["mode"]
        if mode in COPYING:
            return self._copied(x, attributes)
        if mode in AVERAGING:
            return self._averaged(x, attributes)
        raise UnsupportedError(f'interpolate with mode "{mode}" has no interval rule; "bilinear" has one')

    def _copied(self, x: Interval, attributes: Attributes) -> Interval:
        """Which element is nearest is read off torch by resampling the positions themselves.

        torch computes positions in the tensor's own precision; where float32 and float64 fall on different
        neighbours, both are allowed.
        """
        lower, upper = x.lower, x.upper
        for dim in range(2, len(x.shape)):
            single, double = (self._positions(x.shape, dim, dtype, attributes) for dtype in _PRECISIONS)
            same = torch.equal(single, double)
            lower = _picked(lower, dim, single, double, torch.minimum)
            upper = lower if same and x.is_point else _picked(upper, dim, single, double, torch.maximum)
        return Interval(lower, upper)

    def _positions(
        self, shape: tuple[int, ...], dim: int, dtype: torch.dtype, attributes: Attributes
    ) -> Tensor:
        """For each place along `dim` of the result the place along `dim` of the operand."""
        line = torch.arange(shape[dim], dtype=dtype).reshape(
            [-1 if place == dim else 1 for place in range(len(shape))]
        )
        image = line.expand(1, 1, *shape[2:]).contiguous()
        resampled = self.evaluate([image], attributes)
        return resampled.movedim(dim, -1).reshape(-1, resampled.shape[dim])[0].to(torch.int64)

    def _averaged(self, x: Interval, attributes: Attributes) -> Interval:
        """The weights are not negative, so ends map to ends; the float64 result is off by rounding only."""
        spatial = tuple(range(2, len(x.shape)))

        def widened(end: Tensor, direction: Callable[[Tensor], Tensor], sign: float) -> Tensor:
            result = self.evaluate([end.contiguous()], attributes)
            count, terms = resampling_roundings(
                end.shape[2:], result.shape[2:], bool(attributes.get("antialias"))
            )
            slack = (
                end.abs().amax(spatial, keepdim=True) * (count * UNIT_ROUNDOFF) + terms * SMALLEST_SUBNORMAL
            )
            return direction(result + sign * slack)

        return Interval(widened(x.lower, down, -1.0), widened(x.upper, up, 1.0))

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        if attributes["mode"] in AVERAGING:
            return [self._averaging(types[0].shape, attributes)]
        if attributes["mode"] not in COPYING or not self._agrees(types[0].shape, attributes):
            return None
        return moving(self.evaluate, inputs, types, attributes)

    def _agrees(self, shape: tuple[int, ...], attributes: Attributes) -> bool:
        """Whether the nearest neighbours are the same in all precisions, so that the op is one linear map."""
        return all(
            torch.equal(*(self._positions(shape, dim, dtype, attributes) for dtype in _PRECISIONS))
            for dim in range(2, len(shape))
        )

    def _averaging(self, shape: tuple[int, ...], attributes: Attributes) -> Affine:
        """The weights are computed, and off by roundings of the position: one that is nearly zero may have no right
        digit. So their error counts as roundings of the largest number of an image (`resampling_roundings`), which
        stands for `|J| |operand|`; and passes that would measure from the weights themselves get no `forward`."""

        def function(x: Tensor) -> Tensor:
            return self.evaluate([x], attributes)

        out = function(torch.zeros(shape, dtype=torch.float64)).shape
        count, terms = resampling_roundings(shape[2:], out[2:], bool(attributes.get("antialias")))
        spatial = tuple(range(2 - len(shape), 0))
        # Backward, an element collects the outputs that it goes into: at most all of its image.
        return Affine(
            transpose(function, shape),
            count + max(terms, math.prod(out[2:])),
            lambda sizes: sizes.amax(spatial, keepdim=True).expand(
                *sizes.shape[: sizes.dim() + 2 - len(shape)], *out[2:]
            ),
        )


_PRECISIONS = (torch.float32, torch.float64)


def _picked(
    end: Tensor, dim: int, first: Tensor, second: Tensor, outer: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    chosen = end.index_select(dim, first)
    return chosen if torch.equal(first, second) else outer(chosen, end.index_select(dim, second))


@spelled("torch.nn.functional.interpolate", "torch.nn.functional.upsample")
def interpolate(
    emitter: Emitter,
    input: TensorValue,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> TensorValue:
    if mode not in COPYING and input.dtype == torch.uint8:
        raise UnsupportedError(
            f"how torch rounds whole numbers in mode {mode!r} depends on the machine; convert the image first: "
            "`x.float()`"
        )
    if mode in COPYING and input.shape and not input.shape[0]:
        # torch's meta device, which is asked for the shape, stops at it with an error of its own.
        raise UnsupportedError("resampling a batch of no images is not followed")
    options = {"antialias": True} if antialias else {}
    return emitter.emit(
        "interpolate",
        input,
        size=_each(size, lambda item: known_int(emitter, item, "the size")),
        scale=_each(scale_factor, _factor),
        mode=mode,
        align_corners=align_corners,
        recompute=recompute_scale_factor,
        **options,
    )


@spelled("torch.nn.functional.upsample_nearest")
def upsample_nearest(
    emitter: Emitter, input: TensorValue, size: Any = None, scale_factor: Any = None
) -> TensorValue:
    return interpolate(emitter, input, size, scale_factor)


@spelled("torch.nn.functional.upsample_bilinear")
def upsample_bilinear(
    emitter: Emitter, input: TensorValue, size: Any = None, scale_factor: Any = None
) -> TensorValue:
    return interpolate(emitter, input, size, scale_factor, mode="bilinear", align_corners=True)


def _each(value: Any, read: Callable[[Any], Any]) -> Any:
    """One number, or one per dimension, as plain attributes."""
    if value is None:
        return None
    return tuple(read(item) for item in value) if isinstance(value, (tuple, list)) else read(value)


def _factor(value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise ShapeError(f"a scale factor must be a number, got {value!r}")
    return float(value)
