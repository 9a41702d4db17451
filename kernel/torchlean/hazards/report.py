"""Findings as diagnostics: severity by what is known, the place, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable

from torchlean.diagnostics import Diagnostic, Related, Severity
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding
from torchlean.hazards.regions import Known
from torchlean.hazards.written import Written
from torchlean.source import Span

MENTIONED = 3
"""Consequences that a report names."""


def diagnostics_of(case: Case, findings: Iterable[Finding], written: Written) -> list[Diagnostic]:
    """One diagnostic per finding."""
    reports = []
    for finding in findings:
        span = written.place(case.graph[finding.node])
        if span is not None:
            reports.append(_diagnostic(case, finding, span, written))
    return reports


def _diagnostic(case: Case, finding: Finding, span: Span, written: Written) -> Diagnostic:
    known = case.ranges.known[finding.operand]
    severity = Severity.HINT if known is Known.NOTHING else Severity.WARNING
    # Messages that begin with code keep its letters.
    message = finding.message[:1].upper() + finding.message[1:]
    return Diagnostic(finding.code, severity, span, message, _consequences(case, finding, written))


def _consequences(case: Case, finding: Finding, written: Written) -> tuple[Related, ...]:
    node = case.graph[finding.node]
    line = node.span.line + 1 if node.span is not None else 0
    related: dict[Span, Related] = {}
    for id in finding.because:
        span = written.place(case.graph[id])
        if span is not None and span != node.span:
            related.setdefault(span, Related(span, f"goes wrong because of line {line}"))
    return tuple(list(related.values())[:MENTIONED])


def merged(groups: Iterable[list[Diagnostic]]) -> list[Diagnostic]:
    """The diagnostics of all units, one per place and code: the most severe speaks."""
    best: dict[tuple[str, Span], Diagnostic] = {}
    for group in groups:
        for found in group:
            key = (found.code, found.span)
            if key not in best or found.severity < best[key].severity:
                best[key] = found
    return sorted(best.values(), key=lambda d: (d.span, d.code))
