"""One unit from its graph and bounds to the hazards in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torchlean.bounds import Bounds
from torchlean.graph import Graph
from torchlean.hazards.case import Case
from torchlean.hazards.causes import causes
from torchlean.hazards.patterns import consumers
from torchlean.hazards.ranges import float_ranges
from torchlean.hazards.report import Examination, diagnostics_of
from torchlean.hazards.written import Written
from torchlean.intervals import Interval


def examine(
    graph: Graph,
    domains: Mapping[str, Interval],
    bounds: Bounds,
    written: Written,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    generic: bool = False,
) -> Examination:
    """The numeric hazards of one unit.

    Args:
        graph: the unit's.
        domains: an interval per input that has a stated region.
        bounds: of the graph under these domains.
        written: the file that is analysed; hazards are reported in it alone.
        cancelled: asked before every node.
        generic: the unit is a module by itself, on inputs of which nothing is known.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    places = [written.place(node) for node in graph]
    ranges = float_ranges(graph, domains, bounds, cancelled)
    case = Case(graph, ranges, consumers(graph), [place is not None for place in places])
    found = diagnostics_of(case, causes(case), written)
    return Examination(tuple(found), frozenset(place for place in places if place is not None), generic)
