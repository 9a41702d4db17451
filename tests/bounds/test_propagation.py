"""Interval propagation over graphs: containment, and incrementality by content."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from torchlean.bounds import BoundsCache, Cancelled, propagate
from torchlean.bounds.cache import Store
from torchlean.bounds.crown import crown
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType


def network(widths: list[int], seed: int = 0, *, last_scale: float = 1.0) -> Graph:
    """A ReLU network with random float32 weights; `last_scale` changes its last layer only."""
    generator = torch.Generator().manual_seed(seed)
    builder = GraphBuilder()
    value = builder.input("x", TensorType((widths[0],), torch.float32))
    for index, (fan_in, fan_out) in enumerate(pairwise(widths)):
        last = index == len(widths) - 2
        weight = torch.randn(fan_out, fan_in, generator=generator) * (last_scale if last else 1.0)
        bias = torch.randn(fan_out, generator=generator)
        operands = [value.id, builder.parameter(weight, "weight").id, builder.parameter(bias, "bias").id]
        value = builder.op("linear", operands, {})
        if not last:
            value = builder.op("relu", [value.id], {})
    return builder.graph([value.id])


def exact(graph: Graph, x: Tensor) -> list[Fraction]:
    """The network's value in exact rational arithmetic."""
    values: dict[int, list[Fraction]] = {}
    for node in graph:
        if node.op == "input":
            values[node.id] = [Fraction(number) for number in x.tolist()]
        elif node.op == "linear":
            source, weight, bias = node.inputs
            rows, offsets = graph[weight].data, graph[bias].data
            assert rows is not None and offsets is not None
            values[node.id] = [
                sum((Fraction(w) * a for w, a in zip(row, values[source], strict=True)), Fraction(offset))
                for row, offset in zip(rows.tolist(), offsets.tolist(), strict=True)
            ]
        elif node.op == "relu":
            values[node.id] = [max(number, Fraction(0)) for number in values[node.inputs[0]]]
    return values[graph.outputs[0]]


