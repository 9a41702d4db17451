"""Where the numbers of a leaf come from, and what is therefore known of their range before the program runs.

A `random` leaf always has an interval that every run keeps to; often it is the whole real line. What an analysis may
say about an infinite interval depends on why it is infinite: a weight that is being trained can really become
anything, data that is read from a file is only not known here, and `torch.randn` never leaves a small range in
practice. So each such leaf carries its source, and a range that draws leave with negligible probability where there
is one (graph/spec.py).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchlean.graph.node import Node


class Source(str, enum.Enum):
    """Why a leaf has the range it has."""

    DRAWN = "drawn"  # a distribution of the program: `torch.rand`, `randint`, dropout masks
    NORMAL = "normal"  # a normal distribution: any real number, but see `likely`
    INITIALISER = "initialiser"  # a weight as its initialiser leaves it
    TRAINED = "trained"  # a weight, or what training computes: any number
    DATA = "data"  # samples of a data set; finite where its transforms say so
    LABELS = "labels"  # class numbers of a data set
    ASSUMED = "assumed"  # the program says so: `tl.assume`
    UNKNOWN = "unknown"  # code or memory that is not followed

    @property
    def in_words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Source.DRAWN: "drawn at random",
    Source.NORMAL: "drawn from a normal distribution",
    Source.INITIALISER: "drawn by its initialiser",
    Source.TRAINED: "may become anything while training",
    Source.DATA: "read from a data set",
    Source.LABELS: "labels of a data set",
    Source.ASSUMED: "assumed by the program",
    Source.UNKNOWN: "not known before the program runs",
}


class Certainty(str, enum.Enum):
    """How sure the range of a leaf is."""

    CERTAIN = "certain"  # both ends are finite, and every run keeps to them
    LIKELY = "likely"  # both ends are finite, and runs leave them with negligible probability
    NONE = "none"  # at least one end is infinite: no region is known


@dataclass(frozen=True, slots=True)
class Region:
    """What is known of every number of a leaf.

    Attributes:
        lower, upper: ends of the tightest range that is certain or likely.
        source: why; None for leaves that are no `random` leaf (their numbers or domains stand elsewhere).
    """

    lower: float
    upper: float
    certainty: Certainty
    source: Source | None


def region_of(node: Node) -> Region:
    """The region of a leaf.

    A parameter's or constant's numbers are certain; an `input` has its domain from the unit, which a graph does not
    know, so that its region is the whole line.

    Raises:
        ValueError: the node is no leaf.
    """
    if node.op == "random":
        return _of_random(node.attributes)
    if node.op == "input":
        return Region(-math.inf, math.inf, Certainty.NONE, None)
    if node.data is None:
        raise ValueError(f"%{node.id} = {node.op} is no leaf")
    if node.data.numel() == 0:
        return Region(0.0, 0.0, Certainty.CERTAIN, None)
    numbers = node.data.double()
    lower, upper = float(numbers.min()), float(numbers.max())
    return Region(lower, upper, _certainty(lower, upper), None)


def _of_random(attributes: Mapping[str, object]) -> Region:
    lower, upper = _ends(attributes, "lower", "upper")
    source = source_of(attributes)
    if (math.isfinite(lower) and math.isfinite(upper)) or "likely_lower" not in attributes:
        return Region(lower, upper, _certainty(lower, upper), source)
    return Region(*_ends(attributes, "likely_lower", "likely_upper"), Certainty.LIKELY, source)


def source_of(attributes: Mapping[str, object]) -> Source:
    """The source that a `random` leaf states; draws need not state theirs."""
    return Source(attributes.get("source", Source.DRAWN.value))


def _ends(attributes: Mapping[str, object], lower: str, upper: str) -> tuple[float, float]:
    low, high = attributes[lower], attributes[upper]
    assert isinstance(low, float) and isinstance(high, float), "graph/spec.py"
    return low, high


def _certainty(lower: float, upper: float) -> Certainty:
    return Certainty.CERTAIN if math.isfinite(lower) and math.isfinite(upper) else Certainty.NONE
