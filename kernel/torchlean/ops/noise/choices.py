"""Rules for ops that compute no new numbers: they move, choose or compare elements, so nothing is rounded.

What they do with errors differs. Moving takes the error along. Choosing by value (relu, max, sort) is nonexpansive: in
the sup norm the result moves no further than the operands. Deciding by value (comparisons, floor, argmax) can turn out
differently in an execution, and then the error is as large as the difference of outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.intervals.arithmetic import div
from torchlean.ops.noise.reading import as_read, common_dtype
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, width
from torchlean.ops.op import Attributes

BINARY32_UNIT = 2.0**-24
"""Numbers of the program are rounded to binary32 before they get here (`ops.elementwise.computed`)."""


@dataclass(frozen=True)
class Moved(Rule):
    """The result's elements are elements of the operands, at places that do not depend on values, or fixed numbers.

    The op itself carries the errors; fixed numbers that it writes are taken off again.
    """

    computes = False
    compares = False
    converts = True
    writes: bool = False

    def noise(self, call: Call) -> Noise:
        if not call.noisy:
            return Noise()
        passed = call.op.evaluate([x.errors for x in call.operands], call.attributes)
        if self.writes:
            zeros = [torch.zeros_like(x.errors) for x in call.operands]
            passed = torch.nan_to_num(
                passed - call.op.evaluate(zeros, call.attributes), nan=0.0, posinf=math.inf
            )
        least = min(x.least for x in call.operands)
        greatest = max(x.greatest for x in call.operands)
        return Noise(passed=passed) if self.writes else Noise(passed=passed, least=least, greatest=greatest)


@dataclass(frozen=True)
class Nonexpansive(Rule):
    """Element by element `|f(x) - f(y)| <= max |x_k - y_k|` over the operands, and f gives one of its operands' numbers
    or a number that stands in the program: relu, abs, clamp, minimum.

    Attributes:
        least, greatest: bounds of the result, also of the executed one.
        flat: where the result is the same for all that the first operand may be.
    """

    least: float = -math.inf
    greatest: float = math.inf
    flat: Callable[[Noisy], Tensor] | None = None
    computes = False
    converts = True

    def noise(self, call: Call) -> Noise:
        least, greatest = self.limits(call)
        if not call.noisy:
            return Noise(least=least, greatest=greatest)
        passed: Tensor | None = None
        for x in call.operands:
            if x.error is not None:
                passed = x.error if passed is None else torch.maximum(passed, x.error)
        assert passed is not None, "some operand is noisy"
        if self.flat is not None:
            passed = passed.masked_fill(self.flat(call.operands[0]), 0.0)
        return Noise(passed=passed, least=least, greatest=greatest)

    def limits(self, call: Call) -> tuple[float, float]:
        """Bounds of the executed result."""
        return self.least, self.greatest


@dataclass(frozen=True)
class Clamped(Nonexpansive):
    """Kept between two numbers that attributes give; either may be absent."""

    low: str = "min"
    high: str = "max"

    def noise(self, call: Call) -> Noise:
        noise = super().noise(call)
        return replace(noise, local=rounded_attributes(call))

    def limits(self, call: Call) -> tuple[float, float]:
        low, high = call.attributes.get(self.low), call.attributes.get(self.high)
        if rounded_attributes(call) is not None:
            return -math.inf, math.inf
        least = max(call.operands[0].least, float(low) if isinstance(low, int | float) else -math.inf)
        # torch gives the upper limit where the two are the wrong way round.
        greatest = float(high) if isinstance(high, int | float) else math.inf
        return min(least, greatest), greatest


def rounded_attributes(call: Call) -> Tensor | None:
    """What is lost where numbers of the program become elements of 16 bits; None where they have room."""
    if not call.floating or call.precision.unit <= BINARY32_UNIT:
        return None
    largest = max((abs(v) for v in call.attributes.values() if isinstance(v, int | float)), default=0.0)
    if largest == math.inf:
        return None
    lost = largest * call.precision.unit + call.precision.tiny
    return torch.tensor(lost, dtype=torch.float64).expand(call.out.shape)


@dataclass(frozen=True)
class Pooled(Rule):
    """Max pooling: the greatest error under each window; padding never wins, but may be all there is."""

    computes = False

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        least = -math.inf if call.exact.infinite else x.least
        if x.error is None:
            return Noise(least=least, greatest=x.greatest)
        passed = call.op.evaluate([x.error], call.attributes).clamp(min=0.0)
        return Noise(passed=passed, least=least, greatest=x.greatest)


@dataclass(frozen=True)
class ChosenAlong(Rule):
    """Each element of the result is the k-th largest of some elements of the operand (max, median, sort, top k): it
    moves no further than the one of these that moves furthest.

    Attributes:
        over: the greatest error among those elements, from the errors, in the shape of the result or broadcasting to
            it.
    """

    over: Callable[[Tensor, Attributes], Tensor]
    computes = False

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        if x.error is None:
            return Noise(least=x.least, greatest=x.greatest)
        passed = self.over(x.error, call.attributes).expand(call.out.shape)
        return Noise(passed=passed, least=x.least, greatest=x.greatest)


def worst(error: Tensor, attributes: Attributes) -> Tensor:
    """The greatest error over the dimensions that the attribute `dim` gives, a tuple."""
    dims = attributes["dim"]
    assert isinstance(dims, tuple)
    if not error.dim() or not dims:
        return error
    return torch.amax(error, dims, keepdim=bool(attributes["keepdim"]))


def along(name: str) -> Callable[[Tensor, Attributes], Tensor]:
    """The greatest error along the dimension that the attribute `name` gives; over all of them for None."""

    def over(error: Tensor, attributes: Attributes) -> Tensor:
        dim = attributes[name]
        if dim is None or not error.dim():
            return error.amax() if error.numel() else error.sum()
        assert isinstance(dim, int)
        if not attributes.get("keepdim", True):
            return error.amax(dim)
        return error.amax(dim, keepdim=True) if error.shape[dim] else error.sum(dim, keepdim=True)

    return over


@dataclass(frozen=True)
class Decided(Rule):
    """The result depends on values through decisions; in an execution these may be other ones.

    Exact and executed result both lie in the range of the op over all that the operands may be, so they are apart by at
    most its width. Where nothing is undecided, that is zero.
    """

    computes = False

    def noise(self, call: Call) -> Noise:
        local = rounded_attributes(call)
        if not call.noisy:
            return Noise(local)
        range_ = call.over_reach()
        error = width(range_)
        unknown = any(x.error is not None and not bool(torch.isfinite(x.error).all()) for x in call.operands)
        if range_.undefined or unknown:
            # NaN may be among the operands, which lies in no range: a comparison with it is false whatever that says.
            error = torch.full_like(error, 1.0 if call.out.dtype == torch.bool else math.inf)
        return Noise(local, error)


@dataclass(frozen=True)
class Compared(Decided):
    """A comparison: its operands are converted to one dtype first, which may make them equal."""

    def noise(self, call: Call) -> Noise:
        dtype = common_dtype(list(call.operands))
        read = [as_read(x, dtype, call.arithmetic) for x in call.operands]
        return super().noise(replace(call, operands=read))


@dataclass(frozen=True)
class WholeQuotient(Rule):
    """`a // b` and its like: the quotient may be rounded to a whole number first, and then be one off."""

    def noise(self, call: Call) -> Noise:
        passed = Decided().noise(call).passed
        if not call.floating:
            return Noise(passed=passed)
        local = call.result_magnitude(passed) * (2.0 * call.precision.unit) + 1.0
        return Noise(local, passed)


@dataclass(frozen=True)
class Remainder(Rule):
    """fmod is exact as long as the quotient does not overflow; remainder adds the divisor where signs differ, which
    rounds once. Compiled kernels write `a - floor(a / b) b` for remainder.
    """

    def noise(self, call: Call) -> Noise:
        passed = Decided().noise(call).passed
        if not call.floating:
            return Noise(passed=passed)
        local = call.result_magnitude(passed) * (2.0 * call.precision.unit) + call.precision.tiny
        a, b = call.operands
        nearest = torch.maximum(b.reach.lower, -b.reach.upper).clamp(min=0.0)
        if call.arithmetic.compiled and call.op.name == "remainder":
            local = local + self._by_quotient(call)
        return Noise(local, passed, peak=torch.nan_to_num(a.magnitude / nearest, nan=math.inf))

    @staticmethod
    def _by_quotient(call: Call) -> Tensor:
        """The error of `a - floor(a / b) b`.

        Product and difference are rounded at the size of `a` (and `b`). Where the quotient may be rounded across a
        whole number, its floor is off by one, and by `2 u |a / b|` more where numbers are sparser than that.
        """
        a, b = call.operands
        precision = call.precision
        quotient = div(a.reach, b.reach)
        largest = torch.maximum(quotient.lower.abs(), quotient.upper.abs())
        slack = largest * (8.0 * precision.unit) + 2.0 * precision.tiny
        steps = torch.floor(quotient.lower - slack) != torch.floor(quotient.upper + slack)
        error = (a.magnitude + b.magnitude) * (8.0 * precision.unit) + 2.0 * precision.tiny
        return torch.nan_to_num(error + torch.where(steps, b.magnitude, 0.0), nan=math.inf)


@dataclass(frozen=True)
class Stepped(Rule):
    """floor, ceil and their like: `|f(x) - f(y)| < |x - y| + step`, and no further apart than the range is wide."""

    step: float = 1.0
    computes = False

    def noise(self, call: Call) -> Noise:
        decided = Decided().noise(call).passed
        if decided is None:
            return Noise()
        return Noise(passed=torch.minimum(decided, call.operands[0].errors + self.step))


@dataclass(frozen=True)
class RoundedTo(Rule):
    """round: to whole numbers exactly; to decimals by way of a product and a quotient, which may turn a half around."""

    computes = False

    def noise(self, call: Call) -> Noise:
        decimals = call.attributes["decimals"]
        assert isinstance(decimals, int)
        if decimals == 0 or not call.floating:
            return Stepped().noise(call)
        step = 10.0**-decimals
        passed = Stepped(step).noise(call).passed
        local = call.result_magnitude(passed) * (6.0 * call.precision.unit) + (1.0 + 2.0**-20) * step
        scaled = call.operands[0].magnitude * 10.0**decimals
        return Noise(local, passed, peak=scaled)


def negative(x: Noisy) -> Tensor:
    """Where relu gives zero, whatever happens."""
    return x.exact.upper <= -x.errors
