"""The quick passes along chains of layers say what the general ones say, and nothing where they cannot."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from tests.bounds.exact_networks import Writer, box, exact_values, points_of, rationals

from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown import crown, structure
from torchlean.bounds.crown.structure import remembered
from torchlean.graph import Graph, Node
from torchlean.intervals import Interval

NetworkWriter = Callable[[Writer], Graph]


def perceptron(writer: Writer, act: str = "relu", widths: tuple[int, ...] = (7, 6, 6)) -> Graph:
    value = writer.input(5)
    for width in widths:
        value = writer.op(act, writer.linear(value, width))
    return writer.builder.graph([writer.linear(value, 3).id])


def normalised(writer: Writer) -> Graph:
    """A picture less a mean, times a scale, as a vector; products and biases apart, as ONNX files have them."""
    value = writer.input(1, 2, 3)
    mean = writer.builder.constant(torch.rand(2, 3, generator=writer.generator))
    value = writer.op("sub", value, mean)
    value = writer.op("mul", value, writer.builder.constant(torch.tensor(1.7)))
    value = writer.op("reshape", value, shape=(1, 6))
    for width in (8, 4):
        weight = Writer.random(writer, value.type.shape[-1], width)
        product = writer.builder.op("matmul", [value.id, weight], {})
        value = writer.op("relu", writer.builder.op("add", [product.id, writer.random(width)], {}))
    return writer.builder.graph([value.id])


def squashed(writer: Writer) -> Graph:
    """A function right on the input, and two in a row at the end."""
    value = writer.linear(writer.op("sigmoid", writer.input(4)), 6)
    return writer.builder.graph([writer.op("tanh", writer.op("relu", value)).id])


NETWORKS: dict[str, NetworkWriter] = {
    "relu": perceptron,
    "tanh": lambda writer: perceptron(writer, "tanh"),
    "wide": lambda writer: perceptron(writer, "relu", (150, 140)),
    "normalised": normalised,
    "squashed": squashed,
}


def chained(graph: Graph) -> set[int]:
    return set(remembered(graph, BoundsCache()).links)


def ends(interval: Interval) -> tuple[torch.Tensor, torch.Tensor]:
    return interval.lower, interval.upper


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1, 2.0])
def test_a_chain_has_the_bounds_that_the_general_passes_give(
    name: str, radius: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = NETWORKS[name](Writer(torch.Generator().manual_seed(1), 0.4))
    domain = {"x": box(graph, radius, torch.Generator().manual_seed(2))}
    assert chained(graph) == {node.id for node in graph if node.inputs or node.op == "input"}
    quick = crown(graph, domain)
    monkeypatch.setattr(structure, "links", lambda *_: {})
    monkeypatch.setattr(structure, "_structures", type(structure._structures)())
    general = crown(graph, domain)
    assert not chained(graph)
    for node in graph:
        for one, other in zip(ends(quick[node.id]), ends(general[node.id]), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 1e-14, 1e-3, 1.0])
@pytest.mark.parametrize("scale", [0.3, 1e5])
def test_exact_values_lie_inside(name: str, radius: float, scale: float) -> None:
    generator = torch.Generator().manual_seed(3)
    graph = NETWORKS[name](Writer(generator, scale))
    domain = box(graph, radius, generator)
    found = crown(graph, {"x": domain}, wanted=[node.id for node in graph])
    for point in points_of(domain, 1 if name == "wide" else 4, random.Random(4)):
        for id, value in enumerate(exact_values(graph, {"x": point})):
            low, high = (rationals(end) for end in ends(found[id]))
            assert (low <= value).all() and (value <= high).all()


def scaled(factor: float) -> Graph:
    """Two layers of one neuron each."""
    writer = Writer(torch.Generator().manual_seed(5))
    value: Node = writer.input(2)
    for _ in range(2):
        weight = writer.builder.parameter(torch.full((1, value.type.shape[-1]), factor), "w").id
        value = writer.op("relu", writer.builder.op("linear", [value.id, weight], {}))
    return writer.builder.graph([value.id])


def test_sums_too_large_for_float64_have_no_finite_bound() -> None:
    graph = scaled(1e38)
    found = crown(
        graph, {"x": Interval(torch.zeros(2).double(), torch.full((2,), 1e280, dtype=torch.float64))}
    )
    (upper,) = found[graph.outputs[0]].upper.tolist()
    assert upper == float("inf")
    assert not found[graph.outputs[0]].undefined


def test_an_unbounded_input_leaves_the_chain() -> None:
    graph = scaled(1.0)
    found = crown(graph, {})
    assert found[graph.outputs[0]].lower.tolist() == [0.0]
    assert found[graph.outputs[0]].upper.tolist() == [float("inf")]


def test_whole_numbers_wrap_around_and_are_in_no_chain() -> None:
    writer = Writer(torch.Generator().manual_seed(6))
    value = writer.op("cast", writer.input(2), dtype=torch.int64)
    doubled = writer.op("mul", value, writer.builder.constant(torch.tensor(2)))
    graph = writer.builder.graph([doubled.id])
    assert doubled.id not in chained(graph) and value.id not in chained(graph)
