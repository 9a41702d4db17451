"""Linear bounds of small networks with every activation: they hold at points, and are never wider than intervals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from mpmath import mpf
from tests.ops.exact import Exact, within
from tests.ops.univariate_cases import CASES, Univariate

from torchlean.bounds import propagate
from torchlean.bounds.alpha import alpha
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

WIDTHS = (3, 4, 4, 2)

EVERYWHERE = [
    case for case in CASES if not case.undefined(-1e3, 1e3) and case.op not in ("sinh", "cosh", "square")
]
"""Ops that any layer may be fed to. (Those left out grow so fast that two layers overflow.)"""

LARGE = {"exp", "exp2", "expm1", "pow"}

radii = pytest.mark.parametrize("radius", [1e-9, 0.05, 0.5])


class Network:
    """Random layers with an activation between them, as a graph and as exact arithmetic."""

    def __init__(self, seed: int, act: Callable[[GraphBuilder, Node], Node], scale: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.layers: list[tuple[list[list[Fraction]], list[Fraction]]] = []
        builder = GraphBuilder()
        value = builder.input("x", TensorType((WIDTHS[0],), torch.float32))
        for depth, (fan_in, fan_out) in enumerate(pairwise(WIDTHS)):
            weight = torch.randn(fan_out, fan_in, generator=generator) * scale
            bias = torch.randn(fan_out, generator=generator) * 0.3
            operands = [value.id, builder.parameter(weight, "weight").id, builder.parameter(bias, "bias").id]
            value = builder.op("linear", operands, {})
            exact = (
                [[Fraction(w) for w in row] for row in weight.tolist()],
                [Fraction(b) for b in bias.tolist()],
            )
            self.layers.append(exact)
            if depth < len(WIDTHS) - 2:
                value = act(builder, value)
        self.graph: Graph = builder.graph([value.id])

    def exact(self, x: Sequence[float], act: Callable[[Fraction], Fraction]) -> list[Fraction]:
        values = [Fraction(number) for number in x]
        for depth, (weight, bias) in enumerate(self.layers):
            values = [
                sum((w * a for w, a in zip(row, values, strict=True)), offset)
                for row, offset in zip(weight, bias, strict=True)
            ]
            if depth < len(self.layers) - 1:
                values = [act(value) for value in values]
        return values


def rational(value: Exact) -> Fraction:
    """An mpf is a rational number; its 400 bits are far more than any bound resolves."""
    if isinstance(value, Fraction):
        return value
    sign, mantissa, exponent, _ = mpf(value)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


def box(radius: float, seed: int) -> Interval:
    centre = torch.randn(WIDTHS[0], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Interval(centre - radius, centre + radius)


def check(network: Network, x: Interval, act: Callable[[Fraction], Fraction], seed: int) -> None:
    """Bounds of every node are at most as wide as intervals, and those of the output hold at corners and inside."""
    intervals, linear = propagate(network.graph, {"x": x}), crown(network.graph, {"x": x})
    for node in network.graph:
        wider, narrower = intervals[node.id], linear[node.id]
        # Either rounds sums outward in its own way, by some ulps of their terms.
        rounding = 1e-13 * (1 + wider.lower.abs() + wider.upper.abs())
        assert (narrower.lower >= wider.lower - rounding).all()
        assert (narrower.upper <= wider.upper + rounding).all()
        assert (narrower.lower <= narrower.upper).all()
    bounds = linear[network.graph.outputs[0]]
    source = random.Random(seed)
    ends = list(zip(x.lower.tolist(), x.upper.tolist(), strict=True))
    for share in (lambda: float(source.random() < 0.5), source.random):
        for _ in range(4):
            point = [min(max(low + share() * (high - low), low), high) for low, high in ends]
            values = network.exact(point, act)
            for lower, value, upper in zip(bounds.lower.tolist(), values, bounds.upper.tolist(), strict=True):
                assert within(lower, value, upper)


@pytest.mark.parametrize("case", EVERYWHERE, ids=str)
@radii
def test_the_exact_value_lies_inside_and_intervals_are_no_tighter(case: Univariate, radius: float) -> None:
    scale = 0.4 if case.op in LARGE else 1.0
    network = Network(3, lambda builder, value: builder.op(case.op, [value.id], dict(case.attributes)), scale)
    check(network, box(radius, 5), lambda v: rational(case.reference(v)), 7)


def doubled(builder: GraphBuilder, value: Node, op: str, offset: float) -> Node:
    """`op(tanh(v), v + offset)`: two operands that both vary."""
    other = builder.op("add", [value.id, builder.constant(torch.tensor(offset)).id], {})
    return builder.op(op, [builder.op("tanh", [value.id], {}).id, other.id], {})


@pytest.mark.parametrize("op", ["mul", "maximum", "minimum"])
@radii
def test_ops_of_two_operands_hold_at_points(op: str, radius: float) -> None:
    tanh = next(case for case in CASES if case.op == "tanh")
    combine = {"mul": lambda a, b: a * b, "maximum": max, "minimum": min}[op]
    network = Network(4, lambda builder, value: doubled(builder, value, op, 0.5), 0.7)
    check(network, box(radius, 6), lambda v: combine(rational(tanh.reference(v)), v + Fraction(0.5)), 8)


@pytest.mark.parametrize("op", ["maximum", "minimum"])
def test_an_operand_may_be_known(op: str) -> None:
    """A constant takes part in a plane with its own slope, and rows end there."""
    combine = max if op == "maximum" else min

    def act(builder: GraphBuilder, value: Node) -> Node:
        return builder.op(op, [value.id, builder.constant(torch.tensor(0.25)).id], {})

    check(Network(5, act, 1.0), box(0.5, 6), lambda v: combine(v, Fraction(0.25)), 9)


@pytest.mark.parametrize("op", ["tanh", "sigmoid", "gelu", "silu", "relu"])
def test_on_small_boxes_linear_bounds_are_tighter(op: str) -> None:
    """The networks' dependence on their inputs is nearly linear there, which intervals cannot use."""
    attributes = {"approximate": "none"} if op == "gelu" else {}
    widths = [0.0, 0.0]
    for seed in range(5):
        network = Network(seed, lambda builder, value: builder.op(op, [value.id], attributes), 1.0)
        x = box(0.01, 5)
        for index, bounds in enumerate((propagate(network.graph, {"x": x}), crown(network.graph, {"x": x}))):
            found = bounds[network.graph.outputs[0]]
            widths[index] += float((found.upper - found.lower).sum())
    assert widths[1] < 0.7 * widths[0]


def test_a_number_passes_a_weight_that_has_a_dimension() -> None:
    """`prelu` of a tensor without dimensions: rows would have had to go to an operand of more than its result."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    total = builder.op("sum", [x.id], {"dim": (0,), "keepdim": False})
    weight = builder.parameter(torch.tensor([0.25]), "weight")
    bent = builder.op("prelu", [total.id, weight.id], {})
    graph = builder.graph([builder.op("sub", [bent.id, total.id], {}).id])
    ones = torch.ones(2, dtype=torch.float64)
    (out,) = graph.outputs
    for engine in (crown, alpha):
        found = engine(graph, {"x": Interval(-ones, ones)})[out]
        assert float(found.lower) <= 0.0 and 1.5 <= float(found.upper) < 1.5 + 1e-9
    many = crown_boxes(graph, {"x": Interval(torch.stack([-ones, 0.0 * ones]), torch.stack([ones, ones]))})
    assert float(many[out].upper[0]) >= 1.5 and float(many[out].upper[1]) < 1e-9
