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


@dataclass(frozen=True)
class Interpolated(Rule):
    """Resampling: means of neighbours with weights that the kernel computes in its own precision, or copies of them.

    A position has at most four roundings, relative to a size of `n + 1`; the result is continuous in it, so it moves
    by no more than that times the distance of two elements (see the op's interval rule).
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
        positions = sum(8 * (x.exact.shape[dim] + 1) for dim in spatial)
        sums = 2 * len(spatial) + 2 ** len(spatial)
        unit = call.precision.unit * 2 * (positions + sums)
        local = (x.magnitude.amax(spatial, keepdim=True) * unit).expand(call.out.shape)
        local = local + 2 ** (len(spatial) + 1) * call.precision.tiny
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
