"""Rules for ops that choose elements by other operands: `where`, indices, conversions to another dtype."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.ops.noise.arithmetic import Precision
from torchlean.ops.noise.choices import Decided
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, width
from torchlean.ops.op import UnsupportedError


@dataclass(frozen=True)
class Switched(Rule):
    """`where(condition, a, b)`. Where the condition may turn out differently, anything between the two."""

    computes = False
    compares = False

    def noise(self, call: Call) -> Noise:
        condition, a, b = call.operands
        least, greatest = min(a.least, b.least), max(a.greatest, b.greatest)
        if not call.noisy:
            return Noise(least=least, greatest=greatest)
        shape = call.out.shape
        first, second = a.errors.expand(shape), b.errors.expand(shape)
        passed = torch.maximum(first, second)
        passed = torch.where(condition.exact.lower.expand(shape) == 1, first, passed)
        passed = torch.where(condition.exact.upper.expand(shape) == 0, second, passed)
        if condition.error is not None:
            turned = condition.error.expand(shape) > 0
            low = torch.minimum(a.reach.lower, b.reach.lower)
            high = torch.maximum(a.reach.upper, b.reach.upper)
            apart = torch.nan_to_num(high - low, nan=math.inf, posinf=math.inf)
            passed = torch.where(turned, torch.maximum(apart, torch.maximum(first, second)), passed)
        return Noise(passed=passed, least=least, greatest=greatest)


@dataclass(frozen=True)
class LookedUp(Rule):
    """Elements of the first `values` operands, chosen by indices in the others.

    With indices that are known exactly the op itself carries the errors; with any others, an element moves no further
    than the one that moves most, as long as both executions choose the same.
    """

    values: int = 1
    computes = False
    compares = False

    def noise(self, call: Call) -> Noise:
        values, indices = call.operands[: self.values], call.operands[self.values :]
        least, greatest = min(x.least for x in values), max(x.greatest for x in values)
        if not call.noisy:
            return Noise(least=least, greatest=greatest)
        if any(x.error is not None for x in indices):
            found = Decided().noise(call)
            return Noise(passed=found.passed, least=least, greatest=greatest)
        if all(x.exact.is_point for x in indices):
            places = [x.exact.lower.to(torch.int64) for x in indices]
            passed = call.op.evaluate([*(x.errors for x in values), *places], call.attributes)
        else:
            passed = torch.stack([x.errors.amax() for x in values]).amax().expand(call.out.shape)
        return Noise(passed=passed, least=least, greatest=greatest)


@dataclass(frozen=True)
class Classified(Rule):
    """`isnan` and its like: exact numbers are neither, and an execution is where its error is not known."""

    computes = False
    compares = False

    def noise(self, call: Call) -> Noise:
        if not call.noisy:
            return Noise()
        (x,) = call.operands
        return Noise(passed=torch.isinf(x.errors).to(torch.float64))


@dataclass(frozen=True)
class Converted(Rule):
    """To another dtype: rounded once where it has fewer digits, truncated for integers, `!= 0` for bool."""

    computes = False

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        if not call.floating:
            if x.type.dtype.is_floating_point and call.out.dtype != torch.bool:
                return self._truncated(call, x)
            return Decided().noise(call) if call.out.dtype == torch.bool else Noise(passed=x.error)
        precision = call.precision
        if self._exactly(x, call, precision):
            return Noise(passed=x.error, least=x.least, greatest=x.greatest)
        local = x.magnitude * precision.unit + precision.tiny
        return Noise(local, x.error, peak=x.magnitude, least=min(x.least, 0.0) if x.least >= 0 else -math.inf)

    def _exactly(self, x: Noisy, call: Call, precision: Precision) -> bool:
        own = x.type.dtype
        if own == torch.bool or x.exact.lower.numel() == 0:
            return True
        if not own.is_floating_point:
            return (
                bool((x.magnitude <= 1.0 / precision.unit).all()) and precision.largest > 1.0 / precision.unit
            )
        before = call.arithmetic.precision(own)
        # bfloat16 has fewer digits than float16, but more exponents.
        narrower = before.unit >= precision.unit and before.largest <= precision.largest
        return narrower and not precision.flushed

    def _truncated(self, call: Call, x: Noisy) -> Noise:
        found = Decided().noise(call).passed
        if x.error is None or found is None:
            return Noise()
        error = torch.minimum(found, x.error + 1.0)
        return Noise(passed=torch.where(torch.isinf(x.error), math.inf, error))


def resampling_roundings(before: Sequence[int], after: Sequence[int], antialias: bool) -> tuple[int, int]:
    """How far a resampled number may be off, in roundings of the largest number, and of how many terms it is a sum.

    A source position `(i + 1/2) scale - 1/2 <= n` has at most four roundings, an absolute error of 4 (n + 1) u.
    A linear mode averages 2 neighbours, whose weights move by no more than the position: the result by 8 (n +
    1) u max|x|. With `antialias`, a tent of half width `s >= 1`, the scale where images shrink, is sampled at
    up to `2 s + 3` elements and divided by the sum of the samples, which is at least `4 s / 9`, reached where
    half of a tent of `s = 3 / 2` lies outside of the image. A sample moves by the position's error over `s`, so
    all weights together by no more than `2 (2 s + 3) / s / (4 s / 9)` times that error, `90 (n + 1) u`. A
    weight has four roundings of its own, and the sums of samples and of products one for each element. The
    result is a sum of products of one weight for each dimension; a factor of two covers terms of higher order.
    """
    positions, terms, weights = 0, 1, 0
    for old, new in zip(before, after, strict=True):
        # With `align_corners` the scale is (old - 1) / (new - 1).
        taps = 2 * max(-(-old // max(new - 1, 1)), 1) + 3 if antialias else 2
        positions += (90 if antialias else 8) * (old + 1)
        weights += 2 + (4 + 2 * taps if antialias else 0)
        terms *= taps
    return 2 * (positions + weights + terms), terms


@dataclass(frozen=True)
class Interpolated(Rule):
    """Resampling: means of neighbours with weights that the kernel computes in its own precision, or copies of them.

    See `resampling_roundings`; the result is continuous in the position, so falling on the other side of an element
    changes nothing.
    """

    averaging: Sequence[str]
    copying: Sequence[str]

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        mode = call.attributes["mode"]
        if mode in self.copying:
            return self._copied(call, x)
        if mode not in self.averaging:
            raise UnsupportedError(f'no bound for the rounding error of `interpolate` with mode "{mode}"')
        spatial = tuple(range(2, len(call.out.shape)))
        count, terms = resampling_roundings(
            x.exact.shape[2:], call.out.shape[2:], bool(call.attributes.get("antialias"))
        )
        local = (x.magnitude.amax(spatial, keepdim=True) * (call.precision.unit * count)).expand(
            call.out.shape
        )
        local = local + 2 * terms * call.precision.tiny
        if x.error is None:
            return Noise(local, peak=local + x.magnitude.amax(spatial, keepdim=True))
        # The float64 weights of this evaluation are off as well, by far less.
        largest = x.error.amax(spatial, keepdim=True)
        passed = call.op.evaluate([x.error.contiguous()], call.attributes) + largest * 2.0**-30
        return Noise(
            local, torch.minimum(passed, 2 * largest), peak=local + x.magnitude.amax(spatial, keepdim=True)
        )

    def _copied(self, call: Call, x: Noisy) -> Noise:
        """The rule for intervals says which neighbours may be meant, by trying both precisions."""
        shape = x.exact.shape
        places = torch.arange(x.exact.lower.numel(), dtype=torch.float64).reshape(shape)
        range_ = call.op.interval([type(x.exact).point(places)], call.attributes, call.out)
        open_ = range_.lower != range_.upper
        local: Tensor | None = None
        if bool(open_.any()):
            local = torch.where(open_, width(call.over_reach()), 0.0)
        if x.error is None:
            return Noise(local)
        passed = call.op.interval(
            [type(x.exact)(torch.zeros_like(x.error), x.error)], call.attributes, call.out
        )
        return Noise(local, passed.upper)
