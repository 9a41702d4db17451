"""The element-wise functions of torch whose float32 kernels are held against a reference, one line each.

References work in float64 on inputs that are exact there, and are accurate to about 2^-45 relative: a
millionth of what is measured. They avoid the formulas that the kernels use, and libraries that the kernels
call: numpy's float64 functions are the C library's. Only the error functions, the gamma function and its
kin come from torch's own float64; tests compare all of them with mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Function:
    """A kernel of torch, and what it should compute. Both take one array for each operand."""

    kernel: Callable[..., Tensor]
    reference: Callable[..., Doubles]


def _by_torch(function: Callable[[Tensor], Tensor]) -> Callable[[Doubles], Doubles]:
    def reference(x: Doubles) -> Doubles:
        result: Doubles = function(torch.from_numpy(x)).numpy()
        return result

    return reference


def _sigmoid(x: Doubles) -> Doubles:
    return 1.0 / (1.0 + np.exp(-x))


def _log_sigmoid(x: Doubles) -> Doubles:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def softplus_reference(beta: float) -> Callable[[Doubles], Doubles]:
    def reference(x: Doubles) -> Doubles:
        t = beta * x
        return np.where(t > 20.0, x, (np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))) / beta)

    return reference


def _gelu(x: Doubles) -> Doubles:
    # By the complement, which keeps its digits where x is far below zero.
    return np.where(np.isinf(x) & (x < 0), 0.0, 0.5 * x * _erfc(-x / math.sqrt(2.0)))


def _gelu_tanh(x: Doubles) -> Doubles:
    return x * _sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))


def _mish(x: Doubles) -> Doubles:
    # tanh(log(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2); beyond 40 it is 1 in float64, too.
    e = np.exp(np.minimum(x, 40.0))
    square = e * (e + 2.0)
    return x * (square / (square + 2.0))


def elu_reference(scale: float, alpha: float, inner: float = 1.0) -> Callable[[Doubles], Doubles]:
    def reference(x: Doubles) -> Doubles:
        return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0.0) * inner))

    return reference


def _tanhshrink(x: Doubles) -> Doubles:
    # x - tanh(x) loses all digits near zero; the series is accurate to 2^-53 below 1/16.
    s = np.minimum(x * x, 1.0)
    series = 1 / 3 + s * (
        -2 / 15 + s * (17 / 315 + s * (-62 / 2835 + s * (1382 / 155925 - s * 21844 / 6081075)))
    )
    return np.where(np.abs(x) < 0.0625, x * s * series, x - np.tanh(x))


def _power(exponent: float) -> Function:
    return Function(lambda x: torch.pow(x, exponent), lambda x: np.power(x, exponent))


def _hardswish(x: Doubles) -> Doubles:
    return np.where(x > 3, x, np.where(x > -3, x * ((x + 3.0) / 6.0), 0.0))


def _log_add_exp(a: Doubles, b: Doubles) -> Doubles:
    """log(1 + (e^larger - 1) + e^smaller) where the sum of both exponentials is near 1, without cancellation."""
    larger, smaller = np.maximum(a, b), np.minimum(a, b)
    near = (larger > -1.0) & (larger < 0.0)
    return np.where(near, np.log1p(np.expm1(larger) + np.exp(smaller)), np.logaddexp(a, b))


_erfc = _by_torch(torch.erfc)
_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
"""Of selu: G. Klambauer et al., Self-Normalizing Neural Networks, 2017, and torch's own digits."""

UNARY: Mapping[str, Function] = {
    "exp": Function(torch.exp, np.exp),
    "exp2": Function(torch.exp2, np.exp2),
    "expm1": Function(torch.expm1, np.expm1),
    "log": Function(torch.log, np.log),
    "log2": Function(torch.log2, np.log2),
    "log10": Function(torch.log10, np.log10),
    "log1p": Function(torch.log1p, np.log1p),
    "sqrt": Function(torch.sqrt, np.sqrt),
    "rsqrt": Function(torch.rsqrt, lambda x: 1.0 / np.sqrt(x)),
    "reciprocal": Function(torch.reciprocal, lambda x: 1.0 / x),
    "square": Function(torch.square, np.square),
    "sin": Function(torch.sin, np.sin),
    "cos": Function(torch.cos, np.cos),
    "tan": Function(torch.tan, np.tan),
    "asin": Function(torch.asin, np.arcsin),
    "acos": Function(torch.acos, np.arccos),
    "atan": Function(torch.atan, np.arctan),
    "sinh": Function(torch.sinh, np.sinh),
    "cosh": Function(torch.cosh, np.cosh),
    "tanh": Function(torch.tanh, np.tanh),
    "asinh": Function(torch.asinh, np.arcsinh),
    "acosh": Function(torch.acosh, np.arccosh),
    "atanh": Function(torch.atanh, np.arctanh),
    "erf": Function(torch.erf, _by_torch(torch.erf)),
    "erfc": Function(torch.erfc, _erfc),
    "erfinv": Function(torch.erfinv, _by_torch(torch.erfinv)),
    "lgamma": Function(torch.lgamma, _by_torch(torch.lgamma)),
    "digamma": Function(torch.digamma, _by_torch(torch.digamma)),
    "sigmoid": Function(torch.sigmoid, _sigmoid),
    "logsigmoid": Function(functional.logsigmoid, _log_sigmoid),
    "softplus": Function(functional.softplus, softplus_reference(1.0)),
    "gelu": Function(functional.gelu, _gelu),
    "gelu_tanh": Function(lambda x: functional.gelu(x, approximate="tanh"), _gelu_tanh),
    "silu": Function(functional.silu, lambda x: np.where(x == -np.inf, 0.0, x * _sigmoid(x))),
    "mish": Function(functional.mish, _mish),
    "elu": Function(functional.elu, elu_reference(1.0, 1.0)),
    "celu": Function(functional.celu, elu_reference(1.0, 1.0)),
    "selu": Function(functional.selu, elu_reference(_SCALE, _ALPHA)),
    "hardswish": Function(functional.hardswish, _hardswish),
    "hardsigmoid": Function(functional.hardsigmoid, lambda x: np.clip(x + 3.0, 0.0, 6.0) / 6.0),
    "softsign": Function(functional.softsign, lambda x: x / (1.0 + np.abs(x))),
    "tanhshrink": Function(functional.tanhshrink, _tanhshrink),
    **{f"pow[{e:g}]": _power(e) for e in (2.0, 3.0, 4.0, 0.5, 1.5, -0.5, -1.0, -2.0, 2.5)},
    # The number of binary32 next to 0.3: torch rounds exponents to the tensor's type, on some paths.
    "pow[0.3]": _power(float.fromhex("0x1.333334p-2")),
}

BINARY: Mapping[str, Function] = {
    "atan2": Function(torch.atan2, np.arctan2),
    "hypot": Function(torch.hypot, np.hypot),
    "logaddexp": Function(torch.logaddexp, _log_add_exp),
    "xlogy": Function(torch.xlogy, lambda x, y: np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y))),
    "pow_tensor": Function(torch.pow, np.power),
}
"""Of two operands, whose pairs can only be sampled."""
