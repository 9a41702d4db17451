"""From assertions to regions: disjunctive normal form, with the bounds of single inputs gathered into boxes.

The assertions hold together. Bounds of single inputs that hold always make the common box; what is left are constraints
and choices (`or`), whose combinations are written out: the alternatives. Each alternative tightens the box by its own
bounds of single inputs, and alternatives with the same box become one region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torchlean.diagnostics import Severity
from torchlean.vnnlib.boxes import Box, End, bound_of
from torchlean.vnnlib.declarations import Declarations
from torchlean.vnnlib.describe import exact_text
from torchlean.vnnlib.formula import Comparison, Formula
from torchlean.vnnlib.problems import MEANING, VACUOUS, Problems
from torchlean.vnnlib.properties import Conjunction, Constraint, Region
from torchlean.vnnlib.reader import Assertion

MAX_ALTERNATIVES = 250_000
"""Alternatives written out. The largest competition files have some ten thousands; more come from products of `or`s."""

MAX_LITERALS = 5_000_000
"""Constraints over all alternatives, and box ends over all regions: a gigabyte at most."""

COUNTED = 10**30
"""Sizes beyond are not computed: they would double their digits with each `xor` inside another, to billions of them."""

_FLIP = {"and": "or", "or": "and", "leaf": "leaf"}

Signed = tuple[Formula, bool]
"""A formula, and whether its negation is meant."""

Alternative = tuple[Comparison, ...]


class TooMany(ValueError):
    """The normal form is too large to be written out; the arguments are its alternatives and constraints."""

    def __init__(self, alternatives: int, literals: int) -> None:
        super().__init__(alternatives, literals)
        self.alternatives = alternatives
        self.literals = literals


def alternatives(formula: Formula) -> list[Alternative]:
    """The disjunctive normal form: the formula holds where, for some alternative, all comparisons hold.

    Raises:
        TooMany: it is larger than the limits above.
    """
    _limited(*_Measure().size((formula, False)))
    return _expanded((formula, False))


def _limited(count: int, literals: int) -> None:
    if count > MAX_ALTERNATIVES or literals > MAX_LITERALS:
        raise TooMany(count, literals)


def _op(node: Signed) -> str:
    formula, negated = node
    return _FLIP[formula.op] if negated else formula.op


def _leaf(node: Signed) -> Comparison | None:
    formula, negated = node
    comparison = formula.comparison
    if comparison is None:
        return None
    return comparison.negated() if formula.negated is not negated else comparison


def _gathered(node: Signed, op: str) -> Iterator[Signed]:
    """The operands of `op` below a node, through as many nested `op`s as there are, in order of the text."""
    stack = [node]
    while stack:
        formula, negated = node = stack.pop()
        if _op(node) == op:
            stack.extend((part, formula.negated is not negated) for part in reversed(formula.parts))
        else:
            yield node


class _Measure:
    """Sizes of normal forms without writing them out: (alternatives, constraints in all of them), `COUNTED` at most."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[int, int]] = {}

    def size(self, node: Signed) -> tuple[int, int]:
        key = id(node[0]), node[1]
        if key not in self._known:
            self._known[key] = self._size(node)
        return self._known[key]

    def _size(self, node: Signed) -> tuple[int, int]:
        op = _op(node)
        if op == "leaf":
            return 1, 1
        sizes = [self.size(part) for part in _gathered(node, op)]
        if op == "or":
            found = sum(count for count, _ in sizes), sum(literals for _, literals in sizes)
            return min(found[0], COUNTED), min(found[1], COUNTED)
        product, total = 1, 0
        for count, literals in sizes:
            product, total = min(product * count, COUNTED), min(total * count + literals * product, COUNTED)
        return product, total


def _expanded(node: Signed) -> list[Alternative]:
    """Recursion as deep as `and` and `or` alternate, which the reader limits."""
    leaf = _leaf(node)
    if leaf is not None:
        return [(leaf,)]
    op = _op(node)
    if op == "or":
        return [found for part in _gathered(node, op) for found in _expanded(part)]
    result: list[Alternative] = [()]
    for part in _gathered(node, op):
        found = _expanded(part)
        result = [before + then for before in result for then in found]
    return result


