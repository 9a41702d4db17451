"""One unit of a file (a claim, a module, the script) from its capture to its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from torchlean.analysis.facts import describe, line_of
from torchlean.analysis.result import ClaimResult, Counters, Place, TensorFact, UnitResult
from torchlean.analysis.session import Session
from torchlean.bounds import Bounds, propagate
from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.capture.result import Capture, Observation, Unit, UnitKind
from torchlean.claims.decide import Question, pose, sharpen
from torchlean.graph import Graph
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.rounding import Errors, ErrorsCache, blame, rounding_errors


@dataclass(frozen=True, slots=True)
class UnitGraph:
    """The part of the file's graph that a unit shows or needs.

    `outputs` are the unit's results, `ids` maps the file's node ids to the unit's, and `places` are where its tensors
    occur, the same in all layers of an answer.
    """

    unit: Unit
    graph: Graph
    ids: dict[int, int]
    places: tuple[Place, ...]

    @property
    def outputs(self) -> tuple[int, ...]:
        return self.graph.outputs


def unit_graph(capture: Capture, unit: Unit) -> UnitGraph:
    """Cut the unit's nodes out of the file's graph."""
    roots = {*unit.inputs, *unit.outputs, *(observation.node for observation in unit.observations)}
    graph, ids = capture.graph.cone(sorted(roots), unit.outputs)
    return UnitGraph(unit, graph, ids, _places(unit, ids))


@dataclass(frozen=True, slots=True)
class UnitBounds:
    """A unit with its bounds.

    Attributes:
        bounds: the best there are, and `intervals`: by intervals alone.
        question: for a claim that was captured wholly.
        counters: of all layers together.
        errors: of rounding, where they were asked for.
    """

    part: UnitGraph
    bounds: Bounds
    intervals: Bounds
    question: Question | None
    counters: Counters
    errors: Errors | None = None


def bound_unit(
    part: UnitGraph, cache: BoundsCache, cancelled: Callable[[], bool], begun: list[Bound] | None = None
) -> UnitBounds:
    """Bound every node of the unit under its domain.

    Args:
        begun: see `propagate`; of a claim nothing is told before its end.

    Raises:
        Cancelled: by the caller.
    """
    unit = part.unit
    complete = len(part.outputs) == 1 and unit.failure is None
    if unit.kind is UnitKind.CLAIM and complete and part.graph[part.outputs[0]].type.numel:
        question = pose(part.graph, part.outputs[0], unit.domains, cache, cancelled, unit.executed)
        return UnitBounds(part, question.bounds, question.bounds, question, _count(question.bounds))
    intervals = {name: box.interval() for name, box in unit.domains.items()}
    bounds = propagate(part.graph, intervals, cache, cancelled, begun)
    return UnitBounds(part, bounds, bounds, None, _count(bounds))


def sharpen_unit(
    unit: UnitBounds, cache: BoundsCache, cancelled: Callable[[], bool], method: str = "crown"
) -> UnitBounds:
    """A claim with backward linear bounds where they are affordable; other units as they are.

    Args:
        method: `crown`, or `alpha` for optimised slopes.

    Raises:
        Cancelled: by the caller.
    """
    if unit.question is None or unit.bounds[unit.question.margin.node].undefined:
        return unit
    if any(node.op == "random" for node in unit.question.margin.graph):
        # Weights that were never loaded: a product of two unknowns has no planes worth their time.
        return unit
    question = sharpen(unit.question, cache, cancelled, method)
    if question is None:
        return unit
    counted = _count(question.bounds)
    counters = Counters(unit.counters.computed + counted.computed, unit.counters.reused + counted.reused)
    return UnitBounds(unit.part, question.bounds, unit.intervals, question, counters)


def fully_bounded(unit: UnitBounds, session: Session, cancelled: Callable[[], bool]) -> UnitBounds:
    """The unit with the session's best bounds, and with rounding errors.

    Raises:
        Cancelled: by the caller.
    """
    if session.method == "crown":
        unit = sharpen_unit(unit, session.bounds, cancelled)
    return with_errors(unit, session.errors, cancelled)


def with_errors(
    unit: UnitBounds,
    cache: ErrorsCache,
    cancelled: Callable[[], bool],
    arithmetic: Arithmetic = DEFAULT,
) -> UnitBounds:
    """The unit with the rounding error of every node, of a claim's margin too, from the best bounds there are.

    Raises:
        Cancelled: by the caller.
    """
    graph = unit.part.graph if unit.question is None else unit.question.margin.graph
    errors = rounding_errors(graph, unit.bounds, cache, cancelled, arithmetic)
    question = None if unit.question is None else replace(unit.question, errors=errors)
    return replace(unit, errors=errors, question=question)


def _count(bounds: Bounds) -> Counters:
    return Counters(bounds.computed, bounds.reused)


def unit_facts(unit: UnitBounds, path: str) -> tuple[TensorFact, ...]:
    """What is known of each node of the unit's graph."""
    best, alone = unit.bounds.bounds, unit.intervals.bounds
    graph = unit.part.graph
    lines = [line_of(node, path) for node in graph]
    if unit.errors is None:
        return tuple(describe(node, best[node.id], lines[node.id], alone[node.id]) for node in graph)
    shares = blame(graph, unit.errors, lines)
    return tuple(
        describe(node, best[node.id], lines[node.id], alone[node.id], unit.errors[node.id], shares[node.id])
        for node in graph
    )