def ball(width: int, radius: float, seed: int = 1) -> Interval:
    center = torch.randn(width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Interval(center - radius, center + radius)


@pytest.mark.parametrize("radius", [0.0, 1e-12, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("seed", range(4))
def test_the_bounds_contain_the_exact_value_at_points_of_the_box(radius: float, seed: int) -> None:
    graph = network([3, 8, 8, 2], seed)
    domain = ball(3, radius, seed)
    bounds = propagate(graph, {"x": domain})[graph.outputs[0]]
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.zeros(3), torch.ones(3), *torch.rand(5, 3, generator=generator)]
    for weight in weights:
        point = torch.lerp(domain.lower, domain.upper, weight.double()).clamp(domain.lower, domain.upper)
        for value, low, high in zip(
            exact(graph, point), bounds.lower.tolist(), bounds.upper.tolist(), strict=True
        ):
            assert Fraction(low) <= value <= Fraction(high)


def test_plain_float64_misses_exact_values_that_the_bounds_contain() -> None:
    """The attack that outward rounding is there for: at a point, float64 evaluation is not the exact value."""
    missed = 0
    for seed in range(20):
        graph = network([3, 8, 8, 2], seed)
        domain = ball(3, 0.0, seed)
        hidden = domain.lower
        for node in graph:
            if node.op == "linear":
                weight, bias = graph[node.inputs[1]].data, graph[node.inputs[2]].data
                assert weight is not None and bias is not None
                hidden = weight.double() @ hidden + bias.double()
            elif node.op == "relu":
                hidden = hidden.relu()
        truth = exact(graph, domain.lower)
        missed += any(Fraction(plain) != value for plain, value in zip(hidden.tolist(), truth, strict=True))
    assert missed >= 10


def test_asking_again_computes_nothing() -> None:
    graph, cache, domain = network([3, 8, 2]), BoundsCache(), {"x": ball(3, 0.1)}
    first = propagate(graph, domain, cache)
    second = propagate(graph, domain, cache)
    assert (first.computed, first.reused) == (len(graph), 0)
    assert (second.computed, second.reused) == (0, len(graph))
    assert torch.equal(first[graph.outputs[0]].lower, second[graph.outputs[0]].lower)


def test_changing_the_last_layer_recomputes_its_weight_and_its_result_only() -> None:
    cache, domain = BoundsCache(), {"x": ball(3, 0.1)}
    propagate(network([3, 8, 8, 2]), domain, cache)
    again = propagate(network([3, 8, 8, 2], last_scale=2.0), domain, cache)
    assert again.computed == 2


def test_changing_the_domain_recomputes_what_depends_on_it_and_no_weight() -> None:
    cache = BoundsCache()
    graph = network([3, 8, 8, 2])
    propagate(graph, {"x": ball(3, 0.1)}, cache)
    again = propagate(graph, {"x": ball(3, 0.2)}, cache)
    assert again.computed == sum(node.op != "parameter" for node in graph)


def test_an_input_without_a_domain_is_unbounded_and_says_so() -> None:
    graph = network([3, 2])
    bounds = propagate(graph, {})
    assert "no domain" in (bounds.bounds[0].reason or "")
    assert not bounds[graph.outputs[0]].bounded()
    assert not bounds[graph.outputs[0]].undefined


def test_a_cancelled_computation_stores_no_unfinished_bound() -> None:
    graph, cache, domain = network([3, 8, 2]), BoundsCache(), {"x": ball(3, 0.1)}
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        propagate(graph, domain, cache, lambda: next(answers))
    assert len(cache) == 2
    assert propagate(graph, domain, cache).reused == 2


def test_a_domain_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        propagate(network([3, 2]), {"x": ball(4, 0.1)})


def test_the_cache_forgets_the_oldest_when_memory_is_short() -> None:
    graph, domain = network([3, 8, 2]), {"x": ball(3, 0.1)}
    cache = BoundsCache(limit=200)
    propagate(graph, domain, cache)
    assert 1 <= len(cache) < len(graph)


def test_rounds_that_need_more_than_there_is_room_for_find_what_fits_and_no_round_keeps_old_entries() -> None:
    store: Store[int] = Store(10, lambda _: 1)

    def found(keys: range) -> int:
        store.begin()
        hits = 0
        for key in keys:
            value = store.get(bytes([key]))
            assert value in (None, key)
            hits += value is not None
            if value is None:
                store.put(bytes([key]), key)
            assert len(store) <= 10
        return hits

    assert [found(range(15)) for _ in range(3)] == [0, 10, 10]
    assert [found(range(100, 110)) for _ in range(3)] == [0, 10, 10]
    assert [found(range(105, 120)) for _ in range(3)] == [5, 10, 10]


def test_without_rounds_the_oldest_goes() -> None:
    store: Store[int] = Store(3, lambda _: 1)
    for key in range(5):
        store.put(bytes([key]), key)
    assert [store.get(bytes([key])) for key in range(5)] == [None, None, 2, 3, 4]


def test_nan_and_infinite_weights_leave_no_bound_that_could_prove_anything() -> None:
    for bad in (float("nan"), float("inf")):
        builder = GraphBuilder()
        x = builder.input("x", TensorType((2,), torch.float32))
        weight = builder.parameter(torch.tensor([[1.0, bad]]), "weight")
        result = builder.op("linear", [x.id, weight.id], {})
        bound = propagate(builder.graph([result.id]), {"x": ball(2, 0.1)})[result.id]
        assert bound.undefined


def test_an_absurdly_large_tensor_is_not_bounded_and_not_allocated() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((10**6,), torch.float32))
    weight = builder.random(TensorType((10**6, 10**6), torch.float32), -1.0, 1.0, 0)
    result = builder.op("linear", [x.id, weight.id], {})
    below = builder.op("tril", [weight.id], {"diagonal": 0})
    bounds = propagate(builder.graph([result.id, below.id]), {"x": Interval.uniform((10**6,), 0.0, 1.0)})
    assert "more than the limit" in (bounds.bounds[below.id].reason or "")
    # Rows that are drawn between the same two ends are held, and computed, once.
    assert bounds.bounds[result.id].reason is None
    assert float(bounds[result.id].upper[0]) == pytest.approx(1e6)


def masked_attention(scores: float) -> Graph:
    """`softmax(where(causal, x, -inf)) @ v` for scores of the given size."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((3, 3), torch.float32))
    scaled = builder.op("mul", [x.id, builder.constant(torch.tensor(scores)).id], {})
    causal = builder.constant(torch.ones(3, 3).tril().bool())
    nothing = builder.constant(torch.tensor(-torch.inf))
    masked = builder.op("where", [causal.id, scaled.id, nothing.id], {})
    weights = builder.op("softmax", [masked.id], {"dim": 1})
    values = builder.constant(torch.tensor([[1.0], [2.0], [3.0]]))
    return builder.graph([builder.op("matmul", [weights.id, values.id], {}).id])


def test_a_mask_of_minus_infinity_is_a_value_that_softmax_understands() -> None:
    graph = masked_attention(2.0)
    bounds = propagate(graph, {"x": Interval.uniform((3, 3), -1.0, 1.0)})
    result = bounds[graph.outputs[0]]
    assert not result.undefined and result.bounded()
    # The first row may look at the first value only.
    assert result.lower[0, 0] == pytest.approx(1.0) and result.upper[0, 0] == pytest.approx(1.0)


def test_arithmetic_on_infinite_values_is_undefined() -> None:
    for op in ("mul", "sub", "div"):
        builder = GraphBuilder()
        x = builder.input("x", TensorType((2,), torch.float32))
        endless = builder.constant(torch.tensor([1.0, torch.inf]))
        both = builder.op("maximum", [x.id, endless.id], {})
        result = builder.op(op, [both.id, endless.id], {})
        assert propagate(builder.graph([result.id]), {"x": ball(2, 1.0)})[result.id].undefined


def test_a_row_that_may_be_masked_everywhere_is_undefined() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    above = builder.op("gt", [x.id, builder.constant(torch.tensor(0.0)).id], {})
    masked = builder.op("where", [above.id, x.id, builder.constant(torch.tensor(-torch.inf)).id], {})
    result = builder.op("softmax", [masked.id], {"dim": 0})
    assert propagate(builder.graph([result.id]), {"x": Interval.uniform((2,), -1.0, 1.0)})[
        result.id
    ].undefined
    assert not propagate(builder.graph([result.id]), {"x": Interval.uniform((2,), 0.5, 1.0)})[
        result.id
    ].undefined


PADDED = {
    "rank": 1,
    "kernel_size": (2,),
    "stride": (2,),
    "padding": (1,),
    "dilation": (2,),
    "ceil_mode": False,
}
INFINITE: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("max_pool", (1, 1, 1), PADDED),
    ("pad", (2,), {"pad": (1, 0), "mode": "constant", "value": -math.inf}),
    ("clamp", (2,), {"min": math.inf, "max": None}),
    ("clamp", (2,), {"min": None, "max": -math.inf}),
    ("threshold", (2,), {"threshold": 0.5, "value": -math.inf}),
    ("leaky_relu", (2,), {"negative_slope": math.inf}),
]
NOT_A_NUMBER: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("threshold", (2,), {"threshold": math.nan, "value": 0.5}),
    ("clamp", (2,), {"min": math.nan, "max": None}),
    ("layer_norm", (2,), {"normalized_shape": (2,), "has_weight": False, "has_bias": False, "eps": math.nan}),
    ("normalize", (2,), {"p": math.nan, "dim": (0,), "eps": 1e-12}),
]


@pytest.mark.parametrize(("op", "shape", "attributes"), INFINITE + NOT_A_NUMBER, ids=str)
def test_what_an_argument_or_padding_makes_infinite_or_nan_is_said_to_be(
    op: str, shape: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType(shape, torch.float32))
    result = builder.op(op, [x.id], attributes)
    wave = builder.op("sin", [result.id], {})
    graph = builder.graph([wave.id])
    box = Interval(*(torch.full(shape, end, dtype=torch.float64) for end in (-0.75, 0.75)))
    values = evaluate(graph, {"x": torch.full(shape, 0.25)})
    for bounds in (propagate(graph, {"x": box}), crown(graph, {"x": box})):
        assert bounds[wave.id].undefined
        assert bounds[wave.id].contains(values[wave.id])
        if attributes is PADDED:
            assert bounds[result.id].contains(values[result.id])


def test_limits_that_are_infinite_and_orders_of_norms_make_nothing_infinite() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    limited = builder.op("clamp", [x.id], {"min": 0.0, "max": math.inf})
    norm = builder.op("vector_norm", [x.id], {"ord": math.inf, "dim": (0,), "keepdim": False})
    for domains in ({}, {"x": Interval(-torch.ones(2).double(), torch.ones(2).double())}):
        bounds = propagate(builder.graph([limited.id, norm.id]), domains)
        for id in (limited.id, norm.id):
            assert not bounds[id].undefined and not bounds[id].infinite


@pytest.mark.parametrize(("op", "weight"), [("conv", (3, 2, 2)), ("conv_transpose", (2, 3, 2))])
def test_a_batch_without_samples_passes_a_convolution(op: str, weight: tuple[int, ...]) -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((0, 2, 4), torch.float32))
    kernel = builder.constant(torch.ones(weight))
    attributes: dict[str, Any] = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}
    attributes |= {"output_padding": (0,)} if op == "conv_transpose" else {}
    result = builder.op(op, [x.id, kernel.id], attributes)
    empty = Interval.unbounded((0, 2, 4))
    bounds = crown(builder.graph([result.id]), {"x": empty})
    assert bounds[result.id].shape == result.type.shape == (0, 3, result.type.shape[2])
