"""What a menu offers on the name of a Lyapunov function: to draw what is shown, and to look for its largest level."""

from __future__ import annotations

from torchlean.analysis.result import FamilyResult
from torchlean_server.features.certificates import Offer
from torchlean_server.state import Document

DRAW = "torchlean.drawLyapunov"
LARGEST_LEVEL = "torchlean.largestLevel"


def offers(document: Document, start: int, end: int) -> list[Offer]:
    """For the functions whose names stand on the lines of a range; none while newer answers are being computed."""
    lines = range(document.text.position(start)[0], document.text.position(end)[0] + 1)
    found: list[Offer] = []
    for family in functions(document):
        if family.span.line in lines:
            arguments = (document.uri, family.name)
            found.append(Offer(f"Draw what is shown of {family.name}", DRAW, arguments))
            found.append(Offer(f"Find the largest level of {family.name}", LARGEST_LEVEL, arguments))
    return found


def functions(document: Document) -> list[FamilyResult]:
    """The Lyapunov functions of the text as it is now."""
    track = document.complete
    if track is None or track.anchor.revision != document.revision:
        return []
    return [family for family in track.analysis.families if family.kind == "lyapunov"]
