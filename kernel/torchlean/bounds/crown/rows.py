"""One backward pass: lower bounds of linear functions of a node's elements, over a batch of boxes.

Coefficients are kept per node in the shape (boxes, rows, *node). Only lower bounds are computed: the upper bound of
`f` is minus the lower bound of `-f`, so a caller who wants both asks for two rows.

Everything is float64, and the result is a bound in exact arithmetic: each step adds to `slack` what its rounding may
have lost (see `torchlean.ops.linearization`), measured by `magnitude`, a bound on |value| for every node that holds on
all boxes. The magnitudes may be crude: they are multiplied by 1e-16.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.graph import Graph, Node
from torchlean.intervals import Interval
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF, gamma
from torchlean.ops.linearization import Affine, Relaxation

SLACK_INFLATION = 1.0 + 2.0**-20
"""The slack is itself a float64 sum of at most 2**26 nonnegative terms: its relative error is below 2**-26."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a backward pass reads.

    Attributes:
        graph: nodes below the rows' node.
        stops: intervals, shape (boxes or 1, *node), of the nodes where the pass ends: inputs, constants, everything
            that depends on no input, and ops without linear form.
        parts: the affine parts of each affine node.
        relaxations: the planes of each nonlinear node, shape (boxes or 1, *node).
        magnitudes: a bound on |value| per node, shape of the node; infinite where none is known.
        reach: the sum of each node's magnitudes (what a coefficient that underflowed can have hidden).
    """

    graph: Graph
    stops: Mapping[int, Interval]
    parts: Mapping[int, Sequence[Affine | None]]
    relaxations: Mapping[int, Relaxation]
    magnitudes: Mapping[int, Tensor]
    reach: Mapping[int, float]


def lower_bounds(
    problem: Problem, node: int, rows: Tensor, cancelled: Callable[[], None] = lambda: None
) -> Tensor:
    """Lower bounds of `sum(rows * value(node))` over every box.

    Args:
        rows: coefficients, shape (boxes, rows, *node), float64.
        cancelled: called before every node; may raise.

    Returns:
        Shape (boxes, rows); `-inf` where no bound is known.
    """
    return _Pass(problem, cancelled).run(node, rows)


class _Pass:
    def __init__(self, problem: Problem, cancelled: Callable[[], None]) -> None:
        self.problem = problem
        self.cancelled = cancelled
        self.coefficients: dict[int, Tensor] = {}
        self.waiting: list[int] = []

    def run(self, node: int, rows: Tensor) -> Tensor:
        self.total = torch.zeros(rows.shape[:2], dtype=torch.float64, device=rows.device)
        self.slack = torch.zeros_like(self.total)
        self.add(node, rows)
        while self.waiting:
            self.cancelled()
            id = -heapq.heappop(self.waiting)
            self.step(id, self.coefficients.pop(id))
        slack = self.slack * SLACK_INFLATION
        bound = self.total - slack
        # The two subtractions and the product below round once each.
        bound = bound - ((self.total.abs() + slack) * (4 * UNIT_ROUNDOFF) + SMALLEST_SUBNORMAL)
        return torch.nan_to_num(bound, nan=-math.inf, posinf=math.inf, neginf=-math.inf)

    def step(self, id: int, rows: Tensor) -> None:
        problem = self.problem
        if id in problem.stops:
            self.concretize(problem.stops[id], rows)
        elif id in problem.parts:
            self.through_affine(problem.graph[id], problem.parts[id], rows)
        else:
            self.through_planes(problem.graph[id], problem.relaxations[id], rows)

    def add(self, id: int, rows: Tensor) -> None:
        """Coefficients arriving at a node from one of its consumers."""
        present = self.coefficients.get(id)
        if present is None:
            self.coefficients[id] = rows
            heapq.heappush(self.waiting, -id)
            return
        total = present + rows
        self.coefficients[id] = total
        self.absorb(UNIT_ROUNDOFF, total.abs(), self.problem.magnitudes[id])

    def accumulate(self, amount: Tensor) -> None:
        """Add to the running total, with the rounding of this addition."""
        self.total = self.total + amount
        self.slack = self.slack + UNIT_ROUNDOFF * self.total.abs()

    def absorb(self, factor: float, weights: Tensor, magnitude: Tensor) -> None:
        """Slack for coefficients that may be off by `factor * weights`, on values up to `magnitude`."""
        self.slack = self.slack + factor * _dot(weights, magnitude.unsqueeze(0))

    def underflow(self, count: int, id: int, rows: Tensor) -> None:
        """Slack for `count` products behind each coefficient of a node, each off by the smallest subnormal at most.

        Where the node's values are not bounded, no such error is harmless: rows that touch it have no bound.
        """
        reach = self.problem.reach[id]
        if math.isinf(reach):
            self.slack = torch.where(_elements(rows).abs().amax(2) > 0, math.inf, self.slack)
        else:
            self.slack = self.slack + count * SMALLEST_SUBNORMAL * reach

    def through_affine(self, node: Node, parts: Sequence[Affine | None], rows: Tensor) -> None:
        flat = rows.flatten(0, 1)
        weights: Tensor | None = None
        for operand, part in zip(node.inputs, parts, strict=True):
            if part is None:
                continue
            passed = part.transpose(flat).unflatten(0, rows.shape[:2])
            if part.terms:
                assert part.magnitude is not None, f"{node.op}: a part that rounds states its magnitude"
                weights = rows.abs() if weights is None else weights
                pushed = part.magnitude(self.problem.magnitudes[operand])
                self.underflow(part.terms, operand, rows)
                self.absorb(gamma(part.terms + 1) * (1 + gamma(part.terms + 1)), weights, pushed)
            self.add(operand, passed)

    def through_planes(self, node: Node, planes: Relaxation, rows: Tensor) -> None:
        positive, negative = rows.clamp(min=0), rows.clamp(max=0)
        self.intercepts(positive, planes.lower.intercept)
        self.intercepts(negative, planes.upper.intercept)
        for index, operand in enumerate(node.inputs):
            lower, upper = planes.lower.slopes[index], planes.upper.slopes[index]
            # One of the two products is zero, so their sum is exact.
            passed = positive * lower.unsqueeze(1) + negative * upper.unsqueeze(1)
            self.through_broadcast(operand, passed)

    def intercepts(self, weights: Tensor, intercept: Tensor) -> None:
        terms = math.prod(intercept.shape[1:])
        self.accumulate(_dot(weights, intercept))
        rounding = gamma(terms + 1) * _dot(weights.abs(), intercept.abs())
        self.slack = self.slack + rounding + terms * SMALLEST_SUBNORMAL

    def through_broadcast(self, operand: int, passed: Tensor) -> None:
        """Coefficients of an operand as torch broadcast it, summed back to its own shape."""
        shape = self.problem.graph[operand].type.shape
        magnitude = self.problem.magnitudes[operand]
        count = max(1, math.prod(passed.shape[2:]) // max(1, math.prod(shape)))
        # Each coefficient was rounded once, and `count` of them are summed.
        self.absorb(gamma(count + 1), passed.abs(), magnitude.expand(passed.shape[2:]))
        self.underflow(count, operand, passed)
        self.add(operand, _sum_to(passed, shape))

    def concretize(self, interval: Interval, rows: Tensor) -> None:
        """The least value of the rows' linear functions over the interval's box."""
        weights = rows.abs()
        lower, upper = interval.lower, interval.upper
        if interval.undefined or not interval.bounded():
            free = ~(torch.isfinite(lower) & torch.isfinite(upper))
            touched = _dot(weights, free.to(torch.float64)) > 0
            if interval.undefined:
                touched = _elements(weights).amax(2) > 0
            self.slack = torch.where(touched, math.inf, self.slack)
            lower, upper = torch.where(free, 0.0, lower), torch.where(free, 0.0, upper)
        if lower is upper:
            self.accumulate(_dot(rows, lower))
            radius = lower.abs() * gamma(math.prod(lower.shape[1:]) + 1)
        else:
            center = (lower + upper) / 2
            # Rounded up: the computed radius may miss the true one by two roundings of numbers up to |l| + |u|.
            radius = torch.maximum(upper - center, center - lower) * (1 + 4 * UNIT_ROUNDOFF)
            self.accumulate(_dot(rows, center))
            radius = radius + (center.abs() + radius) * gamma(math.prod(lower.shape[1:]) + 4)
        self.slack = self.slack + _dot(weights, radius) + math.prod(lower.shape[1:]) * 2 * SMALLEST_SUBNORMAL


def _dot(rows: Tensor, values: Tensor) -> Tensor:
    """(boxes, rows, *node) times (boxes or 1, *node), summed over the node's elements; an infinite value times a zero
    coefficient counts as zero."""
    flat, other = _elements(rows), values.reshape(values.shape[0], -1)
    if other.shape[0] == 1:
        product = flat @ other[0]
    else:
        product = torch.bmm(flat, other.expand(flat.shape[0], -1).unsqueeze(2)).squeeze(2)
    if bool(torch.isnan(product).any()):
        return torch.where(flat == 0, 0.0, flat * other.unsqueeze(1)).sum(2)
    return product


def _elements(rows: Tensor) -> Tensor:
    """(boxes, rows, *node) as (boxes, rows, elements), for 0-d nodes too."""
    return rows.reshape(*rows.shape[:2], -1)


def _sum_to(passed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo broadcasting: sum (boxes, rows, *output) over the dimensions that `shape` does not have, or has once."""
    extra = passed.dim() - 2 - len(shape)
    if extra:
        passed = passed.sum(dim=tuple(range(2, 2 + extra)))
    once = tuple(2 + i for i, size in enumerate(shape) if size == 1 and passed.shape[2 + i] != 1)
    return passed.sum(dim=once, keepdim=True) if once else passed
