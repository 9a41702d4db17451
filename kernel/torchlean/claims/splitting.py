"""Proving a claim by splitting its domain, while looking for a counterexample in the boxes that resist."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds import BoundsCache
from torchlean.bounds.crown import crown_boxes
from torchlean.bounds.split import BATCH, SplitTree, start, step
from torchlean.claims.domain import Box
from torchlean.claims.margin import Margin
from torchlean.claims.search import Hunt, Inputs
from torchlean.graph import evaluate
from torchlean.intervals import Interval

MAX_INPUTS = 12
"""Halving works where inputs are few: each further input may double the number of boxes."""

PROBES = 32
"""Centres of the worst boxes that are executed after each step."""

CACHE_BYTES = 64 * 2**20
"""For the bounds of the whole domain and the weights, which all boxes share."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """What splitting came to: the tree as far as it went, and a violation that was met on the way."""

    tree: SplitTree
    violation: Inputs | None


def splittable(domains: Mapping[str, Box]) -> bool:
    """Whether the domain is bounded and small enough in dimension to be split."""
    ends = [end for box in domains.values() for end in (box.lower, box.upper)]
    count = sum(box.lower.numel() for box in domains.values())
    return 0 < count <= MAX_INPUTS and all(bool(torch.isfinite(end).all()) for end in ends)


def split(
    margin: Margin,
    domains: Mapping[str, Box],
    hunt: Hunt,
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> Splitting:
    """Split until the claim is shown, an executed input violates it, or the time is over.

    Args:
        hunt: executes candidates inside the domain.
        seconds: wall time to spend; at least one step is made.

    Raises:
        Cancelled: by the caller.
    """
    problem = _Problem(margin, domains, cancelled, BoundsCache(CACHE_BYTES))
    deadline = time.monotonic() + seconds
    lower, upper = problem.ends()
    tree = start(lower, upper, problem.bound, margin.strict)
    violation = None
    batch = 2
    while not tree.proved and violation is None:
        if not step(tree, problem.bound, problem.sensitivity, batch) or time.monotonic() > deadline:
            break
        centers = (
            torch.stack([(box.lower + box.upper) / 2 for box in tree.open[:PROBES]]) if tree.open else None
        )
        if centers is not None:
            violation, _ = hunt.first_violation(hunt.nearest(problem.named(centers)))
        # Start small, so that an easy claim is not split more often than it needs.
        batch = min(2 * batch, BATCH)
    return Splitting(tree, violation)


@dataclass(frozen=True)
class _Problem:
    """The claim as a function of one flat vector of all inputs."""

    margin: Margin
    domains: Mapping[str, Box]
    cancelled: Callable[[], bool]
    cache: BoundsCache

    def ends(self) -> tuple[Tensor, Tensor]:
        boxes = [self.domains[name] for name in self.names()]
        return torch.cat([box.lower.flatten() for box in boxes]), torch.cat(
            [box.upper.flatten() for box in boxes]
        )

    def names(self) -> list[str]:
        return [str(node.attributes["name"]) for node in self.margin.graph.inputs]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """(boxes, inputs) as one tensor (boxes, *input) for each input."""
        result, place = {}, 0
        for name in self.names():
            shape = self.domains[name].shape
            count = math.prod(shape)
            result[name] = flat[:, place : place + count].reshape(-1, *shape)
            place += count
        return result

    def bound(self, lower: Tensor, upper: Tensor) -> Tensor:
        """Lower bounds of the margin on each box, by CROWN over all boxes at once."""
        lows, highs = self.named(lower), self.named(upper)
        boxes = {name: Interval(lows[name], highs[name]) for name in lows}
        root = {name: self.domains[name].interval() for name in lows}
        node = self.margin.node
        found = crown_boxes(self.margin.graph, boxes, root, self.cache, self.cancelled, [node])[node]
        if found.undefined:
            return torch.full((len(lower),), -math.inf, dtype=torch.float64)
        return found.lower.reshape(-1)

    def sensitivity(self, lower: Tensor, upper: Tensor) -> Tensor:
        """The largest absolute gradient of the margin at the centre and two corners of each box.

        The centre alone would miss what is symmetric about it, such as a square.
        """
        leaf = torch.cat([(lower + upper) / 2, lower, upper]).requires_grad_()

        def one(point: Tensor) -> Tensor:
            inputs = {name: values[0] for name, values in self.named(point.unsqueeze(0)).items()}
            return evaluate(self.margin.graph, inputs, dtype=torch.float64)[self.margin.node]

        margins = torch.stack([one(point) for point in leaf])
        if not margins.requires_grad:
            return torch.ones_like(lower)
        (gradient,) = torch.autograd.grad(margins.sum(), leaf)
        return gradient.abs().nan_to_num().reshape(3, *lower.shape).amax(0)
