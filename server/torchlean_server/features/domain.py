"""The command that chooses whose domain hovers and hints show, where several units share lines."""

from __future__ import annotations

from torchlean_server.state import Document, has_verdict


class UnknownUnit(ValueError):
    """The document has no such unit; the message lists what it has."""


def choices(document: Document) -> list[str]:
    """Ids of the units that can be chosen: `claim:stays_in_range`."""
    return [shown.id for shown in document.units(has_verdict) if shown.unit.kind != "script"]


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
