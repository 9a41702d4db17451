"""Property files for tests, and whether what they ask for exists: exactly, along one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.verification.networks import Exact

from torchlean.vnnlib import Property, Region, parse


def decimal(value: Fraction) -> str:
    """All digits of a dyadic (or decimal) fraction, without an exponent."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    return f"{Decimal((value * 10**digits).numerator).scaleb(-digits):f}"


def text(inputs: Sequence[tuple[Fraction | str, Fraction | str]], outputs: int, *conditions: str) -> str:
    """A file of version 1.0: a box, and assertions that make an input of it a counterexample."""
    lines = [f"(declare-const X_{i} Real)" for i in range(len(inputs))]
    lines += [f"(declare-const Y_{j} Real)" for j in range(outputs)]
    for i, ends in enumerate(inputs):
        low, high = (end if isinstance(end, str) else decimal(end) for end in ends)
        lines += [f"(assert (>= X_{i} {low}))", f"(assert (<= X_{i} {high}))"]
    return "\n".join([*lines, *(f"(assert {condition})" for condition in conditions)]) + "\n"


def read(content: str) -> Property:
    return parse(content, "test.vnnlib").required()


@dataclass(frozen=True)
class Stretch:
    """The parameters `t` of `[0, 1]` that satisfy conditions of the form `a t <= b` or `a t < b`."""

    low: Fraction = Fraction(0)
    high: Fraction = Fraction(1)
    low_open: bool = False
    high_open: bool = False

    def under(self, slope: Fraction, bound: Fraction, strict: bool) -> Stretch | None:
        """Those with `slope * t <= bound` too; None where there are none."""
        low, high, low_open, high_open = self.low, self.high, self.low_open, self.high_open
        if slope == 0:
            return self if (bound > 0 if strict else bound >= 0) else None
        end = bound / slope
        if slope > 0 and (end < high or (end == high and strict)):
            high, high_open = end, strict
        if slope < 0 and (end > low or (end == low and strict)):
            low, low_open = end, strict
        if low > high or (low == high and (low_open or high_open)):
            return None
        return Stretch(low, high, low_open, high_open)


def exists(network: Exact, property: Property) -> bool:
    """Whether a network of one input has a counterexample, in exact arithmetic.

    Between breakpoints outputs are affine, so a conjunction's constraints are half-lines of the parameter.
    """
    return any(_in_region(network, region) for region in property.regions)


def _in_region(network: Exact, region: Region) -> bool:
    ((low,), (high,)) = region.lower, region.upper
    assert low is not None and high is not None
    points = network.breakpoints(low, high)
    values = [([point], network([point])) for point in points]
    for (x, y), (x_end, y_end) in zip(values, values[1:] or values, strict=False):
        for conjunction in region.unsafe:
            stretch: Stretch | None = Stretch()
            for constraint in conjunction.constraints:
                first = _left(constraint.x, x) + _left(constraint.y, y)
                last = _left(constraint.x, x_end) + _left(constraint.y, y_end)
                stretch = stretch and stretch.under(last - first, constraint.bound - first, constraint.strict)
            if stretch is not None:
                return True
    return False


def _left(coefficients: dict[int, Fraction], values: Sequence[Fraction]) -> Fraction:
    return sum((c * values[i] for i, c in coefficients.items()), Fraction(0))
