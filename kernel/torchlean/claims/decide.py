"""Deciding one claim: bounds of its margin, then a search for a counterexample."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from torchlean.bounds import Bounds, BoundsCache, propagate
from torchlean.bounds.alpha import alpha
from torchlean.bounds.crown import crown
from torchlean.cancellation import Cancelled
from torchlean.claims.domain import Box
from torchlean.claims.goal import goal_of
from torchlean.claims.margin import Margin, add_margin, combined
from torchlean.claims.search import hunting, search
from torchlean.claims.splitting import Report, split, splittable
from torchlean.graph import Graph

CROWN_WORK = 10**10
"""Multiplications (some seconds) beyond which backward bounds are left out of an editor's answer."""

SPLIT_SECONDS = 3.0
"""Wall time for branch and bound of one claim, on every edit that changes its network: what a person waits for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of a claim.

    Attributes:
        proved: the margin's lower bound shows it for every input of the domain, in exact arithmetic.
        violation: a binary32 input for which the executed comparison is false.
        margin: lower bound of the margin, `-inf` where there is none.
        undefined: the margin may be undefined (NaN in an execution), so bounds prove nothing.
        tried: inputs executed by the search.
        seconds: wall time.
        boxes: how many parts the domain was split into.
        verified: share of the domain on which bounds show the claim, each split counted as halves.
        shown: how many of the parts that is.
        phased: splits are between the phases of relus, so that `verified` is no share of the volume.
        searched: the margin comes from branch and bound, whose linear bounds have slopes searched for each part.
        finished: more time would not change the answer; an answer that ran out of time is not to be remembered.
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


@dataclass(frozen=True, slots=True)
class Question:
    """A claim ready to be decided: its graph with margin, and the bounds of every node."""

    margin: Margin
    bounds: Bounds
    holds: int
    domains: Mapping[str, Box]

    @property
    def key(self) -> bytes:
        """Content key of the claim's margin under its domain: equal keys, equal answers."""
        return self.bounds.keys[self.margin.node] + self.bounds.keys[self.holds]


def pose(
    graph: Graph,
    holds: int,
    domains: Mapping[str, Box],
    cache: BoundsCache,
    cancelled: Callable[[], bool] = lambda: False,
) -> Question:
    """Extend the claim's graph by its margin and bound every node.

    Raises:
        Cancelled: by the caller.
    """
    margin = add_margin(graph, holds)
    intervals = {name: box.interval() for name, box in domains.items()}
    return Question(margin, propagate(margin.graph, intervals, cache, cancelled), holds, domains)


def proved(question: Question) -> bool:
    """Whether the bounds alone show the claim, for every input of the domain, in exact arithmetic."""
    interval = question.bounds[question.margin.node]
    least = float(interval.lower)
    return not interval.undefined and (least > 0 or (least == 0 and not question.margin.strict))


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


def decide(
    question: Question,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = SPLIT_SECONDS,
    report: Report = lambda progress: None,
) -> Decision:
    """Prove by bounds, refute by execution, or by branch and bound until one of them succeeds.

    Args:
        seconds: wall time for branch and bound; 0 for none.
        report: told how far branch and bound is.

    Raises:
        Cancelled: by the caller; nothing is known then.
    """
    start = time.perf_counter()

    def decision(proved: bool, **known: Any) -> Decision:
        return Decision(
            proved,
            margin=known.pop("margin", least),
            undefined=interval.undefined,
            seconds=time.perf_counter() - start,
            **known,
        )

    interval = question.bounds[question.margin.node]
    least = -math.inf if interval.undefined else float(interval.lower)
    if proved(question):
        return decision(True, verified=1.0)
    graph, margin = question.margin.graph, question.margin.node
    if any(node.op == "random" for node in graph):
        # Untrained weights or random draws: there is no one program to execute.
        return decision(False)
    found = search(graph, question.holds, margin, question.domains, cancelled)
    if cancelled():
        raise Cancelled
    if found.violation is not None or seconds <= 0 or not _worth_splitting(question):
        return decision(False, violation=found.violation, tried=found.tried)
    hunt = hunting(graph, question.holds, margin, question.domains, cancelled)
    if hunt is None:
        return decision(False)
    result = split(goal_of(question.margin, question.domains), hunt, seconds, cancelled, report)
    tree = result.tree
    return decision(
        tree.finished,
        violation=result.violation,
        tried=found.tried + hunt.tried,
        margin=max(least, tree.least),
        boxes=tree.leaves,
        verified=tree.verified,
        shown=tree.closed,
        phased=result.phased,
        searched=tree.least > -math.inf,
        finished=result.exhausted,
    )


def _worth_splitting(question: Question) -> bool:
    return splittable(question.domains) and not too_much_work(question.margin.graph)
