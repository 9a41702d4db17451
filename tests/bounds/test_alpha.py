"""Bounds with optimised slopes: true, never worse than CROWN's, the same from the cache, and stopped when asked."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals

from torchlean.bounds import Bounds, BoundsCache
from torchlean.bounds.alpha import alpha, elements, neighbourhood
from torchlean.bounds.crown import crown
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType

RADII = [0.0, 1e-7, 1e-3, 1.0]


def attention(writer: Writer) -> Graph:
    """One head over three tokens, with a residual connection and a layer after it."""
    x = writer.input(3, 4)
    query, key, value = (writer.linear(x, 4) for _ in range(3))
    scores = writer.op("matmul", query, writer.op("permute", key, dims=(1, 0)))
    mixed = writer.op("matmul", writer.op("softmax", scores, dim=1), value)
    x = writer.op("add", x, mixed)
    return writer.builder.graph([writer.linear(writer.op("gelu", x, approximate="none"), 2).id])


def kinks(writer: Writer) -> Graph:
    """Kinks of several kinds, a product of two varying values and an exponential."""
    x = writer.op("leaky_relu", writer.linear(writer.input(3), 4), negative_slope=0.1)
    x = writer.op("maximum", writer.linear(x, 4), writer.op("abs", writer.linear(x, 4)))
    gate = writer.op("mul", writer.op("sigmoid", writer.linear(x, 3)), writer.op("exp", writer.linear(x, 3)))
    return writer.builder.graph([writer.linear(gate, 2).id])


def dilated(writer: Writer) -> Graph:
    """Convolutions of all kinds: strides that leave pixels over, groups, dilation, one dimension."""
    x = writer.input(1, 2, 7, 6)
    options = {"stride": (3, 3), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    kernels = [writer.random(4, 2, 2, 2), writer.random(4)]
    x = writer.op("relu", writer.builder.op("conv", [x.id, *kernels], options))
    options = {"stride": (1, 1), "padding": (1, 1), "dilation": (2, 2), "groups": 2}
    kernels = [writer.random(4, 2, 2, 2), writer.random(4)]
    x = writer.op("relu", writer.builder.op("conv", [x.id, *kernels], options))
    x = writer.op("relu", writer.op("reshape", x, shape=(1, 4, x.type.numel // 4)))
    options = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}
    x = writer.builder.op("conv", [x.id, writer.random(2, 4, 3), writer.random(2)], options)
    return writer.builder.graph([x.id])


SAMPLED: dict[str, Callable[[Writer], Graph]] = {"attention": attention, "kinks": kinks, "dilated": dilated}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("scale", [0.7, 1e4])
def test_bounds_contain_exact_values_and_lie_within_those_of_crown(
    name: str, radius: float, scale: float
) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        graph = NETWORKS[name](Writer(generator, scale))
        domain = box(graph, radius, generator)
        found = alpha(graph, {"x": domain}, steps=8)
        lies_within_crown(graph, domain, found)
        ends = [(rationals(found[node.id].lower), rationals(found[node.id].upper)) for node in graph]
        for point in points_of(domain, 4, random.Random(seed)):
            for value, (low, high) in zip(exact_values(graph, {"x": point}), ends, strict=True):
                assert (low <= value).all() and (value <= high).all()


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("radius", [1e-3, 0.3])
def test_bounds_contain_sampled_values_and_lie_within_those_of_crown(name: str, radius: float) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        graph = SAMPLED[name](Writer(generator, 0.7))
        domain = box(graph, radius, generator)
        # Inputs are rounded to float32, which must not lead out of the box.
        domain = Interval(domain.lower.float().double(), domain.upper.float().double())
        found = alpha(graph, {"x": domain}, steps=8)
        lies_within_crown(graph, domain, found)
        for _ in range(200):
            corner = torch.rand(domain.shape, generator=generator, dtype=torch.float64)
            share = torch.where(torch.rand(domain.shape, generator=generator) < 0.7, corner.round(), corner)
            x = domain.lower + share * (domain.upper - domain.lower)
            for id in graph.outputs:
                value = evaluate(graph, {"x": x}, dtype=torch.float64)[id]
                slack = 1e-9 * (1 + value.abs())
                assert (found[id].lower - slack <= value).all() and (value <= found[id].upper + slack).all()


def lies_within_crown(graph: Graph, domain: Interval, found: Bounds) -> None:
    analytic = crown(graph, {"x": domain})
    for node in graph:
        assert (found[node.id].lower >= analytic[node.id].lower).all()
        assert (found[node.id].upper <= analytic[node.id].upper).all()
        if found.bounds[node.id].method != "alpha":
            continue
        assert not torch.equal(found[node.id].lower, analytic[node.id].lower) or not torch.equal(
            found[node.id].upper, analytic[node.id].upper
        )


@pytest.mark.parametrize("name", [*NETWORKS, "attention", "kinks"])
def test_outputs_gain_on_crown(name: str) -> None:
    shares = []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        graph = {**NETWORKS, **SAMPLED}[name](Writer(generator, 0.7))
        domain = {"x": box(graph, 0.5, generator)}
        found, analytic = alpha(graph, domain), crown(graph, domain)
        (id,) = graph.outputs
        widths = [float((bounds[id].upper - bounds[id].lower).sum()) for bounds in (found, analytic)]
        shares.append(widths[0] / widths[1])
        if widths[0] < widths[1] - 1e-9:  # less is another rounding, not another slope
            assert found.bounds[id].method == "alpha"
    assert min(shares) < 0.97


def test_neighbours_searched_on_the_part_they_see_get_bounds_like_those_of_the_whole_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(0)
    writer = Writer(generator, 0.3)
    x = writer.op("relu", writer.conv(writer.input(1, 1, 24, 24), 3, 3, 2, 1))
    x = writer.op("relu", writer.conv(writer.op("relu", writer.conv(x, 3, 3, 1, 1)), 2, 3, 2, 0))
    graph = writer.builder.graph([writer.linear(writer.op("reshape", x, shape=(1, 50)), 2).id])
    domain = box(graph, 0.4, generator)
    domain = Interval(domain.lower.float().double(), domain.upper.float().double())
    parts: list[object] = []

    def counted(*arguments: Any) -> object:
        parts.append(neighbourhood.neighbourhood(*arguments))
        return parts[-1]

    monkeypatch.setattr(elements, "neighbourhood", counted)
    found = alpha(graph, {"x": domain})
    assert any(part is not None for part in parts), "no part is small enough: the test has lost its force"
    monkeypatch.setattr(elements, "neighbourhood", lambda *arguments: None)
    whole, analytic = alpha(graph, {"x": domain}), crown(graph, {"x": domain})
    for node in graph:
        if node.op == "conv" or node.id in graph.outputs:
            widths = [float((b[node.id].upper - b[node.id].lower).sum()) for b in (found, whole, analytic)]
            assert widths[0] <= widths[1] + 0.1 * (widths[2] - widths[1]) + 1e-6
    for _ in range(100):
        corner = torch.rand(domain.shape, generator=generator) < 0.5
        values = evaluate(graph, {"x": torch.where(corner, domain.lower, domain.upper)}, dtype=torch.float64)
        for node in graph:
            slack = 1e-9 * (1 + values[node.id].abs())
            assert (found[node.id].lower - slack <= values[node.id]).all()
            assert (values[node.id] <= found[node.id].upper + slack).all()


def test_more_steps_are_found_under_other_keys() -> None:
    graph, domain = _setting("mlp")
    cache = BoundsCache()
    few, many = alpha(graph, domain, cache, steps=2), alpha(graph, domain, cache, steps=20)
    (id,) = graph.outputs
    assert few.keys[id] != many.keys[id] != crown(graph, domain, cache).keys[id]
    assert torch.equal(many[id].lower, alpha(graph, domain, steps=20)[id].lower)
    assert alpha(graph, domain, cache, steps=20).computed == 0


def _setting(name: str, seed: int = 0, radius: float = 0.5) -> tuple[Graph, dict[str, Interval]]:
    generator = torch.Generator().manual_seed(seed)
    graph = {**NETWORKS, **SAMPLED}[name](Writer(generator, 0.7))
    return graph, {"x": box(graph, radius, generator)}


def _chain(layers: list[tuple[int, str]], radius: float) -> tuple[Graph, dict[str, Interval]]:
    builder = GraphBuilder()
    value = builder.input("x", TensorType((4,), torch.float32))
    for seed, act in layers:
        weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
        value = builder.op("linear", [value.id, builder.parameter(weight, "w").id], {})
        value = builder.op(act, [value.id], {})
    centre = torch.linspace(-1, 1, 4, dtype=torch.float64)
    return builder.graph([value.id]), {"x": Interval(centre - radius, centre + radius)}


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edits_the_bounds_are_those_computed_from_scratch(seed: int) -> None:
    source, cache = random.Random(seed), BoundsCache()
    layers, radius = [(source.randrange(10**6), "relu") for _ in range(3)], 0.2
    for _ in range(8):
        place = source.randrange(len(layers))
        what = source.choice(["weight", "act", "insert", "drop", "radius"])
        if what == "weight":
            layers[place] = (source.randrange(10**6), layers[place][1])
        elif what == "act":
            layers[place] = (
                layers[place][0],
                source.choice(["relu", "tanh", "leaky"]).replace("leaky", "abs"),
            )
        elif what == "insert":
            layers.insert(place, (source.randrange(10**6), "relu"))
        elif what == "drop" and len(layers) > 1:
            del layers[place]
        else:
            radius = source.choice([0.0, 0.01, 0.5])
        graph, domain = _chain(layers, radius)
        warm, cold = alpha(graph, domain, cache, steps=5), alpha(graph, domain, steps=5)
        assert warm.keys == cold.keys
        for node in graph:
            assert torch.equal(warm[node.id].lower, cold[node.id].lower)
            assert torch.equal(warm[node.id].upper, cold[node.id].upper)


def test_editing_the_last_layer_redoes_only_what_depends_on_it() -> None:
    cache, layers = BoundsCache(), [(seed, "relu") for seed in range(6)]
    whole = alpha(*_chain(layers, 0.3), cache, steps=3)
    edited = alpha(*_chain([*layers[:-1], (99, "relu")], 0.3), cache, steps=3)
    assert whole.computed == len(whole.bounds)
    assert edited.computed == 3  # the weight, the layer and the relu


def test_a_cancelled_run_leaves_nothing_wrong_behind() -> None:
    graph, domain = _setting("residual")
    cache = BoundsCache()
    interrupted = 0
    for patience in range(0, 200, 9):
        left = iter([False] * patience)
        try:
            alpha(graph, domain, cache, cancelled=lambda left=left: next(left, True))
        except Cancelled:
            interrupted += 1
    assert interrupted > 3
    warm, cold = alpha(graph, domain, cache), alpha(graph, domain)
    for node in graph:
        assert torch.equal(warm[node.id].lower, cold[node.id].lower)
        assert torch.equal(warm[node.id].upper, cold[node.id].upper)


def test_what_crown_decides_is_not_searched() -> None:
    graph, domain = _setting("mlp")
    found, analytic = alpha(graph, domain, decided=lambda lower, upper: True), crown(graph, domain)
    assert found.keys == analytic.keys
    assert all(bound.method != "alpha" for bound in found.bounds)


def test_a_search_stops_when_the_caller_has_enough_and_stores_nothing_unfinished() -> None:
    graph, domain = _setting("mlp", radius=1.0)
    (id,) = graph.outputs
    analytic, best = crown(graph, domain)[id], alpha(graph, domain)[id]
    target = float(analytic.lower.sum() + best.lower.sum()) / 2
    assert float(analytic.lower.sum()) < target - 0.1
    asked: list[bool] = []

    def decided(lower: torch.Tensor, upper: torch.Tensor) -> bool:
        asked.append(float(lower.sum()) >= target)
        return asked[-1]

    cache = BoundsCache()
    stopped = alpha(graph, domain, cache, decided=decided)[id]
    assert asked[-1] and float(stopped.lower.sum()) >= target
    assert float(stopped.lower.sum()) < float(best.lower.sum())
    again = alpha(graph, domain, cache)
    assert torch.equal(again[id].lower, best.lower)


def test_unbounded_inputs_leave_what_intervals_know() -> None:
    graph, _ = _setting("tanh")
    found = alpha(graph, {"x": Interval.unbounded((3,))})
    hidden = [node.id for node in graph if node.op == "tanh"]
    assert all((found[id].upper <= 1).all() for id in hidden)
    assert found[graph.outputs[0]].bounded()


@pytest.mark.parametrize("op", ["flip", "cumsum", "sum"])
def test_ops_along_the_dimension_that_numbers_are_allowed_to_have(op: str) -> None:
    """torch takes dimension 0 of a tensor without dimensions; over a batch of such numbers it is another."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((), torch.float32))
    attributes: dict[str, Any] = {"flip": {"dims": (0,)}, "cumsum": {"dim": 0}}.get(
        op, {"dim": (), "keepdim": False}
    )
    same = builder.op(op, [builder.op("tanh", [x.id], {}).id], attributes)
    graph = builder.graph([builder.op("relu", [same.id], {}).id])
    one = torch.ones((), dtype=torch.float64)
    bounds = alpha(graph, {"x": Interval(-one, one)})[graph.outputs[0]]
    assert float(bounds.lower) == 0.0 and float(torch.tanh(one)) <= float(bounds.upper) < 0.77
