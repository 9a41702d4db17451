"""The table of element-wise ops of one tensor: reference, where it turns or jumps, and where it is undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import mpmath as mp
from mpmath import mpf
from tests.ops.exact import Exact, analytic, floor, trunc

Undefined = Callable[[float, float], bool]
"""Whether the op is undefined somewhere in the interval with these ends."""


@dataclass(frozen=True)
class Univariate:
    """One op.

    Attributes:
        op, attributes: as in the graph.
        reference: its value at an exact rational inside the domain.
        critical: extrema, kinks, jumps and poles.
        domain: an interval of moderate numbers where it is defined everywhere, for the tests of tightness.
        undefined: see `Undefined`.
        exact: float64 computes it without error, so that points stay points.
        loose: how far the bounds may exceed the range, besides rounding.
        cancels: a difference of numbers as large as its argument, with an error of that size.
    """

    op: str
    reference: Callable[[Fraction], Exact]
    critical: tuple[float, ...] = (0.0,)
    domain: tuple[float, float] = (-10.0, 10.0)
    undefined: Undefined = lambda low, high: False
    attributes: Mapping[str, object] = field(default_factory=dict)
    exact: bool = False
    loose: float = 0.0
    cancels: bool = False

    def __str__(self) -> str:
        return ", ".join([self.op, *(f"{key}={value}" for key, value in self.attributes.items())])


def _gelu_tanh(x: mpf) -> mpf:
    inner = mp.sqrt(2 / mp.pi) * (x + mpf(44715) / 1000000 * x**3)
    # 1 + tanh(v) loses every digit for very negative v; this is the same number.
    return x / (1 + mp.exp(-2 * inner))


_TANH_SLOPES = (lambda y: 1, lambda y: -2 * y, lambda y: 6 * y**2 - 2, lambda y: 8 * y * (2 - 3 * y**2))
"""Derivatives of tanh, by its value, without the factor `1 - y**2`."""

_EXTREMES = [math.atanh(math.sqrt(0.5 + sign * math.sqrt(7.0 / 60.0))) for sign in (-1, 1)]
_TANH_ZEROS = (
    (0.0,),
    (-math.atanh(3**-0.5), math.atanh(3**-0.5)),
    (-math.atanh((2 / 3) ** 0.5), 0.0, math.atanh((2 / 3) ** 0.5)),
    (-_EXTREMES[1], -_EXTREMES[0], _EXTREMES[0], _EXTREMES[1]),
)
"""Where these are extreme."""

_SILU_ZEROS = ((-2.399357280515468, 2.399357280515468), (-3.435840993535111, 0.0, 3.435840993535111))
_GELU_ZEROS = ((-math.sqrt(2.0), math.sqrt(2.0)), (-2.0, 0.0, 2.0))


_NEAR = (-1.5, 1.5)
"""Beyond, the best line touches both tails, which is not looked for: it is better by some thousandths."""


def _tanh(order: int) -> Callable[[mpf], mpf]:
    return lambda x: mp.sech(x) ** 2 * _TANH_SLOPES[order - 1](mp.tanh(x))


def _silu(order: int) -> Callable[[mpf], mpf]:
    """`k s^(k-1) + x s^(k)` with the sigmoid `s`, whose derivatives are those of `tanh(x / 2) / 2`."""

    def reference(x: mpf) -> mpf:
        below = 1 / (1 + mp.exp(-x)) if order == 1 else _tanh(order - 1)(x / 2) / 2**order
        return order * below + x * _tanh(order)(x / 2) / 2 ** (order + 1)

    return reference


def _gelu(order: int) -> Callable[[mpf], mpf]:
    def first(x: mpf) -> mpf:
        return _erfc(-x * _SQRT_HALF) / 2 + x * mp.npdf(x)

    return first if order == 1 else lambda x: mp.npdf(x) * (2 - x**2)


def _softplus(beta: float) -> Callable[[mpf], mpf]:
    def reference(x: mpf) -> mpf:
        return (max(beta * x, 0) + mp.log1p(mp.exp(-abs(beta * x)))) / beta

    return reference


def _elu(alpha: float) -> Callable[[mpf], mpf]:
    return lambda x: x if x > 0 else alpha * mp.expm1(x)


def _round(decimals: int) -> Callable[[Fraction], Fraction]:
    unit = Fraction(10) ** decimals
    return lambda x: Fraction(round(x * unit)) / unit


def _tan_has_pole(low: float, high: float) -> bool:
    if not -(2.0**20) <= low <= high <= 2.0**20:
        return True
    return mp.floor(mpf(low) / mp.pi - mpf(1) / 2) != mp.floor(mpf(high) / mp.pi - mpf(1) / 2)


def _selu(x: mpf) -> mpf:
    alpha, scale = mpf("1.6732632423543772848170429916717"), mpf("1.0507009873554804934193349852946")
    return scale * (x if x > 0 else alpha * mp.expm1(x))


def _erfc(x: mpf) -> mpf:
    # erfc(1000) is about 10**-434298: positive, and below every float64.
    return mp.erfc(x) if x < 1000 else mp.ldexp(1, -1_000_000)


def _tanh_shrink(x: mpf) -> mpf:
    with mp.workprec(4000 if abs(x) < 1e-30 else mp.mp.prec):
        return x - mp.tanh(x)


def _integer_power(n: int) -> Univariate:
    return Univariate(
        "pow",
        lambda x: x**n,
        (0.0, -1.0, 1.0),
        domain=(0.1, 9.0) if n < 0 else (-3.0, 3.0),
        undefined=lambda low, high: n < 0 and low <= 0 <= high,
        attributes={"exponent": n},
    )


def _real_power(p: float) -> Univariate:
    return Univariate(
        "pow",
        analytic(lambda x: x ** mpf(p)),
        (0.0, 1.0),
        domain=(0.1, 9.0),
        undefined=lambda low, high: low < 0 or (p < 0 and low <= 0),
        attributes={"exponent": p},
    )


_TURNS = tuple(k * math.pi / 2 for k in range(-7, 8))
_STEPS = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.5)
_SQRT_HALF = mp.sqrt(mpf(1) / 2)

CASES = (
    # exact pieces
    Univariate("neg", lambda x: -x, exact=True),
    Univariate("abs", abs, exact=True),
    Univariate("relu", lambda x: max(x, Fraction(0)), exact=True),
    Univariate("relu6", lambda x: min(max(x, Fraction(0)), Fraction(6)), (0.0, 6.0), exact=True),
    Univariate(
        "hardtanh",
        lambda x: min(max(x, Fraction(-1)), Fraction(2)),
        (-1.0, 2.0),
        attributes={"min_val": -1.0, "max_val": 2.0},
        exact=True,
    ),
    Univariate(
        "clamp", lambda x: max(x, Fraction(-0.5)), (-0.5,), attributes={"min": -0.5, "max": None}, exact=True
    ),
    Univariate(
        "clamp",
        lambda x: min(max(x, Fraction(1)), Fraction(-1)),
        (-1.0, 1.0),
        attributes={"min": 1, "max": -1},
        exact=True,
    ),
    Univariate("sign", lambda x: Fraction((x > 0) - (x < 0)), exact=True),
    Univariate("floor", floor, _STEPS, exact=True),
    Univariate("ceil", lambda x: -floor(-x), _STEPS, exact=True),
    Univariate("trunc", trunc, _STEPS, exact=True),
    Univariate("frac", lambda x: x - trunc(x), tuple(map(float, range(-10, 11))), exact=True),
    Univariate("round", _round(0), _STEPS, attributes={"decimals": 0}, exact=True),
    Univariate("round", _round(2), (0.125, 0.005, 0.015), attributes={"decimals": 2}),
    Univariate("round", _round(-1), (5.0, 15.0, -25.0), attributes={"decimals": -1}),
    Univariate(
        "threshold",
        lambda x: x if x > Fraction(0.5) else Fraction(-3),
        (0.5,),
        attributes={"threshold": 0.5, "value": -3.0},
        exact=True,
    ),
    Univariate(
        "threshold",
        lambda x: x if x > Fraction(0.5) else Fraction(7),
        (0.5,),
        attributes={"threshold": 0.5, "value": 7.0},
        exact=True,
    ),
    Univariate(
        "hardshrink",
        lambda x: x if abs(x) > Fraction(0.5) else Fraction(0),
        (-0.5, 0.5),
        attributes={"lambd": 0.5},
        exact=True,
    ),
    # pieces with rounding
    Univariate(
        "softshrink",
        lambda x: max(x - Fraction(0.3), Fraction(0)) + min(x + Fraction(0.3), Fraction(0)),
        (-0.3, 0.3),
        attributes={"lambd": 0.3},
    ),
    Univariate(
        "leaky_relu",
        lambda x: x if x > 0 else x * Fraction(0.01),
        attributes={"negative_slope": 0.01},
    ),
    Univariate(
        "leaky_relu",
        lambda x: x if x > 0 else x * Fraction(-0.7),
        attributes={"negative_slope": -0.7},
    ),
    Univariate("hardsigmoid", lambda x: min(max(x + 3, Fraction(0)), Fraction(6)) / 6, (-3.0, 0.0, 3.0)),
    Univariate("hardswish", lambda x: x * min(max(x + 3, Fraction(0)), Fraction(6)) / 6, (-3.0, -1.5, 3.0)),
    # arithmetic
    Univariate("square", lambda x: x * x),
    Univariate(
        "reciprocal", lambda x: 1 / x, domain=(0.1, 9.0), undefined=lambda low, high: low <= 0 <= high
    ),
    Univariate("sqrt", analytic(mp.sqrt), domain=(0.0, 9.0), undefined=lambda low, high: low < 0),
    Univariate(
        "rsqrt", analytic(lambda x: 1 / mp.sqrt(x)), domain=(0.1, 9.0), undefined=lambda low, high: low <= 0
    ),
    *(_integer_power(n) for n in (-3, -2, -1, 0, 1, 2, 3, 4, 7)),
    *(_real_power(p) for p in (0.5, 1.7, -0.3)),
    # exponentials and logarithms
    Univariate("exp", analytic(mp.exp)),
    Univariate("exp2", analytic(lambda x: mpf(2) ** x)),
    Univariate("expm1", analytic(mp.expm1)),
    Univariate("log", analytic(mp.log), (0.0, 1.0), (0.1, 9.0), lambda low, high: low <= 0),
    Univariate(
        "log2", analytic(lambda x: mp.log(x) / mp.log(2)), (0.0, 1.0), (0.1, 9.0), lambda l, h: l <= 0
    ),
    Univariate("log10", analytic(mp.log10), (0.0, 1.0), (0.1, 9.0), lambda low, high: low <= 0),
    Univariate("log1p", analytic(mp.log1p), (-1.0, 0.0), (-0.9, 9.0), lambda low, high: low <= -1),
    Univariate("erf", analytic(mp.erf), domain=(-4.0, 4.0)),
    Univariate("erfc", analytic(_erfc), domain=(-4.0, 4.0)),
    # trigonometry
    Univariate("sin", analytic(mp.sin), _TURNS),
    Univariate("cos", analytic(mp.cos), _TURNS),
    Univariate("tan", analytic(mp.tan), _TURNS, (-1.5, 1.5), _tan_has_pole),
    Univariate(
        "asin", analytic(mp.asin), (-1.0, 0.0, 1.0), (-1.0, 1.0), lambda low, high: low < -1 or high > 1
    ),
    Univariate(
        "acos", analytic(mp.acos), (-1.0, 0.0, 1.0), (-1.0, 1.0), lambda low, high: low < -1 or high > 1
    ),
    Univariate("atan", analytic(mp.atan)),
    Univariate("sinh", analytic(mp.sinh)),
    Univariate("cosh", analytic(mp.cosh)),
    Univariate("tanh", analytic(mp.tanh)),
    Univariate("asinh", analytic(mp.asinh)),
    Univariate("acosh", analytic(mp.acosh), (1.0,), (1.0, 9.0), lambda low, high: low < 1),
    Univariate("atanh", analytic(mp.atanh), (-1.0, 0.0, 1.0), (-0.9, 0.9), lambda l, h: l <= -1 or h >= 1),
    # smooth activations
    Univariate("sigmoid", analytic(lambda x: 1 / (1 + mp.exp(-x)))),
    Univariate("logsigmoid", analytic(lambda x: -_softplus(1.0)(-x))),
    Univariate("softsign", lambda x: x / (1 + abs(x))),
    Univariate("tanhshrink", analytic(_tanh_shrink), cancels=True),
    Univariate("silu", analytic(lambda x: x / (1 + mp.exp(-x))), (-1.2784645427610738, 0.0)),
    Univariate("mish", analytic(lambda x: x * mp.tanh(mp.log1p(mp.exp(x)))), (-1.192431214515495, 0.0)),
    Univariate(
        "gelu",
        analytic(lambda x: x * _erfc(-x * _SQRT_HALF) / 2),
        (-0.7517915246935645, 0.0),
        attributes={"approximate": "none"},
    ),
    Univariate("gelu", analytic(_gelu_tanh), (-0.7524614220710163, 0.0), attributes={"approximate": "tanh"}),
    *(
        Univariate(
            "derivative",
            analytic(_tanh(order)),
            zeros,
            _NEAR,
            attributes={"function": "tanh", "order": order},
            loose=1e-12,
            cancels=True,
        )
        for order, zeros in enumerate(_TANH_ZEROS, 1)
    ),
    *(
        Univariate(
            "derivative",
            analytic(_silu(order)),
            zeros,
            _NEAR,
            attributes={"function": "silu", "order": order},
            loose=1e-12,
            cancels=True,
        )
        for order, zeros in enumerate(_SILU_ZEROS, 1)
    ),
    *(
        Univariate(
            "derivative",
            analytic(_gelu(order)),
            zeros,
            _NEAR,
            attributes={"function": "gelu", "order": order},
            loose=1e-12,
            cancels=True,
        )
        for order, zeros in enumerate(_GELU_ZEROS, 1)
    ),
    Univariate("elu", analytic(_elu(1.0)), attributes={"alpha": 1.0}),
    Univariate("elu", analytic(_elu(-0.3)), attributes={"alpha": -0.3}),
    Univariate(
        "celu",
        analytic(lambda x: x if x > 0 else mpf(1.7) * mp.expm1(x / mpf(1.7))),
        attributes={"alpha": 1.7},
    ),
    Univariate("selu", analytic(_selu)),
    Univariate(
        "softplus",
        analytic(_softplus(1.0)),
        (0.0, 20.0),
        attributes={"beta": 1.0, "threshold": 20.0},
        loose=3e-9,
    ),
    Univariate(
        "softplus", analytic(_softplus(0.3)), (0.0,), attributes={"beta": 0.3, "threshold": 20.0}, loose=1e-8
    ),
)
