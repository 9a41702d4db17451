"""Resize and Upsample: images with more or fewer elements, and pixels made of channels.

Where each element of the result comes from is computed in exact arithmetic. Nearest elements are then copied; between
two elements, the result is a product with known weights. Where these weights are no numbers of the tensor's type, it is
torch's op `interpolate`, if that means the same: its bounds hold for the exact weights, and nothing is said of how
executions round theirs, which differs between runtimes. Where rounding decides how many elements there are, or which is
the nearest, implementations give other results altogether, and the node is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import torch

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.capture.onnx.table import operator
from torchlean.ops import ShapeError, TensorType, UnsupportedError

LONGEST = 2**14
"""Elements of a dimension of the result: each place is computed in exact fractions, in some ten microseconds."""

SINGLE_WHOLE = 2**24
"""Whole numbers below are float32 numbers."""

ROUNDING = Fraction(1, 2**20)
"""What a place may be off by that is computed in float32, relative to itself and one: sixteen roundings."""

Position = Callable[[int, Fraction, int, int], Fraction]
"""Place in the result, scale, sizes of operand and result, to the place in the operand."""


def _half_pixel(place: int, scale: Fraction, size: int, out: int) -> Fraction:
    return (place + Fraction(1, 2)) / scale - Fraction(1, 2)


def _pytorch_half_pixel(place: int, scale: Fraction, size: int, out: int) -> Fraction:
    return _half_pixel(place, scale, size, out) if out > 1 else Fraction(0)


def _align_corners(place: int, scale: Fraction, size: int, out: int) -> Fraction:
    return Fraction(place * (size - 1), out - 1) if out > 1 else Fraction(0)


def _asymmetric(place: int, scale: Fraction, size: int, out: int) -> Fraction:
    return place / scale


POSITIONS: dict[str, Position] = {
    "half_pixel": _half_pixel,
    "pytorch_half_pixel": _pytorch_half_pixel,
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
}

NEAREST: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - Fraction(1, 2)),
    "round_prefer_ceil": lambda x: math.floor(x + Fraction(1, 2)),
    "floor": math.floor,
    "ceil": math.ceil,
}


@operator("Upsample")
def upsample(call: Call) -> Value:
    """What became Resize in opset 10."""
    if call.opset > 9:
        raise UnsupportedError("the operator exists up to opset 9 only")
    call.takes(1, 1 if call.opset < 9 else 2)
    scales = call.numbers("scales") if call.opset < 9 else _known_scales(call, 1)
    return _resampled(call, call.input(0), scales, None, "asymmetric", "floor")


@operator("Resize")
def resize(call: Call) -> Value:
    x = call.input(0)
    if call.opset < 11:
        call.takes(2, 2)
        return _resampled(call, x, _known_scales(call, 1), None, "asymmetric", "floor")
    call.takes(1, 4)
    for name, default in (("antialias", 0), ("exclude_outside", 0)):
        if call.integer(name, default) != default:
            raise UnsupportedError(f"the attribute `{name}` is not supported")
    if call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedError("a keep_aspect_ratio_policy other than 'stretch' is not supported")
    call.ignore("cubic_coeff_a", "extrapolation_value")  # for modes that are refused
    scales, sizes = _known_scales(call, 2), None
    if not scales and call.optional(3) is not None:
        sizes = call.known_integers(3, "the sizes")
    axes = call.integers("axes") if call.opset >= 18 else None
    scales = _everywhere(call, [1.0] * len(x.shape), scales, axes)
    sizes = _everywhere(call, x.shape, sizes, axes)
    transformation = call.text("coordinate_transformation_mode", "half_pixel")
    return _resampled(call, x, scales, sizes, transformation, call.text("nearest_mode", "round_prefer_floor"))


def _known_scales(call: Call, index: int) -> tuple[float, ...] | None:
    if call.optional(index) is None or call.input(index).type.numel == 0:
        return None
    return tuple(call.known(index, "the scales").reshape(-1).tolist())


Numbers = TypeVar("Numbers", int, float)


def _everywhere(
    call: Call,
    default: Sequence[Numbers],
    numbers: Sequence[Numbers] | None,
    axes: Sequence[int] | None,
) -> tuple[Numbers, ...] | None:
    """Numbers for some axes as numbers for all of them."""
    if numbers is None or axes is None:
        return None if numbers is None else tuple(numbers)
    if len(axes) != len(numbers):
        raise ShapeError(f"{len(numbers)} scales or sizes are given for {len(axes)} axes")
    call.axes(axes, len(default))
    found = list(default)
    for axis, number in zip(axes, numbers, strict=True):
        found[call.axis(axis, len(found))] = number
    return tuple(found)


def _resampled(
    call: Call,
    x: Value,
    scales: tuple[float, ...] | None,
    sizes: tuple[int, ...] | None,
    transformation: str,
    rounding: str,
) -> Value:
    mode = call.text("mode", "nearest")
    if mode not in ("nearest", "linear") or transformation not in POSITIONS or rounding not in NEAREST:
        raise UnsupportedError(
            f"mode {mode!r} with coordinate_transformation_mode {transformation!r} and nearest_mode {rounding!r} "
            "is not supported"
        )
    given = scales if scales is not None else sizes
    if given is None or len(given) != len(x.shape):
        raise ShapeError(f"it needs scales or sizes for each dimension of {x.shape}, it is given {given}")
    if any(not (math.isfinite(number) and number > 0) for number in given):
        raise ShapeError(f"scales and sizes must be positive, they are {given}")
    steps = [_step(size, number, scales is not None) for size, number in zip(x.shape, given, strict=True)]
    if mode == "linear" and any(
        _needs_rounding(POSITIONS[transformation], step, x.dtype) for step in steps if step.changes
    ):
        return _interpolated(call, x, steps, transformation, by_scales=scales is not None)
    for dim, step in enumerate(steps):
        if step.changes:
            call.emitter.fitting(TensorType((*x.shape[:dim], step.out, *x.shape[dim + 1 :]), x.dtype))
            sources = step.sources(POSITIONS[transformation])
            x = (
                _nearest(call, x, dim, sources, rounding, _exactly(transformation, step, sources))
                if mode == "nearest"
                else _linear(call, x, dim, sources)
            )
    return x


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of one dimension."""

    size: int
    out: int
    scale: Fraction

    @property
    def changes(self) -> bool:
        return self.out != self.size or self.scale != 1

    def sources(self, position: Position) -> list[Fraction]:
        return [position(place, self.scale, self.size, self.out) for place in range(self.out)]


