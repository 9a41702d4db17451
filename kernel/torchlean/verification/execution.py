"""Whether what was proved of a network in exact arithmetic holds of its float32 executions, too.

The rows of a goal are differences of what a property compares. An execution's outputs are off by no more than their
rounding errors, so a row is off by as much, weighted by the property's coefficients, which `torchlean.rounding` bounds
on the goal's own graph. Where each clause has a row above that error on all of the region, no execution is a
counterexample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from torchlean.bounds import propagate
from torchlean.bounds.branching import Goal
from torchlean.bounds.crown import crown
from torchlean.claims.decide import work
from torchlean.graph import Graph, GraphBuilder
from torchlean.numbers import lower_text
from torchlean.ops import TensorType
from torchlean.rounding import margin_note, rounding_errors
from torchlean.verification.together import alike, hull

ALONE = 64
"""Regions with the same conditions for each of which errors are found on the region itself."""

QUICK_WORK = 10**9
"""Multiplications (a tenth of a second) up to which errors are found from linear bounds; beyond, from intervals."""


@dataclass(frozen=True, slots=True)
class Executions:
    """What rounding leaves of a margin, for the region where it leaves least.

    Attributes:
        margin: of exact numbers, a lower bound; rows are scaled to whole coefficients (`posing`).
        error: what an execution may take away of it; infinite where nothing is known.
    """

    margin: float
    error: float

    @property
    def note(self) -> str:
        """The end of the sentence that says what was proved in exact arithmetic."""
        if not math.isfinite(self.margin):
            return ""
        return f": the margin is at least {lower_text(self.margin)}{margin_note(self.margin, self.error)}"


def executions(
    network: Graph, shown: Sequence[tuple[Goal, float]], cancelled: Callable[[], bool]
) -> Executions:
    """The worst region.

    Args:
        network: the property's; only float32 networks have errors here.
        shown: the goal of every region with a lower bound of its margin.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    single = all(node.type.dtype == torch.float32 for node in network if node.type.dtype.is_floating_point)
    single = single and all(node.op != "random" for node in network)
    if not single:
        return Executions(min(margin for _, margin in shown), math.inf)
    found: list[Executions] = []
    for group in alike([goal for goal, _ in shown]):
        found += _of_alike([shown[index] for index in group], cancelled)
    return min(found, key=lambda each: each.margin - each.error if math.isfinite(each.error) else -math.inf)


def _of_alike(shown: Sequence[tuple[Goal, float]], cancelled: Callable[[], bool]) -> Iterator[Executions]:
    """Regions that ask the same: with the errors on what surrounds them all, but for the worst where these are too
    large."""
    ordered = sorted(shown, key=lambda pair: pair[1])
    goals = [goal for goal, _ in ordered]
    around = math.inf
    if len(ordered) > 1:
        around = _error(replace(goals[0], domain=hull(goals)), cancelled)
    for place, (goal, margin) in enumerate(ordered):
        alone = margin <= around and place < ALONE and math.isfinite(margin)
        yield Executions(margin, _error(goal, cancelled) if alone else around)


def _error(goal: Goal, cancelled: Callable[[], bool]) -> float:
    """How far any row of the goal may be off in an execution that reads a point of the region."""
    graph = _reading(goal.graph, goal.rows)
    if work(graph) <= QUICK_WORK:
        bounds = crown(graph, goal.domain, cancelled=cancelled)
    else:
        bounds = propagate(graph, goal.domain, cancelled=cancelled)
    return rounding_errors(graph, bounds, cancelled=cancelled)[graph.outputs[0]].largest


def _reading(graph: Graph, rows: int) -> Graph:
    """The graph with inputs that are real numbers, which an execution reads as the nearest ones of its own type."""
    builder = GraphBuilder()
    one = builder.constant(torch.ones((), dtype=torch.float64)).id
    places: list[int] = []
    for node in graph:
        if node.op == "input":
            name, position = str(node.attributes["name"]), node.attributes["position"]
            assert isinstance(position, int)
            real = builder.input(name, TensorType(node.type.shape, torch.float64), position=position)
            # Decimals are read by way of float64: a product with one is rounded as much as that.
            wide = builder.op("mul", [real.id, one], {})
            places.append(builder.op("cast", [wide.id], {"dtype": node.type.dtype}).id)
        elif node.data is not None:
            places.append(builder.parameter(node.data, node.label or "").id)
        else:
            places.append(builder.op(node.op, [places[id] for id in node.inputs], node.attributes).id)
    return builder.graph([places[rows]])


__all__ = ["Executions", "executions"]
