"""One unit from its graph and bounds to the hazards in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torchlean.bounds import Bounds
from torchlean.diagnostics import Diagnostic
from torchlean.graph import Graph
from torchlean.hazards.case import Case
from torchlean.hazards.causes import causes
from torchlean.hazards.patterns import consumers
from torchlean.hazards.ranges import float_ranges
from torchlean.hazards.report import diagnostics_of
from torchlean.hazards.written import Written
from torchlean.intervals import Interval


def examine(
    graph: Graph,
    domains: Mapping[str, Interval],
    bounds: Bounds,
    written: Written,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Diagnostic]:
    """The numeric hazards of one unit.

    Args:
        graph: the unit's.
        domains: an interval per input that has a stated region.
        bounds: of the graph under these domains.
        written: the file that is analysed; hazards are reported in it alone.
        cancelled: asked before every node.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    mine = [written.place(node) is not None for node in graph]
    ranges = float_ranges(graph, domains, bounds, cancelled)
    case = Case(graph, ranges, consumers(graph), mine)
    return diagnostics_of(case, causes(case), written)
