"""Goals of small networks, and which leaf of a tree of splits an input lies in, by exact arithmetic."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from tests.bounds.exact_networks import Writer, exact_values, mlp, points_of, rationals

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.tree import LEAF, SplitTree
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

Clauses = tuple[tuple[int, ...], ...]

LOWER, UPPER = -1.0, 1.25
"""Not symmetric, so that no cut happens to meet the kink at zero; dyadic, so that volumes are exact."""


def interval(lower: list[float], upper: list[float]) -> Interval:
    return Interval(torch.tensor(lower, dtype=torch.float64), torch.tensor(upper, dtype=torch.float64))


def goal_of(graph: Graph, rows: Node, domain: Interval, clauses: Clauses, strict: bool = False) -> Goal:
    return Goal(graph, rows.id, clauses, (strict,) * len(clauses), {"x": domain})


def single(op: str, domain: Interval, minus: float = 0.0, strict: bool = False) -> Goal:
    """Every element of `op(x) - minus` is positive (at least zero)."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType(domain.shape, torch.float64))
    limit = builder.constant(torch.full(domain.shape, minus, dtype=torch.float64))
    rows = builder.op("sub", [builder.op(op, [x.id], {}).id, limit.id], {})
    clauses = tuple((index,) for index in range(rows.type.numel))
    return goal_of(builder.graph([rows.id]), rows, domain, clauses, strict)


def squares(add: float = 0.1, domain: Interval | None = None) -> Goal:
    """`x*x' + y*y' + add >= 0` where nothing knows that `x'` is `x`: bounds of the whole domain do not show it.

    The products are fused with a sum: those that stand alone have bounds of the second order, which do.
    """
    domain = interval([LOWER] * 2, [UPPER] * 2) if domain is None else domain
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float64))
    same = builder.op("reshape", [x.id], {"shape": (2,)})
    zero = builder.constant(torch.zeros(2, dtype=torch.float64))
    product = builder.op("addcmul", [zero.id, x.id, same.id], {"value": 1.0})
    total = builder.op("sum", [product.id], {"dim": (0,), "keepdim": True})
    rows = builder.op("add", [total.id, builder.constant(torch.tensor([add], dtype=torch.float64)).id], {})
    return goal_of(builder.graph([rows.id]), rows, domain, ((0,),))


def network(seed: int, act: str, radius: float, clauses: Clauses, below: float, strict: bool = False) -> Goal:
    """A random network's two outputs, minus what the worst of the clauses is on samples, plus `below`.

    So the worst margin is `below` at the worst of the samples, and less than that somewhere else at most: a negative
    one is a goal that fails at a known input, a large one a goal that holds.
    """
    generator = torch.Generator().manual_seed(seed)
    graph = mlp(Writer(generator, 0.7), act)
    centre = torch.randn(3, generator=generator).double()
    domain = Interval(centre - radius, centre + radius)
    samples = Samples(graph, domain, seed)
    least = min(min(max(rows[row] for row in clause) for clause in clauses) for _, rows in samples)
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    shift = torch.full((2,), float(least) - below, dtype=torch.float64)
    rows = builder.op("sub", [graph.outputs[0], builder.constant(shift).id], {})
    return goal_of(builder.graph([rows.id]), rows, domain, clauses, strict)


@dataclass
class Samples:
    """Inputs of a domain with the exact values of the graph's output."""

    graph: Graph
    domain: Interval
    seed: int
    count: int = 40

    def __iter__(self) -> Iterator[tuple[np.ndarray, list[Fraction]]]:
        for point in points_of(self.domain, self.count, random.Random(self.seed)):
            yield point, list(exact_values(self.graph, {"x": point})[self.graph.outputs[0]])


def worst(goal: Goal, rows: list[Fraction]) -> Fraction:
    """The exact worst margin."""
    return min(max(rows[row] for row in clause) for clause in goal.clauses)


def leaf_of(bounder: Bounder, tree: SplitTree, point: np.ndarray) -> int:
    """The leaf that an input lies in, by its exact numbers."""
    graph = bounder.shape.graph
    elements = list(point.flatten())
    if any(variable >= len(elements) for variable in tree.variable):
        values = exact_values(graph, {"x": point})
        for place, numbers in bounder.variables.places.items():
            assert numbers.start == len(elements)
            elements += list(values[place].flatten())
    id = 0
    while tree.first[id] != LEAF:
        above = elements[tree.variable[id]] > Fraction(tree.at[id])
        id = tree.first[id] + int(above)
    return id


def boxes_of(tree: SplitTree, domain: Interval) -> list[tuple[np.ndarray, np.ndarray]]:
    """The leaves' ends as fractions; for trees that cut nothing but inputs."""
    found = []
    for leaf in tree.all_leaves():
        low, high = rationals(domain.lower.flatten()), rationals(domain.upper.flatten())
        for variable, at, above in leaf.cuts:
            (low if above else high)[variable] = Fraction(at)
        found.append((low, high))
    return found


def explored(goal: Goal, steps: int, batch: int = 16) -> Exploration:
    exploration = Exploration.begin(Bounder(goal))
    for _ in range(steps):
        if exploration.proved or not exploration.step(batch):
            break
    return exploration
