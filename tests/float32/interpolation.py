"""Reference values of a smooth function at equally spaced inputs, from a few of them.

A sweep asks for the values at all floats, tens of thousands in an interval whose ends differ by less than a
hundredth. There a function is a polynomial of low degree, to many more digits than a comparison with binary32
needs, and evaluating that takes a tenth of the time. Whether it is one is read off the function's Chebyshev
coefficients (L. N. Trefethen, Approximation Theory and Approximation Practice, chapters 3 and 7), and tried at
other points; where it is not, there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

Doubles = npt.NDArray[np.float64]

_DEGREE = 10
_PROBES = np.array([-1.0, -0.83, -0.41, -0.07, 0.29, 0.66, 0.91, 1.0])
"""Where the polynomial is tried: both ends, and points without any relation to the nodes."""

_TOLERANCE = 2.0**-9
"""In ulps of binary32: what a reference value may be off, beside errors of half an ulp and more."""


_BEYOND = 2.0**128
"""Values that no number of binary32 is near to: how large they are does not matter."""


class Ramp:
    """`count` equally spaced inputs, whatever their ends."""

    def __init__(self, count: int) -> None:
        self._positions = np.linspace(-1.0, 1.0, count)
        self._nodes = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
        self._fit = np.linalg.inv(chebyshev.chebvander(self._nodes, _DEGREE))
        self._probe = chebyshev.chebvander(_PROBES, _DEGREE)

    def interpolate(self, function: Callable[[Doubles], Doubles], low: float, high: float) -> Doubles | None:
        """The values from one end to the other, both counted; None where a polynomial is not near enough."""
        middle, half = (low + high) / 2, (high - low) / 2
        known = function(middle + half * np.concatenate([self._nodes, _PROBES]))
        if np.isnan(known).all() or (known == known[0]).all() or np.abs(known).min() >= _BEYOND:
            return np.full_like(self._positions, known[0])
        if not np.isfinite(known).all() or known.min() <= 0.0 <= known.max():
            return None
        allowed = _TOLERANCE * max(float(np.abs(known).min()) * 2.0**-24, 2.0**-149)
        coefficients = self._fit @ known[: _DEGREE + 1]
        # Coefficients of a smooth function fall off: the last two stand for all that are left out.
        if np.abs(coefficients[-2:]).sum() > allowed:
            return None
        tail = np.cumsum(np.abs(coefficients[::-1]))[::-1]
        kept = coefficients[: max(1, int((tail > allowed).sum()))]
        if np.abs(self._probe[:, : kept.size] @ kept - known[_DEGREE + 1 :]).max() > 4 * allowed:
            return None
        return self._evaluate(chebyshev.cheb2poly(kept))

    def _evaluate(self, powers: Doubles) -> Doubles:
        values = np.full_like(self._positions, powers[-1])
        for power in powers[-2::-1]:
            values *= self._positions
            values += power
        return values
