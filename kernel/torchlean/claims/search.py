"""Counterexample search: concrete binary32 inputs, run through the graph as torch computes it.

A violation found here is evidence by itself: the input is a vector of the program's own number type, inside the
domain, and the comparison came out false when the program's ops were executed on it. A search that finds nothing is
no evidence at all, and nothing in TorchLean reads it as such.

Candidates: the centre, the two extreme corners, random corners, random points, and projected gradient descent on the
claim's margin from the worst of them (Madry et al. 2018, arXiv:1706.06083).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.claims.domain import Box
from torchlean.graph import Graph, evaluate

RANDOM_POINTS = 64
RANDOM_CORNERS = 64
DESCENTS = 4
DESCENT_STEPS = 20
"""Enough to find a violation that is not rare, within a tenth of a second on the editor's small networks."""

Inputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Search:
    """What a search did: the first violation, if any, and how many inputs were tried."""

    violation: Inputs | None
    tried: int


def search(
    graph: Graph,
    holds: int,
    margin: int | None,
    domains: Mapping[str, Box],
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> Search:
    """Look for an input in the domain for which the claim is false.

    Args:
        graph: contains every input of the claim; draws no random numbers.
        holds: id of the bool node that states the property (all elements must be true).
        margin: id of a real-valued node that is negative where the property fails, to follow downhill.
        domains: a box for each input of the graph.
        cancelled: asked before every execution.
        seed: of the random candidates, so that the same question gets the same answer.

    Raises:
        KeyError: an input without a box.
    """
    ranges = {
        str(node.attributes["name"]): _representable(domains[str(node.attributes["name"])], node.type.dtype)
        for node in graph.inputs
    }
    if any(bool((low > high).any()) for low, high in ranges.values()):
        # No number of this type lies in the box, so no execution can violate the claim.
        return Search(None, 0)
    worst: list[tuple[float, Inputs]] = []
    tried = 0
    for candidate in _candidates(ranges, torch.Generator().manual_seed(seed)):
        if cancelled():
            return Search(None, tried)
        values = evaluate(graph, candidate)
        tried += 1
        if not bool(values[holds].all()):
            return Search(candidate, tried)
        if margin is not None:
            worst.append((float(values[margin]), candidate))
    worst.sort(key=lambda entry: entry[0])
    for _, start in worst[:DESCENTS]:
        found, steps = _descend(graph, holds, margin, start, ranges, cancelled)
        tried += steps
        if found is not None:
            return Search(found, tried)
    return Search(None, tried)


def _representable(box: Box, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The least and greatest number of `dtype` inside the box, element by element (rounded inward)."""
    if not dtype.is_floating_point:
        return box.lower.ceil().to(dtype), box.upper.floor().to(dtype)
    low, high = box.lower.to(dtype), box.upper.to(dtype)
    low = torch.where(low.to(torch.float64) < box.lower, _step(low, torch.inf), low)
    high = torch.where(high.to(torch.float64) > box.upper, _step(high, -torch.inf), high)
    return low, high


def _step(value: Tensor, towards: float) -> Tensor:
    return torch.nextafter(value, torch.full_like(value, towards))


def _candidates(ranges: Mapping[str, tuple[Tensor, Tensor]], generator: torch.Generator) -> Iterator[Inputs]:
    yield {name: _between(low, high, torch.full(low.shape, 0.5)) for name, (low, high) in ranges.items()}
    yield {name: low for name, (low, _) in ranges.items()}
    yield {name: high for name, (_, high) in ranges.items()}
    for count, corners in ((RANDOM_CORNERS, True), (RANDOM_POINTS, False)):
        for _ in range(count):
            yield {
                name: _between(low, high, _weights(low.shape, generator, corners))
                for name, (low, high) in ranges.items()
            }


def _weights(shape: torch.Size, generator: torch.Generator, corners: bool) -> Tensor:
    weights = torch.rand(shape, generator=generator)
    return weights.round() if corners else weights


def _between(low: Tensor, high: Tensor, weight: Tensor) -> Tensor:
    """A point of the box: `low` where the weight is 0, `high` where it is 1."""
    if not low.dtype.is_floating_point:
        span = (high - low).to(torch.float64)
        return (low + (span * weight).round().to(low.dtype)).clamp(low, high)
    # Each end is scaled before adding, so that a box over most of the number range does not overflow.
    point = low * (1 - weight).to(low.dtype) + high * weight.to(low.dtype)
    return torch.minimum(torch.maximum(point, low), high)


def _descend(
    graph: Graph,
    holds: int,
    margin: int | None,
    start: Inputs,
    ranges: Mapping[str, tuple[Tensor, Tensor]],
    cancelled: Callable[[], bool],
) -> tuple[Inputs | None, int]:
    """Signed gradient steps from `start`, halving the step every five, projected onto the box."""
    assert margin is not None, "descents start from candidates ranked by their margin"
    point = dict(start)
    free = [name for name, value in point.items() if value.is_floating_point()]
    if not free:
        return None, 0
    rate = 0.25
    for step in range(DESCENT_STEPS):
        if cancelled():
            return None, step
        leaves = {name: point[name].clone().requires_grad_() for name in free}
        value = evaluate(graph, {**point, **leaves})[margin]
        if not value.requires_grad:
            return None, step  # the margin does not depend on the inputs in a differentiable way
        gradients = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
        for name, gradient in zip(free, gradients, strict=True):
            if gradient is not None:
                low, high = ranges[name]
                moved = point[name] - rate * (high - low) * torch.nan_to_num(gradient).sign()
                point[name] = torch.minimum(torch.maximum(moved, low), high)
        if step % 5 == 4:
            rate /= 2
        if not bool(evaluate(graph, point)[holds].all()):
            return point, step + 1
    return None, DESCENT_STEPS
