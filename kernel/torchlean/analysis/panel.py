"""What the bounds panel is given of a unit, as JSON: by the language server, and embedded in the report's page.

docs/protocol.md (`torchlean/graph`) has the form in TypeScript's notation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torchlean.analysis import wording
from torchlean.analysis.result import Place, TensorFact, UnitResult
from torchlean.analysis.views import Ends, Histogram, InputBox, Spread, Viewed

Located = TypeVar("Located")


def finite(number: float | None) -> float | None:
    """JSON knows no infinities."""
    return number if number is not None and math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Row(Generic[Located]):
    """One node of a unit's graph.

    Attributes:
        label: what the source calls it, or how it is written there.
        place: the smallest one, where it has one.
        weight: a parameter, a buffer, or a number that the source spells out.
    """

    fact: TensorFact
    label: str
    place: Located | None
    weight: bool


def rows(
    unit: UnitResult,
    locate: Callable[[Place], Located | None],
    size: Callable[[Located], Any],
) -> list[Row[Located]]:
    """Every tensor of the unit, operands before what is computed from them.

    Args:
        locate: where a place is; None where it is nowhere.
        size: of what `locate` gives.
    """
    weights = {index for place in unit.places if place.role == "parameter" for index in place.facts}
    places: dict[int, tuple[Located, str]] = {}
    for place in unit.places:
        where = locate(place)
        if where is None:
            continue
        for index in place.facts:
            mine = where, place.label
            places[index] = min(places.get(index, mine), mine, key=lambda known: size(known[0]))
    found: list[Row[Located]] = []
    for index, fact in enumerate(unit.facts):
        where, label = places.get(index, (None, ""))
        weight = index in weights or fact.op in ("parameter", "constant")
        found.append(Row(fact, fact.label or label, where, weight))
    return found


def node_object(row: Row[Any], range: object) -> dict[str, Any]:
    """A tensor with its bounds. `range` is LSP's, of its place."""
    fact = row.fact
    return {
        "id": fact.node,
        "op": fact.op,
        "label": row.label,
        "weight": row.weight,
        "inputs": list(fact.inputs),
        "shape": list(fact.shape),
        "dtype": fact.dtype,
        "interval": "" if fact.lower is None else wording.interval(fact),
        "lower": finite(fact.lower),
        "upper": finite(fact.upper),
        "width": finite(fact.width),
        "undefined": fact.undefined,
        "method": fact.method,
        "error": finite(fact.error),
        "rounding": "; ".join(f"{head} {text}" for head, text in wording.rounding_rows(fact)),
        "reason": fact.reason,
        "range": range,
    }


def spread_objects(viewed: Viewed) -> list[dict[str, Any] | None]:
    """The histograms of each fact."""
    return [None if spread is None else _spread(spread) for spread in viewed.spreads]


def input_object(box: InputBox) -> dict[str, Any]:
    """An input with its boxes."""
    return {
        "name": box.name,
        "node": box.node,
        "shape": list(box.shape),
        "dtype": box.dtype,
        "stated": _ends(box.stated),
        "chosen": _ends(box.chosen),
    }


def _ends(ends: Ends | None) -> dict[str, list[float | None]] | None:
    if ends is None:
        return None
    return {"lower": [finite(x) for x in ends.lower], "upper": [finite(x) for x in ends.upper]}


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "reach": _histogram(spread.reach),
        "widths": _histogram(spread.widths),
        "unbounded": spread.unbounded,
    }


def _histogram(histogram: Histogram) -> dict[str, Any]:
    return {"start": histogram.start, "end": histogram.end, "counts": list(histogram.counts)}
