"""The set of inputs that a claim speaks about: a box, per input of the claim."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.claims.errors import DTYPES, RANGES, bad_dtype, beyond_dtype, no_whole_number
from torchlean.claims.errors import DomainError as DomainError
from torchlean.intervals import Interval
from torchlean.ops.op import dtype_name
from torchlean.source import Span


@dataclass(frozen=True, eq=False, slots=True)
class Box:
    """All tensors between `lower` and `upper`, element by element, ends included.

    Attributes:
        lower, upper: float64 tensors of the input's shape.
        text: the domain as the user wrote it, for hovers: `box([-1, -1], [1, 1])`.
        span: where it is written.
        dtype: the input's type; None for the program's floating type.
    """

    lower: Tensor
    upper: Tensor
    text: str
    span: Span | None = None
    dtype: torch.dtype | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.lower.shape)

    def interval(self) -> Interval:
        return Interval(self.lower, self.upper)


def box(
    lower: Tensor, upper: Tensor, text: str, span: Span | None = None, dtype: torch.dtype | None = None
) -> Box:
    """A checked box; scalars broadcast against the other end.

    Raises:
        DomainError: NaN, an empty box, shapes that do not fit together, or ends that the dtype does not hold.
    """
    try:
        low, high = torch.broadcast_tensors(lower.to(torch.float64), upper.to(torch.float64))
    except RuntimeError as error:
        raise DomainError(
            f"the lower end has shape {tuple(lower.shape)}, the upper {tuple(upper.shape)}: they do not broadcast"
        ) from error
    for name, end in (("lower", low), ("upper", high)):
        if bool(torch.isnan(end).any()):
            raise DomainError(f"the {name} end is NaN at {_first(torch.isnan(end))}")
    empty = low > high
    if bool(empty.any()):
        place = _first(empty)
        raise DomainError(
            f"empty: the lower end {low[place].item():g} is above the upper end {high[place].item():g} at {list(place)}"
        )
    if dtype is not None:
        low, high = _within(low, high, dtype)
    return Box(low.contiguous(), high.contiguous(), text, span, dtype)


def _within(low: Tensor, high: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Of whole numbers, the least and the greatest between each two ends."""
    name = dtype_name(dtype)
    if name not in DTYPES:
        raise DomainError(bad_dtype(repr(dtype)))
    if name not in RANGES or low.numel() == 0:
        return low, high
    least, greatest = RANGES[name]
    if not (least <= float(low.min()) and float(high.max()) <= greatest):
        raise DomainError(beyond_dtype(name, float(low.min()), float(high.max())))
    empty = low.ceil() > high.floor()
    if bool(empty.any()):
        place = _first(empty)
        raise DomainError(no_whole_number(name, list(place), float(low[place]), float(high[place])))
    return low.ceil(), high.floor()


def ball(
    center: Tensor,
    eps: float,
    clip: tuple[float, float] | None,
    text: str,
    span: Span | None = None,
    dtype: torch.dtype | None = None,
) -> Box:
    """The maximum-norm ball of radius `eps` around `center`, cut to `clip` where given, rounded outward.

    Raises:
        DomainError: a negative or NaN radius, a NaN centre, or nothing left inside `clip`.
    """
    if math.isnan(eps) or eps < 0:
        raise DomainError(f"the radius must be a number >= 0, got {eps}")
    exact = center.to(torch.float64)
    interval = _widened(exact, eps)
    low, high = interval.lower, interval.upper
    if clip is not None:
        clip_low, clip_high = clip
        if not clip_low <= clip_high:
            raise DomainError(f"clip=({clip_low}, {clip_high}) is empty")
        low, high = low.clamp(min=clip_low), high.clamp(max=clip_high)
    return box(low, high, text, span, dtype)


def _widened(center: Tensor, eps: float) -> Interval:
    """`[center - eps, center + eps]`, rounded outward only where float64 cannot hold the sum exactly."""
    low, high = center - eps, center + eps
    # The subtraction is exact when undoing it gives the operands back (Sterbenz-like test, both directions).
    low_exact = (low + eps == center) & (center - low == eps)
    high_exact = (high - eps == center) & (high - center == eps)
    below = torch.nextafter(low, torch.full_like(low, -math.inf))
    above = torch.nextafter(high, torch.full_like(high, math.inf))
    return Interval(torch.where(low_exact, low, below), torch.where(high_exact, high, above))


def _first(mask: Tensor) -> tuple[int, ...]:
    """Index of the first true element."""
    return tuple(int(i) for i in mask.nonzero()[0])
