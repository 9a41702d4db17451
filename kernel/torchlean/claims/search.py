"""Counterexample search: concrete binary32 inputs, run through the graph as torch computes it.

A violation found here is evidence by itself: the input is a vector of the program's own number type, inside the
domain, and the comparison came out false when the program's ops were executed on it. A search that finds nothing is
no evidence at all, and nothing in TorchLean reads it as such.

Candidates: the centre, the two extreme corners, random corners, random points, and projected gradient descent on the
claim's margin from the worst of them (Madry et al. 2018, arXiv:1706.06083). Many candidates run at once through
`torch.vmap`, step by step; that may round otherwise than a single run, so a violation counts only when the
candidate alone, run as the program would, violates the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from torchlean.claims.domain import Box
from torchlean.graph import Graph, evaluate
from torchlean.intervals import Interval

RANDOM_POINTS = 128
RANDOM_CORNERS = 128
DESCENTS = 8
DESCENT_STEPS = 20
"""Enough to find a violation that is not rare, within a tenth of a second on the editor's small networks."""

SUSPECTS = 4
"""Of the failed executions of a batch, those whose exact values are bounded: most of one batch fail alike."""

Inputs = dict[str, Tensor]
"""One tensor per input of the claim, by name."""

Refutes = Callable[[Inputs], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """What a search did.

    Attributes:
        violation: the first, if any.
        tried: how many inputs were executed.
        closest: of the inputs tried first, the one with the least margin.
        rejected: an input on which the execution fails, and which does not refute the claim.
    """

    violation: Inputs | None
    tried: int
    closest: Inputs | None = None
    rejected: Inputs | None = None


def search(
    graph: Graph,
    holds: int,
    margin: int,
    domains: Mapping[str, Box],
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
    refutes: Refutes | None = None,
) -> Search:
    """Look for an input in the domain for which the claim is false.

    Args:
        graph: contains every input of the claim; draws no random numbers.
        holds: id of the bool node that states the property (all elements must be true).
        margin: id of a 0-d real node that is negative where the property fails, to follow downhill.
        domains: a box for each input of the graph.
        cancelled: asked before every batch of executions; a cancelled search has found nothing.
        seed: of the random candidates, so that the same question gets the same answer.
        refutes: see `Hunt`.

    Raises:
        KeyError: an input without a box.
    """
    hunt = hunting(graph, holds, margin, domains, cancelled, refutes)
    if hunt is None:
        return Search(None, 0)
    points = _candidates(hunt.ranges, torch.Generator().manual_seed(seed))
    violation, outcome = hunt.first_violation(points)
    closest = None
    if violation is None and outcome is not None:
        worst = outcome.lowest(DESCENTS)
        closest = {name: values[worst[0]] for name, values in points.items()}
        violation = hunt.descend({name: values[worst] for name, values in points.items()})
    return Search(violation, hunt.tried, closest, hunt.rejected)


def hunting(
    graph: Graph,
    holds: int,
    margin: int,
    domains: Mapping[str, Box],
    cancelled: Callable[[], bool] = lambda: False,
    refutes: Refutes | None = None,
) -> Hunt | None:
    """A hunt inside the domain. None where no number of the inputs' types lies in it: nothing can be executed.

    Raises:
        KeyError: an input without a box.
    """
    ranges = {}
    for node in graph.inputs:
        name = str(node.attributes["name"])
        ranges[name] = _finite(*representable(domains[name], node.type.dtype))
    if any(bool((low > high).any()) for low, high in ranges.values()):
        return None
    return Hunt(graph, holds, margin, ranges, cancelled, refutes)


class Outcome(NamedTuple):
    """Of many executions at once, each of shape (points,)."""

    holds: Tensor
    margin: Tensor

    def lowest(self, count: int) -> Tensor:
        """The places of so many of the least margins, least first."""
        return self.margin.nan_to_num(nan=-torch.inf).argsort()[:count]


def executed(
    graph: Graph, holds: int, margin: int, points: Inputs, fixed: Mapping[str, Tensor] | None = None
) -> Outcome:
    """Execute a claim at many inputs together.

    Args:
        graph, holds, margin: see `search`.
        points: the inputs, (points, *input) each.
        fixed: other inputs, (*input) each, the same for all points.
    """

    def one(point: Inputs) -> tuple[Tensor, Tensor]:
        values = evaluate(graph, {**point, **(fixed or {})}, by_steps=True)
        return values[holds].all(), values[margin].to(torch.float64)

    try:
        return Outcome(*torch.vmap(one)(points))
    except RuntimeError:
        # Some ops have no batching rule, or look at their numbers: one after the other then.
        count = len(next(iter(points.values())))
        outcomes = [one({name: values[i] for name, values in points.items()}) for i in range(count)]
        return Outcome(*(torch.stack(column) for column in zip(*outcomes, strict=True)))


@dataclass
class Hunt:
    """Executions of one claim on many inputs.

    Attributes:
        graph, holds, margin, cancelled: see `search`.
        ranges: least and greatest representable number of each input, element by element.
        refutes: whether an input refutes the claim, where it is not the execution that decides.
        tried: inputs executed so far.
        rejected: see `Search`.
    """

    graph: Graph
    holds: int
    margin: int
    ranges: Mapping[str, tuple[Tensor, Tensor]]
    cancelled: Callable[[], bool]
    refutes: Refutes | None = None
    tried: int = 0
    rejected: Inputs | None = None

    def first_violation(self, points: Inputs) -> tuple[Inputs | None, Outcome | None]:
        """Execute all points; a violation among them, run alone, and the outcomes (None when cancelled)."""
        if self.cancelled():
            return None, None
        outcome = self._many(points)
        suspects = (~outcome.holds).nonzero().flatten()
        if self.refutes is not None:
            # What executions say is a hint; the least margin is worth a look even where its comparison holds.
            suspects = torch.cat([suspects[:SUSPECTS], outcome.lowest(1)])
        for index in suspects.tolist():
            alone = {name: values[index] for name, values in points.items()}
            failed = not bool(evaluate(self.graph, alone)[self.holds].all())
            if failed if self.refutes is None else self.refutes(alone):
                return alone, outcome
            if failed:
                self.rejected = alone
        return None, outcome

    def _many(self, points: Inputs) -> Outcome:
        self.tried += len(next(iter(points.values())))
        return executed(self.graph, self.holds, self.margin, points)

    def descend(self, points: Inputs) -> Inputs | None:
        """Signed gradient steps on the margin, halving the step every five, projected onto the box."""
        free = [name for name, values in points.items() if values.is_floating_point()]
        rate = 0.25
        for step in range(DESCENT_STEPS):
            gradients = self._gradients(points, free)
            if gradients is None:
                return None  # the margin does not depend on the inputs in a differentiable way
            for name in free:
                low, high = self.ranges[name]
                # Over most of the number range the width overflows; where that leaves no number, an element stays.
                moved = points[name] - rate * (high - low) * gradients[name].nan_to_num().sign()
                moved = torch.where(moved.isnan(), points[name], moved)
                points = {**points, name: torch.minimum(torch.maximum(moved, low), high)}
            violation, outcome = self.first_violation(points)
            if violation is not None or outcome is None:
                return violation
            if step % 5 == 4:
                rate /= 2
        return None

    def nearest(self, points: Mapping[str, Tensor]) -> Inputs:
        """The representable inputs nearest to the given ones, inside the domain; shape (points, *input) each."""
        inside = {}
        for name, (low, high) in self.ranges.items():
            inside[name] = torch.minimum(torch.maximum(points[name].to(low.dtype), low), high)
        return inside

    def _gradients(self, points: Inputs, free: list[str]) -> Inputs | None:
        """The margin's gradient at each point, by input."""
        leaves = {name: points[name].clone().requires_grad_() for name in free}
        margin = self._many({**points, **leaves}).margin
        if not margin.requires_grad:
            return None
        found = torch.autograd.grad(margin.sum(), list(leaves.values()), allow_unused=True)
        return {
            name: torch.zeros_like(leaves[name]) if gradient is None else gradient
            for name, gradient in zip(free, found, strict=True)
        }


def representable(box: Box | Interval, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The least and greatest number of `dtype` inside the box, element by element (rounded inward)."""
    if not dtype.is_floating_point:
        return box.lower.ceil().to(dtype), box.upper.floor().to(dtype)
    low, high = box.lower.to(dtype), box.upper.to(dtype)
    low = torch.where(low.to(torch.float64) < box.lower, _step(low, torch.inf), low)
    high = torch.where(high.to(torch.float64) > box.upper, _step(high, -torch.inf), high)
    return low, high


def _finite(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Without infinities: the middle of two is no number at all, and lies in no box."""
    if not low.dtype.is_floating_point:
        return low, high
    largest = torch.finfo(low.dtype).max
    return low.clamp(min=-largest), high.clamp(max=largest)


def _step(value: Tensor, towards: float) -> Tensor:
    return torch.nextafter(value, torch.full_like(value, towards))


def _candidates(ranges: Mapping[str, tuple[Tensor, Tensor]], generator: torch.Generator) -> Inputs:
    """The centre, the two extreme corners, random corners and random points; shape (points, *input) per input."""
    return {name: _points(low, high, generator) for name, (low, high) in ranges.items()}


def _points(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    shape = low.shape
    weights = torch.cat(
        [
            torch.full((1, *shape), 0.5),
            torch.zeros(1, *shape),
            torch.ones(1, *shape),
            torch.rand(RANDOM_CORNERS, *shape, generator=generator).round(),
            torch.rand(RANDOM_POINTS, *shape, generator=generator),
        ]
    )
    if not low.dtype.is_floating_point:
        span = (high - low).to(torch.float64)
        return torch.minimum(low + (span * weights).round().to(low.dtype), high)
    # Each end is scaled before adding, so that a box over most of the number range does not overflow.
    points = low * (1 - weights).to(low.dtype) + high * weights.to(low.dtype)
    return torch.minimum(torch.maximum(points, low), high)
