"""A box of tensors: for each element a closed interval that contains every value it can take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals.rounding import down, up

_WIDE_INTEGERS = (torch.int64, torch.uint64)
"""The dtypes whose numbers can have more than float64's 53 bits."""


@dataclass(frozen=True, eq=False, slots=True)
class Interval:
    """Closed interval `[lower, upper]` per element; both float64 tensors of the value's shape.

    Attributes:
        lower: bounds from below, `-inf` where none is known, never NaN.
        upper: bounds from above, `+inf` where none is known, never NaN.
        undefined: some element may have no value at all (0/0, the logarithm of a negative number): NaN in a
            float execution. Bounds then speak of the defined values only, and nothing may be proved from
            them, so the flag travels with everything computed from this value.

        infinite: some element may be infinite as a value (the `-inf` of an attention mask), rather than finite and
            without a known bound. Engines keep track of it; rules look at it only where it makes a difference.

    A point interval shares one tensor for both ends (`is_point`), so that rules can skip half the work;
    constants and trained weights are such.
    """

    lower: Tensor
    upper: Tensor
    undefined: bool = False
    infinite: bool = False

    @staticmethod
    def point(value: Tensor, *, undefined: bool = False) -> Interval:
        """The interval that holds exactly `value`. NaN elements make it undefined and unbounded there.

        Integers that float64 cannot hold get the two float64 around them. Complex numbers have no order:
        nothing is known of them.
        """
        if value.is_complex():
            return Interval.unbounded(tuple(value.shape), undefined=True)
        exact = value if value.dtype == torch.float64 else value.to(torch.float64)
        if value.dtype in _WIDE_INTEGERS and bool((exact.abs() >= 2.0**53).any()):
            wide = exact.abs() >= 2.0**53
            return Interval(
                torch.where(wide, down(exact), exact), torch.where(wide, up(exact), exact), undefined
            )
        nan = torch.isnan(exact)
        if bool(nan.any()):
            return Interval(
                torch.where(nan, -math.inf, exact), torch.where(nan, math.inf, exact), undefined=True
            )
        return Interval(exact, exact, undefined)

    @staticmethod
    def unbounded(shape: tuple[int, ...], *, undefined: bool = False) -> Interval:
        """`[-inf, +inf]` everywhere: nothing is known. Costs no memory, whatever the shape."""
        return Interval.uniform(shape, -math.inf, math.inf, undefined=undefined)

    @staticmethod
    def uniform(shape: tuple[int, ...], lower: float, upper: float, *, undefined: bool = False) -> Interval:
        """The same interval for every element of `shape`, held as expanded scalars."""
        return Interval(
            torch.tensor(lower, dtype=torch.float64).expand(shape),
            torch.tensor(upper, dtype=torch.float64).expand(shape),
            undefined,
        )

    @property
    def is_point(self) -> bool:
        """Whether both ends are known to be the same tensor (a constant)."""
        return self.lower is self.upper

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.lower.shape)

    def batched(self) -> Interval:
        """The same with a batch of one in front."""
        lower = self.lower.unsqueeze(0)
        upper = lower if self.is_point else self.upper.unsqueeze(0)
        return Interval(lower, upper, self.undefined, self.infinite)

    def to(self, device: torch.device) -> Interval:
        """The same interval there; a point stays one."""
        lower = self.lower.to(device)
        upper = lower if self.is_point else self.upper.to(device)
        return Interval(lower, upper, self.undefined, self.infinite)

    def bounded(self) -> bool:
        """Whether every element has two finite ends."""
        # Zero times a finite number is zero, times any other NaN: a third of the time that `isfinite` takes.
        return float((self.lower * 0.0).add_(self.upper, alpha=0.0).sum()) == 0.0

    def contains(self, value: Tensor) -> bool:
        """Whether every element of `value` lies inside; NaN only inside an undefined interval."""
        exact = value.to(torch.float64)
        nan = torch.isnan(exact)
        if not self.undefined and bool(nan.any()):
            return False
        inside = (self.lower <= exact) & (exact <= self.upper)
        return bool((inside | nan).all())
