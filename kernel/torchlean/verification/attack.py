"""Looking for a counterexample of a goal: binary32 inputs, run through the network as torch computes it.

Projected gradient descent (Madry et al. 2018, arXiv:1706.06083), by signs and by Polyak's lengths, on the hinge of a
clause's rows, `sum max(row, 0)`, from many points at once: where several conditions must fail together, following the
worst of them alone goes round in circles. A hit counts when the caller's exact test of the single execution says so; a
search that finds nothing is no evidence of anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.branching import Goal
from torchlean.claims.search import representable
from torchlean.graph import Graph, evaluate

STEPS = 40
"""Of a thorough descent; the step falls from a quarter of the box to a two-hundredth."""

FEW_STEPS = 3
"""Of a descent from many points: rare counterexamples are found sooner by more starting points than by more steps."""

LENGTH_STEPS = 4 * FEW_STEPS
"""Of a descent by Polyak's lengths, from a quarter of the points: it takes as long as the other."""

BEYOND = 1.25
"""Of the length to where conditions are just met: there, another runtime's rounding decides whether they are."""

FIRST_RATE = 0.25
DECAY = 0.9

POINTS = 64
"""That descend thoroughly together."""

TARGETS = 8
"""Clauses that a thorough descent from random points aims at: the nearest to failing are not always those that can."""

WORK = 10**8
"""Multiplications (a few hundredths of a second) that one round of executions may take."""

ROW = 100
"""Multiplications, about, that a row costs beyond the network: it is clamped, added up, compared and derived."""

MOST_POINTS = 2**14

CANDIDATES = 64
"""Points of one round that are run alone: when so many fail the exact test, the others are likely to."""

Inputs = dict[str, Tensor]


