"""The graph of one unit with the bounds of its tensors, for tables and diagrams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torchlean.analysis.panel import labelled
from torchlean.analysis.result import TensorFact, UnitResult
from torchlean.source import Span
from torchlean_server.features import domain
from torchlean_server.state import Document, ShownUnit


@dataclass(frozen=True, slots=True)
class Row:
    """One node of the graph; `label` is what the source calls it, or how it is written there.

    `place` is the smallest place in the text of now (offsets), where it has one.
    """

    fact: TensorFact
    label: str
    place: tuple[int, int] | None


def choices(document: Document) -> list[str]:
    """Ids of the units with bounds, the one that speaks for a line first (`claim:stays_in_range`)."""
    return [shown.id for shown in domain.preferred(document)]


def find(document: Document, unit: str | None) -> ShownUnit | None:
    """The unit with this id, or without one the first of `choices`; None where there is none.

    Raises:
        UnknownUnit: the document has no such unit with bounds.
    """
    units = domain.preferred(document)
    if unit is None:
        return units[0] if units else None
    found = next((shown for shown in units if shown.id == unit), None)
    if found is None:
        known = ", ".join(choices(document)) or "none"
        raise domain.UnknownUnit(f"no unit {unit!r} with bounds here; there are: {known}")
    return found


def rows(document: Document, shown: ShownUnit) -> list[Row]:
    """Every tensor of the unit, operands before what is computed from them."""
    return _rows(shown.unit, document.path, shown.layer.track.now)


def viewed_rows(document: Document, unit: UnitResult) -> list[Row]:
    """The same of a unit that was looked at in the text of now."""
    return _rows(unit, document.path, document.text.offsets)


def _rows(unit: UnitResult, path: str, offsets: Callable[[Span], tuple[int, int] | None]) -> list[Row]:
    places = labelled(
        unit,
        lambda place: offsets(place.span) if place.span.path == path else None,
        lambda where: where[1] - where[0],
    )
    return [Row(fact, label, where) for fact, (label, where) in zip(unit.facts, places, strict=True)]
