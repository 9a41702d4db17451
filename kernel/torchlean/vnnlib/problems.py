"""Collecting what is wrong with a property file."""

from __future__ import annotations

from torchlean.diagnostics import SEVERITIES, Diagnostic, Related, Severity
from torchlean.vnnlib.lexical import Source

SYNTAX, MEANING, VACUOUS = "TL120", "TL121", "TL122"

MOST = 100
"""Problems listed of one file: a person mends the first few, and a file of another format has one a token."""


class Problems:
    """The diagnostics of one file, in the order in which they are found."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self.errors = 0

    @property
    def full(self) -> bool:
        return len(self.found) > MOST

    def add(
        self,
        code: str,
        place: tuple[int, int],
        message: str,
        *related: tuple[tuple[int, int], str],
        severity: Severity | None = None,
    ) -> None:
        """Report at `place` (offsets); `related` are further places with what they have to do with it."""
        severity = SEVERITIES[code] if severity is None else severity
        self.errors += severity is Severity.ERROR
        if self.full:
            return
        if len(self.found) == MOST:
            message = f"more than {MOST} problems in this file; the others are not listed"
            related = ()
        notes = tuple(Related(self.source.span(*where), text) for where, text in related)
        self.found.append(Diagnostic(code, severity, self.source.span(*place), message, notes))
