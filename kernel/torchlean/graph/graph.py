"""The op-tagged SSA graph: a list of nodes in topological order, and which of them are results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torchlean.graph.node import Node


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """Immutable. `nodes[i].id == i`; `outputs` are ids, in the order the program returns them."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, id: int) -> Node:
        return self.nodes[id]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes the graph quantifies over, in the order they were declared."""
        return tuple(node for node in self.nodes if node.op == "input")

    def cone(
        self, roots: Iterable[int], outputs: Iterable[int] | None = None
    ) -> tuple[Graph, dict[int, int]]:
        """The part of the graph that `roots` depend on, renumbered.

        Args:
            roots: ids to keep, with everything below them.
            outputs: the new graph's outputs (ids of this graph, contained in the cone); default: the roots.

        Returns:
            The smaller graph, and the map from old ids to new ones.
        """
        roots = list(roots)
        needed = set()
        stack = list(roots)
        while stack:
            id = stack.pop()
            if id not in needed:
                needed.add(id)
                stack.extend(self.nodes[id].inputs)
        renumbered = {old: new for new, old in enumerate(sorted(needed))}
        # Where a number stays what it was, all smaller ones do.
        nodes = tuple(
            self.nodes[old] if old == new else _moved(self.nodes[old], new, renumbered)
            for old, new in renumbered.items()
        )
        return Graph(
            nodes, tuple(renumbered[id] for id in (roots if outputs is None else outputs))
        ), renumbered


def _moved(node: Node, id: int, numbers: Mapping[int, int]) -> Node:
    """The node under another number, with operands that have other numbers."""
    inputs = tuple([numbers[operand] for operand in node.inputs])
    return Node(
        id, node.op, inputs, node.attributes, node.type, node.digest, node.spans, node.data, node.label
    )
