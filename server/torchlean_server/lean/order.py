"""Which claim is looked at next. Pure.

First the document that a person works with, in it what is on the screen, then what changed last, then in order of the
text. A document that is being analysed has to wait: what is proved of it may just be overtaken.
"""

from __future__ import annotations

from collections.abc import Iterable

from torchlean.analysis.result import UnitResult
from torchlean_server.proofs import Key, Standing
from torchlean_server.state import Document

Rank = tuple[int, bool, int, int]


def first(documents: Iterable[Document], standing: Standing) -> tuple[Document, Key] | None:
    """The most urgent claim that stands so; None without any."""
    found = [
        (_rank(document, key, unit), document, key)
        for document in documents
        if not document.checking
        for key, unit in document.unproved().items()
        if document.proofs[key].standing is standing
    ]
    if not found:
        return None
    _, document, key = min(found, key=lambda candidate: candidate[0])
    return document, key


def _rank(document: Document, key: Key, unit: UnitResult) -> Rank:
    line = unit.span.line
    visible = document.view is not None and document.view[0] <= line <= document.view[1]
    return -document.attention, not visible, -document.proofs[key].wanted, line
