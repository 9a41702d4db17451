"""What assertions say: linear comparisons under `and` and `or`, with exact rational coefficients.

Variables are integers: input `i` is `i`, output `j` is `~j` (negative), so that a term is one dictionary. Negation is a
flag and costs nothing; implications, `xor` and `ite` share their parts. Nothing here is expanded, see `normal`.

Values are never changed once made. Their classes are not `frozen` all the same: that would triple the time it takes to
make one, and files have them by the ten thousand.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

MAX_BITS = 1 << 15
"""Bits of a numerator or denominator. Literals reach 13,300; a sum or product beyond this is an attack on the parser,
since every further step would take longer."""

ZERO, ONE, MINUS_ONE = Fraction(0), Fraction(1), Fraction(-1)
"""Shared, so that the commonest coefficients are recognised by identity: arithmetic on fractions is slow."""


class Unbounded(ValueError):
    """A coefficient has grown beyond `MAX_BITS`."""


@dataclass(slots=True)
class Term:
    """`constant + sum of coefficient * variable`. Zero coefficients are left out."""

    coefficients: Mapping[int, Fraction]
    constant: Fraction

    @property
    def is_constant(self) -> bool:
        return not self.coefficients


def variable(key: int) -> Term:
    return Term({key: ONE}, ZERO)


def total(terms: Sequence[tuple[int, Term]]) -> Term:
    """The sum of terms, each with its sign (1 or -1).

    The first term is the one that grows in nested sums, so its dictionary is copied as a whole.
    """
    (sign, first), *rest = terms
    if sign == 1:
        coefficients, constant = dict(first.coefficients), first.constant
    else:
        coefficients, constant = {k: -c for k, c in first.coefficients.items()}, -first.constant
    for sign, term in rest:
        constant = _checked(constant + sign * term.constant)
        for key, coefficient in term.coefficients.items():
            value = _checked(coefficients.get(key, ZERO) + sign * coefficient)
            if value:
                coefficients[key] = value
            else:
                coefficients.pop(key, None)
    return Term(coefficients, constant)


def scaled(term: Term, factor: Fraction) -> Term:
    if not factor:
        return Term({}, ZERO)
    scaled = {key: _checked(value * factor) for key, value in term.coefficients.items()}
    return Term(scaled, _checked(term.constant * factor))


def _checked(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise Unbounded
    return value


@dataclass(slots=True)
class Comparison:
    """`sum of coefficient * variable <= bound` (`<` when strict), written at `[start, end)` of the text."""

    coefficients: Mapping[int, Fraction]
    bound: Fraction
    strict: bool
    start: int
    end: int

    def negated(self) -> Comparison:
        """`sum > bound`, as `-sum < -bound`."""
        turned = {key: -value for key, value in self.coefficients.items()}
        return Comparison(turned, -self.bound, not self.strict, self.start, self.end)


@dataclass(slots=True)
class Formula:
    """A comparison, or `op` ("and", "or") over parts; all parts count negated when `negated`.

    `depth` counts alternations of `and` and `or`; `and` without parts is true, `or` without parts false.
    """

    op: str
    parts: tuple[Formula, ...] = ()
    comparison: Comparison | None = None
    negated: bool = False
    depth: int = 0


TRUE = Formula("and")
FALSE = Formula("or")

_FLIP = {"and": "or", "or": "and", "leaf": "leaf"}


def conjunction(parts: Sequence[Formula]) -> Formula:
    return _joined("and", parts)


def disjunction(parts: Sequence[Formula]) -> Formula:
    return _joined("or", parts)


def _joined(op: str, parts: Sequence[Formula]) -> Formula:
    if len(parts) == 1:
        return parts[0]
    depth = max((part.depth + (part.op != op) for part in parts), default=0)
    return Formula(op, tuple(parts), depth=depth)


def negation(formula: Formula) -> Formula:
    return Formula(_FLIP[formula.op], formula.parts, formula.comparison, not formula.negated, formula.depth)


def implication(parts: Sequence[Formula]) -> Formula:
    """`(=> a b c)` is `a => (b => c)`: the last holds or one of the others does not."""
    return disjunction([*(negation(part) for part in parts[:-1]), parts[-1]])


def exclusive(left: Formula, right: Formula) -> Formula:
    return disjunction([conjunction([left, negation(right)]), conjunction([negation(left), right])])


def chosen(condition: Formula, yes: Formula, no: Formula) -> Formula:
    """`(ite condition yes no)`."""
    return disjunction([conjunction([condition, yes]), conjunction([negation(condition), no])])


def _difference(left: Term, right: Term) -> Term:
    """`left - right`, sharing a variable part that stays as it is: most comparisons are of a variable and a number."""
    if right.is_constant and left.constant is ZERO:
        return Term(left.coefficients, -right.constant)
    if left.is_constant and right.constant is ZERO:
        turned = {k: MINUS_ONE if c is ONE else -c for k, c in right.coefficients.items()}
        return Term(turned, left.constant)
    return total([(1, left), (-1, right)])


COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "distinct": operator.ne,
}


def comparison(op: str, left: Term, right: Term, start: int, end: int) -> Formula:
    """`left op right` as a formula; a comparison of constants is true or false."""
    if left.is_constant and right.is_constant:
        return TRUE if COMPARISONS[op](left.constant, right.constant) else FALSE
    if op in (">=", ">"):
        return comparison("<=" if op == ">=" else "<", right, left, start, end)
    if op in ("=", "=="):
        both = comparison("<=", left, right, start, end), comparison("<=", right, left, start, end)
        return conjunction(both)
    if op in ("!=", "distinct"):
        return negation(comparison("=", left, right, start, end))
    difference = _difference(left, right)
    if difference.is_constant:
        return TRUE if COMPARISONS[op](difference.constant, ZERO) else FALSE
    leaf = Comparison(difference.coefficients, -difference.constant, op == "<", start, end)
    return Formula("leaf", comparison=leaf)
