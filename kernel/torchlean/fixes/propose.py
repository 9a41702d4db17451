"""Proposals for one diagnostic: every rule on every expression around its place, the largest formula first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.edits import Edit
from torchlean.fixes import entropy, exponentials, limits, logarithms, masks, roots
from torchlean.fixes.definitions import first_value, keeps_its_value
from torchlean.fixes.matching import Matcher
from torchlean.fixes.rewrite import Rewrite, Rule
from torchlean.fixes.source_file import SourceFile
from torchlean.source import Span

FORMULAS: tuple[Rule, ...] = (
    entropy.binary_cross_entropy,
    entropy.binary_cross_entropy_of_sigmoid,
    entropy.cross_entropy,
    entropy.negative_log_likelihood,
    logarithms.log_of_softmax,
    logarithms.log_of_sigmoid,
    logarithms.softplus,
    logarithms.log_sum_exp,
    logarithms.log_cumulative_sum_exp,
    logarithms.log_of_ratio,
    logarithms.inverse_tangent,
    logarithms.log1p,
    logarithms.log_of_product,
    exponentials.softmax,
    exponentials.sigmoid,
    exponentials.tanh,
    exponentials.expm1,
    exponentials.one_minus_cosine,
    exponentials.shifted_exponent,
    roots.hypot,
    roots.variance,
)
"""The same value by another way. Tried on everything that the diagnostic's statement holds."""

GUARDS: dict[str, tuple[Rule, ...]] = {
    "TL201": (limits.clamp_before_exponential,),
    "TL202": (roots.clamp_before_division, limits.one_for_zero, limits.finite_mask),
    "TL203": (roots.clamp_before_division, limits.clamp_before_negative_power, limits.one_for_zero),
    "TL204": (
        roots.clamp_before_log,
        roots.clamp_before_inverse_cosine,
        limits.clamp_before_negative_power,
        limits.clamp_before_root,
    ),
    "TL205": (roots.clamp_before_log,),
    "TL207": (roots.double_start, roots.double_sum, roots.double_terms),
    "TL208": (roots.double_sum,),
    "TL209": (masks.mask_before,),
    "TL211": (roots.clamp_before_log,),
    "TL212": (roots.clamp_before_log,),
    "TL213": (roots.clamp_before_log, roots.clamp_before_division),
    "TL214": (roots.double_conversion,),
    "TL215": (roots.approximate_equality,),
    "TL216": (limits.epsilon_of_difference, limits.larger_epsilon),
    "TL217": (limits.variance_epsilon,),
    "TL218": (limits.bfloat16,),
    "TL219": (roots.epsilon_inside_root,),
    "TL220": (limits.setting_off,),
}
"""Changes that keep the formula and avoid dangerous arguments; only where the code says that they are the trouble."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fix that nobody has tried yet.

    Attributes:
        rule: proposals of the same rule do the same more and more strongly; the first that helps is enough.
        words: what it does.
        edits: the replacement, and the imports it needs.
        place: where the new expression stands in the changed text.
        guard: whether the formula stays and only its argument is limited.
        nonnegative: the place of an expression that must be known not to be negative, in the text as it is.
    """

    rule: str
    words: str
    edits: tuple[Edit, ...]
    place: Span
    guard: bool
    nonnegative: Span | None


def propose(file: SourceFile, code: str, span: Span) -> Iterator[Proposal]:
    """Everything that may help against a numeric hazard with this code at this place, the best first, untried."""
    node = file.at(span) or _start(file, span)
    if node is None or any(isinstance(n, ast.JoinedStr) for n in (node, *file.enclosing(node))):
        return  # before Python 3.12 the parser does not say where the parts of an f-string stand
    match = Matcher(file)
    seen: set[tuple[ast.expr, str]] = set()
    for name, rewrite in _rewrites(match, node, code):
        key = rewrite.target, rewrite.text
        if key not in seen:
            seen.add(key)
            yield _proposal(file, name, rewrite)


def _start(file: SourceFile, span: Span) -> ast.expr | None:
    """What the sum begins with that a statement `total += x` adds to, where one statement says so."""
    added = next(
        (n for n in ast.walk(file.tree) if isinstance(n, ast.AugAssign) and file.place(n) == span), None
    )
    return (
        first_value(file, added.target) if added is not None and isinstance(added.target, ast.Name) else None
    )


def _rewrites(match: Matcher, node: ast.expr, code: str) -> Iterator[tuple[str, Rewrite]]:
    around = [*reversed(list(match.file.enclosing(node))), node]
    inside = [n for n in ast.walk(node) if isinstance(n, ast.expr) and n is not node]
    for rule in FORMULAS:
        for place in (*around, *inside):
            yield from ((rule.__name__, rewrite) for rewrite in _applied(rule, match, place))
    for rule in GUARDS.get(code, ()):
        for place in (node, *inside, *reversed(around[:-1])):
            yield from ((rule.__name__, rewrite) for rewrite in _applied(rule, match, place))


def _applied(rule: Rule, match: Matcher, place: ast.expr) -> Iterator[Rewrite]:
    """What a rule makes of a place, as far as what it quotes from elsewhere has the same value there."""
    if isinstance(place, ast.Name):
        return  # what it stands for is looked at where it is written
    match.quoted.clear()
    for rewrite in rule(match, place):
        same = all(keeps_its_value(match.file, node, rewrite.target) for node in match.quoted)
        if same and _parses(rewrite.text):
            yield rewrite


def _parses(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def _proposal(file: SourceFile, rule: str, rewrite: Rewrite) -> Proposal:
    replacement = file.edit(rewrite.target, rewrite.text)
    imports = file.imports(rewrite.text)
    added = sum(edit.text.count("\n") for edit in imports if edit.span <= replacement.span)
    span = replacement.span
    lines = rewrite.text.split("\n")
    end_column = len(lines[-1]) + (span.column if len(lines) == 1 else 0)
    line = span.line + added
    place = Span(file.path, line, span.column, line + len(lines) - 1, end_column)
    guards = {function.__name__ for functions in GUARDS.values() for function in functions}
    guard = rule in guards - {limits.one_for_zero.__name__}  # zero is left out, which no interval can say
    needed = None if rewrite.nonnegative is None else file.span(*file.offsets(rewrite.nonnegative))
    return Proposal(rule, rewrite.words, (replacement, *imports), place, guard, needed)
