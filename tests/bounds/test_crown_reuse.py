"""Linear bounds from the cache, and of many boxes at once, are those computed from scratch, box by box."""

from __future__ import annotations

import random

import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals

from torchlean.bounds import BoundsCache
from torchlean.bounds.crown import bound_boxes, crown, crown_boxes
from torchlean.bounds.crown.structure import remembered
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType

EDITS = ("weight", "layer", "act", "domain", "drop", "nothing")


class Program:
    """A chain of layers that a person edits."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.layers = [(source.randrange(10**6), "relu") for _ in range(3)]
        self.radius = 0.1

    def edit(self, what: str) -> None:
        place = self.source.randrange(len(self.layers))
        seed, act = self.layers[place]
        if what == "weight":
            self.layers[place] = (self.source.randrange(10**6), act)
        elif what == "act":
            self.layers[place] = (seed, self.source.choice(["relu", "tanh", "softmax"]))
        elif what == "layer":
            self.layers.insert(place, (self.source.randrange(10**6), "relu"))
        elif what == "drop" and len(self.layers) > 1:
            del self.layers[place]
        elif what == "domain":
            self.radius = self.source.choice([0.0, 0.01, 0.5])

    def graph(self) -> Graph:
        builder = GraphBuilder()
        value = builder.input("x", TensorType((4,), torch.float32))
        for seed, act in self.layers:
            weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
            value = builder.op("linear", [value.id, builder.parameter(weight, "w").id], {})
            value = builder.op(act, [value.id], {"dim": 0} if act == "softmax" else {})
        return builder.graph([value.id])

    def domain(self) -> dict[str, Interval]:
        centre = torch.linspace(-1, 1, 4, dtype=torch.float64)
        return {"x": Interval(centre - self.radius, centre + self.radius)}


@pytest.mark.parametrize("seed", range(6))
def test_after_any_edits_the_bounds_are_those_computed_from_scratch(seed: int) -> None:
    source = random.Random(seed)
    program, cache = Program(source), BoundsCache()
    for _ in range(12):
        program.edit(source.choice(EDITS))
        graph, domain = program.graph(), program.domain()
        warm, cold = crown(graph, domain, cache), crown(graph, domain, BoundsCache())
        for node in graph:
            assert torch.equal(warm[node.id].lower, cold[node.id].lower)
            assert torch.equal(warm[node.id].upper, cold[node.id].upper)
        assert warm.keys == cold.keys
        assert crown(graph, domain, cache).computed == 0


def test_a_cancelled_run_leaves_nothing_wrong_behind() -> None:
    program, cache = Program(random.Random(1)), BoundsCache()
    graph, domain = program.graph(), program.domain()
    for patience in range(0, 13, 3):
        left = iter([False] * patience)
        with pytest.raises(Cancelled):
            crown(graph, domain, cache, cancelled=lambda left=left: next(left, True))
    warm, cold = crown(graph, domain, cache), crown(graph, domain, BoundsCache())
    assert all(torch.equal(warm[node.id].lower, cold[node.id].lower) for node in graph)


def split(root: Interval, count: int, generator: torch.Generator) -> Interval:
    """Random boxes inside one, points and the whole among them."""
    shares = torch.rand(2, count, *root.shape, generator=generator, dtype=torch.float64).sort(0).values
    low = root.lower + shares[0] * (root.upper - root.lower)
    high = root.lower + shares[1] * (root.upper - root.lower)
    low, high = low.clamp(root.lower, root.upper), high.clamp(root.lower, root.upper)
    low[0], high[0] = root.lower, root.upper
    high[1] = low[1]
    return Interval(low, torch.maximum(low, high))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [1e-6, 0.3])
def test_bounds_of_many_boxes_hold_in_each_and_are_about_as_tight_as_one_by_one(
    name: str, radius: float
) -> None:
    generator = torch.Generator().manual_seed(2)
    graph = NETWORKS[name](Writer(generator, 0.8))
    root = box(graph, radius, generator)
    boxes = split(root, 9, generator)
    out = graph.outputs[0]
    found = crown_boxes(graph, {"x": boxes}, {"x": root})[out]
    whole = crown(graph, {"x": root})[out]
    assert found.shape == (9, *whole.shape)
    assert (found.lower >= whole.lower).all() and (found.upper <= whole.upper).all()
    for place in range(9):
        one = Interval(boxes.lower[place], boxes.upper[place])
        alone = crown(graph, {"x": one})[out]
        width = (found.upper[place] - found.lower[place]).sum()
        assert width <= 1.5 * (alone.upper - alone.lower).sum() + 1e-10
        low, high = rationals(found.lower[place]), rationals(found.upper[place])
        for point in points_of(one, 3, random.Random(place)):
            value = exact_values(graph, {"x": point})[out]
            assert (low <= value).all() and (value <= high).all()


def test_boxes_without_a_root_are_bounded_below_their_hull() -> None:
    graph = NETWORKS["mlp"](Writer(torch.Generator().manual_seed(5)))
    lower = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    boxes = Interval(lower, lower + 0.1)
    out = graph.outputs[0]
    hull = Interval(boxes.lower[0], boxes.upper[1])
    given = crown_boxes(graph, {"x": boxes}, {"x": hull})[out]
    assert torch.equal(crown_boxes(graph, {"x": boxes})[out].lower, given.lower)


def test_boxes_of_another_shape_are_refused() -> None:
    graph = NETWORKS["mlp"](Writer(torch.Generator().manual_seed(5)))
    wrong, root = torch.zeros(4, 2, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    with pytest.raises(ValueError, match="expected"):
        crown_boxes(graph, {"x": Interval(wrong, wrong.clone())}, {"x": Interval(root, root.clone())})


def test_nodes_without_dimensions_and_without_elements_have_boxes_too() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((3,), torch.float32))
    total = builder.op("relu", [builder.op("sum", [x.id], {"dim": (0,), "keepdim": False}).id], {})
    least = builder.op("sub", [total.id, builder.constant(torch.tensor(1.0)).id], {})
    none = builder.op("relu", [builder.op("slice", [x.id], {"index": ((0, 0, 1),)}).id], {})
    lower = torch.tensor([[-1.0, -1.0, -1.0], [0.0, 1.0, 2.0]], dtype=torch.float64)
    graph = builder.graph([least.id, none.id])
    found = crown_boxes(graph, {"x": Interval(lower, lower + 1.0)})
    torch.testing.assert_close(found[least.id].lower, torch.tensor([-1.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(found[least.id].upper, torch.tensor([-1.0, 5.0], dtype=torch.float64))
    assert found[none.id].shape == (2, 0)


def halved(boxes: Interval) -> Interval:
    """Both halves of every box along its first dimension, parents' order kept: halves of the first, of the second..."""
    middle = (boxes.lower[:, 0] + boxes.upper[:, 0]) / 2
    lower, upper = (end.repeat_interleave(2, 0).clone() for end in (boxes.lower, boxes.upper))
    upper[0::2, 0] = middle
    lower[1::2, 0] = middle
    return Interval(lower, upper)


