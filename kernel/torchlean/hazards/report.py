"""Findings as diagnostics: severity by what is known, the place, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torchlean.diagnostics import Diagnostic, Related, Severity
from torchlean.graph import Graph
from torchlean.hazards.finding import Finding
from torchlean.hazards.regions import Known
from torchlean.hazards.written import Written
from torchlean.ops import dtype_name
from torchlean.source import Span

MENTIONED = 3
"""Consequences that a report names."""


def diagnostics_of(graph: Graph, findings: Iterable[Finding], written: Written) -> list[Diagnostic]:
    """One diagnostic per finding."""
    reports = []
    for finding in findings:
        span = written.place(graph[finding.node])
        if span is not None:
            reports.append(_diagnostic(graph, finding, span, written))
    return reports


def _diagnostic(graph: Graph, finding: Finding, span: Span, written: Written) -> Diagnostic:
    severity = Severity.HINT if finding.known is Known.NOTHING else Severity.WARNING
    if finding.evidence is not None:
        severity = Severity.ERROR
    # Messages that begin with code keep its letters.
    message = finding.message[:1].upper() + finding.message[1:]
    if finding.evidence is not None:
        message += f". Executed in {dtype_name(graph[finding.node].type.dtype)}: {finding.evidence}"
    return Diagnostic(finding.code, severity, span, message, _consequences(graph, finding, written))


def _consequences(graph: Graph, finding: Finding, written: Written) -> tuple[Related, ...]:
    node = graph[finding.node]
    line = node.span.line + 1 if node.span is not None else 0
    related: dict[Span, Related] = {}
    for id in finding.because:
        span = written.place(graph[id])
        if span is not None and span != node.span:
            related.setdefault(span, Related(span, f"goes wrong because of line {line}"))
    return tuple(list(related.values())[:MENTIONED])


@dataclass(frozen=True, slots=True)
class Examination:
    """What examining one unit gave.

    Attributes:
        diagnostics: its hazards.
        places: where the file spells out an operation that the unit executes.
        generic: the unit is a module by itself, on inputs of which nothing is known.
    """

    diagnostics: tuple[Diagnostic, ...]
    places: frozenset[Span] = frozenset()
    generic: bool = False


def merged(examinations: Sequence[Examination]) -> list[Diagnostic]:
    """The diagnostics of all units, one per place and code: the most severe speaks.

    A module by itself is judged only where nothing else of the file executes it: the script and the claims know better
    what it is given.
    """
    used: set[Span] = set()
    for examination in examinations:
        if not examination.generic:
            used |= examination.places
    best: dict[tuple[str, Span], Diagnostic] = {}
    for examination in examinations:
        for found in examination.diagnostics:
            if examination.generic and found.span in used:
                continue
            key = (found.code, found.span)
            if key not in best or found.severity < best[key].severity:
                best[key] = found
    return sorted(best.values(), key=lambda d: (d.span, d.code))
