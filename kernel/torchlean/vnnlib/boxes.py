"""Boxes while they are being gathered: the bounds of single inputs, each with the place that states it.

A box may stand on another and hold only what it tightens: alternatives by the thousand share the bounds of hundreds of
inputs.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction

from torchlean.vnnlib.formula import MINUS_ONE, ONE, Comparison


@dataclass(slots=True)
class End:
    """An end of an input's interval, and where it is written. A strict one is not included, but counts as if it were
    wherever more than it is left."""

    value: Fraction
    place: tuple[int, int]
    strict: bool = False


def bound_of(comparison: Comparison) -> tuple[int, bool, Fraction] | None:
    """(input, whether it is an upper bound, value) of a comparison that bounds one input; None for others.

    A strict comparison is weakened to its closure; it must be kept as a constraint too.
    """
    if len(comparison.coefficients) != 1:
        return None
    ((key, factor),) = comparison.coefficients.items()
    if key < 0:
        return None
    bound = comparison.bound
    if factor is ONE or factor is MINUS_ONE:
        return key, factor is ONE, bound if factor is ONE else -bound
    return key, factor > 0, bound / factor


class Box:
    """Ends by input; `base` is the box it stands on."""

    def __init__(self, base: Box | None = None) -> None:
        self._base = base
        self._ends: dict[tuple[int, bool], End] = {}

    def end(self, key: int, is_upper: bool) -> End | None:
        own = self._ends.get((key, is_upper))
        if own is None and self._base is not None:
            return self._base.end(key, is_upper)
        return own

    def tighten(self, key: int, is_upper: bool, end: End) -> None:
        """Take over a bound if it says more than what is known."""
        known = self.end(key, is_upper)
        tighter = known is None or (end.value < known.value if is_upper else end.value > known.value)
        if tighter or (known is not None and end.value == known.value and end.strict and not known.strict):
            self._ends[key, is_upper] = end

    def contradictions(self) -> list[tuple[int, End, End]]:
        """(input, lower, upper) where no number is between the ends, among the inputs that this box tightens."""
        found = []
        for key in dict.fromkeys(key for key, _ in self._ends):
            low, high = self.end(key, False), self.end(key, True)
            if low is None or high is None:
                continue
            if low.value > high.value or (low.value == high.value and (low.strict or high.strict)):
                found.append((key, low, high))
        return found

    def identity(self) -> Hashable:
        """Equal for boxes on the same base that have the same ends, strict or not."""
        return frozenset(
            (*place, end.value) for place, end in self._ends.items() if self._says_more(place, end)
        )

    def _says_more(self, place: tuple[int, bool], end: End) -> bool:
        """Whether an end lies elsewhere than the base's."""
        known = None if self._base is None else self._base.end(*place)
        return known is None or known.value != end.value
