"""Bounds of one unit as a person wants to see them: by this method, for this domain, element by element.

Plain data, as in `result`; `viewing` computes it. A view stands beside the analysis: a domain that somebody tries out
is not what the file states, so no verdict comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.analysis.result import UnitResult

METHODS = ("ibp", "crown")
"""Intervals alone, or backward linear bounds where there is a domain and they are affordable."""


@dataclass(frozen=True, slots=True)
class Ends:
    """A box of one input: one number for all its elements, or one for each in row-major order."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen.

    Attributes:
        unit: its id, `claim:stays_in_range`.
        method: one of `METHODS`.
        domain: boxes in the place of those that the file states, by input.
    """

    unit: str
    method: str
    domain: dict[str, Ends]


@dataclass(frozen=True, slots=True)
class InputBox:
    """An input of a unit and the values that its bounds hold for.

    Attributes:
        node: id in the unit's graph.
        stated: the box that the file states: ends of each element in row-major order, or the outermost ones where
            there are many elements. None where it states none.
        chosen: the box that a view puts in its place.
    """

    node: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    stated: Ends | None
    chosen: Ends | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal size from `start` to `end`; a single bin where all values are the same."""

    start: float
    end: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """The intervals of a tensor's elements.

    Attributes:
        reach: into each bin of values, how many elements' intervals reach.
        widths: how many elements have intervals of such a width.
        unbounded: elements that neither counts, since their interval has an infinite end.
    """

    reach: Histogram
    widths: Histogram
    unbounded: int


@dataclass(frozen=True, slots=True)
class Viewed:
    """What a view came to.

    Attributes:
        unit: with its bounds and without a verdict; None where there is none to show, for the reason `refused`.
        inputs: in order of the parameters.
        spreads: of the unit's facts, None for those without numbers.
        note: what the bounds are not, a clause for people; empty where they are what was asked for.
    """

    unit: UnitResult | None
    inputs: tuple[InputBox, ...] = ()
    spreads: tuple[Spread | None, ...] = ()
    note: str = ""
    refused: str = ""


def unit_id(kind: str, name: str) -> str:
    """What a unit is called in messages; names are unique per kind."""
    return f"{kind}:{name}"


def misfit(name: str, shape: Sequence[int], ends: Ends) -> str | None:
    """Why a box has not the shape of the input with this name, as a sentence; None where it has."""
    size = 1
    for extent in shape:
        size *= extent
    for which, numbers in (("lower", ends.lower), ("upper", ends.upper)):
        if len(numbers) not in (1, size):
            expected = "one number" if size == 1 else f"one number or {size}"
            return f"`{name}` has shape {tuple(shape)}: expected {expected} for the {which} end, got {len(numbers)}"
    return None
