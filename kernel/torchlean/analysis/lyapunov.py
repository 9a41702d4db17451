"""What is said of the facts of a Lyapunov function beside their verdicts: how much of the region is open and where, the
trajectory from a counterexample, and what is odd about the function itself.

None of it decides anything: trajectories and oddities are executions, and are called so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from torchlean.analysis.result import ClaimResult, Verdict
from torchlean.analysis.units import UnitBounds
from torchlean.capture.result import Unit
from torchlean.claims.decide import Decision, Question
from torchlean.claims.domain import Box
from torchlean.claims.levels import Levels
from torchlean.claims.parts import Parts, parts_of
from torchlean.claims.search import representable
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.graph import Graph, evaluate
from torchlean.numbers import rounded_up, share_above, upper_text

MOST_STATES = 20
"""States of a trajectory that are kept; longer ones are not read."""

TOLD_STATES = 4
"""Of them, those that a message spells out."""

TRIED = 512
"""States inside and on the border of the region that V is executed on, a few milliseconds: enough to meet a level set
that touches the border along more than a hundredth of it."""


@dataclass(frozen=True, slots=True)
class System:
    """A fact's functions, as nodes of its question's graph: `value` is V at the state, `after` the state one step later
    (None of a field)."""

    question: Question
    levels: Levels
    value: int
    after: int | None

    @property
    def region(self) -> Box:
        """The box of the states: the only input."""
        (box,) = self.question.domains.values()
        return box

    @property
    def graph(self) -> Graph:
        return self.question.margin.graph

    def values(self, states: Tensor) -> Tensor:
        """V, executed on (states, *state): float64, (states,)."""
        graph, ids = self.graph.cone([self.value])
        name = str(self.graph.inputs[0].attributes["name"])

        def one(state: Tensor) -> Tensor:
            return evaluate(graph, {name: state}, by_steps=True)[ids[self.value]].reshape(())

        try:
            found = torch.vmap(one)(states)
        except RuntimeError:
            # Some ops have no batching rule: one after the other then.
            found = torch.stack([one(state) for state in states])
        return found.to(torch.float64)


def system_of(unit: UnitBounds) -> System | None:
    """Of a fact of a Lyapunov function; None of other units, and where it cannot be analysed or executed."""
    captured, ids = unit.part.unit, unit.part.ids
    if captured.family is None or captured.family.levels is None or unit.question is None:
        return None
    value, after = captured.states.get("V"), captured.states.get("step")
    graph = unit.question.margin.graph
    if value is None or value not in ids or not graph.inputs:
        return None
    if any(node.op == "random" for node in graph):
        return None  # untrained weights: there is no one function to execute
    return System(
        unit.question, captured.family.levels, ids[value], None if after is None else ids.get(after)
    )


def told(unit: UnitBounds, decision: Decision, result: ClaimResult) -> ClaimResult:
    """The verdict of a fact with what a person needs to go on from there; other claims as they are."""
    system = system_of(unit)
    if system is None:
        return result
    if result.verdict is Verdict.REFUTED and decision.violation is not None:
        (state,) = decision.violation.values()
        states = trajectory(system, state)
        return replace(
            result,
            detail=f"{result.detail}{_trajectory_text(system, states)}",
            trajectory=tuple(tuple(state.flatten().tolist()) for state in states),
        )
    if result.verdict is Verdict.UNKNOWN:
        why = result.detail.removeprefix("not decided: ")
        return replace(result, detail=f"Lyapunov condition not proved: {why}{_open(system, decision)}")
    return replace(result, detail=f"{result.detail}{_meaning(unit.part.unit, system, decision)}")


def parts(question: Question, decision: Decision) -> Parts | None:
    """The parts of the region: one where it was not split. None where it was split between phases of relus."""
    (box,) = question.domains.values()
    if decision.boxes == 1:
        lower, upper = box.lower.flatten().unsqueeze(0), box.upper.flatten().unsqueeze(0)
        bounds = torch.tensor([decision.margin], dtype=torch.float64)
        return Parts(lower, upper, torch.tensor([decision.proved]), bounds)
    if decision.tree is None:
        return None
    return parts_of(decision.tree, box.lower.flatten(), box.upper.flatten())


def trajectory(system: System, state: Tensor) -> list[Tensor]:
    """States from this one on, executed, until one is outside of the region or no number."""
    states = [state]
    region = system.region
    if system.after is None:
        return states
    graph, ids = system.graph.cone([system.after])
    name = str(system.graph.inputs[0].attributes["name"])
    while len(states) < MOST_STATES and _within(states[-1], region):
        states.append(evaluate(graph, {name: states[-1]})[ids[system.after]])
    return states


def _within(state: Tensor, region: Box) -> bool:
    return bool(((state >= region.lower) & (state <= region.upper)).all())


def _trajectory_text(system: System, states: Sequence[Tensor]) -> str:
    if len(states) < 2:
        return ""
    shown = states[:TOLD_STATES]
    values = system.values(torch.stack(list(shown))).tolist()
    text = " -> ".join(
        f"{_numbers(state)} (V = {value:.6g})" for state, value in zip(shown, values, strict=True)
    )
    more = len(states) - len(shown)
    text += f" -> {more} more" if more else ""
    left = "" if _within(states[-1], system.region) else ", which leaves the region"
    return f"; executed trajectory from there: {text}{left}"


def _numbers(state: Tensor) -> str:
    return f"[{', '.join(f'{number:.6g}' for number in state.flatten().tolist())}]"


def _open(system: System, decision: Decision) -> str:
    """The worst box that is left."""
    found = parts(system.question, decision)
    worst = None if found is None else found.worst
    if found is None or worst is None or len(found) == 1:
        return ""
    share = 1 - decision.verified
    ends = f"{_numbers(found.lower[worst])} to {_numbers(found.upper[worst])}"
    return f". Open is {share_above(share)} of the region, in {int((~found.shown).sum()):,} boxes; the worst is {ends}"


def _meaning(unit: Unit, system: System, decision: Decision) -> str:
    """What a proved fact says beyond its words."""
    if system.after is None:
        return "; this is the decrease along the field at each state, and says nothing about trajectories"
    if unit.family is not None and unit.name == f"{unit.family.name}.inner" and decision.margin > 0:
        # Where V <= rho0 its alternative `V > rho0` has no positive margin, so the other one has this margin.
        reached = upper_text(rounded_up(Fraction(system.levels.inner) - Fraction(decision.margin)))
        return f"; from V <= {system.levels.rho0:g} a step ends at V <= {reached}"
    return ""


def conclusion(levels: Levels, facts: Sequence[str], proved: bool) -> str:
    """What facts say together, in a paragraph for people.

    Args:
        facts: their names, without the family's.
        proved: whether all of them are.
    """
    if "inside" not in facts:
        return "The decrease of V along the field is a fact about each state; nothing is said about trajectories."
    # The difference that has to reach delta is rounded once, in float64.
    step = Fraction(levels.delta) * (1 - Fraction(1, 2**52))
    steps = math.ceil((Fraction(levels.rho) - Fraction(levels.rho0)) / step)
    text = (
        f"every trajectory that starts in the region at V <= {levels.rho:g} stays there, reaches V <= {levels.rho0:g} "
        f"within {steps:,} steps, and from then on stays at V <= {levels.inner:g}"
    )
    source = "(theorem `PracticalLyapunov.practically_stable`, lean/TorchLean/Lyapunov.lean)"
    if not proved:
        return f"If all three were proved: {text} {source}."
    return f"All three together {source}: {text}."


def doubts(unit: UnitBounds) -> list[Diagnostic]:
    """What is odd about the function and its levels: said once for each family, on its first fact."""
    captured, family, system = unit.part.unit, unit.part.unit.family, system_of(unit)
    if system is None or family is None:
        return []
    name, levels = family.name, system.levels
    if captured.name != f"{name}.{'decreases' if system.after is None else 'inside'}":
        return []
    value = system.question.bounds[system.value]
    error = 0.0 if unit.errors is None else unit.errors[system.value].largest
    least = -math.inf if value.undefined else float(value.lower.min()) - error
    if least > levels.rho:
        message = (
            f"{name}: no state of the region has V <= {levels.rho:g}, since V is at least {least:.6g} there: "
            "its facts speak of nothing"
        )
        return [diagnostic("TL308", captured.span, message)]
    return [diagnostic("TL311", captured.span, f"{name}: {oddity}") for oddity in _oddities(system)]


def _oddities(system: System) -> list[str]:
    states, border = _tried(system)
    values = system.values(states)
    tried = f"executed on {len(states)} states"
    if bool(values.isnan().any()):
        return [f"V is NaN at {_numbers(states[int(values.isnan().int().argmax())])} ({tried})"]
    lowest = int(values.argmin())
    found = []
    if bool(border[lowest]) and float(values[lowest]) < float(values[~border].min()):
        found.append(
            f"V has no minimum inside the region as far as it was {tried}: the least value, "
            f"{float(values[lowest]):.6g}, is on the border, at {_numbers(states[lowest])}"
        )
    if float(values[lowest]) < 0:
        found.append(
            f"V is negative, {float(values[lowest]):.6g} at {_numbers(states[lowest])} ({tried}): only the levels "
            "count, and they need not be above 0"
        )
    if float(values[lowest]) > system.levels.rho:
        found.append(
            f"no state with V <= {system.levels.rho:g} was met, the least value is {float(values[lowest]):.6g} at "
            f"{_numbers(states[lowest])} ({tried}): where there is none, the facts speak of nothing"
        )
    on_border = torch.where(border, values, math.inf)
    least = int(on_border.argmin())
    if float(on_border[least]) <= system.levels.rho:
        found.append(
            f"the level set V <= {system.levels.rho:g} touches the border of the region, V is "
            f"{float(on_border[least]):.6g} at {_numbers(states[least])} ({tried}): the facts speak of its part "
            "inside, and nothing is said of states beyond; a lower rho or a larger region keeps it whole"
        )
    return found


def border_least(system: System) -> float:
    """The least value of V that was executed on the border of the region; infinite where all are NaN."""
    states, border = _tried(system)
    return float(system.values(states[border]).nan_to_num(nan=math.inf).min())


def _tried(system: System) -> tuple[Tensor, Tensor]:
    """States over the region, and which of them are on its border."""
    (node,) = system.graph.inputs
    low, high = representable(system.region, node.type.dtype)
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(TRIED, low.numel(), generator=generator)
    middle = torch.full((1, low.numel()), 0.5)
    ends = weights.clone()
    # One coordinate of each state at an end, all coordinates and both ends in turn.
    places = torch.arange(TRIED)
    ends[places, places % low.numel()] = (places // low.numel() % 2).to(ends.dtype)
    share = torch.cat([middle, weights, ends]).reshape(-1, *low.shape).to(low.dtype)
    states = torch.minimum(torch.maximum(low * (1 - share) + high * share, low), high)
    border = torch.cat([torch.zeros(1 + TRIED, dtype=torch.bool), torch.ones(TRIED, dtype=torch.bool)])
    return states, border


__all__ = ["System", "border_least", "conclusion", "doubts", "parts", "system_of", "told", "trajectory"]