@dataclass(slots=True)
class Normal:
    """Makes the regions of a file that was read without errors; what is odd about them is reported.

    `places` are offsets per region: what its first alternative was made of beside what all have in common, or all
    assertions where there are no alternatives.
    """

    declarations: Declarations
    problems: Problems
    places: list[tuple[int, int]] = field(default_factory=list)
    _constraints: dict[int, tuple[Comparison, Constraint]] = field(default_factory=dict)

    def regions(self, assertions: Sequence[Assertion]) -> tuple[Region, ...]:
        box = Box()
        common: list[Comparison] = []
        choices: list[tuple[Formula, Assertion]] = []
        for assertion in assertions:
            for node in _gathered((assertion.formula, False), "and"):
                leaf = _leaf(node)
                if leaf is None:
                    choices.append((_as_formula(node), assertion))
                elif not self._tightens(box, leaf):
                    common.append(leaf)
        if self._is_empty(box) or not self._satisfiable(choices):
            return ()
        try:
            together = Formula("and", tuple(choice for choice, _ in choices))
            count, literals = _Measure().size((together, False))
            _limited(count, literals + count * len(common))
            found = _expanded((together, False))
            whole = (assertions[0].start, assertions[-1].end) if assertions else (0, 0)
            return self._grouped(box, tuple(common), found, whole, tell=len(choices) == 1)
        except TooMany as size:
            self._report_size(size, choices)
            return ()

    def _tightens(self, box: Box, comparison: Comparison) -> bool:
        """Whether a comparison that holds always is said by the box alone."""
        bound = bound_of(comparison)
        if bound is None:
            return False
        key, is_upper, value = bound
        known = box.end(key, is_upper)
        if known is not None:
            side = "upper" if is_upper else "lower"
            counts = min(known.value, value) if is_upper else max(known.value, value)
            name = self.declarations.name(key)
            message = f"`{name}` has two {side} bounds; {exact_text(counts)} is the one that counts"
            place = comparison.start, comparison.end
            self.problems.add(VACUOUS, place, message, (known.place, "the other"), severity=Severity.HINT)
        box.tighten(key, is_upper, End(value, (comparison.start, comparison.end), comparison.strict))
        return not comparison.strict

    def _is_empty(self, box: Box) -> bool:
        for key, low, high in box.contradictions():
            later, earlier = (low, high) if low.place > high.place else (high, low)
            least = f"{'more than' if low.strict else 'at least'} {exact_text(low.value)}"
            most = f"{'less than' if high.strict else 'at most'} {exact_text(high.value)}"
            message = f"empty: nothing to check. `{self.declarations.name(key)}` must be {least} and {most}"
            self.problems.add(VACUOUS, later.place, message, (earlier.place, "the other bound"))
        return bool(box.contradictions())

    def _satisfiable(self, choices: Sequence[tuple[Formula, Assertion]]) -> bool:
        """Whether no choice is plainly false."""
        measure = _Measure()
        false = [assertion for choice, assertion in choices if measure.size((choice, False))[0] == 0]
        for assertion in false:
            message = "empty: nothing to check. This assertion never holds"
            self.problems.add(VACUOUS, (assertion.start, assertion.end), message)
        return not false

    def _grouped(
        self, box: Box, common: Alternative, found: Sequence[Alternative], whole: tuple[int, int], tell: bool
    ) -> tuple[Region, ...]:
        """Alternatives with the same box together, in order of their first. `tell`: report each that is empty."""
        groups: dict[object, tuple[Box, list[Conjunction]]] = {}
        empty: tuple[int, End, End] | None = None
        for alternative in found:
            own, rest = self._split(box, alternative)
            contradictions = own.contradictions()
            if contradictions:
                empty = contradictions[0]
                if tell:
                    self._is_empty(own)
                continue
            conjunction = Conjunction(tuple(self._constraint(c) for c in (*common, *rest)))
            if own.identity() not in groups:
                self.places.append(_hull(alternative) if alternative else whole)
            groups.setdefault(own.identity(), (own, []))[1].append(conjunction)
        if not groups and empty is not None and not tell:
            _, low, high = empty
            message = "empty: nothing to check. No combination of the alternatives leaves an input"
            self.problems.add(VACUOUS, max(low.place, high.place), message)
        _limited(len(groups), len(groups) * self.declarations.inputs)
        return tuple(self._region(own, unsafe) for own, unsafe in groups.values())

    def _split(self, box: Box, alternative: Alternative) -> tuple[Box, list[Comparison]]:
        """The alternative's own box, and the constraints that no box can say."""
        own, rest = Box(box), []
        for comparison in alternative:
            bound = bound_of(comparison)
            if bound is not None:
                place = comparison.start, comparison.end
                own.tighten(bound[0], bound[1], End(bound[2], place, comparison.strict))
            if bound is None or comparison.strict:
                rest.append(comparison)
        return own, rest

    def _constraint(self, comparison: Comparison) -> Constraint:
        """One object for all alternatives that share the comparison."""
        known = self._constraints.get(id(comparison))
        if known is not None:
            return known[1]
        x = {key: value for key, value in comparison.coefficients.items() if key >= 0}
        y = {~key: value for key, value in comparison.coefficients.items() if key < 0}
        constraint = Constraint(x, y, comparison.bound, comparison.strict)
        # The comparison is kept too: its id must not be used again meanwhile.
        self._constraints[id(comparison)] = (comparison, constraint)
        return constraint

    def _region(self, box: Box, unsafe: list[Conjunction]) -> Region:
        inputs = range(self.declarations.inputs)
        ends = [[box.end(key, is_upper) for key in inputs] for is_upper in (False, True)]
        lower, upper = (tuple(None if end is None else end.value for end in side) for side in ends)
        return Region(lower, upper, tuple(unsafe))

    def _report_size(self, size: TooMany, choices: Sequence[tuple[Formula, Assertion]]) -> None:
        measure = _Measure()
        worst = max(choices, key=lambda choice: measure.size((choice[0], False)), default=None)
        place = (worst[1].start, worst[1].end) if worst else (0, 0)
        message = (
            f"too many alternatives: written out, the choices are {_count(size.alternatives)} alternatives with "
            f"{_count(size.literals)} constraints; up to {MAX_ALTERNATIVES:,} with {MAX_LITERALS:,} are supported"
        )
        self.problems.add(MEANING, place, message)


def _hull(alternative: Alternative) -> tuple[int, int]:
    return min(c.start for c in alternative), max(c.end for c in alternative)


def _as_formula(node: Signed) -> Formula:
    formula, negated = node
    return Formula(
        _op(node), formula.parts, formula.comparison, formula.negated is not negated, formula.depth
    )


def _count(number: int) -> str:
    """A count of any size: powers of ten where digits would fill the line."""
    if number < 10**9:
        return f"{number:,}"
    return f"more than 10^{(number.bit_length() - 1) * 30102 // 100000}"
