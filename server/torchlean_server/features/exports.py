"""What a menu offers where static capture does not follow a model: to take it from the exported program."""

from __future__ import annotations

from torchlean_server.features.certificates import Offer
from torchlean_server.state import Document

COMMAND = "torchlean.captureByExport"

TITLE = "Run this file and take its models from torch.export"


def offers(document: Document, start: int, end: int) -> list[Offer]:
    """On the names of claims and modules that are not followed, and where capture says so; of the text of now."""
    track = document.complete
    if track is None or track.anchor.revision != document.revision or not track.analysis.offer:
        return []
    lines = range(document.text.position(start)[0], document.text.position(end)[0] + 1)
    failed = [unit.span.line for unit in track.analysis.units if unit.failure]
    unknown = [
        found.span.line
        for found in track.analysis.diagnostics
        if found.code == "TL102" and found.span.path == document.path
    ]
    return [Offer(TITLE, COMMAND, (document.uri,))] if any(line in lines for line in failed + unknown) else []
