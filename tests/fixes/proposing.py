"""Proposals for expressions drawn between « and » in a text, without an analysis."""

from __future__ import annotations

from torchlean.edits import applied, line_starts
from torchlean.fixes import Proposal, propose
from torchlean.fixes.source_file import SourceFile
from torchlean.source import Span

PATH = "/m.py"


def drawn(text: str) -> tuple[str, Span]:
    """The text without the two marks, and the span between them."""
    start, end = text.index("«"), text.index("»") - 1
    text = text.replace("«", "").replace("»", "")
    starts = line_starts(text)

    def position(offset: int) -> tuple[int, int]:
        line = max(i for i, s in enumerate(starts) if s <= offset)
        return line, offset - starts[line]

    return text, Span(PATH, *position(start), *position(end))


def proposals(marked: str, code: str) -> tuple[str, list[Proposal]]:
    """The text, and everything proposed for the marked expression."""
    text, span = drawn(marked)
    return text, list(propose(SourceFile(PATH, text), code, span))


def fixed(marked: str, code: str, words: str) -> str:
    """The text after the first proposal whose words begin so."""
    text, found = proposals(marked, code)
    chosen = [proposal for proposal in found if proposal.words.startswith(words)]
    assert chosen, f"{words!r} is not among {[p.words for p in found]}"
    return applied(text, chosen[0].edits)
