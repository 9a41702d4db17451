"""Tangents through ops on single elements: partial derivatives, as formulas of the operands and the result.

What is smooth has its textbook derivative, written in ops whose bounds are tight (`ops/derivatives.py` has those that
no composition bounds well). What is linear by pieces has, at its kinks, what torch's backward pass takes there
(`derivatives.yaml` of torch); tests compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from torchlean.ops.op import Attributes, UnsupportedError
from torchlean.ops.spelling import TensorValue
from torchlean.ops.tangents.rule import REASONS, RULES, Call, Expression, Rule, added, rule

Inputs = Sequence[Expression]
Factor = Union[Expression, float]
Partial = Callable[[Inputs, Expression, Attributes], Factor]
"""The derivative by one operand, given all operands, the result and the op's attributes."""


def _chain(*partials: Partial) -> Rule:
    """The chain rule for an op with one partial derivative per operand."""

    def tangent(call: Call) -> TensorValue | None:
        inputs = [call.expression(x) for x in call.inputs]
        result = call.expression(call.result)
        terms = []
        for t, partial in zip(call.tangents, partials, strict=True):
            factor = 0.0 if t is None else partial(inputs, result, call.attributes)
            if t is not None and factor != 0:
                moved = call.expression(t)
                terms.append((factor * moved if isinstance(factor, Expression) else moved * factor).value)
        return added(call, terms)

    return tangent


def _number(attributes: Attributes, name: str) -> float:
    value = attributes[name]
    assert isinstance(value, (int, float))
    return float(value)


def _smooth(function: str, order: int = 1) -> Partial:
    """A derivative that is an op of its own."""
    return lambda x, y, a: x[0].op("derivative", function=function, order=order)


def _one(x: Inputs, y: Expression, a: Attributes) -> float:
    return 1.0


def _none(x: Inputs, y: Expression, a: Attributes) -> float:
    return 0.0


def _minus_one(x: Inputs, y: Expression, a: Attributes) -> float:
    return -1.0


def _sigmoid_slope(x: Expression) -> Expression:
    """Of the sigmoid `(1 + tanh(x / 2)) / 2`."""
    return (x * 0.5).op("derivative", function="tanh", order=1) * 0.25


def _bell(x: Expression) -> Expression:
    """Of erf: `2 / sqrt(pi) e**(-x**2)`. Pi is an op of a number, and so has bounds."""
    root = x.number(-1.0).op("acos").op("sqrt")
    return (-x.op("square")).op("exp") * (x.number(2.0) / root)


def _log_of(x: Expression, base: float) -> Expression:
    return x.number(base).op("log")


# -- sums, products, quotients -----------------------------------------------------------------------------------------

RULES.update(
    {
        "add": _chain(_one, _one),
        "sub": _chain(_one, _minus_one),
        "neg": _chain(_minus_one),
        "mul": _chain(lambda x, y, a: x[1], lambda x, y, a: x[0]),
        "square": _chain(lambda x, y, a: x[0] * 2.0),
        "add_scaled": _chain(_one, lambda x, y, a: _number(a, "alpha")),
        "lerp": _chain(lambda x, y, a: 1.0 - x[2], lambda x, y, a: x[2], lambda x, y, a: x[1] - x[0]),
        "addcmul": _chain(
            _one,
            lambda x, y, a: x[2] * _number(a, "value"),
            lambda x, y, a: x[1] * _number(a, "value"),
        ),
        "addcdiv": _chain(
            _one,
            lambda x, y, a: x[2].op("reciprocal") * _number(a, "value"),
            lambda x, y, a: -(x[1] / x[2].op("square")) * _number(a, "value"),
        ),
        "reciprocal": _chain(lambda x, y, a: -y.op("square")),
        "fmod": _chain(_one, lambda x, y, a: -x[0].op("trunc_divide", x[1])),
        "remainder": _chain(_one, lambda x, y, a: -x[0].op("floor_divide", x[1])),
        "floor_divide": _chain(_none, _none),
        "trunc_divide": _chain(_none, _none),
        "hypot": _chain(lambda x, y, a: x[0] / y, lambda x, y, a: x[1] / y),
        "atan2": _chain(
            lambda x, y, a: x[1] / (x[0].op("square") + x[1].op("square")),
            lambda x, y, a: -(x[0] / (x[0].op("square") + x[1].op("square"))),
        ),
    }
)


