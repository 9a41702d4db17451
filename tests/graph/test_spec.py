"""The specification of a valid graph: every rule, broken once, is caught and named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from torchlean.graph import Graph, GraphBuilder, InvalidGraphError, Node, validate
from torchlean.graph.hashing import node_digest
from torchlean.graph.spec import RULES
from torchlean.ops import TensorType

INPUT, WEIGHT, RANDOM, JOINED, RELU = range(5)


def valid() -> Graph:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2,), torch.float32))
    w = builder.parameter(torch.tensor([1.0, 2.0]), "w")
    r = builder.random(TensorType((2,), torch.float32), 0.0, 1.0, 0)
    joined = builder.op("cat", [x.id, w.id, r.id], {"dim": 0})
    relu = builder.op("relu", [joined.id], {})
    return builder.graph([relu.id])


def broken(place: int, **changes: Any) -> Graph:
    """The valid graph with one node changed; its digest fits the change unless that is the point."""
    graph = valid()
    node = replace(graph[place], **changes)
    if "digest" not in changes:
        inputs = [graph[id].digest for id in node.inputs if id < len(graph)]
        attributes = {key: value for key, value in node.attributes.items() if not isinstance(value, list)}
        node = replace(node, digest=node_digest(node.op, attributes, node.type, inputs, node.data))
    nodes = list(graph.nodes)
    nodes[place] = node
    return Graph(tuple(nodes), graph.outputs)


VIOLATIONS: list[tuple[str, Callable[[], Graph]]] = [
    ("a node's id is its index", lambda: broken(RELU, id=7)),
    ("operands come before their use", lambda: broken(JOINED, inputs=(INPUT, WEIGHT, RELU))),
    ("operands come before their use", lambda: broken(RELU, inputs=(RELU,))),
    ("operands come before their use", lambda: broken(RELU, inputs=(-1,))),
    ("the op is a leaf or registered", lambda: broken(RELU, op="frobnicate")),
    ("a leaf has no operands", lambda: broken(WEIGHT, inputs=(INPUT,))),
    ("attributes are plain immutable data", lambda: broken(JOINED, attributes={"dim": [0]})),
    (
        "attributes are plain immutable data",
        lambda: broken(JOINED, attributes={"dim": (0, (torch.zeros(1),))}),
    ),
    ("parameters and constants carry data of their type, others none", lambda: broken(WEIGHT, data=None)),
    (
        "parameters and constants carry data of their type, others none",
        lambda: broken(WEIGHT, data=torch.zeros(3)),
    ),
    (
        "parameters and constants carry data of their type, others none",
        lambda: broken(WEIGHT, data=torch.zeros(2, dtype=torch.float64)),
    ),
    (
        "parameters and constants carry data of their type, others none",
        lambda: broken(RELU, data=torch.zeros(6)),
    ),
    (
        "parameters and constants carry data of their type, others none",
        lambda: broken(INPUT, data=torch.zeros(2)),
    ),
    ("a random leaf has an ordered range", lambda: _ranged(1.0, 0.0)),
    ("a random leaf has an ordered range", lambda: _ranged(math.nan, 1.0)),
    ("a random leaf has an ordered range", lambda: _ranged("0", 1.0)),
    ("a random leaf's source is known, and its likely range ordered", lambda: _stating(source="dreamt")),
    ("a random leaf's source is known, and its likely range ordered", lambda: _stating(likely_lower=0.0)),
    (
        "a random leaf's source is known, and its likely range ordered",
        lambda: _stating(likely_lower=1.0, likely_upper=0.0),
    ),
    ("the type is what the op infers", lambda: broken(RELU, type=TensorType((5,), torch.float32))),
    ("the type is what the op infers", lambda: broken(RELU, type=TensorType((6,), torch.float64))),
    ("the type is what the op infers", lambda: broken(JOINED, attributes={"dim": 3})),
    ("the digest is the hash of the content", lambda: broken(RELU, digest=b"0" * 16)),
    ("the digest is the hash of the content", lambda: _with_another_parent()),
]


def _ranged(lower: Any, upper: Any) -> Graph:
    return broken(RANDOM, attributes={"lower": lower, "upper": upper, "serial": 0})


def _stating(**attributes: Any) -> Graph:
    return broken(RANDOM, attributes={"lower": 0.0, "upper": 1.0, "serial": 0, **attributes})


def _with_another_parent() -> Graph:
    """A node whose operand was exchanged for one of the same type, the digest left behind."""
    graph = valid()
    changed = replace(graph[JOINED], inputs=(WEIGHT, INPUT, RANDOM))
    return Graph((*graph.nodes[:JOINED], changed, graph[RELU]), graph.outputs)


def test_a_graph_from_the_builder_is_valid() -> None:
    validate(valid())
    validate(Graph((), ()))


@pytest.mark.parametrize(("rule", "graph"), VIOLATIONS)
def test_a_broken_rule_is_caught_and_named(rule: str, graph: Callable[[], Graph]) -> None:
    with pytest.raises(InvalidGraphError) as caught:
        validate(graph())
    assert rule in str(caught.value)


def test_every_rule_has_a_violation_above() -> None:
    assert {rule for rule, _ in VIOLATIONS} == set(RULES)


@pytest.mark.parametrize("output", [-1, 5])
def test_an_output_that_is_no_node_is_caught(output: int) -> None:
    with pytest.raises(InvalidGraphError, match=f"output %{output}"):
        validate(Graph(valid().nodes, (output,)))


def test_the_message_names_the_node() -> None:
    with pytest.raises(InvalidGraphError, match="%4 = relu"):
        validate(broken(RELU, type=TensorType((5,), torch.float32)))


def test_labels_and_spans_are_free() -> None:
    graph = valid()
    renamed: list[Node] = [replace(node, label=f"n{node.id}", spans=()) for node in graph]
    validate(Graph(tuple(renamed), graph.outputs))
