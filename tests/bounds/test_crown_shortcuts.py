"""What saves work in backward passes changes no bound but by rounding; rows of float32 exclude no exact value."""

from __future__ import annotations

import random

import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals
from tests.bounds.test_crown_reuse import split
from torch import Tensor

from torchlean.bounds.crown import chain, crown, crown_boxes, descent, joining, steps, structure
from torchlean.graph import Graph
from torchlean.intervals import Interval
from torchlean.ops import TensorType


def wide(act: str = "relu") -> Graph:
    """Neurons whose sign is known, and some whose is not."""
    writer = Writer(torch.Generator().manual_seed(3), 0.3)
    value = writer.input(3)
    for _ in range(3):
        value = writer.op(act, writer.linear(value, 40))
    return writer.builder.graph([writer.linear(value, 2).id])


def test_leaving_out_dead_neurons_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "links", lambda *_: {})  # the passes for any graph
    monkeypatch.setattr(structure, "_structures", type(structure._structures)())
    graph = wide()
    domain = {"x": box(graph, 0.2, torch.Generator().manual_seed(4))}
    whole = crown(graph, domain)
    left: list[int] = []
    without_dead = joining._without_dead

    def watched(step: steps.Step, operand: steps.Step) -> steps.Step:
        found = without_dead(step, operand)
        left.extend([] if found.live is None else [len(found.live)])
        return found

    monkeypatch.setattr(joining, "MANY", 1)
    monkeypatch.setattr(joining, "_without_dead", watched)
    fewer = crown(graph, domain)
    assert left and max(left) < 40
    for node in graph:
        torch.testing.assert_close(fewer[node.id].lower, whole[node.id].lower, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(fewer[node.id].upper, whole[node.id].upper, rtol=1e-12, atol=1e-12)


def test_leaving_them_out_along_a_chain_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = wide()
    domain = {"x": box(graph, 0.2, torch.Generator().manual_seed(4))}
    whole = crown(graph, domain)
    monkeypatch.setattr(chain, "MANY", 1)
    steps_made: list[chain._Step] = []
    joined = chain._joined

    def watched(op: chain._Step, operand: chain._Step) -> chain._Step:
        steps_made.append(joined(op, operand))
        return steps_made[-1]

    monkeypatch.setattr(chain, "_joined", watched)
    fewer = crown(graph, domain)
    assert any(step.live is not None for step in steps_made) and any(
        step.hot is not None for step in steps_made
    )
    for node in graph:
        torch.testing.assert_close(fewer[node.id].lower, whole[node.id].lower, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(fewer[node.id].upper, whole[node.id].upper, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("act", ["tanh", "sigmoid"])
def test_multiplying_shared_rows_with_all_slopes_at_once_changes_nothing(
    act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = wide(act)
    root = box(graph, 0.4, torch.Generator().manual_seed(5))
    boxes = {"x": split(root, 20, torch.Generator().manual_seed(6))}
    (out,) = graph.outputs
    once = crown_boxes(graph, boxes, {"x": root})[out]
    monkeypatch.setattr(joining, "FEW", 0)
    each = crown_boxes(graph, boxes, {"x": root})[out]
    # Rows are float32.
    torch.testing.assert_close(once.lower, each.lower, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(once.upper, each.upper, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("many", [joining.MANY, 1])
def test_a_layer_may_have_an_operand_without_dimensions(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MANY", many)
    writer = Writer(torch.Generator().manual_seed(3), 0.3)
    number = writer.builder.input("x", TensorType((), torch.float32))
    row = writer.builder.op("reshape", [number.id], {"shape": (1, 1)})
    hidden = writer.op("relu", writer.linear(row, 6))
    graph = writer.builder.graph([writer.linear(writer.op("tanh", hidden), 2).id])
    (out,) = graph.outputs
    lower = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)
    boxes = Interval(lower, lower + 0.25)
    found = crown_boxes(graph, {"x": boxes})[out]
    for place in range(len(lower)):
        alone = crown(graph, {"x": Interval(boxes.lower[place], boxes.upper[place])})[out]
        torch.testing.assert_close(found.lower[place], alone.lower, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found.upper[place], alone.upper, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("onto", ["both", "left", "scalar", "alone"])
def test_adding_up_slopes_below_a_sum_before_rows_meet_them_changes_nothing(
    onto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(torch.Generator().manual_seed(7), 0.3)
    value = writer.op("tanh", writer.linear(writer.input(3), 24))
    left, right = (
        writer.builder.op("reshape", [writer.linear(value, 12).id], {"shape": shape})
        for shape in ((1, 4, 3, 1), (2, 1, 3, 2))
    )
    if onto == "left":
        left = writer.builder.op("sum", [left.id], {"dim": (1, 2), "keepdim": True})
    elif onto == "scalar":
        left = writer.builder.op("sum", [left.id], {"dim": (), "keepdim": False})
    product = right if onto == "alone" else writer.builder.op("mul", [left.id, right.id], {})
    summed = writer.builder.op("tanh", [product.id], {}) if onto == "alone" else product
    outputs = [
        writer.builder.op(op, [summed.id], {"dim": dim, "keepdim": keepdim})
        for op, dim, keepdim in (("sum", (2,), False), ("mean", (0, 2), True), ("sum", (), False))
    ]
    graph = writer.builder.graph([output.id for output in outputs])
    root = box(graph, 0.4, torch.Generator().manual_seed(8))
    boxes = {"x": split(root, 6, torch.Generator().manual_seed(9))}
    met: list[int] = []
    repeated = descent._repeated

    def watched(rows: Tensor) -> list[int]:
        met.extend(repeated(rows))
        return repeated(rows)

    monkeypatch.setattr(descent, "_repeated", watched)
    short, shorts = crown(graph, {"x": root}), crown_boxes(graph, boxes, {"x": root})
    assert met
    monkeypatch.setattr(descent, "_repeated", lambda rows: [])
    full, fulls = crown(graph, {"x": root}), crown_boxes(graph, boxes, {"x": root})
    for output in graph.outputs:
        for once, each, share in (
            (short[output], full[output], 1e-12),
            (shorts[output], fulls[output], 1e-5),
        ):
            torch.testing.assert_close(once.lower, each.lower, rtol=share, atol=share)
            torch.testing.assert_close(once.upper, each.upper, rtol=share, atol=share)


@pytest.mark.parametrize("act", ["sigmoid", "gelu", "sin", "square", "silu"])
def test_passes_from_maps_of_refined_nodes_give_nothing_more(
    act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gates: what `act` gives is a factor of a product, and bounded for that."""
    writer = Writer(torch.Generator().manual_seed(10), 0.3)
    value = writer.op("tanh", writer.linear(writer.input(3), 6))
    attributes = {"approximate": "none"} if act == "gelu" else {}
    gate = writer.op("permute", writer.op(act, writer.linear(value, 6), **attributes), dims=(0,))
    gated = writer.op("mul", gate, writer.linear(value, 6))
    graph = writer.builder.graph([writer.linear(gated, 2).id, gate.id])
    root = box(graph, 0.5, torch.Generator().manual_seed(11))
    boxes = {"x": split(root, 8, torch.Generator().manual_seed(12))}
    fewer, fewer_boxes = crown(graph, {"x": root}), crown_boxes(graph, boxes, {"x": root})
    assert fewer.bounds[gate.id].method == "crown"
    monkeypatch.setattr(structure.Structure, "settles", lambda shape, node, *_: node.id in shape.optimal)
    passes, passes_boxes = crown(graph, {"x": root}), crown_boxes(graph, boxes, {"x": root})
    for node in graph:
        compared = [(fewer[node.id], passes[node.id], 1e-12)]
        if node.id in graph.outputs:
            compared.append((fewer_boxes[node.id], passes_boxes[node.id], 1e-5))  # rows are float32
        for once, each, share in compared:
            slack = share * (1 + each.upper - each.lower)
            assert bool((once.lower >= each.lower - slack).all() and (once.upper <= each.upper + slack).all())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("radius", [0.0, 1e-12, 1e-7, 1e-3, 1.0])
@pytest.mark.parametrize("scale", [0.7, 1e4])
def test_boxes_bounded_in_float32_contain_exact_values(name: str, radius: float, scale: float) -> None:
    """Of every node: the operands of nonlinear ops are those whose rows are float32."""
    generator = torch.Generator().manual_seed(7)
    graph = NETWORKS[name](Writer(generator, scale))
    root = box(graph, radius, generator)
    boxes = split(root, 6, generator)
    found = crown_boxes(graph, {"x": boxes}, {"x": root}, wanted=[node.id for node in graph])
    for place in range(6):
        one = Interval(boxes.lower[place], boxes.upper[place])
        for point in points_of(one, 2, random.Random(place)):
            for id, value in enumerate(exact_values(graph, {"x": point})):
                low, high = rationals(found[id].lower[place]), rationals(found[id].upper[place])
                assert (low <= value).all() and (value <= high).all()