@dataclass
class Attack:
    """Executions of a goal's network on many inputs.

    Attributes:
        goal: what a counterexample violates.
        accepted: whether one input's execution, run alone, is a counterexample.
        cancelled: asked between batches.
        tried: inputs executed so far.
    """

    goal: Goal
    accepted: Callable[[Inputs], bool]
    cancelled: Callable[[], bool] = lambda: False
    tried: int = 0

    def __post_init__(self) -> None:
        self._ranges = {}
        for node in self.goal.graph.inputs:
            name = str(node.attributes["name"])
            domain = self.goal.domain[name]
            low, high = representable(domain, node.type.dtype)
            # An input whose range holds no number of its type is read as the nearest one, as every runtime does. What
            # is beyond all numbers of the type is not executed.
            most = torch.finfo(node.type.dtype).max
            nearest = domain.lower.to(node.type.dtype), domain.upper.to(node.type.dtype)
            self._ranges[name] = (
                torch.where(low > high, nearest[0], low).clamp(-most, most),
                torch.where(low > high, nearest[1], high).clamp(-most, most),
            )
        self._generator = torch.Generator().manual_seed(0)

    @property
    def single(self) -> bool:
        """Whether all inputs of the domain are executed as the same one."""
        return all(torch.equal(low, high) for low, high in self._ranges.values())

    def wide(self) -> Inputs | None:
        """A few steps from as many random points as are executed quickly, and some more from fewer."""
        cost = _multiplications(self.goal.graph) + ROW * self.goal.count
        count = max(POINTS, min(MOST_POINTS, WORK // cost))
        found = self.descend(self._random(count), FEW_STEPS)
        return found or self.descend(self._random(max(POINTS, count // 4)), LENGTH_STEPS, by_length=True)

    def deep(self) -> Inputs | None:
        """Many steps from a few random points, each towards a clause of its own among those nearest to failing."""
        points = self._random(POINTS)
        found, rows = self._executed(points)
        if found is not None:
            return found
        order = self.goal.margins(rows).argsort(1)
        turn = torch.arange(POINTS) % min(TARGETS, order.shape[1])
        return self.descend(points, STEPS, order.gather(1, turn.unsqueeze(1)))

    def _random(self, count: int) -> Inputs:
        """Random points, half of them corners."""
        shares = {}
        for name, (low, _) in self._ranges.items():
            share = torch.rand(count, *low.shape, generator=self._generator)
            share[::2] = share[::2].round()
            shares[name] = share
        return {name: self._at(name, share) for name, share in shares.items()}

    def near(self, points: Mapping[str, Tensor]) -> Inputs | None:
        """Execute the representable inputs nearest to given ones, (points, *input) each."""
        found, _ = self._executed({name: self._inside(name, values) for name, values in points.items()})
        return found

    def descend(
        self,
        points: Mapping[str, Tensor],
        count: int = STEPS,
        targets: Tensor | None = None,
        by_length: bool = False,
    ) -> Inputs | None:
        """Follow the rows of a clause downhill, point by point.

        Args:
            points: (points, *input) each.
            count: of steps.
            targets: the clause of each point, (points, 1); default: whichever is nearest to failing at each step.
            by_length: take Polyak's steps (1969), as long as the hinge over its slope, instead of a share of the box
                along each input: where conditions hold together on a small part of the box only, shares step over it.
        """
        points = {name: self._inside(name, values) for name, values in points.items()}
        rate = FIRST_RATE
        for _ in range(count):
            if self.cancelled():
                return None
            leaves = {name: values.requires_grad_() for name, values in points.items()}
            found, rows = self._executed(leaves)
            if found is not None or not rows.requires_grad:
                return found
            hinge = self.goal.hinges(rows)
            aim = hinge.amin(1) if targets is None else hinge.gather(1, targets)
            slopes = torch.autograd.grad(aim.sum(), list(leaves.values()), allow_unused=True)
            gradients = {
                name: torch.zeros_like(values) if gradient is None else gradient.nan_to_num()
                for (name, values), gradient in zip(leaves.items(), slopes, strict=True)
            }
            steps = (
                self._lengths(gradients, aim.detach().flatten())
                if by_length
                else self._signs(gradients, rate)
            )
            points = {
                name: self._inside(name, values.detach() - steps[name]) for name, values in points.items()
            }
            rate *= DECAY
        return None

    def _signs(self, gradients: Inputs, rate: float) -> Inputs:
        """A share of the box along each input's sign: it crosses flat parts."""
        steps = {}
        for name, gradient in gradients.items():
            low, high = self._ranges[name]
            steps[name] = (rate * high - rate * low) * gradient.sign()
        return steps

    def _lengths(self, gradients: Inputs, aim: Tensor) -> Inputs:
        """Along the gradient in units of the box, as far as `aim`, (points,), promises to become zero."""
        width = {name: (high - low).to(torch.float64) for name, (low, high) in self._ranges.items()}
        size = torch.zeros_like(aim, dtype=torch.float64)
        for name, gradient in gradients.items():
            size += (gradient * width[name]).square().reshape(len(aim), -1).sum(1)
        length = torch.where(size > 0, BEYOND * aim / size, 0.0)
        steps = {}
        for name, gradient in gradients.items():
            each = length.reshape(-1, *(1,) * (gradient.dim() - 1))
            steps[name] = (each * gradient * width[name].square()).nan_to_num().to(gradient.dtype)
        return steps

    def _executed(self, points: Inputs) -> tuple[Inputs | None, Tensor]:
        """A counterexample among the points, run alone, and all rows, (points, rows)."""
        count = len(next(iter(points.values())))
        self.tried += count
        try:
            rows = torch.func.vmap(self._one)(points)
        except RuntimeError:
            # Some ops have no batching rule, or look at their numbers: one after the other then.
            singles = [{name: values[index] for name, values in points.items()} for index in range(count)]
            rows = torch.stack([self._one(single) for single in singles])
        for index in self._failing(rows.detach())[:CANDIDATES]:
            if self.cancelled():
                break
            alone = {name: values[index].detach() for name, values in points.items()}
            if self.accepted(alone):
                return alone, rows
        return None, rows

    def _failing(self, rows: Tensor) -> list[int]:
        """The points that seem to be counterexamples, the clearest first."""
        if self.single:
            # Rows of the inputs tell of the one that is executed, which may lie beside the region.
            return [0]
        margins = self.goal.margins(rows)
        # Where every condition is strict, a margin of zero is no counterexample; NaN is none anywhere.
        zero = (margins == 0) & torch.tensor(self.goal.strict)
        least = torch.where((margins < 0) | zero, margins, torch.inf).amin(1)
        order = least.argsort()
        return order[: int((least < torch.inf).sum())].tolist()  # type: ignore[no-any-return]

    def _one(self, point: Inputs) -> Tensor:
        return evaluate(self.goal.graph, point)[self.goal.rows]

    def _inside(self, name: str, values: Tensor) -> Tensor:
        low, high = self._ranges[name]
        return torch.minimum(torch.maximum(values.nan_to_num().to(low.dtype), low), high)

    def _at(self, name: str, share: Tensor) -> Tensor:
        low, high = self._ranges[name]
        return low * (1 - share).to(low.dtype) + high * share.to(low.dtype)


def _multiplications(graph: Graph) -> int:
    """Of one execution, about: each weight as often as it is applied, and a step for each number."""
    total = 0
    for node in graph:
        total += node.type.numel
        weights = [graph[id].type for id in node.inputs if graph[id].data is not None]
        for weight in weights:
            # A kernel is applied at every place of its output.
            places = node.type.numel // max(1, weight.shape[0]) if len(weight.shape) > 2 else 1
            total += weight.numel * places
    return total
