"""Appending nodes to a graph: the one place where nodes are made, typed and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from torchlean.graph.graph import Graph
from torchlean.graph.hashing import node_digest
from torchlean.graph.node import Node
from torchlean.graph.origin import Source
from torchlean.ops import OPS, Attribute, TensorType
from torchlean.source import Span

TypeKey = tuple[str, tuple[TensorType, ...], tuple[tuple[str, object], ...]]


class GraphBuilder:
    """A growing graph. Appending checks types; a node that was appended is never changed.

    Inferred types are remembered across builders: the same layer on the same shapes is inferred once per process.
    """

    _inferred: dict[TypeKey, TensorType] = {}  # noqa: RUF012 - shared on purpose
    _INFERRED_LIMIT = (
        100_000  # entries of a few hundred bytes; cleared when full rather than growing for ever
    )

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def input(
        self, name: str, type: TensorType, spans: tuple[Span, ...] = (), position: int | None = None
    ) -> Node:
        """A value that the graph quantifies over. Its identity is its name, type and position.

        Args:
            position: which input of its function it is; default: after all inputs of the graph.
        """
        if position is None:
            position = sum(node.op == "input" for node in self.nodes)
        return self._append("input", (), {"name": name, "position": position}, type, spans, label=name)

    def parameter(self, data: Tensor, label: str, spans: tuple[Span, ...] = ()) -> Node:
        """A weight or buffer with known numbers."""
        return self._append("parameter", (), {}, _type_of(data), spans, data=data, label=label)

    def constant(self, data: Tensor, spans: tuple[Span, ...] = (), label: str | None = None) -> Node:
        """A tensor that stands in the program."""
        return self._append("constant", (), {}, _type_of(data), spans, data=data, label=label)

    def random(
        self,
        type: TensorType,
        lower: float,
        upper: float,
        serial: int,
        spans: tuple[Span, ...] = (),
        label: str | None = None,
        source: Source = Source.DRAWN,
        likely: tuple[float, float] | None = None,
    ) -> Node:
        """Numbers drawn at run time from `[lower, upper]`; `serial` tells draws apart.

        Args:
            source: why the range is what it is.
            likely: a smaller range that runs leave with negligible probability.

        Raises:
            ValueError: a range is empty or NaN.
        """
        if not lower <= upper or (likely is not None and not likely[0] <= likely[1]):
            raise ValueError(f"empty range [{lower}, {upper}] or {likely} for a random tensor")
        attributes: dict[str, Attribute] = {"lower": float(lower), "upper": float(upper), "serial": serial}
        if source is not Source.DRAWN:
            attributes["source"] = source.value
        if likely is not None:
            attributes |= {"likely_lower": float(likely[0]), "likely_upper": float(likely[1])}
        return self._append("random", (), attributes, type, spans, label=label)

    def op(
        self,
        name: str,
        inputs: Iterable[int],
        attributes: Mapping[str, Attribute],
        spans: tuple[Span, ...] = (),
        label: str | None = None,
    ) -> Node:
        """Apply an op to earlier nodes.

        Raises:
            KeyError: no such op (a mistake in TorchLean, not in the user's file).
            ShapeError: torch would refuse these operands.
        """
        inputs = tuple(inputs)
        types = tuple(self.nodes[id].type for id in inputs)
        key = (name, types, tuple((key, _typed(attributes[key])) for key in sorted(attributes)))
        type = self._inferred.get(key)
        if type is None:
            type = OPS[name].infer(types, attributes)
            if len(self._inferred) >= self._INFERRED_LIMIT:
                self._inferred.clear()
            self._inferred[key] = type
        return self._append(name, inputs, attributes, type, spans, label=label)

    def again(self, node: Node, inputs: Sequence[int], attributes: Mapping[str, Attribute]) -> Node:
        """Append what a node of another graph is.

        Args:
            inputs: its operands here, of the same types.
            attributes: its own, but for the numbers of draws.
        """
        return self._append(
            node.op, tuple(inputs), attributes, node.type, node.spans, data=node.data, label=node.label
        )

    def truncate(self, length: int) -> None:
        """Forget all nodes from index `length` on (an attempt that failed)."""
        del self.nodes[length:]

    def graph(self, outputs: Iterable[int] = ()) -> Graph:
        return Graph(tuple(self.nodes), tuple(outputs))

    def _append(
        self,
        op: str,
        inputs: tuple[int, ...],
        attributes: Mapping[str, Attribute],
        type: TensorType,
        spans: tuple[Span, ...],
        *,
        data: Tensor | None = None,
        label: str | None = None,
    ) -> Node:
        digest = self._digest(op, attributes, type, inputs, data)
        node = Node(len(self.nodes), op, inputs, dict(attributes), type, digest, spans, data, label)
        self.nodes.append(node)
        return node

    def _digest(
        self,
        op: str,
        attributes: Mapping[str, Attribute],
        type: TensorType,
        inputs: tuple[int, ...],
        data: Tensor | None,
        /,
    ) -> bytes:
        return node_digest(op, attributes, type, (self.nodes[id].digest for id in inputs), data)


class Draft(GraphBuilder):
    """A growing graph that is hashed where somebody asks: hashing takes a third of the building, and what is looked up
    by another key does without. Its own nodes have digests like no other's."""

    def __init__(self) -> None:
        super().__init__()
        self._hashed = GraphBuilder()

    def hashed(self) -> GraphBuilder:
        """The same nodes with their digests."""
        for node in self.nodes[len(self._hashed.nodes) :]:
            self._hashed.again(node, node.inputs, node.attributes)
        return self._hashed

    def truncate(self, length: int) -> None:
        super().truncate(length)
        self._hashed.truncate(length)

    def _digest(self, *_: object) -> bytes:
        return len(self.nodes).to_bytes(8, "little")


def _type_of(data: Tensor) -> TensorType:
    if not isinstance(data, torch.Tensor):
        raise TypeError(f"expected a tensor, got {data!r}")
    return TensorType(tuple(data.shape), data.dtype)


def _typed(value: Attribute) -> object:
    """A key that tells 2 from 2.0 and True, which Python calls equal and torch does not: `x ** 2` of integers."""
    items = tuple(map(_typed, value)) if isinstance(value, tuple) else value
    return type(value), items