def result_error(unit: UnitBounds) -> float:
    """The largest rounding error of the unit's results; infinite where one has no bound."""
    if unit.errors is None:
        return 0.0
    return max((unit.errors[id].largest for id in _result_numbers(unit.part)), default=0.0)


def blamed_lines(unit: UnitBounds, path: str) -> list[tuple[int | None, float]]:
    """Lines (None: of other files) by their share of the error of the unit's results, largest first.

    The share of a line is its largest over the results.
    """
    if unit.errors is None:
        return []
    graph = unit.part.graph
    shares = blame(graph, unit.errors, [line_of(node, path) for node in graph])
    largest: dict[int | None, float] = {}
    for id in _result_numbers(unit.part):
        for line, share in shares[id].items():
            largest[line] = max(share, largest.get(line, 0.0))
    return sorted(largest.items(), key=lambda item: -item[1])


def _result_numbers(part: UnitGraph) -> set[int]:
    """The results themselves, or the numbers that truth values and indices among them were decided by."""
    graph = part.graph
    found: set[int] = set()
    stack = list(part.outputs or range(len(graph))[-1:])
    while stack:
        node = graph[stack.pop()]
        if node.inputs and not (node.type.dtype.is_floating_point or node.type.dtype.is_complex):
            stack.extend(node.inputs)
        else:
            found.add(node.id)
    return found


def unit_result(
    part: UnitGraph,
    bounded: UnitBounds | None,
    claim: ClaimResult | None,
    path: str,
    begun: Sequence[Bound] = (),
) -> UnitResult:
    """The unit in plain data; without bounds it shows shapes only, but of its first nodes what `begun` has."""
    unit = part.unit
    facts = (
        unit_facts(bounded, path)
        if bounded
        else tuple(
            describe(node, bound, line_of(node, path)) for node, bound in zip_longest(part.graph, begun)
        )
    )
    return UnitResult(
        kind=unit.kind.value,
        name=unit.name,
        span=unit.span,
        summary=unit.summary,
        parameters=unit.parameters,
        domains=tuple((name, box.text) for name, box in unit.domains.items()),
        facts=facts,
        places=part.places,
        claim=claim,
        failure=unit.failure,
        assumed_input=unit.assumed_input,
        family=unit.family.name if unit.family is not None else "",
        front_end=unit.front_end,
        begun=bool(begun),
    )


def _places(unit: Unit, ids: dict[int, int]) -> tuple[Place, ...]:
    """Observations of the same place and role together, in order of execution."""
    together: dict[tuple[object, ...], tuple[Observation, list[int]]] = {}
    for observation in unit.observations:
        key = (observation.span, observation.role)
        _, facts = together.setdefault(key, (observation, []))
        facts.append(ids[observation.node])
    return tuple(
        Place(first.span, first.role.value, first.label, tuple(facts), first.partly)
        for first, facts in together.values()
    )
