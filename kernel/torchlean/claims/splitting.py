"""Proving a claim by branch and bound, while looking for a counterexample in the parts that resist."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.bounder import FEW_INPUTS, Bounder
from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.explore import BATCH, Exploration
from torchlean.bounds.branching.hardest import Hardest, hardest
from torchlean.bounds.branching.tree import SplitTree
from torchlean.cancellation import Cancelled
from torchlean.claims.domain import Box
from torchlean.claims.search import Hunt, Inputs
from torchlean.intervals import Interval
from torchlean.numbers import share_below

PROBES = 32
"""Of the worst boxes, in which two inputs each are executed after each step."""

FIRST_BATCH = 2
"""Boxes split in the first step; it doubles up to `BATCH`, so that an easy claim is split no more than it needs."""

HOPELESS = 8
"""Steps after which no box is split any more, where each met a point at which exact values themselves, less what is
lost, are too small: no bounds can show the claim there. Some are made, since boxes around may hold a violation."""

CACHE_BYTES = 64 * 2**20
"""For the bounds of the whole domain and the weights, which all boxes share."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a branch and bound is.

    Attributes:
        boxes: parts of the domain, and how many of them are `open`.
        verified: share of the domain on which the claim is shown, each split counted as halves.
        hardest: the open box with the least bound; None where no box is open.
    """

    boxes: int
    open: int
    verified: float
    hardest: Hardest | None = None

    @property
    def text(self) -> str:
        """`32 of 37 boxes shown (62.5 %), hardest: margin at least -0.02 where x[0] in [0.5, 1]`; shares are rounded
        down."""
        worst = "" if self.hardest is None else f", hardest: {self.hardest.text}"
        return (
            f"{self.boxes - self.open:,} of {self.boxes:,} boxes shown ({share_below(self.verified)}){worst}"
        )


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Splitting:
    """What branch and bound came to.

    Attributes:
        tree: the splits as far as they went.
        violation: an executed input that violates the claim, met on the way.
        phased: the splits are between the phases of relus.
        exhausted: nothing is left to try; otherwise, without proof or violation, the time was over.
    """

    tree: SplitTree
    violation: Inputs | None = None
    phased: bool = False
    exhausted: bool = False


class _Late(Exception):
    """The time is over."""


def splittable(domains: Mapping[str, Box]) -> bool:
    """Whether there are inputs and all of them are bounded."""
    ends = [end for box in domains.values() for end in (box.lower, box.upper)]
    return sum(end.numel() for end in ends) > 0 and all(bool(torch.isfinite(end).all()) for end in ends)


def split(
    goal: Goal,
    hunt: Hunt,
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
    report: Report = lambda progress: None,
) -> Splitting:
    """Bound the domain, with slopes searched for it, and split until the claim is shown, an executed input violates it,
    or the time is over.

    Args:
        goal: the claim.
        hunt: executes candidates inside the domain.
        seconds: wall time to spend.
        report: told after every step how far it is.

    Raises:
        Cancelled: by the caller.
    """
    deadline = time.monotonic() + seconds

    def check() -> None:
        if cancelled():
            raise Cancelled
        if time.monotonic() > deadline:
            raise _Late

    run = _Run(goal, hunt, check, report)
    try:
        return run.run()
    except _Late:
        return run.result()


@dataclass
class _Run:
    goal: Goal
    hunt: Hunt
    check: Callable[[], None]
    report: Report

    def __post_init__(self) -> None:
        self.tree = SplitTree()
        self.bounder = Bounder(self.goal, BoundsCache(CACHE_BYTES), self.check)

    def run(self) -> Splitting:
        exploration = Exploration.begin(self.bounder)
        self.tree = exploration.tree
        batch, hopeless = FIRST_BATCH, 0
        while True:
            self._tell(exploration)
            if exploration.proved:
                return self.result(exhausted=True)
            violation = self._probed(exploration.open)
            if violation is not None:
                return self.result(violation, exhausted=True)
            self.check()
            hopeless += self._beyond_proof(exploration.open)
            if hopeless == HOPELESS or not _divisible(self.bounder) or not exploration.step(batch):
                return self.result(exhausted=True)
            batch = min(2 * batch, BATCH)

    def result(self, violation: Inputs | None = None, exhausted: bool = False) -> Splitting:
        """What it came to so far."""
        return Splitting(self.tree, violation, self.bounder.phased, exhausted)

    def _tell(self, exploration: Exploration) -> None:
        tree, open = exploration.tree, exploration.open
        worst = hardest([open], self.goal, self.goal.input_name)
        self.report(Progress(tree.leaves, tree.leaves - tree.closed, tree.verified, worst))

    def _beyond_proof(self, open: Boxes) -> bool:
        """Whether exact values at the centre of the worst box are too small to show the claim there."""
        if not len(open):
            return False
        worst = int(open.worst.argmin())
        centre = self.goal.named(((open.lower[worst] + open.upper[worst]) / 2).unsqueeze(0))
        rows = propagate(self.goal.graph, {name: Interval(at[0], at[0]) for name, at in centre.items()})
        exact = rows[self.goal.rows]
        return not exact.undefined and not bool(self.goal.shown(self.goal.margins(exact.upper)).all())

    def _probed(self, open: Boxes) -> Inputs | None:
        """Execute the centres of the worst boxes, and the inputs where their bounds are least."""
        if not len(open):
            return None
        worst = open.of(open.worst.argsort()[:PROBES])
        centres = (worst.lower + worst.upper) / 2
        points = self.goal.named(torch.cat([centres, worst.points.to(torch.float64)]))
        for name, (low, _) in self.hunt.ranges.items():
            if name not in points:
                points[name] = low.expand(2 * len(worst), *low.shape)
        violation, _ = self.hunt.first_violation(self.hunt.nearest(points))
        return violation


def _divisible(bounder: Bounder) -> bool:
    """Whether splits are worth their time: phases can be cut, or there are few inputs. Halving one of very many inputs
    changes next to nothing."""
    lower, upper = bounder.goal.ends()
    return bounder.phased or int((lower < upper).sum()) <= FEW_INPUTS
