"""Domains at run time: the same boxes as `claims/domain.py`, as plain Python numbers.

`import torchlean` stands in every file that states a claim, so it must cost next to nothing: a domain is
built and checked here without torch or numpy, and becomes tensors only when the claim is really run.
`tests/claims` compares every construction and every message with `claims/domain.py`, which is what the
analysis uses.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from torchlean.claims.errors import (
    DTYPE_OF_FILE,
    DTYPES,
    RANGES,
    DomainError,
    bad_dtype,
    beyond_dtype,
    no_whole_number,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Nested = Union[float, "list[Nested]"]

Shape = tuple[int, ...]

SHOWN_ELEMENTS = 8
"""How many numbers a domain's text spells out before it falls back to shape and range: one line of an
editor.
"""


@dataclass(frozen=True, slots=True)
class Domain:
    """All tensors between `lower` and `upper`, element by element, ends included. Made by `box` and `ball`.

    Attributes:
        lower, upper: the ends as float64 numbers in row-major order.
        shape: the shape of the input; `()` for a single number.
        dtype: the name of the input's type in torch, such as "uint8"; None for the program's floating type.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    shape: Shape
    dtype: str | None = None

    def __repr__(self) -> str:
        if len(self.lower) <= SHOWN_ELEMENTS:
            dtype = "" if self.dtype is None else f", dtype=torch.{self.dtype}"
            return f"box({nested(self.lower, self.shape)}, {nested(self.upper, self.shape)}{dtype})"
        kind = "" if self.dtype is None else f" of {self.dtype}"
        return f"box{kind} of shape {self.shape} within [{min(self.lower):g}, {max(self.upper):g}]"


class Regions:
    """The domain of a claim about each sample of a data file: one region for each (`claims/samples.py`, which needs
    torch)."""


def assume(x: Tensor, lo: float, hi: float) -> Tensor:
    """State that every number of a tensor lies in `[lo, hi]`; gives back the tensor, unchanged.

    The analysis believes it from there on. When the program runs, it is checked.

    Raises:
        ValueError: a number of `x` lies outside, or is NaN.
    """
    if not bool(((x >= lo) & (x <= hi)).all()):
        raise ValueError(f"tl.assume: a number lies outside of [{lo:g}, {hi:g}]")
    return x


def box(
    lo: object, hi: object, *, shape: int | Shape | None = None, dtype: torch.dtype | None = None
) -> Domain:
    """All inputs with `lo <= x <= hi`, element by element.

    Args:
        lo, hi: numbers, nested lists of numbers, tensors or arrays; they broadcast against each other.
        shape: the input's shape, where the ends do not say it: `box(0.0, 1.0, shape=(1, 28, 28))`.
        dtype: the input's type, where it is not the program's floating type: `box(0, 255, shape=(28, 28, 3),
            dtype=torch.uint8)` has all pictures of bytes. Of whole numbers, those between the ends.

    Raises:
        DomainError: NaN, an empty box, ragged lists, shapes that do not fit together, or ends that the type does not
            hold.

    Example:
        >>> box([-1.0, -1.0], 1.0)
        box([-1.0, -1.0], [1.0, 1.0])
    """
    low_shape, low = _numbers(lo, "lower end")
    high_shape, high = _numbers(hi, "upper end")
    if shape is None:
        wanted = _broadcast(low_shape, high_shape)
        if wanted is None:
            raise DomainError(
                f"the lower end has shape {low_shape}, the upper {high_shape}: they do not broadcast"
            )
    else:
        wanted = _sizes(shape)
        if _broadcast(low_shape, wanted) != wanted or _broadcast(high_shape, wanted) != wanted:
            raise DomainError(
                f"ends of shape {low_shape} and {high_shape} do not broadcast to shape={wanted}"
            )
    return _checked(_expand(low, low_shape, wanted), _expand(high, high_shape, wanted), wanted, dtype)


def ball(
    center: object, eps: float, *, clip: tuple[float, float] | None = None, dtype: torch.dtype | None = None
) -> Domain | Regions:
    """All inputs at most `eps` away from `center` in every element (the maximum norm), cut to `clip`.

    Args:
        center: a number, nested list, tensor or array: the point, of the input's shape. Or the path of a data file with
            an array `x` (samples, *input): the claim then is one about each sample.
        eps: the radius, in the input's own units.
        clip: the least and the greatest value any element may have, such as `(0, 1)` for pixels.
        dtype: as for `box`; not with a data file, whose samples become the program's floating type.

    Raises:
        DomainError: a negative or NaN radius, a NaN centre, or nothing left inside `clip`; a data file that cannot be
            used.
        FileNotFoundError: no such data file.

    Example:
        >>> ball([0.5, 1.0], 0.25, clip=(0, 1))
        box([0.25, 0.75], [0.75, 1.0])
    """
    if isinstance(center, (str, Path)):
        if dtype is not None:
            raise DomainError(DTYPE_OF_FILE)
        from torchlean.claims.robustness import read_samples

        caller = sys._getframe(1).f_code.co_filename
        return read_samples(center, eps, "linf", clip, caller, labelled=False)[0]
    shape, points = _numbers(center, "center")
    radius = known_number(eps)
    if radius is None:
        raise DomainError(f"the radius must be a number, got {eps!r}")
    if math.isnan(radius) or radius < 0:
        raise DomainError(f"the radius must be a number >= 0, got {radius}")
    low = [_below(point, radius) for point in points]
    high = [_above(point, radius) for point in points]
    if clip is not None:
        clip_low, clip_high = pair_of(clip)
        if not clip_low <= clip_high:
            raise DomainError(f"clip=({clip_low}, {clip_high}) is empty")
        # max and min return their first argument beside NaN, so a NaN centre is still found below.
        low = [max(end, clip_low) for end in low]
        high = [min(end, clip_high) for end in high]
    return _checked(low, high, shape, dtype)


