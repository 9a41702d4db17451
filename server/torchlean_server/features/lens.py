"""Code lenses: the verdict over each claim and property, parameters and domain over each module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from torchlean_server import render
from torchlean_server.features import domain
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
    """`title` over a range; choosing it selects the unit's domain, or asks for one where `unit` is None."""

    title: str
    unit: str | None
    start: int
    end: int


def lenses(document: Document) -> list[Lens]:
    """In order of the text."""
    together: dict[tuple[int, int], list[ShownUnit]] = defaultdict(list)
    for shown in document.units(has_verdict):
        where = shown.layer.track.now(shown.unit.span)
        # Facts of a family are told by its own lens.
        told = shown.unit.kind in ("claim", "module", "property") and not shown.unit.family
        if told and where is not None:
            together[where].append(shown)
    found = [lens for where in together for lens in _at(document, where, together[where])]
    return sorted([*found, *_families(document)], key=lambda lens: (lens.start, lens.end))


def _families(document: Document) -> Iterator[Lens]:
    """The counts of each family, at its name."""
    units = {shown.id: shown for shown in document.units(has_verdict)}
    for shown in document.families():
        where = shown.layer.track.now(shown.family.span)
        if where is None:
            continue
        facts = [units[id] for name in shown.family.facts if (id := f"claim:{name}") in units]
        title = render.family_title(shown.family, [(fact.unit, document.proof(fact.unit)) for fact in facts])
        chosen = facts[0].id if facts else f"family:{shown.family.name}"
        yield Lens(title + _MARKS[shown.layer.freshness], chosen, *where)


def _at(document: Document, where: tuple[int, int], units: list[ShownUnit]) -> list[Lens]:
    claims = [shown for shown in units if shown.unit.kind == "claim"]
    if len(claims) >= FAMILY:
        first = claims[0]
        title = render.tally_title(
            [shown.unit.claim for shown in claims], [document.proof(shown.unit) for shown in claims]
        )
        units = [shown for shown in units if shown.unit.kind != "claim"]
        return [Lens(title + _mark(first), first.id, *where), *_each(document, where, units)]
    return _each(document, where, units)


def _each(document: Document, where: tuple[int, int], units: list[ShownUnit]) -> list[Lens]:
    found = []
    for shown in units:
        chosen = " · domain shown" if shown.id == document.selected else ""
        if shown.unit.kind == "property":
            found.append(Lens(render.property_title(shown.unit) + _mark(shown), shown.id, *where))
            continue
        if shown.unit.kind == "claim":
            title = render.claim_title(shown.unit, document.proof(shown.unit))
            found.append(Lens(title + _mark(shown) + chosen, shown.id, *where))
            continue
        speaker = domain.speaker(document, shown)
        title = render.module_title(shown.unit, speaker)
        # Where a claim speaks for the module's lines, there are others to choose from.
        found.append(
            Lens(title + _mark(shown) + chosen, None if speaker.kind == "claim" else shown.id, *where)
        )
    return found


def _mark(shown: ShownUnit) -> str:
    # An early layer of the answer is current, but its claims have no verdict yet.
    return _MARKS[shown.layer.freshness]
