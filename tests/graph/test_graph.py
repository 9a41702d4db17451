"""Building graphs and cutting cones out of them."""

from __future__ import annotations

import pytest
import torch

from torchlean.graph import Graph, GraphBuilder, evaluate, validate
from torchlean.ops import ShapeError, TensorType
from torchlean.source import Span

TYPE = TensorType((2,), torch.float32)


def diamond() -> Graph:
    """x, y, unused; relu(x) twice used, once together with y."""
    builder = GraphBuilder()
    x = builder.input("x", TYPE)
    y = builder.input("y", TYPE)
    relu = builder.op("relu", [x.id], {}, (Span("m.py", 1, 0, 1, 5),), label="hidden")
    builder.op("relu", [y.id], {})
    left = builder.op("cat", [relu.id, relu.id], {"dim": 0})
    right = builder.op("cat", [relu.id, y.id], {"dim": 0})
    top = builder.op("stack", [left.id, right.id], {"dim": 0})
    return builder.graph([top.id, relu.id])


def test_a_cone_has_exactly_what_its_roots_depend_on() -> None:
    graph = diamond()
    cone, renumbered = graph.cone([4])
    assert sorted(renumbered) == [0, 2, 4]
    assert [node.op for node in cone] == ["input", "relu", "cat"]
    assert cone.outputs == (renumbered[4],) == (2,)
    validate(cone)


def test_a_cone_keeps_meaning_places_and_names() -> None:
    graph = diamond()
    cone, renumbered = graph.cone([6])
    validate(cone)
    for old, new in renumbered.items():
        assert cone[new].digest == graph[old].digest
        assert cone[new].spans == graph[old].spans and cone[new].label == graph[old].label
    inputs = {"x": torch.tensor([1.0, -1.0]), "y": torch.tensor([3.0, -3.0])}
    assert torch.equal(evaluate(cone, inputs)[renumbered[6]], evaluate(graph, inputs)[6])


def test_a_cone_may_have_other_outputs_than_its_roots() -> None:
    cone, renumbered = diamond().cone([5, 4], outputs=[2])
    assert cone.outputs == (renumbered[2],)
    cone, renumbered = diamond().cone([5, 4])
    assert cone.outputs == (renumbered[5], renumbered[4])


def test_the_cone_of_everything_is_the_graph_without_what_nobody_uses() -> None:
    graph = diamond()
    cone, _ = graph.cone(graph.outputs)
    assert len(cone) == len(graph) - 1
    again, identity = cone.cone(cone.outputs)
    assert [node.digest for node in again] == [node.digest for node in cone]
    assert all(old == new for old, new in identity.items())


def test_the_inputs_are_in_order_of_declaration() -> None:
    assert [node.attributes["name"] for node in diamond().inputs] == ["x", "y"]


def test_appending_types_nodes_and_refuses_what_torch_refuses() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TYPE)
    with pytest.raises(ShapeError):
        builder.op("reshape", [x.id], {"shape": (3,)})
    assert len(builder.nodes) == 1
    assert builder.op("reshape", [x.id], {"shape": (2, 1)}).type.shape == (2, 1)


def test_numbers_that_python_calls_equal_do_not_share_an_inferred_type() -> None:
    """1 and 1.0 are one key of a dict; they must not be one entry of the memory of inferred types."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2, 2), torch.int64))
    for bound, dtype in [(1, torch.int64), (1.0, torch.float32), (1, torch.int64)]:
        assert builder.op("clamp", [x.id], {"min": bound, "max": None}).type.dtype == dtype


def test_unknown_ops_empty_ranges_and_non_tensors_are_mistakes() -> None:
    builder = GraphBuilder()
    with pytest.raises(KeyError):
        builder.op("frobnicate", [], {})
    with pytest.raises(ValueError, match="empty range"):
        builder.random(TYPE, 1.0, 0.0, 0)
    with pytest.raises(ValueError, match="empty range"):
        builder.random(TYPE, float("nan"), 0.0, 0)
    with pytest.raises(TypeError, match="expected a tensor"):
        builder.constant(1.0)  # type: ignore[arg-type]
    assert builder.nodes == []


def test_truncating_forgets_an_attempt_and_leaves_a_valid_graph() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TYPE)
    mark = len(builder.nodes)
    first = builder.op("relu", [x.id], {}).digest
    builder.input("y", TYPE)
    builder.truncate(mark)
    assert builder.op("relu", [x.id], {}).digest == first
    assert builder.input("y", TYPE).attributes["position"] == 1
    validate(builder.graph([1]))