def nested(flat: tuple[float, ...], shape: Shape) -> Nested:
    """The numbers as nested lists of `shape`: what `Tensor.tolist` gives."""
    if not shape:
        return flat[0]
    step = math.prod(shape[1:])
    return [nested(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def _checked(low: list[float], high: list[float], shape: Shape, dtype: torch.dtype | None = None) -> Domain:
    for name, end in (("lower", low), ("upper", high)):
        for place, value in enumerate(end):
            if math.isnan(value):
                raise DomainError(f"the {name} end is NaN at {_index(place, shape)}")
    for place, (l, u) in enumerate(zip(low, high, strict=True)):
        if l > u:
            raise DomainError(
                f"empty: the lower end {l:g} is above the upper end {u:g} at {list(_index(place, shape))}"
            )
    type_name = None if dtype is None else str(dtype).removeprefix("torch.")
    if type_name is not None and type_name not in DTYPES:
        raise DomainError(bad_dtype(repr(dtype)))
    if type_name is not None and type_name in RANGES:
        low, high = _whole(low, high, shape, type_name)
    return Domain(tuple(low), tuple(high), shape, type_name)


def _whole(low: list[float], high: list[float], shape: Shape, dtype: str) -> tuple[list[float], list[float]]:
    """The least and the greatest whole number between each two ends."""
    least, greatest = RANGES[dtype]
    if low and not least <= min(low) <= max(high) <= greatest:
        raise DomainError(beyond_dtype(dtype, min(low), max(high)))
    for place, (l, u) in enumerate(zip(low, high, strict=True)):
        if math.ceil(l) > math.floor(u):
            raise DomainError(no_whole_number(dtype, list(_index(place, shape)), l, u))
    return [float(math.ceil(end)) for end in low], [float(math.floor(end)) for end in high]


def _sizes(shape: object) -> Shape:
    sizes = (shape,) if isinstance(shape, int) else shape
    if not isinstance(sizes, tuple | list) or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise DomainError(f"shape must be a tuple of sizes, got {shape!r}")
    return tuple(sizes)


def known_number(value: object) -> float | None:
    """A plain number, or a tensor or array of one; None for anything else."""
    if isinstance(value, int | float):
        return float(value)
    if not callable(getattr(value, "tolist", None)):
        return None
    _, numbers = _numbers(value, "number")
    return numbers[0] if len(numbers) == 1 else None


def pair_of(clip: object) -> tuple[float, float]:
    """The two ends of `clip`."""
    numbers = [known_number(end) for end in clip] if isinstance(clip, tuple | list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise DomainError(f"clip must be two numbers (lo, hi), got {clip!r}")
    return numbers[0], numbers[1]


def _below(point: float, radius: float) -> float:
    """`point - radius`, rounded down only where float64 cannot hold it exactly."""
    end = point - radius
    exact = end + radius == point and point - end == radius
    return end if exact else math.nextafter(end, -math.inf)


def _above(point: float, radius: float) -> float:
    """`point + radius`, rounded up only where float64 cannot hold it exactly."""
    end = point + radius
    exact = end - radius == point and end - point == radius
    return end if exact else math.nextafter(end, math.inf)


def _numbers(value: object, name: str) -> tuple[Shape, list[float]]:
    """Shape and row-major numbers of whatever a person may write for a tensor."""
    tolist = getattr(value, "tolist", None)
    if callable(tolist):  # a tensor of torch, an array or a scalar of numpy: no need to know which
        value = tolist()
    if isinstance(value, int | float):
        return (), [float(value)]
    if not isinstance(value, list | tuple):
        raise DomainError(f"the {name} must be a number, a list of numbers or a tensor, got {value!r}")
    rows = [_numbers(row, name) for row in value]
    if not rows:
        return (0,), []
    shape = rows[0][0]
    for place, (other, _) in enumerate(rows):
        if other != shape:
            raise DomainError(f"the {name} is ragged: shape {shape} at 0, but {other} at {place}")
    return (len(rows), *shape), [number for _, row in rows for number in row]


def _broadcast(first: Shape, second: Shape) -> Shape | None:
    """The shape both broadcast to by torch's rule (sizes equal or 1, aligned at the end), or None."""
    rank = max(len(first), len(second))
    sizes = []
    for a, b in zip(_padded(first, rank), _padded(second, rank), strict=True):
        if a != b and 1 not in (a, b):
            return None
        sizes.append(b if a == 1 else a)
    return tuple(sizes)


def _padded(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _expand(flat: list[float], shape: Shape, target: Shape) -> list[float]:
    """The numbers of a tensor of `shape`, repeated as broadcasting to `target` repeats them."""
    if not target:
        return flat
    padded = _padded(shape, len(target))
    step = math.prod(padded[1:])
    rows = [
        _expand(flat[i * step : (i + 1) * step], padded[1:], target[1:])
        for i in range(min(padded[0], target[0]))
    ]
    return [number for row in (rows * target[0] if padded[0] == 1 else rows) for number in row]


def _index(place: int, shape: Shape) -> Shape:
    """The index of the row-major `place`."""
    index: list[int] = []
    for size in reversed(shape):
        place, digit = divmod(place, size)
        index.insert(0, digit)
    return tuple(index)
