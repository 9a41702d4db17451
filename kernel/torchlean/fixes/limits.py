"""Guards that name a number: limits of arguments beside those of logarithms, and epsilons of another size.

The formula stays, and where its value was of use it stays the same, but for what the title says.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.matching import SMALL, Matcher, is_factor, is_number, number_of, terms
from torchlean.fixes.rewrite import Rewrite

LARGEST_EXPONENT = "80.0"
"""Float32 holds e^88.72; room is left for sums of thousands of such results."""

LEAST_FLOAT32 = 2.0**-149
"""Numbers below half of it are zero in float32."""

DIVISION_EPSILON = "1e-12"
"""Far below lengths and sums of interest, and its reciprocal is an ordinary number."""

VARIANCE_EPSILON = "1e-5"
"""torch's own, in all normalisations."""

HIDDEN = "-1e9"
"""A logit that softmax gives no share, unless all logits of its row are the same."""


def clamp_before_root(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`sqrt(x)` and `x ** 0.5`: no negative argument."""
    words = "Clamp to at least 0 before the"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        if not _is_whole(node.right):
            text = f"{match.operand(node.left)}.clamp(min=0) ** {_exponent(match, node.right)}"
            yield Rewrite(node, f"({text})", f"{words} power")
        return
    call = match.call(node, "sqrt", "pow") if isinstance(node, ast.Call) else None
    if call is None or call.keywords or len(call.rest) != (call.name == "pow"):
        return
    exponent = "".join(f", {match.source(rest)}" for rest in call.rest if not _is_whole(rest))
    if call.name == "sqrt" or exponent:
        inside = f"{match.operand(call.operand)}.clamp(min=0)"
        name = "root" if call.name == "sqrt" else "power"
        yield Rewrite(node, f"{match.file.torch}.{call.name}({inside}{exponent})", f"{words} {name}")


def _exponent(match: Matcher, node: ast.expr) -> str:
    return match.source(node) if number_of(node) is not None else match.operand(node)


def _is_whole(exponent: ast.expr) -> bool:
    value = number_of(exponent)
    return value is not None and value.is_integer()


def clamp_before_exponential(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`exp(x)`: no infinity. In place only where the operand is no tensor that has a name."""
    call = match.call(node, "exp", "exp_") if isinstance(node, ast.Call) else None
    if call is None or not call.plain or (call.name == "exp_" and not isinstance(call.operand, ast.Call)):
        return
    inside = f"{match.operand(call.operand)}.clamp(max={LARGEST_EXPONENT})"
    text = f"{match.file.torch}.exp({inside})" if call.name == "exp" else f"{inside}.exp_()"
    yield Rewrite(node, text, f"Clamp to at most {LARGEST_EXPONENT} before the exp")


def clamp_before_negative_power(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`b ** -0.5` and `torch.pow(b, -1)` with `b` not negative: keep it away from zero."""
    words = f"Clamp to at least {DIVISION_EPSILON} before the power"
    clamped = f".clamp(min={DIVISION_EPSILON})"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is_negative(node.right):
        text = f"{match.operand(node.left)}{clamped} ** {_exponent(match, node.right)}"
        yield Rewrite(node, f"({text})", words, nonnegative=node.left)
    call = match.call(node, "pow") if isinstance(node, ast.Call) else None
    if call is not None and len(call.rest) == 1 and not call.keywords and _is_negative(call.rest[0]):
        inside = f"{match.operand(call.operand)}{clamped}, {match.source(call.rest[0])}"
        yield Rewrite(node, f"{match.file.torch}.pow({inside})", words, nonnegative=call.operand)


def _is_negative(exponent: ast.expr) -> bool:
    value = number_of(exponent)
    return value is not None and value < 0


def one_for_zero(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`a / b` with `b` of any sign: what was infinite or NaN is the dividend."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        divisor = match.source(node.right)
        left = match.term(node.left) if is_factor(node.left) else f"({match.source(node.left)})"
        text = f"({left} / {match.file.torch}.where({match.operand(node.right)} == 0, 1.0, {divisor}))"
        yield Rewrite(node, text, "Divide by 1 where the divisor is 0")


def larger_epsilon(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`a / (b + 1e-46)`: an epsilon that float32 holds."""
    value = number_of(node)
    if value is not None and 0 < value <= LEAST_FLOAT32 / 2:
        yield Rewrite(node, DIVISION_EPSILON, f"Use {DIVISION_EPSILON}")


def variance_epsilon(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`sqrt(var + 1e-30)` and `BatchNorm2d(4, eps=1e-30)`: an epsilon above what rounding makes of equal numbers."""
    value = number_of(node)
    if value is not None and 0 < value < float(VARIANCE_EPSILON):
        yield Rewrite(node, VARIANCE_EPSILON, f"Use {VARIANCE_EPSILON}")


def epsilon_of_difference(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`1 + 1e-9 - p`: the epsilon is lost in the one; as a limit of the difference it is not."""
    parts = list(terms(node)) if isinstance(node, ast.BinOp) else []
    if len(parts) != 3:
        return
    ones = [part for sign, part in parts if sign > 0 and is_number(part, 1)]
    small = [part for sign, part in parts if sign > 0 and 0 < (number_of(part) or 0.0) < SMALL]
    taken = [part for sign, part in parts if sign < 0 and number_of(part) is None]
    if len(ones) == len(small) == len(taken) == 1:
        floor = match.source(small[0])
        text = f"(1 - {match.operand(taken[0])}).clamp(min={floor})"
        yield Rewrite(node, text, f"Clamp the difference to at least {floor}")


def finite_mask(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`softmax(z.masked_fill(hidden, -inf))`: a row that is hidden wholly has the same shares instead of NaN."""
    call = match.call(node, "softmax", "log_softmax")
    filled = None if call is None else match.call(call.operand, "masked_fill", "masked_fill_")
    if filled is None:
        return
    value = filled.argument(1, "value")
    if value is not None and ast.unparse(value).replace('"', "'") in MINUS_INFINITY:
        yield Rewrite(value, HIDDEN, f"Fill with {HIDDEN}")


MINUS_INFINITY = frozenset(
    {
        *(f"{sign}float('{name}')" for sign, name in (("-", "inf"), ("", "-inf"), ("-", "infinity"))),
        *(f"-{module}.inf" for module in ("math", "torch", "np", "numpy")),
    }
)
"""Spellings of minus infinity."""


def bfloat16(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`x.half()` and `x.to(torch.float16)` of numbers that float16 does not hold."""
    call = match.call(node, "half", "to", "type") if isinstance(node, ast.Call) else None
    if call is None or call.keywords:
        return
    torch = match.file.torch
    short = [f"{torch}.float16", f"{torch}.half"]
    if (call.name == "half" and call.plain) or (
        call.name in ("to", "type") and len(call.rest) == 1 and ast.unparse(call.rest[0]) in short
    ):
        yield Rewrite(node, f"{match.operand(call.operand)}.to({torch}.bfloat16)", "Use bfloat16")


def setting_off(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`torch.set_flush_denormal(True)`."""
    if isinstance(node, ast.Call) and match.file.torch_name(node.func) == "set_flush_denormal":
        ((argument, *_), name) = (node.args or [node], ast.unparse(node.func))
        if isinstance(argument, ast.Constant) and argument.value is True:
            yield Rewrite(node, f"{name}(False)", "Turn it off")