def _step(size: int, number: float, is_scale: bool) -> _Step:
    """The dimension of some size with a scale, or another size.

    Raises:
        UnsupportedError: the result is too long, or its length depends on rounding.
    """
    exact = Fraction(number)
    out = math.floor(size * exact) if is_scale else int(number)
    if out > LONGEST:
        raise UnsupportedError(f"{out:,} elements in one dimension are more than the {LONGEST:,} supported")
    # Most runtimes multiply in float32.
    rounded = math.floor(float(torch.tensor(float(size)) * torch.tensor(float(number))))
    if is_scale and rounded != out:
        raise UnsupportedError(
            f"whether {size} elements times the scale {number:.9g} are {out} or {rounded} depends on rounding"
        )
    return _Step(size, out, exact if is_scale else Fraction(out, size))


def _is_single(number: Fraction) -> bool:
    """Whether it is a float32 number."""
    return Fraction(float(torch.tensor(float(number)))) == number


def _exactly(transformation: str, step: _Step, sources: Sequence[Fraction]) -> list[bool]:
    """Which of the places are computed without an error, by the formulas as the standard writes them.

    Whole numbers and halves are, where the scale is a float32 number. Between aligned corners a product of whole
    numbers is divided once, whatever the scale; and zero divided by a scale is zero.
    """
    always = _is_single(step.scale) or (
        transformation == "align_corners" and step.size * step.out < SINGLE_WHOLE
    )
    return [
        (always and (source * 2).denominator == 1) or (transformation == "asymmetric" and not source)
        for source in sources
    ]


def _nearest(
    call: Call, x: Value, dim: int, sources: list[Fraction], rounding: str, exactly: list[bool]
) -> Value:
    """Copies of the nearest elements.

    Args:
        exactly: whether each place is computed without an error.
    """
    last = x.shape[dim] - 1

    def nearest(source: Fraction) -> int:
        return min(max(NEAREST[rounding](source), 0), last)

    for source, exact in zip(sources, exactly, strict=True):
        off = ROUNDING * (1 + abs(source))
        if not exact and nearest(source - off) != nearest(source + off):
            raise UnsupportedError(f"which element is the nearest to {float(source):.9g} depends on rounding")
    places = [nearest(source) for source in sources]
    return call.emit("index", x, call.constant(torch.tensor(places, dtype=torch.int64)), dims=(dim,))


