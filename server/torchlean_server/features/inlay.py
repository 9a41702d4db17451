"""Inlay hints: the interval of a line's value, at the end of the line."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.analysis import wording
from torchlean.analysis.result import Place
from torchlean_server import render
from torchlean_server.features.domain import preferred
from torchlean_server.state import Document, ShownUnit

STALE_MARK = " (stale)"

PARTLY = " or unknown"
"""Behind the interval of a line of which other executions are not followed."""

LONGEST = 40
"""Characters of an expression in a hint: the line it belongs to is in sight."""

_RANK = {"return": 0, "assignment": 1, "expression": 2}
"""Which place speaks for its line. Others (arguments, layers, weights) speak at their own lines in hovers."""


@dataclass(frozen=True, slots=True)
class Hint:
    """`label` at the end of `line`, which ends at `offset`."""

    line: int
    offset: int
    label: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    rank: tuple[int, int, int]
    hint: Hint


def hints(document: Document, start: int, end: int) -> list[Hint]:
    """The hints of the lines that touch the offsets `[start, end]`, in order."""
    first, last = document.text.position(start)[0], document.text.position(end)[0]
    best: dict[int, _Candidate] = {}
    for order, shown in enumerate(preferred(document)):
        for place in shown.unit.places:
            candidate = _candidate(document, shown, place, order, range(first, last + 1))
            if candidate is None:
                continue
            known = best.get(candidate.hint.line)
            if known is None or candidate.rank < known.rank:
                best[candidate.hint.line] = candidate
    return [best[line].hint for line in sorted(best)]


def _candidate(
    document: Document, shown: ShownUnit, place: Place, order: int, lines: range
) -> _Candidate | None:
    if place.role not in _RANK or place.span.path != document.path:
        return None
    where = shown.layer.track.now(place.span)
    line = document.text.position(where[1])[0] if where else -1
    if where is None or line not in lines:
        return None
    facts = [shown.unit.facts[index] for index in place.facts]
    label = render.hint_text(facts, bounded_domain=bool(shown.unit.domains))
    if label is None:
        return None
    if place.partly:
        label += PARTLY
    if place.role == "expression":
        text = document.text.string[slice(*where)]
        if text.isidentifier():
            # A name that is read: what it is stands where it was assigned, and here it would pass for the line's value.
            return None
        if text != document.text.line(line).strip():
            label = f"{_shortened(text)} {label}"
    offset = document.text.offset(line, len(document.text.line(line).rstrip()))
    tooltip = f"`{place.label}` {wording.domain_text(shown.unit)}  \n{render.method_text(facts[0])}"
    if shown.layer.stale:
        label += STALE_MARK
        tooltip = f"*{shown.layer.note}*\n\n{tooltip}"
    # The longest expression of a line is the one the others are part of.
    return _Candidate((order, _RANK[place.role], where[0] - where[1]), Hint(line, offset, label, tooltip))


def _shortened(text: str) -> str:
    """An expression in one line, its beginning where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
