"""Linear bounds beside exact arithmetic: whatever the network, its scale and the size of the box."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals, resized

from torchlean.bounds import propagate
from torchlean.bounds.alpha import alpha
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType

RADII = [0.0, 1e-12, 1e-7, 1e-6, 1e-3, 1.0]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("scale", [0.7, 1e4])
def test_bounds_of_every_node_contain_its_exact_values(name: str, radius: float, scale: float) -> None:
    bounds_contain_exact_values(NETWORKS[name], radius, scale)


@pytest.mark.parametrize("radius", [0.0, 1e-7, 1.0])
def test_bounds_through_resized_pictures_contain_exact_values(radius: float) -> None:
    bounds_contain_exact_values(resized, radius, 0.7)


def bounds_contain_exact_values(network: Callable[[Writer], Graph], radius: float, scale: float) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        graph = network(Writer(generator, scale))
        domain = box(graph, radius, generator)
        linear, intervals = crown(graph, {"x": domain}), propagate(graph, {"x": domain})
        for node in graph:
            # A narrower operand may round an end outward by other ulps, on the scale of the node's terms.
            ulps = 1e-13 * torch.maximum(intervals[node.id].lower.abs(), intervals[node.id].upper.abs()).max()
            assert (linear[node.id].lower >= intervals[node.id].lower - ulps).all()
            assert (linear[node.id].upper <= intervals[node.id].upper + ulps).all()
        ends = [(rationals(linear[node.id].lower), rationals(linear[node.id].upper)) for node in graph]
        for point in points_of(domain, 4, random.Random(seed)):
            for value, (low, high) in zip(exact_values(graph, {"x": point}), ends, strict=True):
                assert (low <= value).all() and (value <= high).all()


def test_cancellation_defeats_plain_float64_bounds_but_not_ours() -> None:
    """Two layers whose large weights nearly cancel, at a point: their plain product misses the exact value."""
    missed = 0
    for seed in range(30):
        generator = torch.Generator().manual_seed(seed)
        first = torch.randn(6, 3, generator=generator, dtype=torch.float64) * 1e8
        second = torch.randn(1, 6, generator=generator, dtype=torch.float64) * 1e8
        offset = 1e10 + torch.rand(6, generator=generator, dtype=torch.float64)  # keeps every relu open
        x = torch.randn(3, generator=generator, dtype=torch.float64)
        last = -second @ (first @ x + offset)

        builder = GraphBuilder()
        value = builder.input("x", TensorType((3,), torch.float64))
        for weight, bias in ((first, offset), (second, last)):
            operands = [value.id, builder.parameter(weight, "w").id, builder.parameter(bias, "b").id]
            value = builder.op("linear", operands, {})
            value = builder.op("relu", [value.id], {}) if weight is first else value
        bound = crown(builder.graph([value.id]), {"x": Interval(x, x.clone())})[value.id]

        hidden = rationals(first).dot(rationals(x)) + rationals(offset)
        assert min(hidden) > 0
        exact = (rationals(second).dot(hidden) + rationals(last))[0]
        assert Fraction(float(bound.lower)) <= exact <= Fraction(float(bound.upper))
        plain = (second @ first) @ x + (second @ offset + last)
        missed += Fraction(float(plain)) != exact
    assert missed > 20, "the attack has lost its force"


def test_an_input_without_bounds_bounds_only_what_does_not_depend_on_it() -> None:
    builder = GraphBuilder()
    x, free = (builder.input(name, TensorType((2,), torch.float32)) for name in ("x", "free"))
    weight = builder.parameter(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), "w")
    seen = builder.op("relu", [builder.op("linear", [x.id, weight.id], {}).id], {})
    lost = builder.op("relu", [builder.op("linear", [free.id, weight.id], {}).id], {})
    both = builder.op("add", [seen.id, lost.id], {})
    apart = builder.op("sub", [both.id, lost.id], {})
    graph = builder.graph([seen.id, lost.id, both.id, apart.id])
    ones = torch.ones(2, dtype=torch.float64)
    bounds = crown(graph, {"x": Interval(-ones, ones)})
    assert bounds[seen.id].bounded()
    assert bool((bounds[lost.id].lower == 0).all()) and bool(torch.isinf(bounds[lost.id].upper).all())
    assert bool((bounds[both.id].lower >= 0).all()) and bool(torch.isinf(bounds[both.id].upper).all())
    low, high = bounds[apart.id].lower, bounds[apart.id].upper
    assert bool((low <= bounds[seen.id].lower).all()) and bool((high >= bounds[seen.id].upper).all())


def test_one_unbounded_element_leaves_the_rows_that_do_not_touch_it_their_bounds() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    weight = builder.parameter(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), "w")
    hidden = builder.op("relu", [builder.op("linear", [x.id, weight.id], {}).id], {})
    again = builder.op("linear", [hidden.id, builder.parameter(torch.eye(2), "eye").id], {})
    lower = torch.tensor([-1.0, -torch.inf], dtype=torch.float64)
    upper = torch.tensor([1.0, torch.inf], dtype=torch.float64)
    bound = crown(builder.graph([again.id]), {"x": Interval(lower, upper)})[again.id]
    assert float(bound.upper[0]) < 1.0001 and float(bound.upper[1]) == torch.inf
    assert float(bound.lower[0]) <= 0.0 <= float(bound.lower[0]) + 1e-12


def test_values_that_may_be_undefined_stay_so() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    root = builder.op("log", [x.id], {})
    out = builder.op("sub", [root.id, root.id], {})
    ones = torch.ones(2, dtype=torch.float64)
    bounds = crown(builder.graph([out.id]), {"x": Interval(-ones, ones)})
    assert bounds[root.id].undefined and bounds[out.id].undefined


@pytest.mark.parametrize("weight", [float("inf"), -float("inf"), 3e38])
def test_infinite_and_huge_weights_give_no_false_bound(weight: float) -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    value = x
    for _ in range(12):
        data = torch.full((2, 2), weight)
        value = builder.op("linear", [value.id, builder.parameter(data, "w").id], {})
        value = builder.op("relu", [value.id], {})
    ones = torch.ones(2, dtype=torch.float64)
    bound = crown(builder.graph([value.id]), {"x": Interval(-ones, ones)})[value.id]
    assert not bool(torch.isnan(bound.lower).any() or torch.isnan(bound.upper).any())
    assert bound.undefined or float(bound.upper.min()) == torch.inf or weight < 0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_tensors_without_elements_pass(shape: tuple[int, ...]) -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType(shape, torch.float32))
    out = builder.op("relu", [builder.op("add", [x.id, x.id], {}).id], {})
    total = builder.op("sum", [out.id], {"dim": tuple(range(len(shape))), "keepdim": False})
    empty = torch.zeros(shape, dtype=torch.float64)
    bounds = crown(builder.graph([total.id]), {"x": Interval(empty, empty.clone())})
    assert bounds[out.id].shape == shape
    assert abs(float(bounds[total.id].lower)) < 1e-300 and abs(float(bounds[total.id].upper)) < 1e-300


def test_a_graph_of_constants_needs_no_passes() -> None:
    builder = GraphBuilder()
    a = builder.constant(torch.tensor([1.0, -2.0]))
    out = builder.op("relu", [builder.op("add", [a.id, a.id], {}).id], {})
    bounds = crown(builder.graph([out.id]), {})
    assert bounds[out.id].lower.tolist() == [2.0, 0.0] == bounds[out.id].upper.tolist()
    assert {bound.method for bound in bounds.bounds} == {"ibp"}


@pytest.mark.parametrize("op", ["div", "maximum", "pow_tensor", "atan2"])
def test_a_known_operand_of_a_nonlinear_op_ends_the_rows_that_reach_it(op: str) -> None:
    """All known but one: a constant takes part in the planes, and no weight is in the way."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float64))
    known = builder.constant(torch.tensor([3.0, 0.5], dtype=torch.float64))
    out = builder.op("add", [builder.op(op, [x.id, known.id], {}).id, x.id], {})
    graph = builder.graph([out.id])
    ends = torch.tensor([0.5, 1.0], dtype=torch.float64)
    domain = Interval(ends, ends + 1.0)
    bound = crown(graph, {"x": domain})[out.id]
    many = crown_boxes(graph, {"x": Interval(domain.lower.unsqueeze(0), domain.upper.unsqueeze(0))})[out.id]
    for share in torch.linspace(0, 1, 7, dtype=torch.float64):
        value = evaluate(graph, {"x": ends + share}, dtype=torch.float64)[out.id]
        for found in (bound, Interval(many.lower[0], many.upper[0])):
            assert bool((found.lower <= value + 1e-12).all() and (value - 1e-12 <= found.upper).all())
            assert found.bounded()


@pytest.mark.parametrize("op", ["mul", "add"])
def test_whole_numbers_that_wrap_around_lie_inside(op: str) -> None:
    """12 * 12 is -112 in int8, and 127 + 127 is -2."""
    writer = Writer(torch.Generator().manual_seed(0))
    x = writer.input(1)
    whole = writer.builder.op("cast", [x.id], {"dtype": torch.int8})
    graph = writer.builder.graph([writer.op(op, whole, whole).id])
    high = 13.0 if op == "mul" else 127.0
    domain = Interval(torch.zeros(1).double(), torch.full((1,), high).double())
    (out,) = graph.outputs
    boxes = Interval(domain.lower.unsqueeze(0), domain.upper.unsqueeze(0))
    found = [crown(graph, {"x": domain})[out], alpha(graph, {"x": domain})[out]]
    found += crown_boxes(graph, {"x": boxes}, {"x": domain}).values()
    for value in (12.0, high):
        result = evaluate(graph, {"x": torch.tensor([value])})[out]
        assert all(interval.contains(result) for interval in found)
