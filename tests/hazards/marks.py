"""Reading the marks of a program, and comparing them with what is reported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torchlean.analysis import Session, analyse
from torchlean.diagnostics import Diagnostic

MARK = re.compile(r"# hazard: (TL2\d\d(?: or TL2\d\d)*)\s*$")

Report = tuple[int, str]
"""A line (from one, as editors count) and a code."""


@dataclass(frozen=True)
class Comparison:
    """What of the marks was reported, and what was reported beside them."""

    found: frozenset[int]
    missed: frozenset[int]
    wrong: frozenset[Report]

    @property
    def agrees(self) -> bool:
        return not self.missed and not self.wrong


def marks(text: str) -> dict[int, frozenset[str]]:
    """Accepted codes by marked line."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = MARK.search(line)
        if match is not None:
            found[number] = frozenset(match[1].split(" or "))
    return found


def reported(path: Path) -> list[Diagnostic]:
    """The numeric hazards that the analysis reports of a file."""
    analysis = analyse(str(path), path.read_text(encoding="utf-8"), Session())
    return [found for found in analysis.diagnostics if found.code.startswith("TL2")]


def compare(expected: dict[int, frozenset[str]], diagnostics: Iterable[Diagnostic]) -> Comparison:
    """Marked lines that are reported under an accepted code, those that are not, and all other reports."""
    reports = {(found.span.line + 1, found.code) for found in diagnostics}
    right = {(line, code) for line, code in reports if code in expected.get(line, ())}
    found = frozenset(line for line, _ in right)
    return Comparison(found, frozenset(expected) - found, frozenset(reports - right))