def _linear(call: Call, x: Value, dim: int, sources: list[Fraction]) -> Value:
    """A product with a matrix that has one or two weights in each row."""
    matrix = torch.zeros(len(sources), x.shape[dim], dtype=torch.float64)
    for row, source in enumerate(sources):
        for place, share in _weights(source, x.shape[dim]):
            matrix[row, place] += float(share)
    order = [d for d in range(len(x.shape)) if d != dim] + [dim]
    back = [order.index(d) for d in range(len(order))]
    weight = call.constant(matrix.to(x.dtype))
    return call.permute(call.emit("linear", call.permute(x, order), weight), back)


def _weights(source: Fraction, size: int) -> list[tuple[int, Fraction]]:
    """The one or two elements that a place lies between, and their weights."""
    inside = min(max(source, Fraction(0)), Fraction(size - 1))
    first = min(math.floor(inside), max(size - 2, 0))
    pairs = [(first, 1 - (inside - first)), (first + 1, inside - first)]
    return pairs if size > 1 else pairs[:1]


def _needs_rounding(position: Position, step: _Step, dtype: torch.dtype) -> bool:
    """Whether some weight is no number of the type."""
    return any(
        Fraction(float(torch.tensor(float(weight), dtype=dtype))) != weight
        for source in step.sources(position)
        for _, weight in _weights(source, step.size)
    )


TORCH_MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}
"""What torch calls linear interpolation of so many dimensions."""


def _interpolated(
    call: Call, x: Value, steps: Sequence[_Step], transformation: str, *, by_scales: bool
) -> Value:
    """By torch's op, with weights that are not stored.

    Raises:
        UnsupportedError: it has no such interpolation.
    """
    shrunk = any(step.changes and step.out == 1 for step in steps)
    if (
        transformation not in ("half_pixel", "pytorch_half_pixel", "align_corners")
        or (transformation == "pytorch_half_pixel" and shrunk)
        or len(steps) not in TORCH_MODES
        or any(step.changes for step in steps[:2])
        or x.dtype not in (torch.float32, torch.float64)
    ):
        raise UnsupportedError(
            f"interpolating {x.type} to the shape {tuple(step.out for step in steps)} in the mode {transformation!r} "
            "needs weights that are rounded"
        )
    call.emitter.fitting(TensorType((*x.shape[:2], *(step.out for step in steps[2:])), x.dtype))
    align = transformation == "align_corners"
    scaled = by_scales and not align
    result = call.emit(
        "interpolate",
        x,
        size=None if scaled else tuple(step.out for step in steps[2:]),
        scale=tuple(float(step.scale) for step in steps[2:]) if scaled else None,
        mode=TORCH_MODES[len(steps)],
        align_corners=align,
        recompute=None,
    )
    return call.emit("recomputed", result, how="weights that each runtime rounds in its own way")


@operator("DepthToSpace")
def depth_to_space(call: Call) -> Value:
    """Blocks of pixels made of channels: in `DCR` the channels of a pixel of the block are together, in `CRD` apart."""
    x, block = _image(call)
    batch, channels, height, width = x.shape
    depth = channels // block**2
    if depth * block**2 != channels:
        raise ShapeError(f"{channels} channels do not go up in blocks of {block} by {block}")
    mode = call.text("mode", "DCR") if call.opset >= 11 else "DCR"
    if mode not in ("DCR", "CRD"):
        raise UnsupportedError(f"the mode {mode!r} is not supported")
    split = (block, block, depth) if mode == "DCR" else (depth, block, block)
    order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
    parts = call.permute(call.reshape(x, (batch, *split, height, width)), order)
    return call.reshape(parts, (batch, depth, height * block, width * block))


@operator("SpaceToDepth")
def space_to_depth(call: Call) -> Value:
    x, block = _image(call)
    batch, depth, height, width = x.shape
    if height % block or width % block:
        raise ShapeError(f"an image of {height} by {width} does not go up in blocks of {block} by {block}")
    sizes = (batch, depth, height // block, block, width // block, block)
    parts = call.permute(call.reshape(x, sizes), (0, 3, 5, 1, 2, 4))
    return call.reshape(parts, (batch, depth * block**2, height // block, width // block))


def _image(call: Call) -> tuple[Value, int]:
    call.takes(1, 1)
    x, block = call.input(0), call.integer("blocksize", 0)
    if len(x.shape) != 4 or block < 1:
        raise ShapeError(
            f"it takes (batch, channels, height, width) and a blocksize, not {x.shape} and {block}"
        )
    return x, block
