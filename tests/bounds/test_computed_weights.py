"""Weights and offsets that the graph computes are known up to rounding, and bounds through them nearly as tight."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.bounds.exact_networks import Writer, exact_values, points_of, rationals

from torchlean.bounds.crown import crown
from torchlean.bounds.crown.lowered import lower
from torchlean.graph import Graph, Node, validate
from torchlean.intervals import Interval

INPUTS = 3


def gram(writer: Writer) -> Node:
    """`R * R' + R`, element by element: a matrix that no float32 and no float64 holds exactly."""
    root, other = (writer.builder.nodes[writer.random(INPUTS, INPUTS)] for _ in range(2))
    return writer.op("add", writer.op("mul", writer.op("mul", root, other), root), other)


def weighted(writer: Writer) -> Graph:
    """The difference of two layers with the same computed weight: zero."""
    x, weight = writer.input(INPUTS), gram(writer)
    first = writer.op("linear", x, weight)
    return writer.builder.graph([writer.op("sub", first, writer.op("linear", x, weight)).id])


def shifted(writer: Writer) -> Graph:
    """A layer less its value at a fixed state, less the layer again."""
    x = writer.input(INPUTS)
    layer = writer.linear(x, INPUTS)
    at_rest = writer.op("mul", *(writer.builder.nodes[writer.random(INPUTS)] for _ in range(2)))
    moved = writer.op("sub", layer, writer.op("mul", at_rest, at_rest))
    return writer.builder.graph([writer.op("sub", moved, layer).id])


def joined(writer: Writer) -> Graph:
    x = writer.input(INPUTS)
    layer = writer.linear(x, INPUTS)
    fixed = writer.op("mul", *(writer.builder.nodes[writer.random(INPUTS)] for _ in range(2)))
    both = writer.op("cat", layer, writer.op("mul", fixed, fixed), dim=0)
    again = writer.op("cat", layer, fixed, dim=0)
    return writer.builder.graph([writer.op("sub", both, again).id])


def divided(writer: Writer) -> Graph:
    x = writer.input(INPUTS)
    layer = writer.linear(x, INPUTS)
    divisor = writer.builder.constant(torch.tensor([3.0, -0.1, 7e20]))
    first = writer.op("div", layer, divisor)
    return writer.builder.graph([writer.op("sub", writer.op("div", layer, divisor), first).id])


GRAPHS: dict[str, Callable[[Writer], Graph]] = {
    "weighted": weighted,
    "shifted": shifted,
    "joined": joined,
    "divided": divided,
}


def exact(graph: Graph, point: np.ndarray) -> np.ndarray:
    return exact_values(graph, {"x": point})[graph.outputs[0]]


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("radius", [0.0, 1e-12, 1e-3, 1.0, 1e5])
def test_bounds_through_computed_weights_contain_exact_values(name: str, radius: float) -> None:
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        graph = GRAPHS[name](Writer(generator, 3.0))
        centre = torch.randn(INPUTS, generator=generator).double()
        domain = Interval(centre - radius, centre + radius)
        found = crown(graph, {"x": domain})[graph.outputs[0]]
        low, high = rationals(found.lower), rationals(found.upper)
        for point in points_of(domain, 6, random.Random(seed)):
            value = exact(graph, point)
            assert (low <= value).all() and (value <= high).all()


@pytest.mark.parametrize("name", GRAPHS)
def test_what_cancels_through_computed_weights_is_seen_to_cancel(name: str) -> None:
    graph = GRAPHS[name](Writer(torch.Generator().manual_seed(0)))
    domain = Interval(torch.full((INPUTS,), -1.0).double(), torch.full((INPUTS,), 1.0).double())
    found = crown(graph, {"x": domain})[graph.outputs[0]]
    assert float((found.upper - found.lower).max()) < 1e-9


def test_the_lowered_graph_computes_the_same() -> None:
    graph = weighted(Writer(torch.Generator().manual_seed(0)))
    lowered = lower(graph)
    validate(lowered.graph)
    assert sum(node.op == "linear" for node in lowered.graph) > 2, "weights are split"
    point = np.array([Fraction(1), Fraction(-3, 7), Fraction(2, 5)], dtype=object)
    (place,) = lowered.graph.outputs
    assert (exact(graph, point) == exact_values(lowered.graph, {"x": point})[place]).all()


def test_weights_that_are_known_exactly_are_left_alone() -> None:
    writer = Writer(torch.Generator().manual_seed(0))
    graph = writer.builder.graph([writer.linear(writer.input(INPUTS), 2).id])
    assert len(lower(graph).graph) == len(graph)


def test_offsets_without_a_value_bound_nothing() -> None:
    writer = Writer(torch.Generator().manual_seed(0))
    x = writer.input(INPUTS)
    negative = writer.builder.constant(torch.full((INPUTS,), -1.0))
    graph = writer.builder.graph([writer.op("add", x, writer.op("sqrt", negative)).id])
    domain = Interval(torch.zeros(INPUTS).double(), torch.ones(INPUTS).double())
    assert crown(graph, {"x": domain})[graph.outputs[0]].undefined
