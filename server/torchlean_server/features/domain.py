"""Whose domain hovers and hints show, where several units share lines, and the command that chooses it."""

from __future__ import annotations

from torchlean.analysis.result import UnitResult
from torchlean_server.state import Document, ShownUnit, has_numbers, has_verdict


class UnknownUnit(ValueError):
    """The document has no such unit; the message lists what it has."""


def choices(document: Document) -> list[str]:
    """Ids of the units that can be chosen: `claim:stays_in_range`."""
    kinds = ("claim", "family", "module")
    return [shown.id for shown in document.units(has_verdict) if shown.unit.kind in kinds]


def select(document: Document, unit: str | None) -> str | None:
    """Choose a unit by id or, where that is clear, by name; None goes back to the default order.

    Raises:
        UnknownUnit: no unit or several are called so.
    """
    if unit is None:
        document.selected = None
        return None
    known = choices(document)
    matching = [id for id in known if unit in (id, id.partition(":")[2])]
    if len(matching) != 1:
        raise UnknownUnit(f"no unit {unit!r} here; there are: {', '.join(known) or 'none'}")
    document.selected = matching[0]
    return matching[0]


def preferred(document: Document) -> list[ShownUnit]:
    """Units with numbers, in the order in which they may speak for a line: the chosen one, then those with a stated
    domain, then the rest."""
    return sorted(
        document.units(has_numbers), key=lambda shown: (shown.id != document.selected, not shown.unit.domains)
    )


def speaker(document: Document, module: ShownUnit) -> UnitResult:
    """The unit whose domain the lines of a module are shown for: itself where no claim runs through them."""
    for shown in preferred(document):
        if shown.id == module.id or _runs_through(shown, module.unit):
            return shown.unit
    return module.unit


def _runs_through(shown: ShownUnit, module: UnitResult) -> bool:
    analysis = shown.layer.track.analysis
    wholes = [s.span for s in analysis.symbols if s.kind == "module" and s.name == module.name]
    return any(
        whole.path == place.span.path and whole.contains(place.span.line, place.span.column)
        for whole in wholes
        for place in shown.unit.places
    )
