"""From a claim's comparison to a real-valued margin, whose lower bound decides it.

A comparison `a <= b` holds exactly when `b - a >= 0`; a conjunction when the smaller margin is, a disjunction when the
larger is; a negation turns the comparison round. `argmax(v) == k` holds when `v[k]` is above every other element,
which needs no integer at all. So a claim becomes one number per element: at least zero (above zero where the
comparison is strict) proves it, and how far above says how safe it is.

For `argmax` the margin is sufficient but not necessary: with ties torch returns the first of the largest, and the
margin is zero there. Refuting therefore never uses the margin, only the executed comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.ops import OPS, Attribute
from torchlean.ops.rearrangement import Rearrangement

_CONJUNCTIONS = frozenset({"logical_and", "bitwise_and"})
_DISJUNCTIONS = frozenset({"logical_or", "bitwise_or"})
_NEGATIONS = frozenset({"logical_not", "bitwise_not"})
_EXCLUSIVE = frozenset({"logical_xor", "bitwise_xor"})
_OPPOSITE = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}


@dataclass(frozen=True, slots=True)
class Margin:
    """A claim's graph with its margin.

    Attributes:
        graph: the claim's graph, extended; ids of the claim's own nodes are unchanged.
        node: id of a 0-d real value.
        strict: whether the claim needs the margin above zero (some comparison is strict) rather than at least zero.
    """

    graph: Graph
    node: int
    strict: bool


def shown(least: float, margin: Margin) -> bool:
    """Whether a lower bound of a claim's margin shows the claim."""
    return least > 0 or (least == 0 and not margin.strict)


def add_margin(graph: Graph, holds: int) -> Margin:
    """Extend a claim's graph with its margin.

    Args:
        graph: the claim's graph.
        holds: id of its bool result, of any shape but with at least one element; the claim says that all are true.
    """
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    rewriter = _Rewriter(builder)
    margin = rewriter.margin(holds, positive=True)
    if builder.nodes[margin].type.shape:
        dims = tuple(range(len(builder.nodes[margin].type.shape)))
        margin = rewriter.emit("amin", margin, dim=dims, keepdim=False)
    return Margin(builder.graph([*graph.outputs, margin]), margin, rewriter.strict)


def moves_elements(graph: Graph | Sequence[Node], node: Node) -> bool:
    """Whether each element of the node is an element of an operand, and known which."""
    if node.op == "gather":
        return graph[node.inputs[1]].data is not None
    op = OPS.get(node.op)
    # Where a sort moves its elements depends on their values.
    return isinstance(op, Rearrangement) and not op.writes and node.op != "sort"


_COMBINERS = frozenset({"amin", "amax", "minimum", "maximum"})


def combined(graph: Graph, margin: int) -> set[int]:
    """The margin's node and those that it takes the least or greatest of, down to the single comparisons."""
    found: set[int] = set()
    stack = [margin]
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            if graph[id].op in _COMBINERS:
                stack.extend(graph[id].inputs)
    return found


def comparisons(graph: Graph, holds: int) -> list[int]:
    """The comparisons that a claim's result is composed of, in the graph's order."""
    composing = _CONJUNCTIONS | _DISJUNCTIONS | _NEGATIONS | _EXCLUSIVE | {"all", "any"}
    found: set[int] = set()
    seen: set[int] = set()
    stack = [holds]
    while stack:
        node = graph[stack.pop()]
        if node.id in seen:
            continue
        seen.add(node.id)
        truths = all(graph[id].type.dtype == torch.bool for id in node.inputs)
        if node.op in _OPPOSITE and not truths:
            found.add(node.id)
        elif node.type.dtype == torch.bool and (
            node.op in composing or node.op in _OPPOSITE or moves_elements(graph, node)
        ):
            stack.extend(node.inputs)
    return sorted(found)


def premises(graph: Graph, holds: int) -> list[tuple[int, int]]:
    """The premises of the implications that a claim is a conjunction of, and for each the node of its negation: an
    implication is a disjunction with a negation."""
    found: list[tuple[int, int]] = []
    stack, seen = [holds], set()
    while stack:
        node = graph[stack.pop()]
        if node.id in seen or node.type.dtype != torch.bool:
            continue
        seen.add(node.id)
        if node.op in _DISJUNCTIONS:
            negations = [id for id in node.inputs if graph[id].op in _NEGATIONS]
            found += [(graph[id].inputs[0], id) for id in negations]
            stack += [id for id in node.inputs if id not in negations]
        elif node.op in _CONJUNCTIONS or node.op == "all" or moves_elements(graph, node):
            stack += node.inputs
    return sorted(found)


