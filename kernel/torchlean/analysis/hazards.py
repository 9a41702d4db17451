"""Numeric hazards of a file: each unit examined under its region, the answers put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from torchlean.analysis.units import UnitBounds
from torchlean.capture.result import UnitKind
from torchlean.diagnostics import Diagnostic
from torchlean.hazards import (
    Examination,
    HazardMemory,
    Written,
    examine,
    examine_shapeless,
    merged,
    text_hazards,
)
from torchlean.source import Span


def file_hazards(
    path: str,
    text: str,
    bounded: Sequence[UnitBounds],
    differentiated: Set[int],
    memory: HazardMemory,
    cancelled: Callable[[], bool],
) -> list[Diagnostic]:
    """The `TL2xx` diagnostics of the file, one per place and code.

    Args:
        differentiated: nodes of the file's graph, see `Capture`.

    Raises:
        Cancelled: by the caller.
    """
    written = Written(path, text)
    examined = [Examination(tuple(text_hazards(written)))]
    for unit in bounded:
        domains = {name: box.interval() for name, box in unit.part.unit.domains.items()}
        generic = unit.part.unit.kind is UnitKind.MODULE
        ids = {unit.part.ids[id] for id in differentiated & unit.part.ids.keys()}
        examined.append(
            examine(
                unit.part.graph,
                domains,
                unit.bounds,
                written,
                memory,
                cancelled,
                generic=generic,
                differentiated=ids,
            )
        )
    elsewhere, by_themselves = (
        frozenset[Span]().union(*(found.places for found in examined if found.generic is generic))
        for generic in (False, True)
    )
    examined.append(examine_shapeless(written, elsewhere, by_themselves - elsewhere, cancelled, memory))
    return merged(examined)
