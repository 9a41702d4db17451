"""Weights that no file gives: the graph has a range for them, the program has drawn numbers.

A parameter is known by the lines of the user's code that made it, innermost first, and its name; several from the same
lines (a loop) follow each other in both. Where the two do not have the same ones, nothing is guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from torch import Tensor

from torchlean.conformance.tasks import Weights
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.graph.origin import Source, region_of

Key = tuple[tuple[tuple[str, int], ...], str, tuple[int, ...]]


class Unknown(Exception):
    """Numbers of the graph that are not known; the message is a clause."""


def drawn(graph: Graph) -> list[Node]:
    """Leaves whose numbers are drawn when the program runs."""
    return [node for node in graph if node.op == "random"]


def with_weights(graph: Graph, weights: Weights) -> Graph:
    """The graph with the program's weights in place of ranges.

    Raises:
        Unknown: the program draws other numbers, or has other weights.
    """
    leaves = drawn(graph)
    if not leaves:
        return graph
    for leaf in leaves:
        if region_of(leaf).source is not Source.INITIALISER:
            raise Unknown(
                f"it draws random numbers ({leaf.label or 'in its computation'}): no two runs are the same"
            )
    found = _matched(leaves, weights)
    builder = GraphBuilder()
    for node in graph:
        if node.id in found:
            builder.parameter(found[node.id], node.label or "", node.spans)
        elif node.op == "input":
            position = node.attributes["position"]
            assert isinstance(position, int)
            builder.input(str(node.attributes["name"]), node.type, node.spans, position)
        elif node.data is not None:
            make = builder.parameter if node.op == "parameter" else builder.constant
            make(node.data, spans=node.spans, label=node.label)  # type: ignore[arg-type]
        else:
            builder.op(node.op, node.inputs, node.attributes, node.spans, node.label)
    return builder.graph(graph.outputs)


def _matched(leaves: Sequence[Node], weights: Weights) -> dict[int, Tensor]:
    made: dict[Key, list[Tensor]] = defaultdict(list)
    for lines, name, value in weights.found:
        made[lines, name, tuple(value.shape)].append(value)
    wanted: dict[Key, list[Node]] = defaultdict(list)
    for leaf in sorted(leaves, key=lambda leaf: int(str(leaf.attributes["serial"]))):
        lines = tuple((span.path, span.line) for span in leaf.spans)
        wanted[lines, leaf.label or "", leaf.type.shape].append(leaf)
    found: dict[int, Tensor] = {}
    for key, nodes in wanted.items():
        if len(made[key]) != len(nodes):
            raise Unknown(
                f"the program makes {len(made[key])} weights `{key[1]}` where the graph has {len(nodes)} drawn ones, "
                "so their numbers are not known; load weights from a file (`tl.load`)"
            )
        found |= {node.id: value for node, value in zip(nodes, made[key], strict=True)}
    return found