@rule("div")
def _quotient(call: Call) -> TensorValue | None:
    """`(a' - q b') / b`, which divides once."""
    a, b = (None if t is None else call.expression(t) for t in call.tangents)
    divisor, quotient = call.expression(call.inputs[1]), call.expression(call.result)
    if b is None:
        assert a is not None
        return (a / divisor).value
    above = -(quotient * b) if a is None else a - quotient * b
    return (above / divisor).value


def _power(x: Inputs, y: Expression, a: Attributes) -> Factor:
    exponent = _number(a, "exponent")
    if exponent in (0.0, 1.0):
        return exponent
    return x[0] * 2.0 if exponent == 2.0 else x[0].op("pow", exponent=exponent - 1.0) * exponent


RULES["pow"] = _chain(_power)
RULES["pow_tensor"] = _chain(
    lambda x, y, a: x[1] * x[0].op("pow_tensor", x[1] - 1.0), lambda x, y, a: y * x[0].op("log")
)


# -- smooth functions --------------------------------------------------------------------------------------------------

RULES.update(
    {
        "exp": _chain(lambda x, y, a: y),
        "exp2": _chain(lambda x, y, a: y * _log_of(y, 2.0)),
        "expm1": _chain(lambda x, y, a: x[0].op("exp")),
        "log": _chain(lambda x, y, a: x[0].op("reciprocal")),
        "log2": _chain(lambda x, y, a: x[0].op("reciprocal") / _log_of(y, 2.0)),
        "log10": _chain(lambda x, y, a: x[0].op("reciprocal") / _log_of(y, 10.0)),
        "log1p": _chain(lambda x, y, a: (x[0] + 1.0).op("reciprocal")),
        "sqrt": _chain(lambda x, y, a: y.op("reciprocal") * 0.5),
        "rsqrt": _chain(lambda x, y, a: y.op("pow", exponent=3) * -0.5),
        "erf": _chain(lambda x, y, a: _bell(x[0])),
        "erfc": _chain(lambda x, y, a: -_bell(x[0])),
        "logaddexp": _chain(
            lambda x, y, a: (x[0] - x[1]).op("sigmoid"), lambda x, y, a: (x[1] - x[0]).op("sigmoid")
        ),
        "xlogy": _chain(
            lambda x, y, a: x[0].op("eq", 0.0).op("logical_and", x[1] <= 0.0).where(0.0, x[1].op("log")),
            lambda x, y, a: x[0] / x[1],
        ),
        "sin": _chain(lambda x, y, a: x[0].op("cos")),
        "cos": _chain(lambda x, y, a: -x[0].op("sin")),
        "tan": _chain(lambda x, y, a: y.op("square") + 1.0),
        "asin": _chain(lambda x, y, a: (1.0 - x[0].op("square")).op("rsqrt")),
        "acos": _chain(lambda x, y, a: -(1.0 - x[0].op("square")).op("rsqrt")),
        "atan": _chain(lambda x, y, a: (x[0].op("square") + 1.0).op("reciprocal")),
        "sinh": _chain(lambda x, y, a: x[0].op("cosh")),
        "cosh": _chain(lambda x, y, a: x[0].op("sinh")),
        "tanh": _chain(_smooth("tanh")),
        "asinh": _chain(lambda x, y, a: (x[0].op("square") + 1.0).op("rsqrt")),
        "acosh": _chain(lambda x, y, a: (x[0].op("square") - 1.0).op("rsqrt")),
        "atanh": _chain(lambda x, y, a: (1.0 - x[0].op("square")).op("reciprocal")),
        "sigmoid": _chain(lambda x, y, a: _sigmoid_slope(x[0])),
        "logsigmoid": _chain(lambda x, y, a: (-x[0]).op("sigmoid")),
        "softsign": _chain(lambda x, y, a: (x[0].op("abs") + 1.0).op("square").op("reciprocal")),
        "tanhshrink": _chain(lambda x, y, a: x[0].op("tanh").op("square")),
        "silu": _chain(_smooth("silu")),
        "mish": _chain(
            lambda x, y, a: (
                _softplus(x[0]).op("tanh")
                + x[0] * _softplus(x[0]).op("derivative", function="tanh", order=1) * x[0].op("sigmoid")
            )
        ),
    }
)


