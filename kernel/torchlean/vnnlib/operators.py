"""Forms inside an assertion: from an operator and its operands, already read, to a term or a formula.

Operands are read before their operator is applied, so nesting costs no stack. Each mistake is reported where it is,
and a form with a mistake inside is `BAD` and reported no further.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from torchlean.vnnlib import formula as f
from torchlean.vnnlib.declarations import Declarations
from torchlean.vnnlib.formula import Formula, Term
from torchlean.vnnlib.items import BAD, Bad, Indexed, Item, Value, described
from torchlean.vnnlib.lexical import MAX_DIGITS, NUMBER, NumberTooLong, number
from torchlean.vnnlib.problems import MEANING, SYNTAX, Problems

MAX_DEPTH = 200
"""Alternations of `and` and `or` inside each other; expanding them is recursive. Files in use have three."""

NOT_FINITE = frozenset({"nan", "inf", "infinity"})

ARITHMETIC = frozenset("+-*/")

LOGIC: dict[str, tuple[int, int | None, str]] = {
    "and": (1, None, "one or more conditions"),
    "or": (1, None, "one or more conditions"),
    "not": (1, 1, "one condition"),
    "=>": (2, None, "two or more conditions"),
    "xor": (2, None, "two or more conditions"),
    "ite": (3, 3, "three conditions"),
}
"""Least and greatest number of operands, and both in words."""

ELSEWHERE = {
    "let": "`let` is not part of VNN-LIB; write the expression out",
    "forall": "quantifiers are not part of VNN-LIB: free variables are existential",
    "exists": "quantifiers are not part of VNN-LIB: free variables are existential",
    "abs": "`abs` is not linear; write both cases with `or`",
    "max": "`max` is not linear; write both cases with `or`",
    "min": "`min` is not linear; write both cases with `or`",
}
"""Words that people try, and what to do instead."""


@dataclass(slots=True)
class Operators:
    """Applies operators; variables are looked up in `declarations`."""

    declarations: Declarations
    problems: Problems
    _known: dict[str, Term] = field(default_factory=dict)

    def apply(self, head: Item, operands: list[Item], start: int, end: int) -> Value:
        """The value of the form `(head operands...)` that spans `[start, end)`."""
        name = head.value
        if not isinstance(name, str):
            if not isinstance(name, Bad):
                self._report(SYNTAX, head, f"expected an operator after `(`, got {described(head)}")
            return BAD
        try:
            if name in ARITHMETIC:
                return self._arithmetic(name, head, operands, (start, end))
            if name in f.COMPARISONS:
                return self._comparison(name, head, operands, (start, end))
            if name in LOGIC:
                return self._logic(name, head, operands)
        except f.Unbounded:
            self.problems.add(
                MEANING, (start, end), f"exact numbers of more than {f.MAX_BITS:,} bits are not supported"
            )
            return BAD
        return self._unknown(name, head)

    # Operands

    def term(self, item: Item) -> Term | None:
        """An operand as an arithmetic expression; None when it is none (reported)."""
        value = item.value
        if isinstance(value, Term):
            return value
        if isinstance(value, str):
            return self._word(value, item)
        if isinstance(value, Indexed):
            key = self.declarations.element(value, item.place)
            return None if key is None else f.variable(key)
        if not isinstance(value, Bad):
            self._report(MEANING, item, f"expected a number, a variable or arithmetic, got {described(item)}")
        return None

    def _word(self, word: str, item: Item) -> Term | None:
        known = self._known.get(word)
        return self._resolved(word, item) if known is None else known

    def _resolved(self, word: str, item: Item) -> Term | None:
        """A word that was not seen before."""
        if word not in self.declarations.tensors:
            try:
                value = number(word)
            except NumberTooLong:
                message = (
                    f"numbers of more than {MAX_DIGITS:,} digits, or with such exponents, are not supported"
                )
                self._report(MEANING, item, message)
                return None
            if value is not None:
                return self._known.setdefault(word, Term({}, value or f.ZERO))
            if word.lstrip("+-").lower() in NOT_FINITE:
                self._report(MEANING, item, f"`{word}` is no number: leave a bound out where there is none")
                return None
        key = self.declarations.word(word, item.place)
        return None if key is None else self._known.setdefault(word, f.variable(key))

    def formula(self, item: Item) -> Formula | None:
        """An operand as a condition; None when it is none (reported)."""
        value = item.value
        if isinstance(value, Formula):
            return value
        if value == "true":
            return f.TRUE
        if value == "false":
            return f.FALSE
        if not isinstance(value, Bad):
            message = f"expected a condition such as `(<= X_0 1.0)`, got {described(item)}"
            self._report(MEANING, item, message)
        return None

    def _formulas(self, operands: list[Item]) -> list[Formula] | None:
        found = [self.formula(operand) for operand in operands]
        return None if None in found else [formula for formula in found if formula is not None]

    def _terms(self, operands: list[Item]) -> list[Term] | None:
        found = [self.term(operand) for operand in operands]
        return None if None in found else [term for term in found if term is not None]

    # Operators

    def _arithmetic(self, name: str, head: Item, operands: list[Item], place: tuple[int, int]) -> Value:
        terms = self._terms(operands)
        if not operands:
            self._report(SYNTAX, head, f"`{name}` needs operands")
            return BAD
        if terms is None:
            return BAD
        if name == "+":
            return f.total([(1, term) for term in terms])
        if name == "-":
            if len(terms) == 1:
                return f.total([(-1, terms[0])])
            return f.total([(1, terms[0]), *((-1, term) for term in terms[1:])])
        return self._product(terms, place) if name == "*" else self._quotient(head, terms, place)

    def _product(self, terms: list[Term], place: tuple[int, int]) -> Value:
        result = terms[0]
        for term in terms[1:]:
            if not result.is_constant and not term.is_constant:
                message = "the product of two expressions with variables is not linear; only linear ones are supported"
                self.problems.add(MEANING, place, message)
                return BAD
            factor, other = (result, term) if result.is_constant else (term, result)
            result = f.scaled(other, factor.constant)
        return result

    def _quotient(self, head: Item, terms: list[Term], place: tuple[int, int]) -> Value:
        if len(terms) < 2:
            self._report(SYNTAX, head, "`/` takes two or more operands, got 1")
            return BAD
        result = terms[0]
        for term in terms[1:]:
            if not term.is_constant:
                message = (
                    "division by an expression with variables is not linear; only linear ones are supported"
                )
                self.problems.add(MEANING, place, message)
                return BAD
            if not term.constant:
                self.problems.add(MEANING, place, "division by zero")
                return BAD
            result = f.scaled(result, 1 / Fraction(term.constant))
        return result

    def _comparison(self, name: str, head: Item, operands: list[Item], place: tuple[int, int]) -> Value:
        if any(isinstance(operand.value, Formula) for operand in operands) and name in ("=", "=="):
            return self._equivalence(operands)
        terms = self._terms(operands)
        chain = name not in ("!=", "distinct")
        if len(operands) < 2 or (not chain and len(operands) > 2):
            expected = "two or more operands" if chain else "two operands"
            self._report(SYNTAX, head, f"`{name}` takes {expected}, got {len(operands)}")
            return BAD
        if terms is None:
            return BAD
        # (<= a b c) is a <= b and b <= c, as in SMT-LIB.
        pairs = itertools.pairwise(terms)
        return f.conjunction([f.comparison(name, left, right, *place) for left, right in pairs])

    def _equivalence(self, operands: list[Item]) -> Value:
        parts = self._formulas(operands)
        if parts is None:
            return BAD
        pairs = itertools.pairwise(parts)
        return f.conjunction([f.negation(f.exclusive(left, right)) for left, right in pairs])

    def _logic(self, name: str, head: Item, operands: list[Item]) -> Value:
        least, greatest, words = LOGIC[name]
        parts = self._formulas(operands)
        if len(operands) < least or (greatest is not None and len(operands) > greatest):
            self._report(SYNTAX, head, f"`{name}` takes {words}, got {len(operands)}")
            return BAD
        if parts is None:
            return BAD
        result = _CONNECTIVES[name](parts)
        if result.depth > MAX_DEPTH:
            self._report(MEANING, head, f"conditions nested deeper than {MAX_DEPTH} levels are not supported")
            return BAD
        return result

    def _unknown(self, name: str, head: Item) -> Value:
        advice = ELSEWHERE.get(name)
        if advice is None:
            close = difflib.get_close_matches(name, [*f.COMPARISONS, *LOGIC, *ARITHMETIC], n=1)
            what = "a number" if NUMBER.fullmatch(name) else "no operator"
            advice = f"expected an operator; {described(head)} is {what}"
            if close:
                advice += f". Did you mean `{close[0]}`?"
        self._report(MEANING, head, advice)
        return BAD

    def _report(self, code: str, item: Item, message: str) -> None:
        self.problems.add(code, item.place, message)


def _xor(parts: list[Formula]) -> Formula:
    result = parts[0]
    for part in parts[1:]:
        result = f.exclusive(result, part)
    return result


_CONNECTIVES: dict[str, Callable[[list[Formula]], Formula]] = {
    "and": f.conjunction,
    "or": f.disjunction,
    "not": lambda parts: f.negation(parts[0]),
    "=>": f.implication,
    "xor": _xor,
    "ite": lambda parts: f.chosen(*parts),
}
