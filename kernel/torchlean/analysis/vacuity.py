"""Claims that say nothing: about no input, or under a premise that no input fulfils.

Such a claim is true, and calling it proved would mislead. A warning says so beside the verdict, and only where it is
shown: that no execution of a search fulfilled the premise is no reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitBounds
from torchlean.bounds.cache import BoundsCache
from torchlean.capture.result import UnitKind
from torchlean.claims.decide import Decision, Question, pose, sharpen
from torchlean.claims.margin import premises
from torchlean.claims.search import representable
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.graph import Graph
from torchlean.rounding import rounding_errors

SECONDS = 1.0
"""For branch and bound of a premise, which most inputs fulfil: an executed one ends the search at once."""


def vacuities(
    unit: UnitBounds, session: Session, cancelled: Callable[[], bool], ask: Callable[[Question], Decision]
) -> list[Diagnostic]:
    """What makes a claim say nothing, as warnings at its name or at the premise.

    Args:
        ask: decides whether a truth of the claim's graph is one for every input.

    Raises:
        Cancelled: by the caller.
    """
    captured = unit.part.unit
    if captured.kind is not UnitKind.CLAIM or captured.failure is not None or len(unit.part.outputs) != 1:
        return []
    nothing = next(_nothing(unit), None)
    if nothing is not None:
        return [diagnostic("TL308", captured.span, f"{captured.name}: {nothing}, so the claim says nothing")]
    assert unit.question is not None, "a claim with inputs and a result has a question"
    found = []
    for premise, negation in premises(unit.part.graph, unit.part.outputs[0]):
        if ask(_question(unit, negation, session, cancelled)).proved:
            span = unit.part.graph[premise].span
            place = span if span is not None and span.path == captured.span.path else captured.span
            message = (
                f"{captured.name}: this premise is false for every input of the domain, which bounds show, so that "
                "nothing is said of what it implies"
            )
            found.append(diagnostic("TL308", place, message))
    return found


def _nothing(unit: UnitBounds) -> Iterator[str]:
    """Why there is nothing to be true or false, if so."""
    graph, domains = unit.part.graph, unit.part.unit.domains
    for node in graph.inputs:
        name = str(node.attributes["name"])
        if name not in domains:
            continue
        if not node.type.numel:
            yield f"the domain of `{name}` has no element (shape {node.type.shape})"
        elif unit.part.unit.executed:
            low, high = representable(domains[name], node.type.dtype)
            if bool((low > high).any()):
                dtype = str(node.type.dtype).removeprefix("torch.")
                yield f"the domain of `{name}` contains no {dtype} number, and a program can be run on no other"
    (holds,) = unit.part.outputs
    if not graph[holds].type.numel:
        yield f"it compares nothing (its result has shape {graph[holds].type.shape})"
    elif not _depends(graph, holds):
        yield "its result does not depend on its arguments"


def _depends(graph: Graph, root: int) -> bool:
    cut, _ = graph.cone([root])
    return any(node.op == "input" for node in cut)


def _question(unit: UnitBounds, holds: int, session: Session, cancelled: Callable[[], bool]) -> Question:
    """Whether another truth of the claim's graph is one for every input."""
    captured = unit.part.unit
    cache: BoundsCache = session.bounds
    question = pose(unit.part.graph, holds, captured.domains, cache, cancelled, captured.executed)
    if session.method == "crown" and not question.bounds[question.margin.node].undefined:
        question = sharpen(question, cache, cancelled) or question
    if not question.executed:
        return question
    errors = rounding_errors(question.margin.graph, question.bounds, session.errors, cancelled)
    return replace(question, errors=errors)