def _softplus(x: Expression) -> Expression:
    """`log(1 + e**x)` as mish has it, without torch's threshold for large numbers."""
    return -(-x).op("logsigmoid")


@rule("gelu")
def _gelu(call: Call) -> TensorValue | None:
    if call.attributes["approximate"] != "none":
        raise UnsupportedError(
            "`gelu` with approximate='tanh' has no derivative here; use approximate='none'"
        )
    return _chain(_smooth("gelu"))(call)


@rule("derivative")
def _derivative(call: Call) -> TensorValue | None:
    """One order more; beyond those that are ops, what the product rule makes of them."""
    from torchlean.ops.derivatives import FUNCTIONS

    function, order = str(call.attributes["function"]), int(_number(call.attributes, "order"))
    if order >= FUNCTIONS[function].orders:
        raise UnsupportedError(f"derivatives of `{function}` of an order above {order} are not followed")
    return _chain(_smooth(function, order + 1))(call)


def _at_most(x: Expression, limit: float) -> Expression:
    """`min(x, limit)` with the derivative 0 at the limit, where torch takes the second derivative of the other side."""
    return limit - (limit - x).op("relu")


def _falling(x: Expression) -> Expression:
    """The argument of the exponential on the left: uncut, the one on the right might overflow."""
    return _at_most(x, 0.0)


def _elu(x: Inputs, y: Expression, a: Attributes) -> Expression:
    return (x[0] > 0.0).where(1.0, _falling(x[0]).op("exp") * _number(a, "alpha"))


def _celu(x: Inputs, y: Expression, a: Attributes) -> Expression:
    return (x[0] > 0.0).where(1.0, (_falling(x[0]) / _number(a, "alpha")).op("exp"))


def _selu(x: Inputs, y: Expression, a: Attributes) -> Expression:
    """`scale` and `scale alpha e**x`, with the constants as the op's own values show them: at 1 it is `scale`, at -1
    `scale alpha (1 / e - 1)`.
    """
    scale, low = x[0].number(1.0).op("selu"), x[0].number(-1.0)
    falling = _falling(x[0]).op("exp") * (low.op("selu") / low.op("expm1"))
    return (x[0] > 0.0).where(scale.op("cast", dtype=falling.value.dtype), falling)


def _softplus_slope(x: Inputs, y: Expression, a: Attributes) -> Expression:
    """`sigmoid(beta x)`; torch takes the identity beyond its threshold."""
    scaled, threshold = x[0] * _number(a, "beta"), _number(a, "threshold")
    return (scaled > threshold).where(1.0, _at_most(scaled, threshold).op("sigmoid"))


RULES.update(
    {
        op: _chain(f)
        for op, f in (("elu", _elu), ("celu", _celu), ("selu", _selu), ("softplus", _softplus_slope))
    }
)


# -- by pieces ---------------------------------------------------------------------------------------------------------


def _inside(x: Expression, low: float, high: float) -> Expression:
    """Strictly between."""
    return (x > low).op("logical_and", x < high)


def _within(x: Inputs, y: Expression, a: Attributes) -> Expression:
    """Between a clamp's limits, both included."""
    tests = [x[0] >= _number(a, "min")] if a.get("min") is not None else []
    tests += [x[0] <= _number(a, "max")] if a.get("max") is not None else []
    both = tests[0] if len(tests) == 1 else tests[0].op("logical_and", tests[1])
    return both.where(1.0, 0.0, x[0])


def _hardswish(x: Inputs, y: Expression, a: Attributes) -> Expression:
    inner = (x[0] <= -3.0).where(0.0, x[0] / 3.0 + 0.5)
    return (x[0] < 3.0).where(inner, 1.0)


def _half_at_ties(larger: bool) -> tuple[Partial, Partial]:
    """Of the larger (or smaller) of two: each gets half of the derivative where they tie."""

    def of(own: int) -> Partial:
        def partial(x: Inputs, y: Expression, a: Attributes) -> Expression:
            mine, other = x[own], x[1 - own]
            taken = mine > other if larger else mine < other
            return taken.where(1.0, mine.op("eq", other).where(0.5, 0.0, y))

        return partial

    return of(0), of(1)


