"""Deciding one claim: bounds of its margin, then a search for a counterexample.

A claim speaks of executions: its margin has to be above what rounding may take away (`slack`), and what refutes it is
executed. A claim about exact numbers (`executed` is False) needs its margin alone, and what refutes it is a point at
which bounds of exact values show that it fails; that an execution fails there is not enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from torchlean.bounds import Bounds, BoundsCache, propagate
from torchlean.bounds.alpha import alpha
from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.tree import SplitTree
from torchlean.bounds.crown import crown
from torchlean.cancellation import Cancelled
from torchlean.claims.domain import Box
from torchlean.claims.goal import goal_of
from torchlean.claims.margin import Margin, add_margin, combined, shown
from torchlean.claims.search import Inputs, Refutes, hunting, search
from torchlean.claims.slack import Aim, Slack
from torchlean.claims.splitting import Report, Splitting, split, splittable
from torchlean.graph import Graph
from torchlean.intervals import Interval
from torchlean.ops import OPS
from torchlean.rounding import Errors, rounding_errors

CROWN_WORK = 10**10
"""Multiplications (some seconds) beyond which backward bounds are left out of an editor's answer."""

EXECUTED = b"executed"
"""Ends the keys of claims about executions."""

SPLIT_SECONDS = 3.0
"""Wall time for branch and bound of one claim, on every edit that changes its network: what a person waits for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of a claim.

    Attributes:
        proved: the margin's lower bound shows it for every input of the domain: for every execution, or in exact
            arithmetic where the question is about that.
        violation: a binary32 input that refutes it.
        margin: lower bound of the margin, of every execution where the question is about those; `-inf` where there is
            none.
        undefined: the margin may be undefined (NaN in an execution), so bounds prove nothing.
        tried: inputs executed by the search.
        seconds: wall time.
        boxes: how many parts the domain was split into.
        verified: share of the domain on which bounds show the claim, each split counted as halves.
        shown: how many of the parts that is.
        phased: splits are between the phases of relus, so that `verified` is no share of the volume.
        searched: the margin comes from branch and bound, whose linear bounds have slopes searched for each part.
        finished: more time would not change the answer; an answer that ran out of time is not to be remembered.
        lost: what rounding may take off the margin: taken off already where the claim is proved of executions, infinite
            where nothing is known (`reason` says why).
        exact: lower bound of the margin in exact arithmetic, where that shows the claim and rounding may undo it; None
            where it does not.
        elsewhere: an input that violates the claim in the other arithmetic only: of executions in exact numbers, of
            exact numbers in an execution.
        at_violation: exact bounds of the margin at the violation or `elsewhere`.
        tree: the splits, where they are of the inputs.
        raises: a node that may raise an error on inputs of the domain, and why; nothing else is then known.
    """

    proved: bool
    margin: float
    undefined: bool
    seconds: float
    violation: Mapping[str, Tensor] | None = None
    tried: int = 0
    boxes: int = 1
    verified: float = 0.0
    shown: int = 0
    phased: bool = False
    searched: bool = False
    finished: bool = True
    lost: float = 0.0
    reason: str = ""
    exact: float | None = None
    elsewhere: Mapping[str, Tensor] | None = None
    at_violation: tuple[float, float] | None = None
    tree: SplitTree | None = None
    raises: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A claim ready to be decided: its graph with margin, and the bounds of every node.

    Attributes:
        own: how many nodes of the margin's graph are the claim's own.
        executed: whether it is about executions; `errors`, of all nodes, are needed to prove such a claim.
    """

    margin: Margin
    bounds: Bounds
    holds: int
    domains: Mapping[str, Box]
    own: int = 0
    executed: bool = False
    errors: Errors | None = None

    @property
    def key(self) -> bytes:
        """Content key of the claim's margin under its domain: equal keys, equal answers."""
        arithmetic = EXECUTED if self.executed else b""
        return self.bounds.keys[self.margin.node] + self.bounds.keys[self.holds] + arithmetic

    @property
    def slack(self) -> Slack | None:
        """What rounding leaves of the margin. None for a claim about exact numbers."""
        if not self.executed:
            return None
        assert self.errors is not None, "a claim about executions is decided with their errors"
        return Slack(self.margin, self.own, self.bounds, self.errors)


def pose(
    graph: Graph,
    holds: int,
    domains: Mapping[str, Box],
    cache: BoundsCache,
    cancelled: Callable[[], bool] = lambda: False,
    executed: bool = False,
) -> Question:
    """Extend the claim's graph by its margin and bound every node.

    Args:
        executed: see `Question`.

    Raises:
        Cancelled: by the caller.
    """
    margin = add_margin(graph, holds)
    intervals = {name: box.interval() for name, box in domains.items()}
    bounds = propagate(margin.graph, intervals, cache, cancelled)
    return Question(margin, bounds, holds, domains, len(graph), executed)


