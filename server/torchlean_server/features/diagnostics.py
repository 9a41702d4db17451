"""Diagnostics: those of the newest result, and what an older one said of the places that stayed, marked stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.diagnostics import SEVERITIES, Diagnostic, Related, Severity
from torchlean_server.state import SYNTAX_ERROR, Document, Layer

_ADVICE = {
    "TL502": "Shown results are from before. Edit the file to try again; `torchlean.analysis.timeout` and "
    "`torchlean.analysis.memory` set the limits.",
    "TL105": "",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic in the text of now. `related` keeps spans: they may lie in other files."""

    code: str
    severity: Severity
    message: str
    start: int
    end: int
    related: tuple[Related, ...] = ()


def problems(document: Document) -> list[Problem]:
    """Everything to report, in order of the text, each once."""
    found = [problem for problem in _all(document) if problem is not None]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda problem: (problem.start, problem.end, problem.code))


def _all(document: Document) -> Iterator[Problem | None]:
    trouble = document.trouble
    if trouble is not None and trouble.revision == document.revision:
        yield _of_the_file(document, trouble.code, trouble.reason)
    layers = document.layers()
    for index, layer in enumerate(layers):
        for diagnostic in layer.track.analysis.diagnostics:
            if index == 0 or _still_said(diagnostic, layers[0]):
                yield _moved(document, layer, diagnostic)


def _still_said(diagnostic: Diagnostic, newest: Layer) -> bool:
    """Whether an older result's diagnostic is worth repeating beside a newer, partial one.

    A first layer of a new answer has everything about shapes and nothing about claims; the answer for a text with a
    syntax error has that error and perhaps little more.
    """
    if any(d.code == SYNTAX_ERROR for d in newest.track.analysis.diagnostics):
        return True
    return not diagnostic.code.startswith("TL1")


def _moved(document: Document, layer: Layer, diagnostic: Diagnostic) -> Problem | None:
    message = f"{diagnostic.message}\n({layer.note})" if layer.stale else diagnostic.message
    related = diagnostic.related
    if diagnostic.span.path != document.path:
        # It belongs to another file: say so at the top, and let the related place lead there.
        here = Related(diagnostic.span, diagnostic.message)
        message = f"in {diagnostic.span}: {message}"
        return Problem(diagnostic.code, diagnostic.severity, message, 0, 0, (here, *related))
    where = layer.track.now(diagnostic.span)
    if where is None:
        return None
    return Problem(diagnostic.code, diagnostic.severity, message, *where, related if not layer.stale else ())


def _of_the_file(document: Document, code: str, reason: str) -> Problem:
    end = len(document.text.line(0))
    if code == "TL502":
        reason = f"The analysis of this file stopped: {reason}."
    else:
        reason = f"Not analysed: {reason}."
    return Problem(code, SEVERITIES[code], f"{reason} {_ADVICE[code]}".strip(), 0, end)