def _first_at_ties(larger: bool) -> tuple[Partial, Partial]:
    """The same, but where they tie the first gets all."""

    def taken(x: Inputs) -> Expression:
        return x[0] >= x[1] if larger else x[0] <= x[1]

    return lambda x, y, a: taken(x).where(1.0, 0.0, y), lambda x, y, a: taken(x).where(0.0, 1.0, y)


def _beyond(x: Inputs, y: Expression, a: Attributes) -> Expression:
    limit = _number(a, "lambd")
    within = (x[0] >= -limit).op("logical_and", x[0] <= limit)
    return within.where(0.0, 1.0, x[0])


RULES.update(
    {
        "relu": _chain(lambda x, y, a: (x[0] > 0.0).where(1.0, 0.0, x[0])),
        "leaky_relu": _chain(lambda x, y, a: (x[0] > 0.0).where(1.0, _number(a, "negative_slope"), x[0])),
        "relu6": _chain(lambda x, y, a: _inside(x[0], 0.0, 6.0).where(1.0, 0.0, x[0])),
        "hardtanh": _chain(
            lambda x, y, a: _inside(x[0], _number(a, "min_val"), _number(a, "max_val")).where(1.0, 0.0, x[0])
        ),
        "hardsigmoid": _chain(lambda x, y, a: _inside(x[0], -3.0, 3.0).where(1.0, 0.0, x[0]) / 6.0),
        "hardswish": _chain(_hardswish),
        "hardshrink": _chain(_beyond),
        "softshrink": _chain(_beyond),
        "threshold": _chain(lambda x, y, a: (x[0] > _number(a, "threshold")).where(1.0, 0.0, x[0])),
        "clamp": _chain(_within),
        "maximum": _chain(*_half_at_ties(True)),
        "minimum": _chain(*_half_at_ties(False)),
        "fmax": _chain(*_first_at_ties(True)),
        "fmin": _chain(*_first_at_ties(False)),
        "abs": _chain(lambda x, y, a: x[0].op("sign")),
        "frac": _chain(_one),
        "nan_to_num": _chain(lambda x, y, a: x[0].op("isfinite").op("cast", dtype=y.value.dtype)),
    }
)
RULES.update({op: _chain(_none) for op in ("sign", "floor", "ceil", "trunc", "round")})
REASONS["prelu"] = "`prelu` has no derivative here; write torch.where(x > 0, x, weight * x)"


@rule("where")
def _where(call: Call) -> TensorValue | None:
    """Of the branch that is taken."""
    condition, *branches = call.inputs
    moved = [call.zeros(x) if t is None else t for x, t in zip(branches, call.tangents[1:], strict=True)]
    return call.emitter.emit("where", condition, *moved)


# -- softmax -----------------------------------------------------------------------------------------------------------


@rule("softmax")
def _softmax(call: Call) -> TensorValue | None:
    """`y (x' - sum y x')`."""
    (t,) = call.tangents
    assert t is not None
    y, moved = call.expression(call.result), call.expression(t)
    mean = (y * moved).op("sum", dim=(_dim(call),), keepdim=True)
    return (y * (moved - mean)).value


@rule("log_softmax")
def _log_softmax(call: Call) -> TensorValue | None:
    """`x' - sum softmax(x) x'`."""
    (t,) = call.tangents
    assert t is not None
    moved = call.expression(t)
    shares = call.expression(call.inputs[0]).op("softmax", **call.attributes)
    return (moved - (shares * moved).op("sum", dim=(_dim(call),), keepdim=True)).value


def _dim(call: Call) -> int:
    rank = len(call.inputs[0].shape)
    return int(_number(call.attributes, "dim")) % rank if rank else 0


@rule("logsumexp")
def _logsumexp(call: Call) -> TensorValue | None:
    """`sum e**(x - y) x'`."""
    (t,) = call.tangents
    assert t is not None
    x, whole = call.expression(call.inputs[0]), call.expression(call.again(call.inputs, keepdim=True))
    weighted = (x - whole).op("exp") * call.expression(t)
    return weighted.op("sum", dim=call.attributes["dim"], keepdim=call.attributes["keepdim"]).value


REASONS["logcumsumexp"] = "the derivative of `logcumsumexp` is not followed"
