"""Rows that go on from a node that only moves elements to where these come from: the same bounds as with a stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.bounds.test_crown_reuse import split

from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown import crown, crown_boxes, structure
from torchlean.bounds.crown.structure import remembered
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType


class Writer:
    """A graph of one input."""

    def __init__(self, *shape: int) -> None:
        self.builder = GraphBuilder()
        self.generator = torch.Generator().manual_seed(sum(shape))
        self.x = self.builder.input("x", TensorType(shape, torch.float32))

    def op(self, name: str, *operands: Node, **attributes: object) -> Node:
        return self.builder.op(name, [each.id for each in operands], attributes)  # type: ignore[arg-type]

    def weight(self, *shape: int) -> Node:
        data = torch.randn(*shape, generator=self.generator) * shape[-1] ** -0.5
        return self.builder.parameter(data, f"weight{len(self.builder.nodes)}")

    def graph(self, *outputs: Node) -> Graph:
        return self.builder.graph([each.id for each in outputs])


def products() -> Graph:
    """Moved factors of a product that is summed, and a moved sum."""
    writer = Writer(4, 6)
    a, b = (writer.op("linear", writer.x, writer.weight(6, 6)) for _ in range(2))
    a = writer.op("permute", writer.op("reshape", a, shape=(4, 2, 3)), dims=(1, 0, 2))
    b = writer.op("neg", writer.op("permute", writer.op("reshape", b, shape=(4, 2, 3)), dims=(1, 2, 0)))
    mixed = writer.op("matmul", writer.op("softmax", writer.op("matmul", a, b), dim=2), a)
    mixed = writer.op("reshape", writer.op("permute", mixed, dims=(1, 0, 2)), shape=(4, 6))
    hidden = writer.op("relu", writer.op("linear", writer.op("add", writer.x, mixed), writer.weight(5, 6)))
    return writer.graph(writer.op("linear", hidden, writer.weight(2, 5)))


def images() -> Graph:
    """Channels last before a convolution, and in another order after it: patches end at a moved image."""
    writer = Writer(6, 6, 2)
    moved = writer.op("reshape", writer.op("permute", writer.x, dims=(2, 0, 1)), shape=(1, 2, 6, 6))
    window = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    first = writer.op("relu", writer.op("conv", moved, writer.weight(3, 2, 3, 3), **window))
    moved = writer.op("neg", writer.op("permute", first, dims=(0, 1, 3, 2)))
    second = writer.op("tanh", writer.op("conv", moved, writer.weight(2, 3, 3, 3), **window))
    moved = writer.op("reshape", writer.op("permute", second, dims=(0, 2, 3, 1)), shape=(1, 72))
    return writer.graph(writer.op("linear", moved, writer.weight(2, 72)))


def moved_twice() -> Graph:
    """A moved value that is read as it is, too, and a moved operand of a function of single elements."""
    writer = Writer(8)
    hidden = writer.op("tanh", writer.op("linear", writer.x, writer.weight(8, 8)))
    square = writer.op("reshape", hidden, shape=(2, 4))
    turned = writer.op("reshape", writer.op("permute", square, dims=(1, 0)), shape=(2, 4))
    both = writer.op("mul", square, writer.op("neg", turned))
    moved = writer.op("reshape", both, shape=(8,))
    hidden = writer.op("relu", writer.op("neg", writer.op("linear", moved, writer.weight(8, 8))))
    return writer.graph(
        writer.op("linear", writer.op("reshape", hidden, shape=(1, 8)), writer.weight(2, 8)), moved
    )


@pytest.mark.parametrize("build", [products, images, moved_twice])
def test_a_stop_where_elements_are_moved_gives_the_same(
    build: Callable[[], Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = build()
    shape = graph[0].type.shape
    centre = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
    root = Interval(centre - 0.2, centre + 0.2)
    boxes = {"x": split(root, 5, torch.Generator().manual_seed(2))}

    def bounds(found: dict[str, int]) -> list[Interval]:
        monkeypatch.setattr(structure, "_structures", type(structure._structures)())
        cache = BoundsCache()
        one = crown(graph, {"x": root}, cache)
        many = crown_boxes(graph, boxes, {"x": root}, cache)
        found["origins"] = len(remembered(graph, cache).origins)
        return [*(one[node.id] for node in graph), *(many[id] for id in sorted(many))]

    passed: dict[str, int] = {}
    stopped: dict[str, int] = {}
    on = bounds(passed)
    monkeypatch.setattr(structure, "origin", lambda *_: None)
    off = bounds(stopped)
    assert passed["origins"] >= 3 and stopped["origins"] == 0
    for one, other in zip(on, off, strict=True):
        torch.testing.assert_close(one.lower, other.lower, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(one.upper, other.upper, rtol=1e-12, atol=1e-12)


def test_an_offset_and_a_weight_are_no_moves() -> None:
    writer = Writer(4)
    shifted = writer.op("add", writer.x, writer.builder.constant(torch.ones(4)))
    doubled = writer.op("mul", writer.x, writer.builder.constant(torch.full((4,), 2.0)))
    repeated = writer.op("expand", writer.op("reshape", writer.x, shape=(1, 4)), shape=(3, 4))
    graph = writer.graph(shifted, doubled, repeated)
    kinds = {graph[id].op for id in remembered(graph, BoundsCache()).origins}
    assert kinds == {"reshape"}
