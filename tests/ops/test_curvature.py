"""Where smooth activations bend: the constants that tangents and chords rest on, checked on exact functions."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import pytest
from mpmath import mpf
from tests.ops.exact import PRECISION, analytic
from tests.ops.univariate_cases import CASES, Univariate

from torchlean.ops.smooth import Gelu, Mish, Silu

BENDS = {
    "silu": Silu.planes.bends,
    "mish": Mish.planes.bends,
    "gelu, approximate=none": Gelu.planes.bends,
    "gelu, approximate=tanh": Gelu.tanh_planes.bends,
}

every_case = pytest.mark.parametrize("case", [case for case in CASES if str(case) in BENDS], ids=str)


def curvature(case: Univariate, x: mpf) -> mpf:
    """The second derivative by a central difference: with 400 bits and this step it has some 40 digits."""
    step = mp.ldexp(1, -PRECISION // 3)
    reference = analytic(lambda y: case.reference(_fraction(y)))
    left, centre, right = (reference(_fraction(y)) for y in (x - step, x, x + step))
    return (mpf(left) - 2 * mpf(centre) + mpf(right)) / step**2


def _fraction(x: mpf) -> Fraction:
    sign, mantissa, exponent, _ = mpf(x)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


@every_case
def test_the_curvature_changes_within_an_ulp_of_each_bend(case: Univariate) -> None:
    left, right = BENDS[str(case)]
    for bend, sign in ((left, 1), (right, -1)):
        before, after = math.nextafter(bend, -math.inf), math.nextafter(bend, math.inf)
        assert curvature(case, mpf(before)) * sign < 0 < curvature(case, mpf(after)) * sign


@every_case
def test_the_graph_is_convex_between_the_bends_and_concave_outside(case: Univariate) -> None:
    left, right = BENDS[str(case)]
    for x in (k / 8 for k in range(-64, 65)):
        assert (curvature(case, mpf(x)) > 0) == (left < x < right), x
