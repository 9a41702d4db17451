"""JSON documents for other programs. The form is part of the public interface: fields are added, never changed.

Lines and characters are zero-based, and characters count UTF-16 code units, as in LSP. Bounds that are infinite or
were not computed are `null`: JSON has no infinity.
"""

from __future__ import annotations

from typing import Any

from torchlean.analysis.panel import finite
from torchlean.analysis.result import ClaimResult, FamilyResult, FileAnalysis, UnitResult
from torchlean.diagnostics import Diagnostic
from torchlean.source import Span


def file_object(result: FileAnalysis, text: str) -> dict[str, Any]:
    """One entry of `files`: path, diagnostics, claims, families."""
    lines = text.splitlines()
    units = {unit.name: unit for unit in result.units if unit.kind == "family"}
    return {
        "path": result.path,
        "diagnostics": [diagnostic_object(found, lines) for found in result.diagnostics],
        "claims": [
            *(
                {
                    **_claim(unit.name, unit.span, unit.claim, lines),
                    "capture": unit.front_end,
                    **_agreement(unit),
                }
                for unit in result.units
                if unit.kind in ("claim", "property")
            ),
            *(
                {**_claim(name, family.span, claim, lines), **_agreement(units.get(family.name))}
                for family in result.families
                for name, claim in family.members.items()
            ),
        ],
        "families": [_family(family) for family in result.families],
    }


def diagnostic_object(found: Diagnostic, lines: list[str]) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity.name.lower(),
        "range": utf16_range(found.span, lines),
        "message": found.message,
    }


def _family(family: FamilyResult) -> dict[str, Any]:
    return {
        "name": family.name,
        "kind": family.kind,
        "proved": family.proved,
        "refuted": family.refuted,
        "unknown": family.total - family.proved - family.refuted,
        "total": family.total,
        "correct": family.correct,
        "seconds": family.seconds,
    }


def _claim(name: str, span: Span, claim: ClaimResult | None, lines: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "range": utf16_range(span, lines),
        "verdict": claim.verdict.value if claim else "unknown",
        "evidence": claim.evidence.value if claim else "none",
        "margin": finite(claim.margin) if claim else None,
        "counterexample": claim.counterexample if claim else None,
        "trajectory": [[finite(number) for number in state] for state in claim.trajectory] if claim else [],
        "seconds": claim.seconds if claim else 0.0,
    }


def _agreement(unit: UnitResult | None) -> dict[str, Any]:
    """What running the program beside its graph showed; null where it was not run as it is now."""
    if unit is None or unit.agreement is None:
        return {"agreement": None}
    found = unit.agreement
    shown = {"agrees": found.agrees, "text": found.text, "torch": found.torch, "inputs": found.inputs}
    return {"agreement": {**shown, "modes": list(found.modes)}}


def utf16_range(span: Span, lines: list[str]) -> dict[str, dict[str, int]]:
    """A place as LSP writes it."""
    return {
        "start": {"line": span.line, "character": _utf16(lines, span.line, span.column)},
        "end": {"line": span.end_line, "character": _utf16(lines, span.end_line, span.end_column)},
    }


def _utf16(lines: list[str], line: int, column: int) -> int:
    """The column in UTF-16 code units: characters beyond the basic plane count twice."""
    if line >= len(lines):
        return column
    return column + sum(ord(character) > 0xFFFF for character in lines[line][:column])
