"""The graph of one unit with the bounds of its tensors, for tables and diagrams."""

from __future__ import annotations

from collections.abc import Callable

from torchlean.analysis import panel
from torchlean.analysis.panel import Row
from torchlean.analysis.result import UnitResult
from torchlean.source import Span
from torchlean_server.features import domain
from torchlean_server.state import Document, ShownUnit

Place = tuple[int, int]
"""Offsets in the text of now."""


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


def rows(document: Document, shown: ShownUnit) -> list[Row[Place]]:
    """Every tensor of the unit, operands before what is computed from them; places are in the text of now."""
    return _rows(shown.unit, document.path, shown.layer.track.now)


def viewed_rows(document: Document, unit: UnitResult) -> list[Row[Place]]:
    """The same of a unit that was looked at in the text of now."""
    return _rows(unit, document.path, document.text.offsets)


def _rows(unit: UnitResult, path: str, offsets: Callable[[Span], Place | None]) -> list[Row[Place]]:
    return panel.rows(
        unit,
        lambda place: offsets(place.span) if place.span.path == path else None,
        lambda where: where[1] - where[0],
    )
