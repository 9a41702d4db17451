"""What rules of rounding errors speak about: a value with its error, one call of an op, and what the call adds.

Everything is a bound of magnitudes: tensors of float64 that are never negative. They are computed in round to nearest;
the engine raises each result by more than its float64 rounding (`torchlean.rounding.engine`), so rules need not round
upward themselves. An infinite error says that nothing is known: the computed value may even be NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import magnitude
from torchlean.intervals.rounding import down, up
from torchlean.ops.noise.arithmetic import Arithmetic, Precision
from torchlean.ops.op import Attributes, Op, TensorType

LARGEST = torch.finfo(torch.float64).max

WORTH_REMEMBERING = 2**12
"""Elements from which on looking a weight's magnitudes up is quicker than taking them again."""

_INFINITY = torch.tensor(math.inf, dtype=torch.float64)
_MINUS_INFINITY = -_INFINITY


@dataclass(eq=False)
class Noisy:
    """A value of the exact program and how far the executed one may be from it.

    Attributes:
        exact: bounds of the exact value.
        error: a bound on |executed - exact| per element; None where the two are equal.
        least, greatest: bounds of every element of the executed value that hold whatever its error: a relu is never
            negative. They do not speak of NaN.
    """

    exact: Interval
    error: Tensor | None
    type: TensorType
    least: float = -math.inf
    greatest: float = math.inf

    @cached_property
    def reach(self) -> Interval:
        """Contains the exact value, the executed one, and all that lies between."""
        if self.error is None:
            return self.exact
        lower, upper = self._ends(self.error)
        if self.least > -math.inf:
            lower = torch.minimum(lower.clamp(min=self.least), self.exact.lower)
        if self.greatest < math.inf:
            upper = torch.maximum(upper.clamp(max=self.greatest), self.exact.upper)
        return Interval(lower, upper, self.exact.undefined)

    def _ends(self, error: Tensor) -> tuple[Tensor, Tensor]:
        """The exact ends moved outward; where the value is infinite, an infinite error leaves nothing known."""
        if self.exact.infinite:
            return down(self.exact.lower - error), up(self.exact.upper + error)
        below, above = self.exact.lower - error, self.exact.upper + error
        # Where there is no error the ends stay: a comparison that is decided by an equality remains so.
        still = error == 0
        return (
            torch.where(still, below, torch.nextafter(below, _MINUS_INFINITY)),
            torch.where(still, above, torch.nextafter(above, _INFINITY)),
        )

    @cached_property
    def magnitude(self) -> Tensor:
        """The largest magnitude of the exact and the executed value."""
        size = sizes(self.exact)
        return size if self.error is None else size + self.error

    @property
    def errors(self) -> Tensor:
        """The error as a tensor, zeros where there is none."""
        if self.error is None:
            return torch.zeros((), dtype=torch.float64).expand(self.exact.shape)
        return self.error

    def worse(self, by: Tensor) -> Noisy:
        """The same value with an additional error, by rounding it: of its limits only the sign survives."""
        least = 0.0 if self.least >= 0 else -math.inf
        greatest = 0.0 if self.greatest <= 0 else math.inf
        return Noisy(self.exact, self.errors + by, self.type, least, greatest)


@dataclass(frozen=True, eq=False)
class Call:
    """One op applied to operands with errors.

    Attributes:
        exact: bounds of the exact result.
        out: its type.
        permuted: whether dimensions were reordered on the way to an operand, so that it may lie in memory in another
            order than its shape says.
    """

    op: Op
    operands: Sequence[Noisy]
    attributes: Attributes
    out: TensorType
    exact: Interval
    arithmetic: Arithmetic
    permuted: bool = False

    @property
    def noisy(self) -> bool:
        """Whether any operand has an error."""
        return any(x.error is not None for x in self.operands)

    @property
    def floating(self) -> bool:
        return bool(self.out.dtype.is_floating_point)

    @cached_property
    def precision(self) -> Precision:
        """Of the result."""
        return self.arithmetic.precision(self.out.dtype)

    def over_reach(self) -> Interval:
        """The op's interval rule for all that the operands may be, in an execution too."""
        return self.op.interval([x.reach for x in self.operands], self.attributes, self.out)

    def result_magnitude(self, passed: Tensor | None) -> Tensor:
        """The largest magnitude of the op's exact result for executed operands."""
        size = sizes(self.exact)
        return size if passed is None else size + passed


@dataclass(frozen=True, eq=False, slots=True)
class Noise:
    """What an op makes of its operands' errors, and its own: the total error is `local + passed`.

    Attributes:
        local: by the op's own rounding, for operands that are what the execution has; None for zero.
        passed: how far the exact op moves when its operands move by their errors; None for zero.
        parts: `passed` by operand, where the rule knows it. For blame, not for bounds.
        peak: the largest magnitude of any intermediate result, where that may be larger than the result, up to an
            eighth (`torchlean.rounding.engine.MARGIN`).
        share: each element of `local` is at least this share of the magnitudes of its result and of all that is
            computed on the way, so that a small error shows that nothing overflows; 0 where the rule does not say.
        least, greatest: see `Noisy`.
        reason: why the error is infinite, where a rule gives up.
    """

    local: Tensor | None = None
    passed: Tensor | None = None
    parts: Sequence[Tensor | None] | None = None
    peak: Tensor | None = None
    least: float = -math.inf
    greatest: float = math.inf
    reason: str | None = None
    share: float = 0.0


def sizes(x: Interval) -> Tensor:
    """The largest magnitude in each element's interval."""
    if x.is_point:
        return magnitude(x.lower) if x.lower.numel() > WORTH_REMEMBERING else x.lower.abs()
    return torch.maximum(-x.lower, x.upper)


def infinite(x: Interval) -> Tensor:
    """Where a value is known to be infinite (a mask): no real number beyond float64 has an error that is finite."""
    if not x.infinite:
        return torch.zeros((), dtype=torch.bool)
    return (x.upper <= -LARGEST) | (x.lower >= LARGEST)


def added(*errors: Tensor | None) -> Tensor | None:
    """The sum of errors, None for zero."""
    total: Tensor | None = None
    for error in errors:
        if error is not None:
            total = error if total is None else total + error
    return total


def times(error: Tensor, factor: Tensor | float) -> Tensor:
    """`error * factor` where no error is none, whatever the slope: an exact operand passes nothing on. An infinite
    error stays one, also times zero: NaN and infinity times zero are NaN.
    """
    product = torch.where(error == 0, 0.0, error * factor)
    # A slope at -0.0 may come out as minus infinity.
    return torch.nan_to_num(product, nan=math.inf, posinf=math.inf, neginf=math.inf)


def width(interval: Interval) -> Tensor:
    """`upper - lower`, infinite where there is no bound."""
    return torch.nan_to_num(interval.upper - interval.lower, nan=math.inf, posinf=math.inf)


@cache
def growth(roundings: int, unit: float) -> float:
    """`(1 + u)**n - 1`: the relative error of n roundings, a little above (Higham, lemma 3.1)."""
    return math.expm1(roundings * math.log1p(unit)) * (1.0 + 2.0**-40)