def proved(question: Question) -> bool:
    """Whether the bounds alone show the claim, for every input of the domain, in exact arithmetic."""
    return shown(exact_least(question), question.margin)


def exact_least(question: Question) -> float:
    """The lower bound of the margin in exact arithmetic, `-inf` where there is none."""
    interval = question.bounds[question.margin.node]
    return -math.inf if interval.undefined else float(interval.lower)


def sharpen(
    question: Question,
    cache: BoundsCache,
    cancelled: Callable[[], bool] = lambda: False,
    method: str = "crown",
) -> Question | None:
    """The same question with backward linear bounds instead of intervals; never looser.

    Args:
        method: `crown`, or `alpha` for slopes optimised row by row.

    Returns:
        None where that would cost more than `CROWN_WORK`.

    Raises:
        Cancelled: by the caller.
    """
    graph = question.margin.graph
    if too_much_work(graph):
        return None
    intervals = {name: box.interval() for name, box in question.domains.items()}
    # The least of several margins is bounded best by bounding each of them.
    wanted = list(combined(graph, question.margin.node))
    engine = {"crown": crown, "alpha": alpha}[method]
    return replace(question, bounds=engine(graph, intervals, cache, cancelled, wanted))


def too_much_work(graph: Graph) -> bool:
    """Whether backward linear bounds are left out."""
    return work(graph) > CROWN_WORK


def work(graph: Graph) -> int:
    """Multiplications that backward bounds of every element may take at most: rows times what they pass."""
    passed = 0
    total = 0
    for node in graph:
        if node.inputs:
            passed += max([graph[id].type.numel for id in node.inputs] + [node.type.numel])
            total += 2 * node.type.numel * passed
    return total


def exact_at(question: Question, inputs: Mapping[str, Tensor]) -> tuple[float, float]:
    """Bounds of the margin in exact arithmetic at one input; infinite where it may be undefined."""
    margin = _bounds_at(question, inputs)[question.margin.node]
    if margin.undefined:
        return -math.inf, math.inf
    return float(margin.lower), float(margin.upper)


def rounding_at(question: Question, inputs: Mapping[str, Tensor]) -> float:
    """How far the margin of any execution may be from the exact one, at one input; infinite where it is not known."""
    bounds = _bounds_at(question, inputs)
    return Slack(question.margin, question.own, bounds, rounding_errors(question.margin.graph, bounds)).lost


def _bounds_at(question: Question, inputs: Mapping[str, Tensor]) -> Bounds:
    """Of every node's exact value at one input."""
    points = {name: value.to(torch.float64) for name, value in inputs.items()}
    return propagate(question.margin.graph, {name: Interval(value, value) for name, value in points.items()})


def decide(
    question: Question,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = SPLIT_SECONDS,
    report: Report = lambda progress: None,
) -> Decision:
    """Prove by bounds, refute by execution, or by branch and bound until one of them succeeds.

    Args:
        seconds: wall time for branch and bound; 0 for none. A claim that resists only because of rounding is given as
            much again, to tell whether exact numbers keep it.
        report: told how far branch and bound is.

    Raises:
        Cancelled: by the caller; nothing is known then.
    """
    start = time.perf_counter()
    decision = _Deciding(question, cancelled, seconds, report).decided()
    return replace(decision, seconds=time.perf_counter() - start)


