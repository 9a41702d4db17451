"""Hover: what the smallest place under the cursor can be, or the verdict of the unit whose name it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.analysis import wording
from torchlean.analysis.result import Place, TensorFact, UnitResult
from torchlean_server import render
from torchlean_server.features import domain
from torchlean_server.state import Document, Layer, ShownUnit, unit_id


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown for a range of the text."""

    markdown: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Hit:
    """A unit's place, or its name (`place` is None), under the cursor."""

    layer: Layer
    unit: UnitResult
    place: Place | None
    start: int
    end: int

    @property
    def facts(self) -> list[TensorFact]:
        return [self.unit.facts[index] for index in self.place.facts] if self.place else []


def hover(document: Document, offset: int) -> Hover | None:
    """What to say about the character at `offset`; None where nothing is known."""
    hits = [hit for layer in document.layers() if (hit := _best(document, layer, offset))]
    if not hits:
        return None
    first = hits[0]
    parts = [_text(document, first)]
    older = next((hit for hit in hits[1:] if _has_numbers(hit)), None)
    if older is not None and not _has_numbers(first):
        parts.append(_older_numbers(older))
    if first.layer.note:
        parts.insert(0, f"*{first.layer.note}*")
    return Hover("\n\n".join(parts), first.start, first.end)


def _best(document: Document, layer: Layer, offset: int) -> _Hit | None:
    """The smallest place of a layer; among units with the same place the chosen one, then one with a domain."""
    hits = list(_hits(document, layer, offset))

    def rank(hit: _Hit) -> tuple[bool, int, bool, bool]:
        chosen = unit_id(hit.unit) == document.selected
        return hit.place is not None, hit.end - hit.start, not chosen, not hit.unit.domains

    return min(hits, key=rank, default=None)


def _hits(document: Document, layer: Layer, offset: int) -> Iterator[_Hit]:
    elsewhere = document.cut_off()
    units = [
        unit
        for unit in layer.track.analysis.units
        if unit_id(unit) not in elsewhere or elsewhere[unit_id(unit)].layer.track is layer.track
    ]
    for unit in units:
        name = _definition(document, layer, unit)
        if name is not None and name[0] <= offset <= name[1]:
            yield _Hit(layer, unit, None, *name)
    then = layer.track.then(offset)
    # Just behind a word the cursor still means the word, also at the end of the text or before new characters.
    before = layer.track.then(offset - 1) if offset else None
    if then is None and before is not None:
        then = (before[0], before[1] + 1)
    if then is None:
        return
    for unit in units:
        for place in unit.places:
            if place.facts and place.span.path == document.path and place.span.contains(*then):
                span = layer.track.now(place.span)
                if span is not None:
                    yield _Hit(layer, unit, place, *span)


def _definition(document: Document, layer: Layer, unit: UnitResult) -> tuple[int, int] | None:
    """From the `def` or `class` in front of a unit's name to the end of the name."""
    if unit.kind == "script":
        return None
    span = layer.track.now(unit.span)
    if span is None:
        return None
    line, column = document.text.position(span[0])
    indent = len(document.text.line(line)) - len(document.text.line(line).lstrip())
    return span[0] - max(0, column - indent), span[1]


def _text(document: Document, hit: _Hit) -> str:
    if hit.place is None:
        family = next((f for f in hit.layer.track.analysis.families if f.name == hit.unit.family), None)
        if family is not None:
            units = [unit for unit in hit.layer.track.analysis.units if unit.name in family.facts]
            return render.family_text(family, [(unit, document.proof(unit)) for unit in units])
        if hit.unit.kind == "claim":
            return render.claim_text(hit.unit, document.proof(hit.unit))
        return render.module_text(hit.unit, domain.speaker(document, ShownUnit(hit.unit, hit.layer)))
    about = render.parameters_text if hit.place.role == "parameter" else render.place_text
    parts = [about(hit.place.label, hit.facts)]
    if hit.place.partly:
        parts.append(
            "*this line runs several times, and not every time is followed: other values are possible*"
        )
    if _has_numbers(hit):
        parts.append(f"{wording.domain_text(hit.unit)}  \n{render.method_text(hit.facts[0])}")
    return "\n\n".join(parts)


def _has_numbers(hit: _Hit) -> bool:
    return any(fact.lower is not None for fact in hit.facts)


def _older_numbers(hit: _Hit) -> str:
    intervals = ", ".join(
        f"`{wording.interval(f)}`" for f in hit.facts[: render.MAX_FACTS] if f.lower is not None
    )
    note = hit.layer.note or "of the same text"
    return f"interval {intervals} ({note})  \n{wording.domain_text(hit.unit)}"
