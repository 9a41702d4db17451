"""A unit as the steps its functions are written in: hazards are where a step breaks, and who reads its result.

torch's own function for some of these steps (`torchlean.ops.fused`) is one node more, of the last step's value and of
what the function takes. As another reader of its arguments it would hide what the steps do with them.
"""

from __future__ import annotations

from dataclasses import replace

from torchlean.graph import Graph
from torchlean.hazards.patterns import consumers
from torchlean.ops.fused import FUSED


def by_steps(graph: Graph) -> tuple[Graph, list[list[int]]]:
    """The graph without such functions, in which all nodes keep their numbers, and who uses each node.

    What the function gives is read from its last step; the function itself is left as a copy that nobody reads.
    """
    if not any(node.op in FUSED for node in graph):
        return graph, consumers(graph)
    last = list(range(len(graph)))
    nodes = []
    for node in graph:
        if node.op in FUSED:
            last[node.id] = last[node.inputs[0]]
            nodes.append(replace(node, op="clone", inputs=(last[node.id],), attributes={}))
        else:
            nodes.append(replace(node, inputs=tuple(last[id] for id in node.inputs)))
    steps = Graph(tuple(nodes), tuple(last[id] for id in graph.outputs))
    users = [[id for id in ids if graph[id].op not in FUSED] for ids in consumers(steps)]
    return steps, users


__all__ = ["by_steps"]