@pytest.mark.parametrize("name", NETWORKS)
def test_halves_inherit_the_bounds_of_their_boxes_and_hold(name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    graph = NETWORKS[name](Writer(generator, 0.8))
    root = box(graph, 0.3, generator)
    root = Interval(root.lower.reshape(-1), root.upper.reshape(-1))
    size = graph.inputs[0].type.shape
    parents = split(root, 3, generator)
    halves = halved(parents)
    cache, out = BoundsCache(), graph.outputs[0]
    shape = remembered(graph, cache)
    end = shape.lowered.places[out]

    def bound(boxes: Interval, known: dict[int, Interval]) -> dict[int, Interval]:
        flat = Interval(boxes.lower.reshape(-1, *size), boxes.upper.reshape(-1, *size))
        whole = {"x": Interval(root.lower.reshape(size), root.upper.reshape(size))}
        return bound_boxes(shape, {"x": flat}, whole, cache, lambda: None, [end], known)

    above = bound(parents, {})
    assert len(above) > 1, "operands of nonlinear ops are handed out, too"
    told = {
        id: Interval(x.lower.repeat_interleave(2, 0), x.upper.repeat_interleave(2, 0))
        for id, x in above.items()
    }
    below = bound(halves, told)
    for id, known in told.items():
        assert (below[id].lower >= known.lower).all() and (below[id].upper <= known.upper).all()
    for place in range(6):
        one = Interval(halves.lower[place].reshape(size), halves.upper[place].reshape(size))
        low, high = rationals(below[end].lower[place]), rationals(below[end].upper[place])
        for point in points_of(one, 3, random.Random(place)):
            value = exact_values(graph, {"x": point})[out]
            assert (low <= value).all() and (value <= high).all()


def test_what_is_known_of_one_side_of_a_kink_holds_for_the_inputs_there() -> None:
    """y = relu(x1 - x2) - x1: given x1 >= x2 it is -x2, and at least -x1 otherwise."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    difference = builder.op("linear", [x.id, builder.parameter(torch.tensor([[1.0, -1.0]]), "d").id], {})
    first = builder.op("linear", [x.id, builder.parameter(torch.tensor([[1.0, 0.0]]), "f").id], {})
    out = builder.op("sub", [builder.op("relu", [difference.id], {}).id, first.id], {})
    graph = builder.graph([out.id])
    ends = torch.ones(2, 2, dtype=torch.float64)
    zero = torch.tensor([[0.0], [-2.0]], dtype=torch.float64)
    sides = {difference.id: Interval(zero, torch.tensor([[2.0], [0.0]], dtype=torch.float64))}
    bound = crown_boxes(graph, {"x": Interval(-ends, ends)}, known=sides)[out.id]
    torch.testing.assert_close(bound.lower, torch.tensor([[-1.0], [-1.0]], dtype=torch.float64))
    torch.testing.assert_close(bound.upper, torch.tensor([[1.0], [1.0]], dtype=torch.float64))
    with pytest.raises(ValueError, match="known of node"):
        crown_boxes(graph, {"x": Interval(-ends, ends)}, known={difference.id: Interval(ends, ends)})
