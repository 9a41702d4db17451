"""Diagnostics: those of the newest result, and what an older one said of the places that stayed, marked stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.diagnostics import SEVERITIES, Diagnostic, Related, Severity
from torchlean_server.lean import words
from torchlean_server.proofs import Proof, Standing
from torchlean_server.state import Document, Layer, has_syntax_error, has_verdict, unit_id

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
    return sorted(
        dict.fromkeys(_all(document)), key=lambda problem: (problem.start, problem.end, problem.code)
    )


def _all(document: Document) -> Iterator[Problem]:
    trouble = document.trouble
    if trouble is not None and trouble.revision == document.revision:
        yield _of_the_file(document, trouble.code, trouble.reason)
    yield from _of_lean(document)
    layers = document.layers()
    if layers:
        newest = [p for d in _said(document, layers[0]) if (p := _moved(document, layers[0], d))]
        yield from newest
        for layer in layers[1:]:
            yield from _older(document, layer, layers[0], newest)


def _said(document: Document, newest: Layer) -> Iterator[Diagnostic]:
    """What the newest result says, but for claims that a syntax error cut off: their older verdict is shown."""
    elsewhere = document.cut_off()
    cut_off = {unit.span for unit in newest.track.analysis.units if unit_id(unit) in elsewhere}
    for diagnostic in newest.track.analysis.diagnostics:
        if not (diagnostic.code.startswith("TL3") and diagnostic.span in cut_off):
            yield diagnostic


def _older(document: Document, layer: Layer, newest: Layer, known: list[Problem]) -> Iterator[Problem]:
    """What an older result said and the newest, partial one cannot say.

    A first layer of a new answer has everything about shapes, a later one about hazards too, and neither of claims; the
    answer for a text with a syntax error has that error and whatever could be followed around it.
    """
    broken = has_syntax_error(newest.track.analysis)
    said = ("TL1", "TL2") if newest.track.analysis.examined else ("TL1",)
    places = {(problem.code, problem.start, problem.end) for problem in known}
    followed = {
        newest.track.now(s.unit.span) for s in document.units(has_verdict) if s.layer.track is newest.track
    }
    for diagnostic in layer.track.analysis.diagnostics:
        problem = _moved(document, layer, diagnostic)
        if problem is None or (problem.code, problem.start, problem.end) in places:
            continue
        about_claim = problem.code.startswith("TL3")
        if about_claim and (problem.start, problem.end) in followed:
            continue
        if broken or not problem.code.startswith(said):
            yield problem


def _of_lean(document: Document) -> Iterator[Problem]:
    """What Lean has to say about the claims of the text of now. That there is no Lean is said once."""
    for key, unit in document.provable().items():
        proof = document.proofs.get(key)
        where = document.complete.now(unit.span) if document.complete else None
        if proof is None or where is None or not proof.code:
            continue
        if proof.standing is not Standing.UNAVAILABLE or proof.announced:
            yield Problem(proof.code, SEVERITIES[proof.code], words.message(proof), *where)


def _proof(document: Document, layer: Layer, diagnostic: Diagnostic) -> Proof | None:
    """Of the claim that a diagnostic calls proved."""
    if diagnostic.code != "TL300":
        return None
    units = [unit for unit in layer.track.analysis.units if unit.span == diagnostic.span]
    named = [unit for unit in units if diagnostic.message.startswith(f"{unit.name}: ")]
    return document.proof(named[0]) if len(named) == 1 else None


def _moved(document: Document, layer: Layer, diagnostic: Diagnostic) -> Problem | None:
    proof = _proof(document, layer, diagnostic)
    message = diagnostic.message + (words.accepted(proof) if proof is not None else "")
    if layer.stale:
        message += f"\n({layer.note})"
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
