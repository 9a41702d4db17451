"""Attacks on many samples at once: projected gradient descent from each sample's own ball.

Projected gradient descent with restarts (Madry et al. 2018, arXiv:1706.06083), signed steps in a box, normalised steps
in a Euclidean ball. All executions of a step run together through `torch.vmap`, which may add numbers up in another
order than a single run: a violation counts only when the input alone, run as the program would, violates the claim, and
only when it certainly lies inside the region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.cancellation import Cancelled
from torchlean.claims.decide import Question
from torchlean.claims.samples import Samples
from torchlean.claims.search import Inputs, Outcome, executed, representable
from torchlean.graph import evaluate
from torchlean.intervals import Interval

RESTARTS = 4
STEPS = 30
"""Of each descent: what these miss, ten times as many find on one sample in a hundred of the digits."""

FIRST_STEP = 0.5
LAST_STEP = 0.02
"""Of the radius; steps shrink geometrically from one to the other."""

TOGETHER = 512
"""Executions of one step: some megabytes of activations for small networks."""


@dataclass
class Attack:
    """Executions of one claim on inputs around some samples.

    Attributes:
        question: the claim, with its graph and margin.
        samples: their regions; `name` is the input that they are about.
        cancelled: asked before every batch of executions.
        tried: inputs executed so far, of each sample.
    """

    question: Question
    samples: Samples
    name: str
    cancelled: Callable[[], bool]
    seed: int = 0

    def __post_init__(self) -> None:
        graph = self.question.margin.graph
        (node,) = (node for node in graph.inputs if node.attributes["name"] == self.name)
        self.dtype = node.type.dtype
        self.shape = node.type.shape
        self.low, self.high = representable(Interval(self.samples.lower, self.samples.upper), self.dtype)
        self.middle = {}
        for other in graph.inputs:
            if other is not node:
                name = str(other.attributes["name"])
                low, high = representable(self.question.domains[name], other.type.dtype)
                self.middle[name] = low + (high - low) / 2
        self.generator = torch.Generator().manual_seed(self.seed)
        self.tried = torch.zeros(len(self.samples), dtype=torch.int64)

    def centers(self, members: Sequence[int]) -> dict[int, Inputs | None]:
        """For each of these samples, itself if it violates the claim."""
        found: dict[int, Inputs | None] = {}
        for part in _parts(members, TOGETHER):
            index = torch.tensor(part)
            points = self._inside(self.samples.centers[index], index)
            found.update(self._violations(part, points.unsqueeze(1)))
        return found

    def descend(self, members: Sequence[int]) -> dict[int, Inputs | None]:
        """For each of these samples, a violation if descents find one."""
        found: dict[int, Inputs | None] = {}
        for part in _parts(members, max(1, TOGETHER // RESTARTS)):
            found.update(self._descended(part))
        return found

    def _descended(self, members: list[int]) -> dict[int, Inputs | None]:
        index = torch.tensor(members)
        points = self._starts(index)
        found: dict[int, Inputs | None] = dict.fromkeys(members)
        shrink = (LAST_STEP / FIRST_STEP) ** (1 / (STEPS - 1))
        for step in range(STEPS):
            gradient = self._gradient(index, points)
            if gradient is None:
                return found  # the margin does not depend on the input in a differentiable way
            points = self._moved(index, points, gradient, FIRST_STEP * shrink**step)
            found.update({m: v for m, v in self._violations(index.tolist(), points).items() if v is not None})
            open = [place for place, member in enumerate(index.tolist()) if found[member] is None]
            if not open:
                break
            index, points = index[open], points[open]
        return found

    # -- points: (members, restarts, *sample) --------------------------------------------------------------------------

    def _starts(self, index: Tensor) -> Tensor:
        """The sample itself, and points drawn from its box."""
        low, high = self.low[index].unsqueeze(1), self.high[index].unsqueeze(1)
        center = self._inside(self.samples.centers[index], index).unsqueeze(1)
        share = torch.rand(len(index), RESTARTS - 1, *self.samples.shape, generator=self.generator)
        drawn = low + (high - low) * share.to(self.dtype)
        return self._projected(index, torch.cat([center, drawn], 1))

    def _moved(self, index: Tensor, points: Tensor, gradient: Tensor, rate: float) -> Tensor:
        gradient = gradient.nan_to_num()
        if self.samples.radius is None:
            width = (self.high[index] - self.low[index]).unsqueeze(1) / 2
            return self._projected(index, points - rate * width * gradient.sign())
        length = gradient.flatten(2).norm(dim=2).clamp(min=torch.finfo(self.dtype).tiny)
        unit = gradient / length.reshape(*length.shape, *(1,) * (gradient.dim() - 2))
        return self._projected(index, points - 2 * rate * self.samples.radius * unit)

    def _projected(self, index: Tensor, points: Tensor) -> Tensor:
        low, high = self.low[index].unsqueeze(1), self.high[index].unsqueeze(1)
        if self.samples.radius is not None:
            center = self.samples.centers[index].unsqueeze(1)
            away = points.to(torch.float64) - center
            length = away.flatten(2).norm(dim=2).clamp(min=torch.finfo(torch.float64).tiny)
            # A little less than the radius, so that rounding to the input's dtype stays inside.
            scale = (self.samples.radius * (1 - 2.0**-20) / length).clamp(max=1.0)
            points = (center + away * scale.reshape(*scale.shape, *(1,) * (away.dim() - 2))).to(self.dtype)
        return torch.minimum(torch.maximum(points, low), high)

    def _inside(self, points: Tensor, index: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(points.to(self.dtype), self.low[index]), self.high[index])

    # -- executing -----------------------------------------------------------------------------------------------------

    def _violations(self, members: list[int], points: Tensor) -> dict[int, Inputs | None]:
        """The first point of each member that lies in its region and, run alone, violates the claim."""
        holds, _ = self._many(points.flatten(0, 1))
        failed = ~holds.reshape(points.shape[:2])
        self.tried[torch.tensor(members)] += points.shape[1]
        found: dict[int, Inputs | None] = dict.fromkeys(members)
        for place, start in failed.nonzero().tolist():
            member = members[place]
            if found[member] is None and self._contains(member, points[place, start]):
                alone = self._inputs(points[place, start])
                if not bool(evaluate(self.question.margin.graph, alone)[self.question.holds].all()):
                    found[member] = alone
        return found

    def _contains(self, member: int, point: Tensor) -> bool:
        """Whether the point is certainly in the member's region."""
        exact = point.to(torch.float64)
        samples = self.samples
        if not bool(((exact >= samples.lower[member]) & (exact <= samples.upper[member])).all()):
            return False
        if samples.radius is None:
            return True
        squares = ((exact - samples.centers[member]) ** 2).flatten().tolist()
        # Each difference and each square is rounded once, to a relative 2^-53 each; the sum is exact but for the last.
        return math.sqrt(math.fsum(squares)) * (1 + 2.0**-50) <= samples.radius

    def _inputs(self, point: Tensor) -> Inputs:
        return {self.name: point.reshape(self.shape), **self.middle}

    def _gradient(self, index: Tensor, points: Tensor) -> Tensor | None:
        leaf = points.flatten(0, 1).clone().requires_grad_()
        _, margin = self._many(leaf)
        if not margin.requires_grad:
            return None
        (found,) = torch.autograd.grad(margin.sum(), [leaf])
        return found.reshape(points.shape)

    def _many(self, points: Tensor) -> Outcome:
        """Whether the claim holds, and its margin, at many points (points, *sample)."""
        if self.cancelled():
            raise Cancelled
        margin = self.question.margin
        inputs = {self.name: points.reshape(len(points), *self.shape)}
        return executed(margin.graph, self.question.holds, margin.node, inputs, self.middle)


def _parts(members: Sequence[int], size: int) -> list[list[int]]:
    return [list(members[start : start + size]) for start in range(0, len(members), size)]
