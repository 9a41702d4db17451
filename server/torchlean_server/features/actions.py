"""Code actions: quick fixes for numeric hazards, for the text that was analysed and no other.

A fix is found by analysing changed texts, so a worker does it when an editor asks for the actions of a place. Only
hazards of the current text are looked at: while a check runs, or after an edit, there is nothing to offer yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.edits import Fix
from torchlean_server.features.diagnostics import Problem, problems
from torchlean_server.state import Document


@dataclass(frozen=True, slots=True)
class Change:
    """Replace `text[start:end]` of the document."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a menu offers. `preferred` is the one that an editor's "fix this" takes."""

    title: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    preferred: bool


def hazards(document: Document, start: int, end: int) -> list[Problem]:
    """The numeric hazards that touch a range of the text of now; none while newer answers are being computed."""
    track = document.complete
    if track is None or track.anchor.revision != document.revision:
        return []
    found = [problem for problem in problems(document) if problem.code.startswith("TL2")]
    return [problem for problem in found if problem.start <= end and start <= problem.end]


def lines(document: Document, hazards: list[Problem]) -> tuple[int, int] | None:
    """The first and the last line that hazards stand on; None without any."""
    if not hazards:
        return None
    first = min(document.text.position(problem.start)[0] for problem in hazards)
    return first, max(document.text.position(problem.end)[0] for problem in hazards)


def actions(document: Document, hazards: list[Problem], fixes: tuple[Fix, ...]) -> list[Action]:
    """The fixes of these hazards. The first one for a hazard is the preferred."""
    found: list[Action] = []
    served: set[Problem] = set()
    for fix in fixes:
        span = document.text.offsets(fix.span)
        solved = tuple(p for p in hazards if p.code == fix.code and (p.start, p.end) == span)
        if solved:
            changes = tuple(Change(*document.text.offsets(edit.span), edit.text) for edit in fix.edits)
            found.append(Action(fix.title, changes, solved, preferred=not served & set(solved)))
            served |= set(solved)
    return found
