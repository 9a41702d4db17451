"""One unit from its graph and bounds to the hazards in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from torchlean.bounds import Bounds
from torchlean.graph import Graph
from torchlean.hazards.case import Case
from torchlean.hazards.causes import causes
from torchlean.hazards.finding import Finding
from torchlean.hazards.memory import HazardMemory, content_key
from torchlean.hazards.ranges import float_ranges
from torchlean.hazards.replay import Replay
from torchlean.hazards.report import Examination, diagnostics_of
from torchlean.hazards.steps import by_steps
from torchlean.hazards.written import Written
from torchlean.intervals import Interval


def examine(
    graph: Graph,
    domains: Mapping[str, Interval],
    bounds: Bounds,
    written: Written,
    memory: HazardMemory,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    generic: bool = False,
    differentiated: Set[int] = frozenset(),
) -> Examination:
    """The numeric hazards of one unit.

    Args:
        graph: the unit's.
        domains: an interval per input that has a stated region.
        bounds: of the graph under these domains.
        written: the file that is analysed; hazards are reported in it alone.
        memory: findings made before.
        cancelled: asked before every node and every execution.
        generic: the unit is a module by itself, on inputs of which nothing is known.
        differentiated: see `Case`.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    places = [written.place(node) for node in graph]
    mine = [place is not None for place in places]
    recorded = [place is None or written.is_recorded(place) for place in places]
    additions = [1.0 if place is None else written.additions(place) for place in places]
    key = content_key(graph, domains, mine, recorded, additions, differentiated)
    found = memory.get(key)
    if found is None:
        steps, users = by_steps(graph)
        ranges = float_ranges(steps, domains, bounds, cancelled)
        case = Case(steps, ranges, users, mine, recorded, additions, frozenset(differentiated))
        found = _found(case, domains, cancelled)
        memory.put(key, found)
    executed = frozenset(place for place in places if place is not None)
    return Examination(tuple(diagnostics_of(graph, found, written)), executed, generic)


def _found(case: Case, domains: Mapping[str, Interval], cancelled: Callable[[], bool]) -> tuple[Finding, ...]:
    replay = Replay(case, domains, cancelled)
    return tuple(replay.confirmed(finding) for finding in causes(case))
