"""Affine forms of the inputs contain exact values, and stand in for rows where those are too many."""

from __future__ import annotations

import random

import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown import crown
from torchlean.bounds.crown.structure import remembered
from torchlean.bounds.forward import climb, parallel
from torchlean.graph import Graph
from torchlean.intervals import Interval
from torchlean.ops import OPS


def forms_of(graph: Graph, domain: Interval) -> dict[int, Interval]:
    """What forms say of every node that varies, on intervals alone."""
    shape = remembered(graph, BoundsCache())
    assert shape.graph is not graph and len(shape.graph) == len(graph), "nothing is lowered here"
    intervals = propagate(graph, {"x": domain})
    batched = [Interval(x.lower[None], x.upper[None]) for x in (intervals[node.id] for node in graph)]
    found = {}
    climber = climb.Climb(shape)
    for node in shape.graph:
        if shape.varies[node.id]:
            interval = climber.interval(node, batched)
            if interval is None:
                assert node.op == "cat", "has no batched form, and is known by its interval"
                continue
            found[node.id] = Interval(interval.lower[0], interval.upper[0])
    return found


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 1e-12, 1e-7, 1e-3, 1.0])
@pytest.mark.parametrize("scale", [0.7, 1e4])
def test_forms_of_every_node_contain_its_exact_values(name: str, radius: float, scale: float) -> None:
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        graph = NETWORKS[name](Writer(generator, scale))
        domain = box(graph, radius, generator)
        ends = {id: (rationals(x.lower), rationals(x.upper)) for id, x in forms_of(graph, domain).items()}
        for point in points_of(domain, 4, random.Random(seed)):
            values = exact_values(graph, {"x": point})
            for id, (low, high) in ends.items():
                assert (low <= values[id]).all() and (values[id] <= high).all()


def test_what_two_layers_owe_to_the_same_input_cancels() -> None:
    writer = Writer(torch.Generator().manual_seed(1))
    x = writer.input(4)
    graph = writer.builder.graph([writer.op("sub", writer.op("add", x, x), x).id])
    domain = box(graph, 1.0, torch.Generator().manual_seed(2))
    form, (out,) = forms_of(graph, domain), graph.outputs
    assert torch.allclose(form[out].upper - form[out].lower, domain.upper - domain.lower, rtol=1e-12)


def deep() -> Graph:
    writer = Writer(torch.Generator().manual_seed(4), 0.5)
    value = writer.input(2)
    for _ in range(3):
        value = writer.op("relu", writer.linear(value, 12))
    return writer.builder.graph([writer.linear(value, 2).id])


def test_forms_save_rows_and_cost_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = deep()
    domain = {"x": box(graph, 0.1, torch.Generator().manual_seed(5))}
    (out,) = graph.outputs
    rows = crown(graph, domain)
    monkeypatch.setattr(climb, "WORTH", 0)
    both = crown(graph, domain)
    widths = [float((bounds[out].upper - bounds[out].lower).sum()) for bounds in (both, rows)]
    assert widths[0] <= widths[1] * 1.001
    assert both.bounds[out].method == "crown"


def test_too_many_rows_are_left_to_forms_and_the_bounds_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = deep()
    domain = box(graph, 0.5, torch.Generator().manual_seed(5))
    monkeypatch.setattr(climb, "WORTH", 0)
    monkeypatch.setattr(climb, "TOO_MANY", 0)
    bounds, intervals = crown(graph, {"x": domain}), propagate(graph, {"x": domain})
    (out,) = graph.outputs
    methods = [bounds.bounds[node.id].method for node in graph if node.op == "linear"]
    assert "forward" in methods[1:-1] and methods[-1] == "crown", "outputs have rows in any case"
    assert float((bounds[out].upper - bounds[out].lower).sum()) < float(
        (intervals[out].upper - intervals[out].lower).sum()
    )
    ends = [(rationals(bounds[node.id].lower), rationals(bounds[node.id].upper)) for node in graph]
    for point in points_of(domain, 6, random.Random(1)):
        for value, (low, high) in zip(exact_values(graph, {"x": point}), ends, strict=True):
            assert (low <= value).all() and (value <= high).all()


def test_relu_is_passed_between_parallel_planes() -> None:
    x = Interval(torch.tensor([[-1.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64))
    planes = parallel("relu", [x], {})
    torch.testing.assert_close(planes.lower.slopes[0], planes.upper.slopes[0], rtol=1e-14, atol=0.0)
    assert not torch.allclose(OPS["relu"].relax([x], {}).lower.slopes[0], planes.lower.slopes[0])