class _Deciding:
    """One claim while it is being decided."""

    def __init__(
        self, question: Question, cancelled: Callable[[], bool], seconds: float, report: Report
    ) -> None:
        self.question = question
        self.cancelled = cancelled
        self.seconds = seconds
        self.report = report
        self.slack = question.slack
        self.exact = exact_least(question)
        self.least = self.exact if self.slack is None else self.slack.least()
        self.tried = 0

    def decided(self) -> Decision:
        graph, margin = self.question.margin.graph, self.question.margin
        raises = may_raise(self.question)
        if raises is not None:
            return self.answer(False, -math.inf, raises=raises)
        if shown(self.least, margin):
            # Intervals of executed values may keep more than bounds less errors do.
            known = math.isfinite(self.exact) and math.isfinite(self.least)
            taken = math.nextafter(self.exact - self.least, math.inf) if known else math.inf
            return self.answer(
                True, self.least, verified=1.0, lost=max(taken, 0.0) if self.exact > self.least else 0.0
            )
        if any(node.op == "random" for node in graph):
            # Untrained weights or random draws: there is no one program to execute.
            return self.open()
        found = search(
            graph,
            self.question.holds,
            margin.node,
            self.question.domains,
            self.cancelled,
            refutes=self.refutes,
        )
        self.tried += found.tried
        if self.cancelled():
            raise Cancelled
        if found.violation is not None:
            return self.open(violation=found.violation)
        if self.slack is not None and found.closest is not None and self._fails_exactly(found.closest):
            # What is false of exact numbers cannot be proved of executions either.
            return self.open(elsewhere=found.closest)
        if self.seconds <= 0 or not _worth_splitting(self.question):
            return self.open(elsewhere=found.rejected)
        return self.split(found.rejected)

    @property
    def refutes(self) -> Refutes | None:
        """What refutes a claim about exact numbers; of the others an execution decides."""
        return self._fails_exactly if self.slack is None else None

    def split(self, rejected: Inputs | None) -> Decision:
        """Branch and bound, of what executions keep if that can be known, else of exact numbers."""
        question, slack = self.question, self.slack
        aim = None if slack is None else slack.aim()
        if slack is None or aim is None:
            if slack is not None and shown(self.exact, question.margin):
                return self.open()
            result = self.explored(goal_of(question.margin, question.domains))
            known = {} if result is None else self.reached(result, math.inf)
            if result is None or result.violation is not None or not result.tree.finished:
                return self.open(elsewhere=rejected, **known)
            if slack is not None:
                # Nothing is known of executions, and that is the answer.
                return self.open(**{**known, "exact": known["margin"]})
            return self.answer(True, **known)
        result = self.explored(goal_of(question.margin, question.domains, aim.clauses, slack.row_error))
        if result is None:
            return self.open()
        known = self.reached(result, aim.kept)
        if result.tree.finished:
            return self.answer(True, **known)
        if result.violation is None and not shown(self.exact, question.margin):
            self.exact = max(self.exact, self._exactly(known["margin"], aim))
        return self.open(**known)

    def explored(self, goal: Goal) -> Splitting | None:
        """None where no number of the inputs' types lies in the domain, or what is left to show reads no input: then
        there is nothing to split."""
        question = self.question
        if not any(box.lower.numel() for box in goal.domain.values()):
            return None
        hunt = hunting(
            question.margin.graph,
            question.holds,
            question.margin.node,
            question.domains,
            self.cancelled,
            self.refutes,
        )
        if hunt is None:
            return None
        result = split(goal, hunt, self.seconds, self.cancelled, self.report)
        self.tried += hunt.tried
        return result

    def reached(self, result: Splitting, kept: float) -> dict[str, Any]:
        """How far branch and bound came, as an answer tells it."""
        tree = result.tree
        return {
            "violation": result.violation,
            "margin": max(self.least, min(tree.least, kept)),
            "boxes": tree.leaves,
            "verified": tree.verified,
            "shown": tree.closed,
            "phased": result.phased,
            "searched": tree.least > -math.inf,
            "finished": result.exhausted,
            "tree": None if result.phased else tree,
        }

    def _exactly(self, executed: float, aim: Aim) -> float:
        """A lower bound of the exact margin, where the one of executions is too small."""
        question = self.question
        if shown(executed + aim.smallest, question.margin) or executed + aim.largest < 0:
            return executed + aim.smallest
        result = self.explored(goal_of(question.margin, question.domains))
        return -math.inf if result is None or not result.tree.finished else result.tree.least

    def open(self, **known: Any) -> Decision:
        """Not proved. What exact numbers keep is told beside."""
        place = known.get("violation") or known.get("elsewhere")
        if place is not None:
            known["at_violation"] = exact_at(self.question, place)
        if self.slack is not None:
            known.setdefault("exact", self.exact if shown(self.exact, self.question.margin) else None)
            known["reason"] = self.slack.reason
        return self.answer(False, known.pop("margin", self.least), **known)

    def answer(self, proved: bool, margin: float, **known: Any) -> Decision:
        known.setdefault("lost", 0.0 if self.slack is None else self.slack.lost)
        return Decision(
            proved,
            margin,
            self.question.bounds[self.question.margin.node].undefined,
            0.0,
            tried=self.tried,
            **known,
        )

    def _fails_exactly(self, inputs: Inputs) -> bool:
        return exact_at(self.question, inputs)[1] < 0


def may_raise(question: Question) -> tuple[int, str] | None:
    """The first node of which it is not known that it ends on every input of the domain, and why.

    A claim says what a comparison gives for every input; where the program raises an error there is none.
    """
    graph = question.margin.graph
    for node in graph:
        if node.op in OPS:
            reason = OPS[node.op].raises([question.bounds[id] for id in node.inputs], node.attributes)
            if reason:
                return node.id, reason
    return None


def _worth_splitting(question: Question) -> bool:
    return splittable(question.domains) and not too_much_work(question.margin.graph)