class _Rewriter:
    """Appends the margin of each bool node it meets; `positive=False` asks for the margin of the negation."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.strict = False
        self._known: dict[tuple[int, bool], int] = {}

    def margin(self, id: int, positive: bool) -> int:
        """The margin's node; one for each truth, however often it is read."""
        key = (id, positive)
        if key not in self._known:
            self._known[key] = self._margin(id, positive)
        return self._known[key]

    def _margin(self, id: int, positive: bool) -> int:
        node = self.builder.nodes[id]
        name = node.op
        if node.type.dtype != torch.bool:
            return self._indicator(id, positive)
        if name in _NEGATIONS:
            return self.margin(node.inputs[0], not positive)
        if name in _CONJUNCTIONS or name in _DISJUNCTIONS:
            sides = [self.margin(operand, positive) for operand in node.inputs]
            return self.emit("minimum" if (name in _CONJUNCTIONS) == positive else "maximum", *sides)
        if name in ("all", "any"):
            return self._quantified(node, positive)
        if moves_elements(self.builder.nodes, node):
            return self._moved(node, positive)
        if (name in _EXCLUSIVE or name in _OPPOSITE) and self._of_truths(node):
            return self._between_truths(node, positive)
        if name in _OPPOSITE:
            return self._comparison(node, name if positive else _OPPOSITE[name])
        return self._indicator(id, positive)

    def _of_truths(self, node: Node) -> bool:
        return all(self.builder.nodes[id].type.dtype == torch.bool for id in node.inputs)

    def _between_truths(self, node: Node, positive: bool) -> int:
        """Truths compared with each other, as a disjunction of conjunctions (or the reverse) of the two."""
        left, right = node.inputs
        if node.op in ("eq", "ne", *_EXCLUSIVE):
            equal = (node.op == "eq") == positive
            both = self.emit("minimum", self.margin(left, True), self.margin(right, equal))
            neither = self.emit("minimum", self.margin(left, False), self.margin(right, not equal))
            return self.emit("maximum", both, neither)
        # False is less than true: `a <= b` is an implication.
        if node.op in ("ge", "lt"):
            left, right = right, left
        implied = (node.op in ("le", "ge")) == positive
        sides = [self.margin(left, not implied), self.margin(right, implied)]
        return self.emit("maximum" if implied else "minimum", *sides)

    def _quantified(self, node: Node, positive: bool) -> int:
        if self.builder.nodes[node.inputs[0]].type.numel == 0:
            return self._indicator(node.id, positive)
        inner = self.margin(node.inputs[0], positive)
        dims = node.attributes["dim"]
        if dims == ():
            return inner
        least = (node.op == "all") == positive
        return self.emit("amin" if least else "amax", inner, dim=dims, keepdim=node.attributes["keepdim"])

    def _moved(self, node: Node, positive: bool) -> int:
        """Truths in another shape or order, or put together: their margins likewise."""
        first, *others = node.inputs
        if node.op != "gather":
            others = [self.margin(id, positive) for id in others]
        return self.emit(node.op, self.margin(first, positive), *others, **node.attributes)

    def _comparison(self, node: Node, name: str) -> int:
        left, right = node.inputs
        if name in ("le", "lt"):
            self.strict |= name == "lt"
            return self._difference(right, left)
        if name in ("ge", "gt"):
            self.strict |= name == "gt"
            return self._difference(left, right)
        if name == "eq":
            classified = self._classification(left, right) or self._classification(right, left)
            if classified is not None:
                return classified
            return self.emit("neg", self.emit("abs", self._difference(left, right)))
        self.strict = True
        return self.emit("abs", self._difference(left, right))

    def _classification(self, argmax: int, label: int) -> int | None:
        """The margin of `argmax(scores, dim) == k` for a known k: `scores[k] - max over the others`."""
        node = self.builder.nodes[argmax]
        data = self.builder.nodes[label].data
        if node.op not in ("argmax", "argmin") or data is None or data.numel() != 1 or node.type.numel != 1:
            return None
        scores = self.builder.nodes[node.inputs[0]]
        number = data.item()
        if number not in range(scores.type.numel) or scores.type.numel < 2:
            return None  # 1.5 and NaN are no places
        index = int(number)
        self.strict = True
        flat = self.emit("reshape", scores.id, shape=(scores.type.numel,))
        own = self._pick(flat, [index])
        others = self._pick(flat, [i for i in range(scores.type.numel) if i != index])
        difference = self._difference(own, others) if node.op == "argmax" else self._difference(others, own)
        return self.emit("amin", difference, dim=(0,), keepdim=False)

    def _indicator(self, id: int, positive: bool) -> int:
        """A truth that is no comparison (`isfinite(x)`, a constant): +1/2 where it is as wanted, else -1/2."""
        truth = (
            id if self.builder.nodes[id].type.dtype == torch.bool else self.emit("cast", id, dtype=torch.bool)
        )
        number = self.emit("cast", truth, dtype=torch.float64)
        half = self.builder.constant(torch.tensor(0.5, dtype=torch.float64)).id
        return self._difference(number, half) if positive else self._difference(half, number)

    def _pick(self, flat: int, indices: list[int]) -> int:
        index = self.builder.constant(torch.tensor(indices)).id
        return self.emit("gather", flat, index, dim=0)

    def _difference(self, left: int, right: int) -> int:
        """Truths count as 0 and 1, and integers are subtracted in int64: in uint8 no difference is negative."""
        types = [self.builder.nodes[id].type.dtype for id in (left, right)]
        whole = not any(dtype.is_floating_point for dtype in types)
        sides = [
            self.emit("cast", id, dtype=torch.int64)
            if dtype == torch.bool or (whole and dtype != torch.int64)
            else id
            for id, dtype in zip((left, right), types, strict=True)
        ]
        return self.emit("sub", *sides)

    def emit(self, op: str, *inputs: int, **attributes: Attribute) -> int:
        spans = self.builder.nodes[inputs[0]].spans
        return self.builder.op(op, inputs, attributes, spans).id
