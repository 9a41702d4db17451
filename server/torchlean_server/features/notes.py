"""Hover in property files: a variable's range, what a condition says, the verdict where the network is named."""

from __future__ import annotations

import re

from torchlean_server import render
from torchlean_server.features.hover import Hover
from torchlean_server.state import Document, Layer

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ \t]*\[[^\]\r\n]*\])?")
"""A name, with its indices."""

_SPACE = re.compile(r"[ \t]+")


def hover(document: Document, offset: int) -> Hover | None:
    """What to say about the character at `offset`, from the newest result that has something."""
    for layer in document.layers():
        found = (
            _verdict(document, layer, offset)
            or _variable(document, layer, offset)
            or _note(document, layer, offset)
        )
        if found is not None:
            note = f"*{layer.note}*\n\n" if layer.note else ""
            return Hover(note + found.markdown, found.start, found.end)
    return None


def _verdict(document: Document, layer: Layer, offset: int) -> Hover | None:
    for unit in layer.track.analysis.units:
        where = layer.track.now(unit.span) if unit.kind == "property" else None
        if where is not None and where[0] <= offset <= where[1]:
            return Hover(render.property_text(unit), *where)
    return None


def _variable(document: Document, layer: Layer, offset: int) -> Hover | None:
    words = layer.track.analysis.words
    line, column = document.text.position(offset)
    for match in _WORD.finditer(document.text.line(line)):
        if match.start() <= column <= match.end():
            start = offset - column + match.start()
            whole = _SPACE.sub("", match[0])
            for name in (whole, whole.partition("[")[0]):
                if name in words:
                    length = len(match[0]) if name == whole else len(name)
                    return Hover(words[name], start, start + length)
    return None


def _note(document: Document, layer: Layer, offset: int) -> Hover | None:
    """The smallest condition around the place."""
    then = layer.track.then(offset)
    if then is None:
        return None
    around = [note for note in layer.track.analysis.notes if note.span.contains(*then)]
    places = [(where, note) for note in around if (where := layer.track.now(note.span)) is not None]
    if not places:
        return None
    where, note = min(places, key=lambda found: found[0][1] - found[0][0])
    return Hover(note.markdown, *where)
