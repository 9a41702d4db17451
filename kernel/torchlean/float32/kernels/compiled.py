"""The same functions where `torch.compile` computes them: the kernels that inductor writes in C++ for a processor.

They are other kernels than those of eager execution: SLEEF's faster sine and cosine, Abramowitz and Stegun's formula
7.1.26 for erf, `e^x - 1` for expm1, a logarithm of a quotient for atanh, products for integer powers. Where a
loop is not vectorised the C library's functions stand in, and whole ops are left to the eager kernels. So a
bound here holds for all of these, and is never below the eager one.

Statements hold for inductor's defaults: no fused multiply-add across operations, no `unsafe` optimisations and no
decomposed tanh.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from torchlean.float32.kernels.kernel import Kernel
from torchlean.float32.kernels.table import KERNELS

_EXPM1 = "e^x - 1 cancels near 0"
_FORMULA = "formula 7.1.26 of Abramowitz and Stegun, whose rounded terms cancel near 0"
_LIBRARY = "the C library's, where a loop is not vectorised"
_FAST_SINE = "SLEEF's functions with 3.5 ulps instead of 1"

COMPILED: Mapping[str, Kernel] = MappingProxyType(
    {
        "sin": Kernel(3.5, documented=3.5, why=_FAST_SINE),
        "cos": Kernel(3.5, documented=3.5, why=_FAST_SINE),
        "tanh": Kernel(2.5, documented=2.0, why=_LIBRARY),
        "erfc": Kernel(3.5, documented=3.0, why=_LIBRARY),
        "log10": Kernel(2.5, documented=2.0, why=_LIBRARY),
        "tanhshrink": Kernel(2.0, absolute=2.5 * 2.0**-24, why="x - tanh(x) cancels near 0"),
        "gelu_tanh": Kernel(1.5, absolute=2.0**-21, why="1 + tanh(x) cancels for negative inputs"),
        # An ulp of e^x below 2, and from there on at most two ulps of e^x - 1.
        "expm1": Kernel(2.5, absolute=2.0**-23, why=_EXPM1),
        "elu": Kernel(2.5, absolute=2.0**-23, why=_EXPM1),
        "celu": Kernel(2.5, absolute=2.0**-23, why=_EXPM1),
        "selu": Kernel(3.5, absolute=2.0**-22, why=_EXPM1),
        "erf": Kernel(
            1.0,
            absolute=2.0**-20,
            why=_FORMULA,
        ),
        "erfinv": Kernel(
            2.5, absolute=2.0**-12, why="1 - erf(y) cancels in Newton's steps, next to 1 and -1"
        ),
        "acosh": dataclasses.replace(KERNELS["acosh"], finite_below=1.8e19, why="x * x overflows"),
        "asinh": dataclasses.replace(
            KERNELS["asinh"], finite_below=1.8e19, why="x * x overflows before torch 2.12"
        ),
        "atanh": Kernel(2.5, absolute=2.0**-23, why="log((1 + x) / (1 - x)) cancels near 0"),
        "pow[4]": Kernel(4.0, why="products, see `power`"),
    }
)
"""Those that differ from `KERNELS`."""

_LARGEST_POWER = 31
"""Inductor's lowering of pow writes integer exponents up to here as products."""


def compiled(name: str) -> Kernel:
    """The bound in binary32 of the function that `KERNELS` calls so. Raises KeyError for another name."""
    return COMPILED.get(name) or KERNELS[name]


def power(exponent: float) -> Kernel:
    """The bound for `x ** exponent` where that is none of the exponents with a kernel of their own.

    Repeated squaring multiplies n factors with a relative error of `(1 + u)^(n - 1) - 1`, in whatever order; for
    negative exponents each factor is a rounded reciprocal: n roundings more. A rounding is at most an ulp.
    """
    general = compiled("pow_tensor")
    if exponent != int(exponent) or abs(exponent) > _LARGEST_POWER:
        return general
    factors = abs(exponent) if exponent > 0 else 2.0 * abs(exponent)
    return dataclasses.replace(general, ulps=max(general.ulps, factors), why=COMPILED["pow[4]"].why)
