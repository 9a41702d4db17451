"""How far torch's functions are from the exact ones, in units in the last place of the result."""

from __future__ import annotations

from torchlean.ops.noise.arithmetic import Precision

_ULPS = {
    **dict.fromkeys(
        ("sqrt", "reciprocal", "erf", "tanh", "exp", "expm1", "log", "log1p", "log2", "log10"), 2.0
    ),
    **dict.fromkeys(
        ("sin", "cos", "asin", "acos", "atan", "atan2", "exp2", "hypot", "sigmoid", "rsqrt"), 2.5
    ),
    **dict.fromkeys(("tan", "sinh", "cosh", "asinh", "acosh", "atanh", "erfc", "pow"), 4.0),
}


def ulps(function: str) -> float:
    """An upper bound of the error of torch's function on a CPU, in ulps of the exact result.

    Raises:
        KeyError: nothing is known of the function.
    """
    return _ULPS[function]


def relative(function: str, precision: Precision) -> tuple[float, float]:
    """The error of one call as (relative to the exact result, absolute).

    One ulp is at most `2 u` of the result, or the smallest subnormal. Results below the smallest normal number may be
    flushed: some vector kernels do.
    """
    count = ulps(function)
    return 2.0 * count * precision.unit, 2.0 * count * precision.tiny + precision.smallest_normal
