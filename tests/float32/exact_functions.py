"""The functions of `functions` in arithmetic of any precision, by mpmath: what errors are finally counted against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import mpmath
from mpmath import mpf

from torchlean.float32 import BINARY32, Format, scalar

Exactly: TypeAlias = "Callable[..., Any]"
"""mpmath has no annotations: from numbers `mpf` to such a number, or to a complex one outside the domain."""

DIGITS = 60
"""Enough for 1 + tanh(-30) and for sine at 2^127, which needs forty digits of pi."""

_SCALE, _ALPHA = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")


def error_in_ulps(
    exactly: Exactly, computed: int, *inputs: int, allowance: float = 0.0, format: Format = BINARY32
) -> float:
    """How far a computed pattern is from the exact value at the input patterns, in ulps of that value.

    `allowance` is taken off the error first. Raises ValueError where one of the patterns is no number, or the
    function has no real value.
    """
    with mpmath.workdps(DIGITS):
        exact = exactly(*(_number(bits, format) for bits in inputs))
        if not isinstance(exact, mpf) or not mpmath.isfinite(exact):
            raise ValueError(f"no real value at {inputs}")
        error = max(abs(_number(computed, format) - exact) - mpf(allowance), mpf(0))
        return float(error / _unit(exact, format))


def _number(bits: int, format: Format) -> Any:
    fraction = scalar.to_fraction(bits, format)
    return mpf(fraction.numerator) / fraction.denominator


def _unit(exact: Any, format: Format) -> Any:
    """ulp(y) = 2^(floor(log2 |y|) - p + 1), at least the smallest positive number."""
    exponent = mpmath.frexp(exact)[1] - 1 if exact else format.minimum_exponent
    return mpf(2) ** max(exponent - format.trailing_bits, format.quantum_exponent)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _softplus(x: Any) -> Any:
    return x if x > 20 else mpmath.log1p(mpmath.exp(x))


def _elu(x: Any) -> Any:
    return x if x > 0 else mpmath.expm1(x)


def _power(exponent: float) -> Exactly:
    return lambda x: mpmath.power(x, mpf(exponent))


def _gelu_tanh(x: Any) -> Any:
    return x * _sigmoid(2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpf(0.044715) * x**3))


def _gate(x: Any) -> Any:
    return min(max(x + 3, mpf(0)), mpf(6)) / 6


EXACT: Mapping[str, Exactly] = {
    **{
        name: getattr(mpmath, name)
        for name in (
            *("exp", "expm1", "log", "log10", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan"),
            *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "digamma"),
        )
    },
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x, 2),
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))) if abs(x) < 100 else mpmath.re(mpmath.loggamma(x)),
    "sigmoid": _sigmoid,
    "logsigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "softplus": _softplus,
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))),
    "elu": _elu,
    "celu": _elu,
    "selu": lambda x: _SCALE * (x if x > 0 else _ALPHA * mpmath.expm1(x)),
    "hardswish": lambda x: x * _gate(x),
    "hardsigmoid": _gate,
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - mpmath.tanh(x),
    **{f"pow[{e:g}]": _power(e) for e in (2.0, 3.0, 4.0, 0.5, 1.5, -0.5, -1.0, -2.0, 2.5)},
    "pow[0.3]": _power(float.fromhex("0x1.333334p-2")),
    "atan2": mpmath.atan2,
    "hypot": mpmath.hypot,
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "xlogy": lambda x, y: x * mpmath.log(y) if x else mpf(0),
    "pow_tensor": mpmath.power,
}
