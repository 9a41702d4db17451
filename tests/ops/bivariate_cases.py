"""The table of element-wise ops of two tensors, and of the fused ones of three."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import mpmath as mp
import torch
from mpmath import mpf
from tests.ops.boxes import Ends
from tests.ops.exact import Exact, analytic, floor, trunc

Reference = Callable[..., Exact]


@dataclass(frozen=True)
class Multivariate:
    """One op of several tensors.

    Attributes:
        reference: its value at exact rationals, where it is defined.
        defined: whether it is, at a point.
        nowhere: whether it has no value in all of a box; any bounds are right then.
        undefined: whether it is not, somewhere in a box given by the ends of each operand.
        dtype: of the result; for an integer dtype all ends and points are whole numbers.
        tight: the bounds of moderate boxes are as wide as the range.
        domains: an interval of moderate numbers for each operand.
        exact: points stay points.
    """

    op: str
    reference: Reference
    operands: int = 2
    defined: Callable[..., bool] = lambda *values: True
    undefined: Callable[..., bool] = lambda *boxes: False
    nowhere: Callable[..., bool] = lambda *boxes: False
    attributes: Mapping[str, object] = field(default_factory=dict)
    dtype: torch.dtype = torch.float64
    tight: bool = True
    domains: tuple[Ends, ...] = ((-3.0, 3.0),) * 3
    exact: bool = False

    def __str__(self) -> str:
        text = ", ".join([self.op, *(f"{key}={value}" for key, value in self.attributes.items())])
        return text if self.dtype == torch.float64 else f"{text}, {str(self.dtype).removeprefix('torch.')}"


def _zero_in_second(a: Ends, b: Ends) -> bool:
    return b[0] <= 0 <= b[1]


def _zero_in_third(a: Ends, b: Ends, c: Ends) -> bool:
    return c[0] <= 0 <= c[1]


def _truth(relation: Callable[..., bool]) -> Reference:
    return lambda *values: Fraction(bool(relation(*values)))


def _on_integers(function: Callable[[int, int], int]) -> Reference:
    return lambda a, b: Fraction(function(int(a), int(b)))


def _log_of_sum(a: mpf, b: mpf) -> mpf:
    return max(a, b) + mp.log1p(mp.exp(-abs(a - b)))


def _real_power(base: Fraction, exponent: Fraction) -> Exact:
    if exponent.denominator == 1 and abs(exponent) < 2000:
        return base ** int(exponent)
    if base == 0:
        return Fraction(exponent == 0)
    power = analytic(lambda b, e: b**e)(abs(base), exponent)
    return power if base > 0 or exponent % 2 == 0 else -power


def _power_is_defined(base: float, exponent: float) -> bool:
    return base > 0 or (base == 0 and exponent >= 0) or (base < 0 and exponent == int(exponent))


def _power_is_undefined(base: Ends, exponent: Ends) -> bool:
    if base[0] < 0 and not (exponent[0] == exponent[1] and exponent[0] == round(exponent[0])):
        return True
    return base[0] <= 0 <= base[1] and exponent[0] < 0


def _power_is_nowhere(base: Ends, exponent: Ends) -> bool:
    return base[1] < 0 and math.ceil(exponent[0]) > math.floor(exponent[1])


_ANGLE = analytic(lambda y, x: mp.atan2(y, x) if (y, x) != (0, 0) else mpf(0))
_POSITIVE = ((0.1, 4.0), (0.1, 4.0))
_DIVIDED = {"undefined": _zero_in_second, "defined": lambda a, b: b != 0}
_COMPARISONS: tuple[tuple[str, Callable[..., bool]], ...] = (
    ("lt", lambda a, b: a < b),
    ("le", lambda a, b: a <= b),
    ("gt", lambda a, b: a > b),
    ("ge", lambda a, b: a >= b),
    ("eq", lambda a, b: a == b),
    ("ne", lambda a, b: a != b),
    ("logical_and", lambda a, b: a != 0 and b != 0),
    ("logical_or", lambda a, b: a != 0 or b != 0),
    ("logical_xor", lambda a, b: (a != 0) != (b != 0)),
)

CASES = (
    Multivariate("add", lambda a, b: a + b),
    Multivariate("add_scaled", lambda a, b: a + Fraction(-0.7) * b, attributes={"alpha": -0.7}),
    Multivariate("sub", lambda a, b: a - b),
    Multivariate("mul", lambda a, b: a * b),
    Multivariate("div", lambda a, b: a / b, domains=((-3, 3), (0.2, 4)), **_DIVIDED),
    Multivariate("floor_divide", lambda a, b: floor(a / b), domains=((-3, 3), (0.2, 4)), **_DIVIDED),
    Multivariate("trunc_divide", lambda a, b: trunc(a / b), domains=((-3, 3), (-4, -0.2)), **_DIVIDED),
    Multivariate("remainder", lambda a, b: a - b * floor(a / b), tight=False, **_DIVIDED),
    Multivariate("fmod", lambda a, b: a - b * trunc(a / b), tight=False, **_DIVIDED),
    Multivariate("minimum", min, exact=True),
    Multivariate("maximum", max, exact=True),
    Multivariate("fmin", min, exact=True),
    Multivariate("fmax", max, exact=True),
    Multivariate("hypot", analytic(mp.hypot)),
    Multivariate("logaddexp", analytic(_log_of_sum)),
    Multivariate("atan2", _ANGLE, domains=((-3.0, 3.0), (0.1, 3.0))),
    Multivariate(
        "xlogy",
        lambda x, y: Fraction(0) if x == 0 else analytic(lambda a, b: a * mp.log(b))(x, y),
        defined=lambda x, y: x == 0 or y > 0,
        undefined=lambda x, y: y[0] <= 0 and x != (0, 0),
        domains=((-3.0, 3.0), (0.1, 3.0)),
    ),
    Multivariate(
        "pow_tensor",
        _real_power,
        defined=_power_is_defined,
        undefined=_power_is_undefined,
        nowhere=_power_is_nowhere,
        domains=((0.1, 3.0), (-2.0, 3.0)),
    ),
    Multivariate("prelu", lambda x, w: x if x > 0 else x * w),
    *(
        Multivariate(name, _truth(relation), dtype=torch.bool, tight=False, exact=True)
        for name, relation in _COMPARISONS
    ),
    Multivariate("lerp", lambda s, e, w: s + w * (e - s), operands=3),
    Multivariate(
        "addcmul", lambda x, a, b: x + Fraction(-1.3) * a * b, operands=3, attributes={"value": -1.3}
    ),
    Multivariate(
        "addcdiv",
        lambda x, a, b: x + Fraction(-1.3) * a / b,
        operands=3,
        attributes={"value": -1.3},
        defined=lambda x, a, b: b != 0,
        undefined=_zero_in_third,
        domains=((-3.0, 3.0), (-3.0, 3.0), (0.2, 4.0)),
    ),
    # integers
    Multivariate("add", lambda a, b: a + b, dtype=torch.int64, exact=True),
    Multivariate("mul", lambda a, b: a * b, dtype=torch.int64, exact=True),
    Multivariate("floor_divide", lambda a, b: floor(a / b), dtype=torch.int64, exact=True, **_DIVIDED),
    Multivariate("trunc_divide", lambda a, b: trunc(a / b), dtype=torch.int64, exact=True, **_DIVIDED),
    Multivariate(
        "remainder", lambda a, b: a - b * floor(a / b), dtype=torch.int64, tight=False, exact=True, **_DIVIDED
    ),
    Multivariate(
        "fmod", lambda a, b: a - b * trunc(a / b), dtype=torch.int64, tight=False, exact=True, **_DIVIDED
    ),
    *(
        Multivariate(
            name,
            _on_integers(function),
            dtype=torch.int64,
            tight=False,
        )
        for name, function in (
            ("bitwise_and", int.__and__),
            ("bitwise_or", int.__or__),
            ("bitwise_xor", int.__xor__),
        )
    ),
    Multivariate(
        "pow_tensor",
        lambda a, b: a ** int(b),
        dtype=torch.int64,
        tight=False,
        defined=lambda a, b: 0 <= b < 60,
        exact=True,
    ),
)
