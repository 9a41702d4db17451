"""Quadratic forms contain exact values, coefficient by coefficient, and their combinations are bounds."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.bounds.exact_networks import Writer, exact_values, points_of, rationals

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown.structure import remembered
from torchlean.bounds.forward.forms import Form
from torchlean.bounds.taylor import Combining, Expansion, Pairs, Plan
from torchlean.bounds.taylor.arithmetic import reach
from torchlean.bounds.taylor.minimum import minimum
from torchlean.graph import Graph, Node, evaluate
from torchlean.intervals import Interval

INPUTS = 3
RADII = [0.0, 1e-300, 1e-12, 1e-7, 1e-3, 0.3, 2.0]


def energy(writer: Writer) -> Graph:
    """Like a Lyapunov condition: quadratic forms of a state, and of the next one under a controller with relus."""
    x = writer.input(INPUTS)
    control = writer.linear(writer.op("relu", writer.linear(x, 4)), INPUTS)
    clamped = writer.op("relu", writer.linear(control, INPUTS))
    pushed = writer.op("mul", clamped, writer.linear(x, INPUTS))
    after = writer.op("add", x, pushed)
    now = writer.op("mul", x, writer.linear(x, INPUTS))
    then = writer.op("mul", after, writer.linear(after, INPUTS))
    return writer.builder.graph([writer.linear(writer.op("sub", then, now), 2).id])


def smooth(act: str) -> Callable[[Writer], Graph]:
    def build(writer: Writer) -> Graph:
        x = writer.input(INPUTS)
        wave = writer.op(act, writer.linear(x, 3))
        product = writer.op("mul", wave, writer.op("relu", writer.linear(wave, 3)))
        return writer.builder.graph([writer.linear(product, 2).id])

    return build


def squared(writer: Writer) -> Graph:
    """`relu` above a product, and a power."""
    x = writer.input(INPUTS)
    product = writer.op("mul", writer.linear(x, 3), x)
    bent = writer.op("relu", writer.op("sub", product, x))
    return writer.builder.graph([writer.linear(writer.op("pow", bent, exponent=2), 2).id])


GRAPHS: dict[str, Callable[[Writer], Graph]] = {
    "energy": energy,
    "squared": squared,
    **{act: smooth(act) for act in ("tanh", "sigmoid", "sin", "cos")},
}


def expanded(graph: Graph, domain: Interval) -> Expansion:
    shape = remembered(graph, BoundsCache())
    place = shape.lowered.places[graph.outputs[0]]
    (input,) = shape.graph.inputs
    whole = list(propagate(shape.graph, {"x": domain}))
    plan = Plan.of(shape, place, {input.id: slice(0, INPUTS)}, lambda: whole)
    assert plan is not None, "something is multiplied"
    return Expansion(plan, domain.lower[None], domain.upper[None])


def boxed(seed: int, radius: float) -> Interval:
    centre = torch.randn(INPUTS, generator=torch.Generator().manual_seed(seed)).double()
    return Interval(centre - radius, centre + radius)


def symbols_at(expansion: Expansion, values: list[np.ndarray], point: np.ndarray) -> list[Fraction]:
    """The exact value of every symbol for an input, given the exact values of all nodes."""
    layout = expansion.plan.layout
    centre, radius = rationals(expansion.centre[0]), rationals(expansion.radius[0])
    x = [(p - c) / r for p, c, r in zip(point, centre, radius, strict=True)]
    assert all(abs(each) <= 1 for each in x)
    bent: list[Fraction] = []
    relus = [node for node in expansion.plan.order if node.op == "relu"]
    for node, bend in zip(relus, expansion.bends, strict=True):
        slope, middle = rationals(bend.slope[0]).flatten(), rationals(bend.middle[0]).flatten()
        before, after = values[node.inputs[0]].flatten(), values[node.id].flatten()
        for v, relu, s, m in zip(before, after, slope, middle, strict=True):
            bent.append((relu - s * v) / m - 1 if m else Fraction(0))
            assert m or relu == s * v
    assert all(abs(each) <= 1 for each in bent)
    return [
        *x,
        *bent,
        *(x[i] * x[j] for i, j in zip(layout.left.tolist(), layout.right.tolist(), strict=True)),
    ]


def value(form: Form, row: int, symbols: list[Fraction]) -> Fraction:
    coefficients = [Fraction(each) for each in form.coefficients[:, 0, row].tolist()]
    terms = sum(c * s for c, s in zip(coefficients, symbols, strict=True))
    return Fraction(float(form.point[0, row])) + terms


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("scale", [0.7, 300.0])
def test_forms_differ_from_exact_values_by_no_more_than_their_error(
    name: str, radius: float, scale: float
) -> None:
    for seed in range(3):
        graph = GRAPHS[name](Writer(torch.Generator().manual_seed(seed), scale))
        domain = boxed(seed, radius)
        expansion = expanded(graph, domain)
        form = expansion.rows
        if form is None:
            assert scale > 1 and radius > 1e-3, "only large numbers have no form"
            continue
        inside = reach(form, expansion.plan.layout)
        lower, upper = rationals(inside.lower[0]), rationals(inside.upper[0])
        for point in points_of(domain, 5, random.Random(seed)):
            values = exact_values(expansion.plan.shape.graph, {"x": point})
            exact = values[expansion.plan.place]
            symbols = symbols_at(expansion, values, point)
            for row in range(2):
                assert abs(value(form, row, symbols) - exact[row]) <= Fraction(float(form.error[0, row]))
                assert lower[row] <= exact[row] <= upper[row]


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("radius", RADII)
def test_combinations_bound_the_greater_of_two_rows(name: str, radius: float) -> None:
    for seed in range(3):
        graph = GRAPHS[name](Writer(torch.Generator().manual_seed(seed), 0.7))
        domain = boxed(seed, radius)
        expansion = expanded(graph, domain)
        pairs = Pairs.of(expansion, torch.zeros(1, dtype=torch.int64), torch.tensor([[0, 1]]))
        found = Combining(expansion).search(pairs, torch.zeros(1, 2, dtype=torch.float64))
        bound = Fraction(float(found.lower))
        least = min(
            max(exact_values(graph, {"x": point})[graph.outputs[0]])
            for point in points_of(domain, 8, random.Random(seed))
        )
        assert bound <= least
        if radius <= 1e-3:
            # A positive bound is good enough, and ends the search.
            close = float(least - bound) <= 1e-2 * max(1.0, abs(float(least)))
            assert bound > 0 or close, "small boxes have good bounds"


def quadratic(seed: int, scale: float, convex: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(1, 4, 4, generator=generator, dtype=torch.float64) * scale
    matrix = root @ root.transpose(1, 2) if convex else root + root.transpose(1, 2)
    matrix = (matrix + matrix.transpose(1, 2)) / 2
    spread = 10.0 ** (4 * torch.randn(1, 4, generator=generator, dtype=torch.float64))
    return torch.randn(1, generator=generator, dtype=torch.float64), spread - 1, matrix


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e-8, 1.0, 1e6, 1e100])
@pytest.mark.parametrize("convex", [True, False])
def test_no_point_of_the_cube_is_below_the_minimum(scale: float, convex: bool) -> None:
    source = random.Random(1)
    for seed in range(10):
        constant, linear, matrix = quadratic(seed, scale, convex)
        found = minimum(constant, linear, matrix, torch.zeros(1, 4, dtype=torch.float64))
        p, g, q = rationals(constant)[0], rationals(linear)[0], rationals(matrix)[0]
        tries = [rationals(found.points)[0]]
        for _ in range(20):
            tries.append(
                np.array([Fraction(source.choice([-1, 1, source.uniform(-1, 1)])) for _ in range(4)])
            )
        for x in tries:
            assert Fraction(float(found.lower)) <= p + g.dot(x) + x.dot(q).dot(x)


def test_the_minimum_of_a_convex_function_is_found() -> None:
    matrix = torch.tensor([[[2.0, 0.5], [0.5, 1.0]]], dtype=torch.float64)
    centre = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    linear = -2 * (matrix @ centre.unsqueeze(2)).squeeze(2)
    start = torch.zeros(1, 2, dtype=torch.float64)
    for _ in range(3):
        found = minimum(torch.zeros(1, dtype=torch.float64), linear, matrix, start)
        start = found.points
    exact = -float(centre @ matrix[0] @ centre.t())
    assert exact - 1e-6 <= float(found.lower) <= exact


def test_numbers_that_overflow_have_no_bound() -> None:
    huge = torch.full((1, 2, 2), 1e308, dtype=torch.float64)
    found = minimum(torch.zeros(1).double(), torch.zeros(1, 2).double(), huge, torch.zeros(1, 2).double())
    assert float(found.lower) < -1e307


def test_what_a_difference_of_quadratic_forms_has_in_common_cancels() -> None:
    def difference(writer: Writer) -> tuple[Node, Graph]:
        x = writer.input(INPUTS)
        first = writer.op("mul", x, writer.linear(x, INPUTS))
        weight, bias = (writer.builder.nodes[id] for id in writer.builder.nodes[first.inputs[1]].inputs[1:])
        second = writer.op("mul", writer.builder.op("linear", [x.id, weight.id, bias.id], {}), x)
        return x, writer.builder.graph([writer.op("sub", first, second).id])

    _, graph = difference(Writer(torch.Generator().manual_seed(0)))
    expansion = expanded(graph, boxed(0, 1.0))
    assert expansion.rows is not None
    found = reach(expansion.rows, expansion.plan.layout)
    assert float((found.upper - found.lower).max()) < 1e-11, "no more than rounding is left"


def test_graphs_that_multiply_nothing_have_no_plan() -> None:
    writer = Writer(torch.Generator().manual_seed(0))
    graph = writer.builder.graph([writer.linear(writer.op("relu", writer.input(INPUTS)), 2).id])
    shape = remembered(graph, BoundsCache())
    place = shape.lowered.places[graph.outputs[0]]
    assert Plan.of(shape, place, {0: slice(0, INPUTS)}, list) is None


def test_integers_wrap_around_and_have_no_forms() -> None:
    writer = Writer(torch.Generator().manual_seed(0))
    x = writer.input(INPUTS)
    whole = writer.op("cast", x, dtype=torch.int8)
    small = writer.op("mul", whole, whole)
    product = writer.op("mul", writer.op("cast", small, dtype=torch.float32), x)
    graph = writer.builder.graph([product.id])
    domain = Interval(torch.full((INPUTS,), 11.0).double(), torch.full((INPUTS,), 13.0).double())
    expansion = expanded(graph, domain)
    assert small.id in expansion.plan.opaque
    found = reach(expansion.rows, expansion.plan.layout)
    assert found.contains(evaluate(graph, {"x": torch.full((INPUTS,), 12.0)})[product.id][None])
