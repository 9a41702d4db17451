"""Code lenses: the verdict over each claim, parameters and domain over each module."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from torchlean_server import render
from torchlean_server.state import Document, Freshness, ShownUnit, has_verdict

FAMILY = 4
"""From so many claims of one name on, one lens counts them."""

_MARKS = {
    Freshness.CURRENT: "",
    Freshness.CHECKING: " · stale, being checked",
    Freshness.STALE: " · stale",
}


@dataclass(frozen=True, slots=True)
class Lens:
    """`title` over a range; choosing it selects the unit's domain."""

    title: str
    unit: str
    start: int
    end: int


def lenses(document: Document) -> list[Lens]:
    """In order of the text."""
    together: dict[tuple[int, int], list[ShownUnit]] = defaultdict(list)
    for shown in document.units(has_verdict):
        where = shown.layer.track.now(shown.unit.span)
        if shown.unit.kind in ("claim", "module") and where is not None:
            together[where].append(shown)
    return [lens for where in sorted(together) for lens in _at(document, where, together[where])]


def _at(document: Document, where: tuple[int, int], units: list[ShownUnit]) -> list[Lens]:
    claims = [shown for shown in units if shown.unit.kind == "claim"]
    if len(claims) >= FAMILY:
        first = claims[0]
        title = render.tally_title([shown.unit.claim for shown in claims])
        units = [shown for shown in units if shown.unit.kind != "claim"]
        return [Lens(title + _mark(first), first.id, *where), *_each(document, where, units)]
    return _each(document, where, units)


def _each(document: Document, where: tuple[int, int], units: list[ShownUnit]) -> list[Lens]:
    found = []
    for shown in units:
        unit = shown.unit
        title = render.claim_title(unit.claim) if unit.kind == "claim" else render.module_title(unit)
        if unit.kind == "claim" and unit.claim is None and unit.failure:
            title = "cannot be analysed"
        selected = " · domain shown" if shown.id == document.selected else ""
        found.append(Lens(title + _mark(shown) + selected, shown.id, *where))
    return found


def _mark(shown: ShownUnit) -> str:
    # An early layer of the answer is current, but its claims have no verdict yet.
    return _MARKS[shown.layer.freshness]
