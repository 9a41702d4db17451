"""The stated bounds, function by function.

How a figure is chosen: the largest error measured on any path (vectorised, element by element, without AVX2),
and the largest that the documentation of SLEEF (1.0 for its functions `_u10`, 1.5 for `_u15`), of MKL's high
accuracy mode (1.0) or of glibc ("Errors in Math Functions" of its manual, x86_64) admits; rounded up to a half,
and half an ulp more where only torch's own composition of such functions stands behind it. A processor or version
that was not measured should then stay below as well, but nobody promises that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torchlean.float32.kernels.kernel import Kernel

_LOST_EXPONENTIAL = "e^-x overflows below -88.72, where the result is 0 instead of a subnormal number"
_CANCELLED = "1 + erf or 1 + tanh cancels for negative inputs"

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
        "sinh": Kernel(2.5, documented=2.0, finite_below=88.5, why="SLEEF may overflow beyond 88.5"),
        "cosh": Kernel(2.5, documented=2.0, finite_below=88.5, why="SLEEF may overflow beyond 88.5"),
        "tanh": Kernel(2.0, documented=2.0),
        "asinh": Kernel(2.5, documented=2.0),
        "acosh": Kernel(2.5, documented=2.0),
        "atanh": Kernel(2.5, documented=2.0),
        "erf": Kernel(1.0, documented=1.0),
        "erfc": Kernel(3.0, documented=3.0),
        "sigmoid": Kernel(2.5, absolute=2.0**-126, why=_LOST_EXPONENTIAL),
        "logsigmoid": Kernel(2.0),
        "softplus": Kernel(2.0),
        "gelu": Kernel(8.0, absolute=2.0**-21, why=_CANCELLED),
        "gelu_tanh": Kernel(4.0, absolute=2.0**-21, why=_CANCELLED),
        "silu": Kernel(2.5, absolute=2.0**-118, why=_LOST_EXPONENTIAL),
        "mish": Kernel(4.0, absolute=2.0**-138, why="subnormal steps"),
        "elu": Kernel(1.5),
        "celu": Kernel(1.5),
        "selu": Kernel(2.5),
        "hardswish": Kernel(
            2.5, finite_below=5.6e37, why="the product by 6 overflows before it is divided by 6"
        ),
        "hardsigmoid": Kernel(1.5),
        "softsign": Kernel(2.0),
    }
)
