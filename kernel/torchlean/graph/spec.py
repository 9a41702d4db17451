"""What a valid graph is, as a table of rules, each a sentence and a check.

Checked at the borders of stages in tests and after every import from a foreign format; code between the borders may
then rely on it without looking.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from torchlean.graph.graph import Graph
from torchlean.graph.hashing import node_digest
from torchlean.graph.node import LEAVES, Node
from torchlean.graph.origin import Source
from torchlean.ops import OPS, ShapeError

Rule = Callable[[Graph, Node], bool]


class InvalidGraphError(ValueError):
    """A graph that breaks a rule: always a mistake in TorchLean."""


def _plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | torch.dtype)


def _infers(graph: Graph, node: Node) -> bool:
    if node.op in LEAVES:
        return True
    try:
        inferred = OPS[node.op].infer([graph[id].type for id in node.inputs], node.attributes)
    except ShapeError:
        return False
    return inferred == node.type


def _data_fits(graph: Graph, node: Node) -> bool:
    if node.op not in ("parameter", "constant"):
        return node.data is None
    data = node.data
    return data is not None and tuple(data.shape) == node.type.shape and data.dtype == node.type.dtype


def _range_is_ordered(graph: Graph, node: Node) -> bool:
    if node.op != "random":
        return True
    lower, upper = node.attributes["lower"], node.attributes["upper"]
    return isinstance(lower, float) and isinstance(upper, float) and lower <= upper


def _source_is_known(graph: Graph, node: Node) -> bool:
    if node.op != "random":
        return True
    attributes = node.attributes
    lower, upper = attributes.get("likely_lower"), attributes.get("likely_upper")
    if not isinstance(lower, float) or not isinstance(upper, float):
        ordered = lower is None and upper is None
    else:
        ordered = lower <= upper
    return ordered and attributes.get("source", Source.DRAWN.value) in {source.value for source in Source}


RULES: dict[str, Rule] = {
    "a node's id is its index": lambda graph, node: graph.nodes[node.id] is node,
    "operands come before their use": lambda graph, node: all(0 <= id < node.id for id in node.inputs),
    "the op is a leaf or registered": lambda graph, node: node.op in LEAVES or node.op in OPS,
    "a leaf has no operands": lambda graph, node: node.op not in LEAVES or not node.inputs,
    "attributes are plain immutable data": lambda graph, node: _plain(tuple(node.attributes.values())),
    "parameters and constants carry data of their type, others none": _data_fits,
    "a random leaf has an ordered range": _range_is_ordered,
    "a random leaf's source is known, and its likely range ordered": _source_is_known,
    "the type is what the op infers": _infers,
    "the digest is the hash of the content": lambda graph, node: (
        node.digest
        == node_digest(
            node.op, node.attributes, node.type, (graph[id].digest for id in node.inputs), node.data
        )
    ),
}


def validate(graph: Graph) -> None:
    """Check every rule on every node.

    Raises:
        InvalidGraphError: names the rule and the first node that breaks it.
    """
    for index, node in enumerate(graph.nodes):
        if node.id != index:
            raise InvalidGraphError(f"node at {index} has id {node.id}: a node's id is its index")
        for sentence, holds in RULES.items():
            if not holds(graph, node):
                raise InvalidGraphError(f"%{node.id} = {node.op}: not true that {sentence}")
    for id in graph.outputs:
        if not 0 <= id < len(graph):
            raise InvalidGraphError(f"output %{id} is not a node")
