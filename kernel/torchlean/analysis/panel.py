"""What the bounds panel is given of a unit, as JSON: by the language server, and embedded in the report's page.

docs/protocol.md (`torchlean/graph`) has the form in TypeScript's notation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from torchlean.analysis import wording
from torchlean.analysis.result import Place, TensorFact, UnitResult
from torchlean.analysis.views import Ends, Histogram, InputBox, Spread, Viewed

Located = TypeVar("Located")


def finite(number: float | None) -> float | None:
    """JSON knows no infinities."""
    return number if number is not None and math.isfinite(number) else None


def labelled(
    unit: UnitResult,
    locate: Callable[[Place], Located | None],
    size: Callable[[Located], Any],
) -> list[tuple[str, Located | None]]:
    """For each fact its label and its smallest place: what the source calls it, or how it is written there.

    Args:
        locate: where a place is; None where it is nowhere.
        size: of what `locate` gives.
    """
    places: dict[int, tuple[Located, str]] = {}
    for place in unit.places:
        where = locate(place)
        if where is None:
            continue
        for index in place.facts:
            mine = where, place.label
            places[index] = min(places.get(index, mine), mine, key=lambda known: size(known[0]))
    found: list[tuple[str, Located | None]] = []
    for index, fact in enumerate(unit.facts):
        where, label = places.get(index, (None, ""))
        found.append((fact.label or label, where))
    return found


def node_object(fact: TensorFact, label: str) -> dict[str, Any]:
    """A tensor with its bounds, without its place."""
    return {
        "id": fact.node,
        "op": fact.op,
        "label": label,
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
