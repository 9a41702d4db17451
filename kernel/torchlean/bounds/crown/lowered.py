"""A graph with its composite ops written in simpler ones (`torchlean.ops.lowering`), for backward bounds.

The lowered graph computes the same real values. Where the steps of an op end, its own interval rule still holds, and is
usually better than the rules of the steps put together: engines intersect the two, so that lowering never costs width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from torchlean.bounds.cache import Bound
from torchlean.bounds.crown import weights
from torchlean.bounds.ibp import bound_node
from torchlean.graph import LEAVES, Graph, GraphBuilder, Node
from torchlean.graph.hashing import DIGEST_BYTES, node_digest
from torchlean.ops import OPS, Attribute, TensorType
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.op import Attributes


@dataclass(frozen=True, slots=True)
class Lowered:
    """A lowered graph, and what became of the original.

    Attributes:
        graph: outputs are those of the original.
        places: per node of the original, the node with its value.
        composites: for the last step of a composite op, the ops that it is the value of, as nodes of the lowered graph
            (with that step's id) that are not part of it.
    """

    graph: Graph
    places: tuple[int, ...]
    composites: dict[int, tuple[Node, ...]]

    def digest(self, id: int) -> bytes:
        """What the composites at a node are; empty where there are none."""
        state = b"".join(node.digest for node in self.composites.get(id, ()))
        return hashlib.blake2b(state, digest_size=DIGEST_BYTES).digest() if state else b""


def lower(graph: Graph) -> Lowered:
    """Write every composite op that has unknown operands in simpler ones. Others keep their digests."""
    return _Lowering().run(graph)


class _Lowering:
    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.varies: list[bool] = []
        self.composites: dict[int, list[Node]] = {}
        self.constants: dict[int, Bound] = {}
        self.rests: set[int] = set()
        self.steps = Steps(self._emit, self._constant)

    def run(self, graph: Graph) -> Lowered:
        places: list[int] = []
        for node in graph:
            inputs = [self._part(places[id]) for id in node.inputs]
            done = None if node.op in LEAVES else self._lower(node.op, inputs, node.attributes, node.type)
            places.append(self._copy(node, inputs) if done is None else done.id)
        lowered = self.builder.graph([places[id] for id in graph.outputs])
        return Lowered(lowered, tuple(places), {id: tuple(nodes) for id, nodes in self.composites.items()})

    def _part(self, id: int) -> Part:
        return Part(id, self.builder.nodes[id].type, self.varies[id])

    def _copy(self, node: Node, inputs: Sequence[Part]) -> int:
        """The node under its new number. Its content is the same unless an operand was rewritten."""
        new = self._node(len(self.builder.nodes), node.op, inputs, node.attributes, node.type, node.data)
        self.builder.nodes.append(new)
        self.varies.append(node.op in ("input", "random") or any(x.varies for x in inputs))
        return new.id

    def _node(
        self,
        id: int,
        op: str,
        inputs: Sequence[Part],
        attributes: Attributes,
        type: TensorType,
        data: Tensor | None = None,
    ) -> Node:
        digests = (self.builder.nodes[x.id].digest for x in inputs)
        digest = node_digest(op, attributes, type, digests, data)
        return Node(id, op, tuple(x.id for x in inputs), attributes, type, digest, data=data)

    def _emit(self, op: str, inputs: Sequence[Part], attributes: dict[str, Attribute]) -> Part:
        done = self._lower(op, inputs, attributes)
        if done is not None:
            return done
        node = self.builder.op(op, [x.id for x in inputs], attributes)
        self.varies.append(any(x.varies for x in inputs))
        return self._part(node.id)

    def _constant(self, data: Tensor) -> Part:
        node = self.builder.constant(data)
        self.varies.append(False)
        return self._part(node.id)

    def _lower(
        self, op: str, inputs: Sequence[Part], attributes: Attributes, type: TensorType | None = None
    ) -> Part | None:
        """The value of the op in simpler ones; None where it stays as it is."""
        if not any(x.varies for x in inputs):
            return None
        done = OPS[op].lower(self.steps, inputs, attributes)
        if done is None:
            done = self._with_known_weights(op, inputs, attributes)
        if done is None:
            return None
        type = OPS[op].infer([x.type for x in inputs], attributes) if type is None else type
        if done.shape != type.shape:
            raise AssertionError(f"lowering `{op}` to shape {type.shape} gave {done.shape}")
        if done.type.dtype != type.dtype:
            # A number without dimensions takes the dtype of float64 numbers that it meets on the way.
            done = self.steps.op("cast", done, dtype=type.dtype)
        if all(done.id != x.id for x in inputs):
            composite = self._node(done.id, op, inputs, attributes, type)
            self.composites.setdefault(done.id, []).append(composite)
        return done

    def _with_known_weights(self, op: str, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """A product with a computed weight as a linear map and a small rest."""
        place = weights.varying(op, inputs)
        if place is None or inputs[1 - place].id in self.rests:
            return None
        weight = self._known(inputs[1 - place].id).interval
        found = weights.split(self.steps, op, inputs, attributes, weight, place)
        if found is None:
            return None
        linear, rest = found
        self.rests.add(rest.id)
        operands = [*inputs]
        operands[1 - place] = rest
        return self.steps.op("add", linear, self.steps.op(op, *operands, **attributes))

    def _known(self, id: int) -> Bound:
        """Of a node that does not vary."""
        if id not in self.constants:
            nodes = self.builder.nodes
            operands = [self._known(operand) for operand in nodes[id].inputs]
            self.constants[id] = bound_node(nodes[id], operands, Graph(tuple(nodes), ()), {})
        return self.constants[id]


__all__ = ["Lowered", "lower"]
