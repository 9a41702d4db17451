"""The derivative of one value of a graph by another, as new nodes of the same graph.

`gradient` is what `torch.autograd.grad(u.sum(), x)` returns: the derivative of the sum of `u` by each element of `x`,
with the shape of `x`. For each element of `x` a tangent is pushed forward through the nodes between `x` and `u`
(`torchlean.ops.tangents`), so the work grows with the number of those elements; states of a plant and points of
space-time have a few.

Nodes that would repeat an earlier one are not made again: a builder's nodes have content hashes, and an index of them
finds what is there. Derivatives along several elements, and derivatives of derivatives, share what they have in common;
that is not only shorter, it lets bounds see that two factors of a product are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from torchlean.graph.builder import GraphBuilder
from torchlean.graph.node import Node
from torchlean.ops import Attribute, UnsupportedError
from torchlean.ops.spelling import Operand, TensorValue
from torchlean.ops.tangents import Call, tangent

MOST_DIRECTIONS = 64
"""Elements of the variable: each costs a copy of the differentiated part of the graph."""


class Appender(Protocol):
    """What of an emitter is used; its values name their nodes, and it takes such that `made` makes."""

    def emit(self, op: str, *inputs: Any, **attributes: Attribute) -> Any: ...

    def constant(self, data: Tensor) -> Any: ...

    def value_of(self, tensor: Any) -> Tensor | None: ...


class PlacedValue(TensorValue, Protocol):
    """A tensor that names its node."""

    @property
    def node(self) -> int: ...


class IndependentError(ValueError):
    """The value does not depend on the variable, so that its derivative is surely not what was meant."""


class NoDerivativeError(Exception):
    """A node on the way has no derivative.

    Attributes:
        node: which.
    """

    def __init__(self, node: Node, reason: str) -> None:
        super().__init__(reason)
        self.node = node


def gradient(
    builder: GraphBuilder,
    emitter: Appender,
    made: Callable[[Node], PlacedValue],
    known: dict[bytes, int],
    of: PlacedValue,
    by: PlacedValue,
) -> PlacedValue:
    """The derivative of the sum of one value by another.

    Args:
        emitter: appends to `builder`.
        made: a value for a node, as this emitter takes it.
        known: nodes that derivatives made, by their digests; extended here. It may be stale.

    Returns:
        A value with the shape and dtype of `by`.

    Raises:
        IndependentError: no floating value leads from one to the other.
        NoDerivativeError: an op on the way has none.
        UnsupportedError: the dtype, or too many elements.
    """
    for name, value in (("value", of), ("variable", by)):
        if value.dtype not in (torch.float32, torch.float64):
            raise UnsupportedError(
                f"the {name} of a derivative must be float32 or float64, it is {value.type}"
            )
    count = by.type.numel
    if not 0 < count <= MOST_DIRECTIONS:
        raise UnsupportedError(
            f"derivatives are taken by up to {MOST_DIRECTIONS} numbers, and this has {count}: shape {by.shape}"
        )
    path = between(builder, of.node, by.node)
    if not path:
        raise IndependentError("the value does not depend on the variable")
    shared = Sharing(builder, emitter, known, made)
    slopes = [_directional(shared, path, of, by, place) for place in range(count)]
    if all(slope is None for slope in slopes):
        return shared.constant(torch.zeros(by.shape, dtype=by.dtype))
    zero = shared.constant(torch.zeros(1, dtype=of.dtype))
    flat = [zero if s is None else shared.emit("reshape", s, shape=(1,)) for s in slopes]
    whole = flat[0] if count == 1 else shared.emit("cat", *flat, dim=0)
    if by.shape != (count,):
        whole = shared.emit("reshape", whole, shape=by.shape)
    return whole if whole.dtype == by.dtype else shared.emit("cast", whole, dtype=by.dtype)


def between(builder: GraphBuilder, of: int, by: int) -> list[Node]:
    """The nodes after `by` that it leads to, through floating values, and that lead to `of`, in order."""
    nodes = builder.nodes
    if of == by:
        return [nodes[by]]
    below, stack = {of}, [of]
    while stack:
        for id in nodes[stack.pop()].inputs:
            if id not in below and id >= by:
                below.add(id)
                stack.append(id)
    moved = {by}
    for id in sorted(below):
        node = nodes[id]
        if node.type.dtype.is_floating_point and not moved.isdisjoint(node.inputs):
            moved.add(id)
    return [nodes[id] for id in sorted(moved & below)] if of in moved else []


def _directional(
    shared: Sharing, path: Sequence[Node], of: PlacedValue, by: PlacedValue, place: int
) -> TensorValue | None:
    """The derivative of the sum of `of` along one element of `by`; None where it is zero."""
    seed = torch.zeros(by.type.numel, dtype=by.dtype)
    seed[place] = 1.0
    tangents: dict[int, TensorValue] = {by.node: shared.constant(seed.reshape(by.shape))}
    for node in path:
        if node.id == by.node:
            continue
        moved = tuple(tangents.get(id) for id in node.inputs)
        if all(each is None for each in moved):
            continue
        inputs = tuple(shared.value(id) for id in node.inputs)
        call = Call(shared, node.op, inputs, moved, shared.value(node.id), node.attributes)
        try:
            found = tangent(call)
        except UnsupportedError as error:
            raise NoDerivativeError(node, str(error)) from error
        if found is not None:
            tangents[node.id] = found
    slope = tangents.get(of.node)
    if slope is None or math.prod(slope.shape) == 1:
        return slope
    return shared.emit("sum", slope, dim=tuple(range(len(slope.shape))), keepdim=False)


class Sharing:
    """An emitter that finds nodes again, and writes products so that bounds are close.

    A product with a factor twice becomes one with a square, which is known not to be negative.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        emitter: Appender,
        known: dict[bytes, int],
        made: Callable[[Node], PlacedValue],
    ) -> None:
        self._builder = builder
        self._emitter = emitter
        self._known = known
        self._made = made

    def value(self, id: int) -> PlacedValue:
        """A node as a value."""
        return self._made(self._builder.nodes[id])

    def emit(self, op: str, *inputs: Operand, **attributes: Attribute) -> PlacedValue:
        if op == "mul":
            squared = self._with_square(*inputs)
            if squared is not None:
                return squared
        return self._found(self._emitter.emit(op, *inputs, **attributes))

    def constant(self, data: Tensor) -> PlacedValue:
        return self._found(self._emitter.constant(data))

    def value_of(self, tensor: TensorValue) -> Tensor | None:
        return self._emitter.value_of(tensor)

    def random(self, *arguments: Any, **keywords: Any) -> TensorValue:
        raise AssertionError("nothing is drawn for a derivative")

    def overwrite(self, target: TensorValue, result: TensorValue) -> TensorValue:
        raise AssertionError("nothing is changed in place for a derivative")

    def _found(self, value: TensorValue) -> PlacedValue:
        """The earlier node with this content in the place of the last one, or that one."""
        nodes = self._builder.nodes
        last = nodes[-1]
        assert last.id == _id(value)
        id = self._known.get(last.digest)
        if id is not None and id < last.id and nodes[id].digest == last.digest:
            self._builder.truncate(last.id)
            return self.value(id)
        self._known[last.digest] = last.id
        return self._made(last)

    def _with_square(self, a: Operand, b: Operand) -> PlacedValue | None:
        """`x x` as a power, and `(w x) x` as `w (x x)`."""
        if isinstance(a, (int, float)) or isinstance(b, (int, float)):
            return None
        if _id(a) == _id(b):
            return self.emit("pow", a, exponent=2)
        for product, factor in ((a, b), (b, a)):
            node = self._builder.nodes[_id(product)]
            if node.op == "mul" and _id(factor) in node.inputs and product.shape == factor.shape:
                other = node.inputs[1 - node.inputs.index(_id(factor))]
                return self.emit("mul", self.value(other), self.emit("pow", factor, exponent=2))
        return None


def _id(value: TensorValue) -> int:
    id = getattr(value, "node")  # noqa: B009 - every emitter of a graph gives values that name their nodes
    assert isinstance(id, int)
    return id
