"""Deciding a claim about each sample of a data file, all samples together.

One sample takes an engine mostly bookkeeping; hundreds of them in one pass take little more. So first every sample is
executed as it is, then linear bounds are found for all of them at once, then those not shown are attacked together, and
what is left is split one by one, the most promising first, while there is time.

Samples of one class share a graph, whose rows are the differences between that class and each other one. Bounding these
differences proves what separate bounds of the scores cannot: what two scores have in common is no reason for doubt.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from torchlean.bounds import BoundsCache
from torchlean.bounds.branching import Goal
from torchlean.bounds.crown.balls import Ball
from torchlean.bounds.crown.boxes import crown_boxes
from torchlean.cancellation import Cancelled
from torchlean.claims.attack import Attack
from torchlean.claims.decide import Decision, Question, pose, too_much_work
from torchlean.claims.domain import Box
from torchlean.claims.goal import clauses_of, goal_of
from torchlean.claims.samples import Samples
from torchlean.claims.search import hunting
from torchlean.claims.splitting import split
from torchlean.graph import Graph, GraphBuilder
from torchlean.intervals import Interval
from torchlean.rounding import ErrorsCache, rounding_errors

SECONDS = 8.0
"""Wall time for splitting what bounds and attacks leave open, on every edit that changes the network."""

TOGETHER = 128
"""Samples bounded in one pass: more of them are no faster, and cancelled later."""


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Samples that one graph speaks of.

    Attributes:
        question: the claim, bounded over the box around all samples.
        members: which samples.
    """

    question: Question
    members: tuple[int, ...]

    def key(self, samples: Samples, member: int) -> bytes:
        """Content key of the claim about one sample: equal keys, equal answers."""
        parts = [self.question.margin.graph[self.question.holds].digest, str(samples.radius).encode()]
        parts += [ends[member].contiguous().numpy().tobytes() for ends in (samples.lower, samples.upper)]
        if samples.radius is not None:
            parts.append(samples.centers[member].contiguous().numpy().tobytes())
        return hashlib.blake2b(b"sample".join(parts), digest_size=16).digest()


@dataclass
class Caches:
    """What is found out once."""

    bounds: BoundsCache
    errors: ErrorsCache


def classified(graph: Graph, scores: int, label: int) -> tuple[Graph, int]:
    """The graph of scores (1, classes) extended by: the label's score is above each other one. Ties count as failures.

    Returns:
        The graph, and the id of the truths, (classes - 1,).
    """
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    count = graph[scores].type.numel
    spans = graph[scores].spans
    flat = builder.op("reshape", [scores], {"shape": (count,)}, spans)
    places = [[label], [other for other in range(count) if other != label]]
    own, others = (
        builder.op("gather", [flat.id, builder.constant(torch.tensor(place)).id], {"dim": 0}, spans)
        for place in places
    )
    holds = builder.op("gt", [own.id, others.id], {}, spans)
    return builder.graph([*graph.outputs, holds.id]), holds.id


