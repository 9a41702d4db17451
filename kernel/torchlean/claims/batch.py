"""Deciding a claim about each sample of a data file, all samples together.

One sample takes an engine mostly bookkeeping; hundreds of them in one pass take little more. So first every sample is
executed as it is, then linear bounds are found for all of them at once, then those not shown are attacked together, and
what is left is split one by one, the most promising first, while there is time.

Samples of one class share a graph, whose rows are the differences between that class and each other one. Bounding these
differences proves what separate bounds of the scores cannot: what two scores have in common is no reason for doubt.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.branching import Goal
from torchlean.bounds.crown.balls import Ball
from torchlean.bounds.crown.boxes import crown_boxes
from torchlean.claims.attack import Attack
from torchlean.claims.decide import Decision, Question, too_much_work
from torchlean.claims.domain import Box
from torchlean.claims.goal import goal_of
from torchlean.claims.groups import Group, executed_goal, is_drawn, lost_rows
from torchlean.claims.samples import Samples
from torchlean.claims.search import hunting
from torchlean.claims.splitting import split
from torchlean.intervals import Interval, down
from torchlean.rounding import rounding_errors

SECONDS = 8.0
"""Wall time for splitting what bounds and attacks leave open, on every edit that changes the network."""

OWN_BYTES = 2**25
"""For weights and their magnitudes, which all samples share."""

TOGETHER = 128
"""Samples bounded in one pass: more of them are no faster, and cancelled later."""


@dataclass
class BatchRun:
    """The claims of some groups while they are decided.

    Attributes:
        name: the input that the samples are about.
        known: what was decided before, by sample.
        tell: called after each stage.
        decisions: by sample, as far as they are there.
        correct: samples that hold as they are, by execution.
        own: bounds of single samples, which nobody asks for twice.
    """

    groups: Sequence[Group]
    samples: Samples
    name: str
    cache: BoundsCache
    cancelled: Callable[[], bool]
    tell: Callable[[], None] = lambda: None
    decisions: dict[int, Decision] = field(default_factory=dict)
    correct: set[int] = field(default_factory=set)
    own: BoundsCache = field(default_factory=lambda: BoundsCache(OWN_BYTES))
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
            attacks[group] = attack = None if is_drawn(group) else self._attack(group)
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
        question = group.question
        goal = goal_of(question.margin, question.domains)
        if too_much_work(goal.graph):
            return
        lost = lost_rows(question)
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
            if not rows.undefined:
                for place, member in enumerate(members):
                    self._judge(group, member, goal, rows.lower[place], lost)

    def _judge(self, group: Group, member: int, goal: Goal, rows: Tensor, lost: Tensor) -> None:
        """Whether lower bounds of a sample's rows show the claim for executions.

        Args:
            lost: what rounding may take off each row on the box around all samples. It is much less on the sample's own
                box, and that is found out where it matters.
        """
        margins = goal.margins(down(rows - lost))
        if not bool(goal.shown(margins).all()) and bool(goal.shown(goal.margins(rows)).all()):
            margins = goal.margins(down(rows - lost_rows(self._own(group, member))))
        self._margins[member] = margin = float(margins.min())
        if bool(goal.shown(margins).all()):
            self.decisions[member] = Decision(True, margin, False, 0.0, verified=1.0)

    def _own(self, group: Group, member: int) -> Question:
        """The claim about one sample, bounded over its own box."""
        question = group.question
        shape = question.domains[self.name].shape
        lower, upper = (end[member].reshape(shape) for end in (self.samples.lower, self.samples.upper))
        domains = {**question.domains, self.name: Box(lower, upper, self.samples.text)}
        graph = question.margin.graph
        bounds = propagate(
            graph, {name: box.interval() for name, box in domains.items()}, self.own, self.cancelled
        )
        errors = rounding_errors(graph, bounds, None, self.cancelled)
        return replace(question, domains=domains, bounds=bounds, errors=errors)

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
        unknown = Decision(False, margin, False, 0.0, tried=tried)
        if is_drawn(group) or self.samples.radius is not None or too_much_work(group.question.margin.graph):
            return unknown
        if seconds <= 0:
            return replace(unknown, finished=False)
        question = self._own(group, member)
        slack, goal = question.slack, executed_goal(question)
        assert slack is not None, "samples are decided for executions"
        if goal is None:
            return replace(unknown, lost=slack.lost, reason=slack.reason)
        started = time.perf_counter()
        hunt = hunting(
            question.margin.graph, question.holds, question.margin.node, question.domains, self.cancelled
        )
        if hunt is None:
            return unknown
        result = split(goal, hunt, seconds, self.cancelled)
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
            lost=slack.lost,
        )


def _repeated(interval: Interval, count: int) -> Interval:
    return Interval(*(end.unsqueeze(0).expand(count, *end.shape) for end in (interval.lower, interval.upper)))
