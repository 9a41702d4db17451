"""Conditions and numbers in words, for hovers and messages. Nothing is rounded: what is shown is what the file says."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from torchlean.vnnlib.formula import ONE, Comparison, Formula

MOST_PARTS = 12
"""Alternatives or conditions that a description spells out."""

MOST_TERMS = 8
"""Terms of a sum that a description spells out."""

MOST_LEVELS = 5
"""Conditions inside each other that a description follows: a reader loses count of parentheses before that."""

ZEROS = 4
"""Zeros behind the point from which on a number is written as `1e-8`."""

Name = Callable[[int], str]
"""What the file calls a variable (`Declarations.name`)."""


def comparison_text(comparison: Comparison, name: Name) -> str:
    """`Y_1 ≤ Y_0 + 0.5`: terms with a negative factor and the bound stand on the right."""
    left = [(key, value) for key, value in comparison.coefficients.items() if value > 0]
    right = [(key, -value) for key, value in comparison.coefficients.items() if value < 0]
    bound = comparison.bound
    sign = "<" if comparison.strict else "≤"
    if not left:
        # -x <= -1 reads better as x >= 1.
        return f"{_sum(right, name)} {'>' if comparison.strict else '≥'} {exact_text(-bound)}"
    if not right:
        return f"{_sum(left, name)} {sign} {exact_text(bound)}"
    if bound < 0:
        return f"{_sum(left, name)} + {exact_text(-bound)} {sign} {_sum(right, name)}"
    return f"{_sum(left, name)} {sign} {_sum(right, name)}{f' + {exact_text(bound)}' if bound else ''}"


def _sum(terms: list[tuple[int, Fraction]], name: Name) -> str:
    shown = [name(k) if v == ONE else f"{exact_text(v)}·{name(k)}" for k, v in terms[:MOST_TERMS]]
    more = len(terms) - len(shown)
    return " + ".join(shown) + (f" + … ({more} more terms)" if more > 0 else "")


def formula_text(formula: Formula, name: Name, negated: bool = False, levels: int = MOST_LEVELS) -> str:
    """A condition in one line: `Y_0 ≤ 1 or (X_0 ≥ 0 and Y_1 < 2)`; what is deeper than `levels` is left out."""
    flipped = formula.negated is not negated
    if formula.comparison is not None:
        comparison = formula.comparison.negated() if flipped else formula.comparison
        return comparison_text(comparison, name)
    op = _op(formula, negated)
    if not formula.parts:
        return "true" if op == "and" else "false"
    if not levels:
        return "…"
    shown = [_part(part, name, flipped, levels - 1) for part in formula.parts[:MOST_PARTS]]
    more = len(formula.parts) - len(shown)
    return f" {op} ".join(shown) + (f" {op} … ({more} more)" if more > 0 else "")


def _op(formula: Formula, negated: bool) -> str:
    return {"and": "or", "or": "and"}.get(formula.op, formula.op) if negated else formula.op


def _part(part: Formula, name: Name, negated: bool, levels: int) -> str:
    text = formula_text(part, name, negated, levels)
    return text if part.comparison is not None or len(part.parts) < 2 else f"({text})"


def interval_text(lower: Fraction | None, upper: Fraction | None) -> str:
    """`[0.6, 0.679857769]`, exactly; `(-∞, 1]` where an end is missing."""
    left = "(-∞" if lower is None else f"[{exact_text(lower)}"
    right = "∞)" if upper is None else f"{exact_text(upper)}]"
    return f"{left}, {right}"


def exact_text(value: Fraction) -> str:
    """A fraction as the decimal it was written as, where it has one of some 20 digits; otherwise as it is.

    Never rounded: what is shown is the number itself.
    """
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0 and twos < 64:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0 and fives < 64:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 40 or abs(value.numerator) >= 10**60:
        return _rational_text(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    small = places - len(digits.lstrip("0")) >= ZEROS
    return sign + (_scientific(digits, places) if small or len(text) > 24 else text)


def _scientific(digits: str, places: int) -> str:
    significant = digits.lstrip("0")
    exponent = len(significant) - 1 - places
    mantissa = significant.rstrip("0")
    return f"{mantissa[0]}{'.' + mantissa[1:] if len(mantissa) > 1 else ''}e{exponent}"


def _rational_text(value: Fraction) -> str:
    text = str(value)
    if len(text) <= 60:
        return text
    return (
        f"a fraction near {float(value):.6g}" if abs(value) < Fraction(10) ** 300 else "a very large number"
    )
