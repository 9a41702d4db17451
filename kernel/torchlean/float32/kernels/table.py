"""The stated bounds, function by function.

How a figure is chosen: the largest error measured on any path (vectorised, element by element, without AVX2),
and the largest that the documentation of SLEEF (1.0 for its functions `_u10`, 1.5 for `_u15`), of MKL's high
accuracy mode (1.0) or of glibc ("Errors in Math Functions" of its manual, x86_64) admits; rounded up to a half,
and half an ulp more where only torch's own composition of such functions stands behind it. A processor or version
that was not measured should then stay below as well, but nobody promises that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from torchlean.float32.kernels.kernel import Kernel

_LOST_EXPONENTIAL = "e^-x overflows below -88.72: 0 instead of a tiny number"
_SLEEF_OVERFLOWS = "SLEEF may overflow beyond 88.5"

_TINY = 2.0**-126
"""The smallest normal number."""

KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "exp": Kernel(1.0, documented=1.0),
        "exp2": Kernel(1.0, documented=1.0),
        "expm1": Kernel(1.5, documented=1.0),
        "log": Kernel(1.0, documented=1.0),
        "log2": Kernel(1.0, documented=1.0),
        "log10": Kernel(2.0, documented=2.0),
        "log1p": Kernel(1.5, documented=1.0),
        "sqrt": Kernel(1.0, documented=1.0),
        "rsqrt": Kernel(2.0),
        "reciprocal": Kernel(0.5, documented=0.5),
        "square": Kernel(0.5, documented=0.5),
        "sin": Kernel(1.0, documented=1.0),
        "cos": Kernel(1.0, documented=1.0),
        "tan": Kernel(1.5, documented=1.0),
        "asin": Kernel(1.0, documented=1.0),
        "acos": Kernel(1.0, documented=1.0),
        "atan": Kernel(1.0, documented=1.0),
        "sinh": Kernel(2.5, documented=2.0, finite_below=88.5, why=_SLEEF_OVERFLOWS),
        "cosh": Kernel(2.5, documented=2.0, finite_below=88.5, why=_SLEEF_OVERFLOWS),
        "tanh": Kernel(2.0, documented=2.0),
        "asinh": Kernel(2.5, documented=2.0),
        "acosh": Kernel(2.5, documented=2.0),
        "atanh": Kernel(2.5, documented=2.0),
        "erf": Kernel(1.0, documented=1.0),
        "erfc": Kernel(3.0, documented=3.0),
        "erfinv": Kernel(1.0, documented=1.0, why="with MKL only"),
        "lgamma": Kernel(
            7.0,
            absolute=2.0**-19,
            documented=7.0,
            finite_below=4.0e36,
            why="zeros for negative inputs; SLEEF overflows early",
        ),
        "digamma": Kernel(
            16.0,
            absolute=2.0**-20,
            domain=(0.0, math.inf),
            why="a zero at 1.46; unbounded for negative inputs",
        ),
        "sigmoid": Kernel(3.0, absolute=_TINY, why=_LOST_EXPONENTIAL),
        "logsigmoid": Kernel(2.5),
        "softplus": Kernel(2.5),
        "gelu": Kernel(
            1.0,
            absolute=2.0**-19,
            finite_below=1.7e38,
            why="1 + erf(x) cancels; oneDNN's erf is off by 6e-7, and x (1 + erf) is halved last",
        ),
        "gelu_tanh": Kernel(1.5, absolute=2.0**-22, why="1 + tanh(x) cancels for negative inputs"),
        "silu": Kernel(3.0, absolute=2.0**-118, why=_LOST_EXPONENTIAL),
        "mish": Kernel(4.5, absolute=2.0**-138, why="e^x is subnormal"),
        "elu": Kernel(1.5),
        "celu": Kernel(1.5),
        "selu": Kernel(2.5),
        "hardswish": Kernel(2.5, finite_below=5.6e37, why="x * 6 overflows before it is divided by 6"),
        "hardsigmoid": Kernel(1.5),
        "softsign": Kernel(2.0),
        "tanhshrink": Kernel(2.0, absolute=2.0**-24, why="x - tanh(x) cancels near 0"),
        "atan2": Kernel(2.5, documented=2.0),
        "hypot": Kernel(1.5, documented=1.0),
        "logaddexp": Kernel(
            2.5, absolute=2.0**-23, why="log 2 and its like cancel where e^a + e^b is near 1"
        ),
        "xlogy": Kernel(2.5),
        "pow_tensor": Kernel(1.0, documented=1.0),
        **{f"pow[{e}]": Kernel(1.0, documented=1.0) for e in ("0.3", "1.5", "2.5", "4")},
        "pow[2]": Kernel(0.5, documented=0.5),
        "pow[3]": Kernel(1.5),
        "pow[0.5]": Kernel(1.0, documented=1.0),
        "pow[-0.5]": Kernel(2.0),
        "pow[-1]": Kernel(0.5, documented=0.5),
        "pow[-2]": Kernel(5.0, absolute=_TINY, why="1 / (x * x), where the square underflows or overflows"),
        "pow": Kernel(5.0, absolute=_TINY, why="the worst of all exponents"),
        "softmax_exp": Kernel(
            5.0,
            documented=2.0,
            why="fused attention has an exp of its own, by a polynomial of degree 5: 4.74 met",
        ),
    }
)
"""`pow[2]` is `x ** 2`, and so on: torch computes a few exponents on their own."""
