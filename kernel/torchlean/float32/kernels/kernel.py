"""What is stated about one kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torchlean.float32.formats import BINARY32, Format


@dataclass(frozen=True)
class Kernel:
    """A stated bound: |computed - y| <= ulps * ulp(y) + absolute for inputs within `domain`.

    `finite_below`: as long as the input's magnitude is below it, a result is infinite only where y rounds to an
    infinity; from there on, the kernel may overflow early. `documented`: what the libraries behind it promise or
    report, in ulps, 0 where they say nothing. `why`: where an absolute part or a limit comes from. `format`: the
    format of the result, in whose ulps the bound is.
    """

    ulps: float
    absolute: float = 0.0
    documented: float = 0.0
    domain: tuple[float, float] = (-math.inf, math.inf)
    finite_below: float = math.inf
    why: str = ""
    format: Format = BINARY32

    def error(self, magnitude: float) -> float:
        """A bound of the error for every exact result of at most this magnitude (nonnegative, finite).

        ulp(y) is at most 2u |y| for normal numbers, and 2η for the others. Computed in float64 and not rounded
        upward: the stated figures have a margin of far more than 2^-50.
        """
        largest_ulp = max(
            2 * float(self.format.unit_roundoff) * magnitude, 2 * float(self.format.half_quantum)
        )
        return self.ulps * largest_ulp + self.absolute
