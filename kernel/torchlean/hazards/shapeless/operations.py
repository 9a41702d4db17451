"""torch's functions, methods and layers over tensors without shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from torchlean.capture.signs import nonnegative
from torchlean.graph import GraphBuilder, Node
from torchlean.graph.builder import Draft
from torchlean.graph.origin import Source
from torchlean.hazards.patterns import COSINE, SELECTED
from torchlean.hazards.shapeless.values import (
    Items,
    Layer,
    Namespace,
    Number,
    Object,
    Opaque,
    Stream,
    TensorNode,
    Value,
)
from torchlean.hazards.shapeless.vocabulary import (
    BINARY,
    COMPARISONS,
    HANDING_ON,
    LAYERS,
    LOSSES,
    NETWORK,
    PRODUCTS,
    REDUCTIONS,
    SAME,
    UNARY,
)
from torchlean.ops import Attribute, ShapeError, TensorType
from torchlean.ops.random import normal_range
from torchlean.source import Span

TYPE = TensorType((4,), torch.float32)
"""Every tensor. Four elements: reductions reduce something, and a product of them is no product of many."""


@lru_cache(1000)
def _tensor(number: str) -> torch.Tensor:
    """A number of the text as a tensor, which remembers its hash. By what is written: -0.0 is not 0.0."""
    return torch.tensor(float(number), dtype=torch.float32)


@dataclass(slots=True)
class Hashed:
    """What is built, with digests."""

    builder: GraphBuilder


class Operations:
    """Appends nodes for what the file computes."""

    def __init__(self) -> None:
        self.builder = Draft()
        self._serial = 0
        self._fed: set[int] = set()
        self._chosen: set[int] = set()
        self._drawn: set[int] = set()
        self._masks: set[int] = set()

    def leaf(self, value: Opaque, span: Span) -> int:
        """The tensor that something not followed is."""
        if value.node is None:
            source = Source.TRAINED if value.network else Source.UNKNOWN
            value.node = self.random(-math.inf, math.inf, span, source).node
        return value.node

    def random(self, lower: float, upper: float, span: Span, source: Source, label: str = "") -> TensorNode:
        """A leaf with numbers between two ends."""
        self._serial += 1
        likely = normal_range() if source is Source.NORMAL else None
        node = self.builder.random(TYPE, lower, upper, self._serial, (span,), label, source, likely)
        if source is Source.TRAINED:
            self._fed.add(node.id)
        return TensorNode(node.id)

    def truth(self, span: Span, operands: Sequence[Value]) -> TensorNode:
        """Answers of a comparison, as the numbers 0 and 1. Draws of the program alone are on both sides of a limit."""
        made = self.random(0.0, 1.0, span, Source.LABELS)
        if not any(isinstance(operand, TensorNode) and operand.node in self._drawn for operand in operands):
            self._masks.add(made.node)
        return made

    def is_mask(self, value: Value) -> bool:
        """Whether the value is answers that may all be no."""
        return isinstance(value, TensorNode) and value.node in self._masks

    def selection(self, value: Value, span: Span) -> Value:
        """`value[mask]`, which may have no element at all."""
        node = self.operand(value, span)
        made = Opaque() if node is None else self.emit("clone", (node,), span)
        if isinstance(made, TensorNode):
            self._chosen.add(made.node)
        return made

    def _mean_of_chosen(self, node: int, span: Span) -> Value:
        """The sum of what a mask selects, over its number."""
        total = self.reduced("sum", node, span)
        return self.binary("div", total, self.random(0.0, 4.0, span, Source.LABELS, SELECTED), span)

    def number(self, value: float) -> int:
        """A Python number as an operand; the label keeps what was written."""
        label = repr(value)
        return self.builder.constant(_tensor(label), label=label).id

    def emit(self, op: str, inputs: Sequence[int], span: Span, **attributes: Attribute) -> Value:
        """One op of the graph; what torch refuses is not followed."""
        try:
            node = self.builder.op(op, inputs, attributes, (span,))
        except ShapeError:
            return Opaque()
        for kind in (self._fed, self._chosen):
            if any(id in kind for id in inputs):
                kind.add(node.id)
        own = [id for id in inputs if self.builder.nodes[id].op != "constant"]
        if own and all(id in self._drawn for id in own):
            self._drawn.add(node.id)
        return TensorNode(node.id)

    def operand(self, value: Value, span: Span) -> int | None:
        """The value as an operand, or None where it is no tensor and no number."""
        if isinstance(value, TensorNode):
            return value.node
        if isinstance(value, Number):
            return self.number(value.value) if math.isfinite(value.value) else None
        if isinstance(value, Namespace) and not value.path.startswith("torch."):
            # A name of a module that is not followed: each use may be another tensor.
            return self.leaf(Opaque(), span)
        return self.leaf(value, span) if isinstance(value, Opaque) else None

    def binary(self, op: str, left: Value, right: Value, span: Span) -> Value:
        """`left op right` where at least one is a tensor."""
        a, b = self.operand(left, span), self.operand(right, span)
        return Opaque() if a is None or b is None else self.emit(op, (a, b), span)

    def quotient(self, left: Value, right: Value, span: Span) -> Value:
        """`left / right`; a number above is a multiple of the reciprocal, as in capture."""
        return self.binary("div", left, right, span)

    def power(self, base: Value, exponent: Value, span: Span) -> Value:
        if isinstance(exponent, Number):
            node = self.operand(base, span)
            if node is None:
                return Opaque()
            if exponent.value == 2:
                return self.emit("square", (node,), span)
            if exponent.value == 0.5:
                return self.emit("sqrt", (node,), span)
            return self.emit("pow", (node,), span, exponent=exponent.value)
        return self.binary("pow_tensor", base, exponent, span)

    def reduced(self, op: str, node: int, span: Span) -> Value:
        """A reduction, broadcast back over the elements it was made of."""
        attributes: dict[str, Attribute] = {"dim": (0,), "keepdim": True}
        if op in ("std", "var"):
            attributes["correction"] = 1
        if op == "vector_norm":
            attributes["ord"] = 2.0
        made = self.emit(op, (node,), span, **attributes)
        if isinstance(made, TensorNode):
            self._chosen.discard(made.node)
            return self.emit("expand", (made.node,), span, shape=TYPE.shape)
        return made

    def call(
        self, name: str, arguments: Sequence[Value], keywords: dict[str, Value], span: Span, method: bool
    ) -> Value:
        """A function of torch, or a method of a tensor whose receiver is the first argument."""
        name = name[:-1] if name.endswith("_") and not name.startswith("_") else name
        first = arguments[0] if arguments else None
        made = self._random(name, span)
        if made is not None:
            return made
        if name in PRODUCTS:
            return self._product(arguments, span)
        if isinstance(first, (Items, Stream)):
            # `torch.cat([a, b])`: numbers of either, of which only is known whether a network gives them.
            items = first.items if isinstance(first, Items) else (first.item,)
            return Opaque(network=any(self.is_fed(item) for item in items))
        if first is None or not isinstance(first, (TensorNode, Opaque)):
            return Opaque()
        if name in SAME:
            return first
        if name in LOSSES:
            return self._loss(arguments, span)
        if name in COMPARISONS:
            return self.truth(span, arguments)
        return self._of_tensor(name, first, arguments[1:], keywords, span)

    def _random(self, name: str, span: Span) -> Value | None:
        if name in ("randn", "randn_like", "normal"):
            made = self.random(-math.inf, math.inf, span, Source.NORMAL)
        elif name in ("rand", "rand_like"):
            made = self.random(0.0, 1.0, span, Source.DRAWN, name)
        else:
            return None
        self._drawn.add(made.node)
        return made

    def is_fed(self, value: Value) -> bool:
        """Whether a network's output is below the value."""
        if isinstance(value, Opaque):
            return value.network
        return isinstance(value, TensorNode) and value.node in self._fed

    def _loss(self, arguments: Sequence[Value], span: Span) -> Value:
        """A loss of torch: any number from zero on, if a network's output is judged."""
        if not any(self.is_fed(argument) for argument in arguments):
            return Opaque()
        return self._from_zero(span)

    def _from_zero(self, span: Span) -> Value:
        """What a network gives, where it is not negative."""
        return self.emit("relu", (self.leaf(Opaque(network=True), span),), span)

    def _product(self, arguments: Sequence[Value], span: Span) -> Value:
        """A matrix product: any number, but for unit vectors; from zero on where no factor is negative."""
        nodes = [self.builder.nodes[a.node] for a in arguments if isinstance(a, TensorNode)]
        if len(nodes) == len(arguments) == 2 and all(node.op == "normalize" for node in nodes):
            return self._cosine(span)
        if len(nodes) == len(arguments) == 2 and self._all_from_zero(nodes):
            return self._from_zero(span)
        return Opaque(network=True)

    def _all_from_zero(self, nodes: Sequence[Node]) -> bool:
        """Whether none of the tensors has a negative number."""
        building = Hashed(self.builder.hashed())
        return all(nonnegative(building, node.id) for node in nodes)

    def _cosine(self, span: Span) -> Value:
        """Cosines of angles between vectors of any numbers: 1 for those that are alike."""
        return self.random(-1.0, 1.0, span, Source.DRAWN, COSINE)

    def _of_tensor(
        self, name: str, first: Value, rest: Sequence[Value], keywords: dict[str, Value], span: Span
    ) -> Value:
        node = self.operand(first, span)
        assert node is not None
        if name in UNARY and not rest:
            return self.emit(name, (node,), span)
        if name in BINARY and rest and isinstance(rest[0], (TensorNode, Opaque)):
            return self.binary(BINARY[name], first, rest[0], span)
        if name in ("add", "sub", "mul", "div") and rest:
            return self.binary(BINARY[name], first, rest[0], span)
        if name == "pow" and rest:
            return self.power(first, rest[0], span)
        if name == "mean" and node in self._chosen:
            return self._mean_of_chosen(node, span)
        if name in REDUCTIONS:
            made = self.reduced(REDUCTIONS[name], node, span)
            pair = name in ("max", "min") and (bool(rest) or "dim" in keywords)
            return Items((made, Opaque())) if pair else made
        if name in ("softmax", "log_softmax"):
            return self.emit(name, (node,), span, dim=0)
        if name == "softplus":
            return self.emit(name, (node,), span, beta=1.0, threshold=20.0)
        if name == "normalize":
            return self.emit(name, (node,), span, p=2.0, dim=(0,), eps=1e-12)
        if name == "cosine_similarity":
            return self._cosine(span)
        if name in ("clamp", "clip", "clamp_min", "clamp_max"):
            return self._clamped(name, node, rest, keywords, span)
        return Opaque()

    def _clamped(
        self, name: str, node: int, rest: Sequence[Value], keywords: dict[str, Value], span: Span
    ) -> Value:
        names = ["max", "min"] if name == "clamp_max" else ["min", "max"]
        given = dict(zip(names, rest, strict=False)) | keywords
        limits: dict[str, Attribute] = {}
        for end in ("min", "max"):
            limit = given.get(end)
            if limit is None:
                continue
            if not isinstance(limit, Number):
                return Opaque()  # a limit that is not known may be a good one
            limits[end] = float(torch.tensor(limit.value, dtype=torch.float32))
        return self.emit("clamp", (node,), span, **limits) if limits else Opaque()

    def layer(self, layer: Layer, arguments: Sequence[Value], span: Span) -> Value | None:
        """A call of a layer; None where its parts are objects of the file, which the interpreter calls."""
        if not arguments:
            return Opaque()
        first = arguments[0]
        if layer.name == "Sequential":
            value: Value = first
            for part in layer.parts:
                if isinstance(part, Object):
                    return None
                made = self.layer(part, [value], span) if isinstance(part, Layer) else Opaque()
                value = Opaque() if made is None else made
            return value
        if layer.name in HANDING_ON:
            return first
        if layer.name in LOSSES:
            return self._loss(arguments, span)
        if layer.name in NETWORK:
            return Opaque(network=True)
        op = LAYERS.get(layer.name)
        if op is None or not isinstance(first, (TensorNode, Opaque)):
            return Opaque()
        return self._of_tensor(op, first, (), {}, span)
