"""What is stated about one kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

_RELATIVE_ULP = 2.0**-23
"""ulp(y) <= 2^-23 |y| for normal y, with equality at powers of two."""

_SMALLEST = 2.0**-149
"""The ulp of all subnormal numbers."""


@dataclass(frozen=True)
class Kernel:
    """A stated bound: |computed - y| <= ulps * ulp(y) + absolute for inputs within `domain`.

    `finite_below`: as long as the input's magnitude is below it, a result is infinite only where y rounds to an
    infinity; from there on, the kernel may overflow early. `documented`: what the libraries behind it promise or
    report, in ulps, 0 where they say nothing. `why`: where an absolute part or a limit comes from.
    """

    ulps: float
    absolute: float = 0.0
    documented: float = 0.0
    domain: tuple[float, float] = (-math.inf, math.inf)
    finite_below: float = math.inf
    why: str = ""

    def error(self, magnitude: float) -> float:
        """A bound of the error for every exact result of at most this magnitude (nonnegative, finite).

        Computed in float64 and not rounded upward: the stated figures have a margin of far more than 2^-50.
        """
        return self.ulps * max(_RELATIVE_ULP * magnitude, _SMALLEST) + self.absolute