def robust_groups(
    graph: Graph,
    scores: int,
    samples: Samples,
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> list[Group]:
    """Robustness of a classifier: one group for each label.

    Args:
        scores: id of the scores, (1, classes).
        domains: the box around all samples.

    Raises:
        Cancelled: by the caller.
    """
    assert samples.labels is not None, "robustness is asked of labelled samples"
    groups = []
    for label in sorted(set(samples.labels.tolist())):
        members = (samples.labels == label).nonzero().flatten().tolist()
        extended, holds = classified(graph, scores, label)
        groups.append(_group(extended, holds, members, domains, caches, cancelled))
    return groups


def claim_groups(
    graph: Graph,
    holds: int,
    samples: Samples,
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> list[Group]:
    """Any claim, the same for all samples: one group.

    Args:
        holds: id of the claim's truths.

    Raises:
        Cancelled: by the caller.
    """
    return [_group(graph, holds, range(len(samples)), domains, caches, cancelled)]


def _group(
    graph: Graph,
    holds: int,
    members: Sequence[int],
    domains: Mapping[str, Box],
    caches: Caches,
    cancelled: Callable[[], bool],
) -> Group:
    question = pose(graph, holds, domains, caches.bounds, cancelled, executed=True)
    errors = rounding_errors(question.margin.graph, question.bounds, caches.errors, cancelled)
    return Group(replace(question, errors=errors), tuple(members))


@dataclass
class BatchRun:
    """The claims of some groups while they are decided.

    Attributes:
        name: the input that the samples are about.
        known: what was decided before, by sample.
        tell: called after each stage.
        decisions: by sample, as far as they are there.
        correct: samples that hold as they are, by execution.
    """

    groups: Sequence[Group]
    samples: Samples
    name: str
    cache: BoundsCache
    cancelled: Callable[[], bool]
    tell: Callable[[], None] = lambda: None
    decisions: dict[int, Decision] = field(default_factory=dict)
    correct: set[int] = field(default_factory=set)
    _margins: dict[int, float] = field(default_factory=dict)
    _tried: dict[int, int] = field(default_factory=dict)

    def decide(self, known: Callable[[Group, int], Decision | None], seconds: float = SECONDS) -> None:
        """Decide every sample that `known` does not, spending so many seconds on splits.

        Raises:
            Cancelled: by the caller; what was decided before stays in `decisions`.
        """
        for group in self.groups:
            for member in group.members:
                decision = known(group, member)
                if decision is not None:
                    self.decisions[member] = decision
        self.tell()
        attacks = {}
        for group in self.groups:
            attacks[group] = attack = None if _drawn(group) else self._attack(group)
            if attack is not None:
                self._executed(group, attack)
            self._bounded(group)
            self.tell()
        for group, attack in attacks.items():
            if attack is not None:
                self._attacked(group, attack)
                self.tell()
        self._split(seconds)
        self.tell()

    def _open(self, group: Group) -> list[int]:
        return [member for member in group.members if member not in self.decisions]

    def _attack(self, group: Group) -> Attack:
        return Attack(group.question, self.samples, self.name, self.cancelled)

    def _executed(self, group: Group, attack: Attack) -> None:
        """Samples that fail as they are need no search."""
        for member, violation in attack.centers(group.members).items():
            self._tried[member] = int(attack.tried[member])
            if violation is None:
                self.correct.add(member)
            elif member not in self.decisions:
                self._refute(member, violation)

    def _attacked(self, group: Group, attack: Attack) -> None:
        for member, violation in attack.descend(self._open(group)).items():
            self._tried[member] = int(attack.tried[member])
            if violation is not None:
                self._refute(member, violation)

    def _refute(self, member: int, violation: Mapping[str, Tensor]) -> None:
        self.decisions[member] = Decision(
            False,
            self._margins.get(member, -math.inf),
            False,
            0.0,
            violation=dict(violation),
            tried=self._tried[member],
        )

    def _bounded(self, group: Group) -> None:
        """Linear bounds of the rows of all open samples."""
        goal = executed_goal(group.question)
        if goal is None or too_much_work(goal.graph):
            return
        open = self._open(group)
        for start in range(0, len(open), TOGETHER):
            members = open[start : start + TOGETHER]
            domains = {name: _repeated(interval, len(members)) for name, interval in goal.domain.items()}
            domains[self.name] = self._boxes(members, goal)
            found = crown_boxes(
                goal.graph,
                domains,
                goal.domain,
                self.cache,
                self.cancelled,
                [goal.rows],
                balls=self._balls(members, goal),
            )
            rows = found[goal.rows]
            if rows.undefined:
                continue
            margins = goal.margins(rows.lower)
            shown = goal.shown(margins).all(1)
            for member, margin, proved in zip(members, margins.amin(1).tolist(), shown.tolist(), strict=True):
                self._margins[member] = margin
                if proved:
                    self.decisions[member] = Decision(True, margin, False, 0.0, verified=1.0)

    def _balls(self, members: Sequence[int], goal: Goal) -> dict[str, Ball]:
        """In the Euclidean norm."""
        if self.samples.radius is None:
            return {}
        shape = (len(members), *goal.domain[self.name].shape)
        return {
            self.name: Ball(self.samples.centers[torch.tensor(members)].reshape(shape), self.samples.radius)
        }

    def _boxes(self, members: Sequence[int], goal: Goal) -> Interval:
        shape = (len(members), *goal.domain[self.name].shape)
        index = torch.tensor(members)
        return Interval(self.samples.lower[index].reshape(shape), self.samples.upper[index].reshape(shape))

    def _split(self, seconds: float) -> None:
        """Branch and bound of what is still open, each with an even share of the time that is left."""
        deadline = time.monotonic() + seconds
        open = [(member, group) for group in self.groups for member in self._open(group)]
        open.sort(key=lambda item: -self._margins.get(item[0], -math.inf))
        for place, (member, group) in enumerate(open):
            share = (deadline - time.monotonic()) / (len(open) - place)
            self.decisions[member] = self._explored(group, member, max(0.0, share))
            self.tell()

    def _explored(self, group: Group, member: int, seconds: float) -> Decision:
        margin, tried = self._margins.get(member, -math.inf), self._tried.get(member, 0)
        goal = executed_goal(group.question)
        lost = group.question.slack
        assert lost is not None
        unknown = Decision(False, margin, False, 0.0, tried=tried, lost=lost.lost, reason=lost.reason)
        if goal is None or _drawn(group) or self.samples.radius is not None or too_much_work(goal.graph):
            return unknown
        if seconds <= 0:
            return replace(unknown, finished=False)
        started = time.perf_counter()
        domains = dict(goal.domain)
        own = self._boxes([member], goal)
        domains[self.name] = Interval(own.lower[0], own.upper[0])
        boxes = dict(group.question.domains)
        boxes[self.name] = Box(own.lower[0], own.upper[0], self.samples.text)
        hunt = hunting(
            group.question.margin.graph,
            group.question.holds,
            group.question.margin.node,
            boxes,
            self.cancelled,
        )
        if hunt is None:
            return unknown
        result = split(replace(goal, domain=domains), hunt, seconds, self.cancelled)
        tree = result.tree
        return Decision(
            tree.finished,
            max(margin, tree.least),
            False,
            time.perf_counter() - started,
            violation=result.violation,
            tried=tried + hunt.tried,
            boxes=tree.leaves,
            verified=tree.verified,
            shown=tree.closed,
            phased=result.phased,
            searched=tree.least > -math.inf,
            finished=result.exhausted,
            lost=lost.lost,
        )


def executed_goal(question: Question) -> Goal | None:
    """What bounds of exact values have to show so that every execution keeps the claim. None where rounding may take
    anything."""
    slack = question.slack
    assert slack is not None, "samples are decided for executions"
    clauses = [
        [row for row in clause if math.isfinite(slack.row_error(row))]
        for clause in clauses_of(question.margin)
    ]
    if not all(clauses):
        return None
    return goal_of(question.margin, question.domains, clauses, slack.row_error)


def _drawn(group: Group) -> bool:
    """Whether weights or values are drawn at random: there is no one program to execute then."""
    return any(node.op == "random" for node in group.question.margin.graph)


def _repeated(interval: Interval, count: int) -> Interval:
    return Interval(*(end.unsqueeze(0).expand(count, *end.shape) for end in (interval.lower, interval.upper)))


__all__ = ["BatchRun", "Caches", "Cancelled", "Group", "claim_groups", "executed_goal", "robust_groups"]
