"""Quick fixes for numeric hazards, each tried before it is offered.

A proposal (`torchlean.fixes`) is an identity of mathematics at best. Whether it helps this file is found out by
analysing the changed text: the hazard must be gone and nothing of shapes, names or hazards may be new. What the
analysis says of the new expression stands in the title.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from torchlean.analysis.pipeline import analyse
from torchlean.analysis.result import FileAnalysis, TensorFact
from torchlean.analysis.session import Session
from torchlean.capture.result import UnitKind
from torchlean.diagnostics import Diagnostic
from torchlean.edits import Edit, Fix, applied
from torchlean.fixes import Proposal, propose
from torchlean.fixes.source_file import SourceFile
from torchlean.numbers import interval_text, lower_text, upper_text
from torchlean.source import Span

TRIED = 8
"""Proposals that are analysed for one diagnostic: a person waits for the menu."""

OFFERED = 3
"""Fixes offered for one diagnostic: the reliable one comes first, more would hide it."""


def fixes(
    path: str,
    text: str,
    lines: tuple[int, int],
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Fix, ...]:
    """Fixes for the hazards on some lines of a file.

    Args:
        path, text, session, cancelled: as for `analyse`.
        lines: the first and the last line (zero-based); hazards that touch them are looked at.

    Raises:
        Cancelled: the caller asked for it.
    """
    trial = _Trial(path, text, session, cancelled)
    try:
        file = SourceFile(path, text)
    except SyntaxError:
        return ()
    found: dict[tuple[Edit, ...], Fix] = {}
    for diagnostic in trial.before.diagnostics:
        span = diagnostic.span
        if (
            _is_hazard(diagnostic)
            and span.path == path
            and span.line <= lines[1]
            and lines[0] <= span.end_line
        ):
            for fix in trial.helpful(file, diagnostic):
                found.setdefault(fix.edits, fix)
    return tuple(found.values())


class _Trial:
    """The file as it is, and what changes of it would do. Claims are not decided meanwhile: nobody asks for them."""

    def __init__(self, path: str, text: str, session: Session, cancelled: Callable[[], bool]) -> None:
        self._path = path
        self._text = text
        self._session = session
        self._cancelled = cancelled
        self.before = self._analysis(text)

    def helpful(self, file: SourceFile, diagnostic: Diagnostic) -> Iterator[Fix]:
        """Fixes that make the diagnostic go away and nothing else come."""
        rules: set[str] = set()
        for tried, proposal in enumerate(propose(file, diagnostic.code, diagnostic.span)):
            if tried == TRIED or len(rules) == OFFERED:
                return
            if proposal.rule in rules or not self._fits(proposal):
                continue
            after = self._analysis(applied(self._text, proposal.edits))
            if self._better(after, diagnostic) and not (
                proposal.guard and _may_be_undefined(after, proposal)
            ):
                rules.add(proposal.rule)
                title = _title(proposal, after, diagnostic.code)
                yield Fix(title, diagnostic.code, diagnostic.span, proposal.edits)

    def _analysis(self, text: str) -> FileAnalysis:
        method, self._session.method = self._session.method, "ibp"
        try:
            return analyse(self._path, text, self._session, self._cancelled)
        finally:
            self._session.method = method

    def _fits(self, proposal: Proposal) -> bool:
        """Whether what the proposal takes for granted is known."""
        if proposal.nonnegative is None:
            return True
        facts = list(_facts(_used(self.before, proposal.nonnegative), proposal.nonnegative))
        return bool(facts) and all(f.lower is not None and f.lower >= 0 for f in facts)

    def _better(self, after: FileAnalysis, gone: Diagnostic) -> bool:
        """Of every code no more than before, and of the hazard's one less."""
        before = _counted(self.before)
        before[gone.code] -= 1
        return all(count <= before[code] for code, count in _counted(after).items())


def _counted(analysis: FileAnalysis) -> Counter[str]:
    """How often each code of shapes and capture, and of hazards, is reported."""
    return Counter(d.code for d in analysis.diagnostics if d.code.startswith(("TL1", "TL2")))


def _is_hazard(diagnostic: Diagnostic) -> bool:
    return diagnostic.code.startswith("TL2")


def _title(proposal: Proposal, after: FileAnalysis, code: str) -> str:
    """What the fix does and what the analysis says of its result."""
    facts = list(_facts(after, proposal.place))
    bounds = [(f.lower, f.upper) for f in facts if f.lower is not None and f.upper is not None]
    lower = min((low for low, _ in bounds), default=-math.inf)
    upper = max((high for _, high in bounds), default=math.inf)
    unbounded = math.isinf(lower) and math.isinf(upper)
    # Of what is not computed, like the zeros that a sum starts from, the text itself says the values.
    if unbounded or all(not f.inputs for f in facts) or any(f.undefined for f in facts):
        return f"{proposal.words} ({code} is gone)"
    if math.isinf(lower):
        return f"{proposal.words}: values at most {upper_text(upper)} ({code} is gone)"
    if math.isinf(upper):
        return f"{proposal.words}: values at least {lower_text(lower)} ({code} is gone)"
    errors = [f.error for f in facts if f.error is not None]
    error = max(errors, default=math.inf)
    accuracy = f", rounding error at most {upper_text(error, 2)}" if math.isfinite(error) else ""
    return f"{proposal.words}: values in {interval_text(lower, upper)}{accuracy} ({code} is gone)"


def _may_be_undefined(after: FileAnalysis, proposal: Proposal) -> bool:
    """A limit does not help an argument that is NaN already."""
    return any(fact.undefined for fact in _facts(after, proposal.place))


def _used(analysis: FileAnalysis, place: Span) -> FileAnalysis:
    """The analysis without modules by themselves, on any input, where the file uses what stands at the place."""
    uses = tuple(unit for unit in analysis.units if unit.kind != UnitKind.MODULE.value)
    used = replace(analysis, units=uses)
    return used if any(_facts(used, place)) else analysis


def _facts(analysis: FileAnalysis, place: Span) -> Iterator[TensorFact]:
    """What is known of the tensors at the largest place inside a span, in every unit that passes there."""
    inside = [
        (other.span, unit.facts[index])
        for unit in analysis.units
        for other in unit.places
        if other.span.path == place.path
        and place.contains(other.span.line, other.span.column)
        and place.contains(other.span.end_line, other.span.end_column)
        for index in other.facts
    ]
    largest = max((_size(span) for span, _ in inside), default=None)
    yield from (fact for span, fact in inside if _size(span) == largest)


def _size(span: Span) -> tuple[int, int]:
    return span.end_line - span.line, span.end_column - span.column
