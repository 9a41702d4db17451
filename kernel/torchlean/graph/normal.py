"""The normal form in which graphs of different front ends are compared: one of the ways to write the same values.

Every rule keeps each element of the result bit by bit, in whatever arithmetic. What another front end may write in
another way and round in another way (a product and a sum for `addmm`) is no matter of form, and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torchlean.graph.builder import GraphBuilder
from torchlean.graph.graph import Graph
from torchlean.graph.node import Node
from torchlean.ops.subscript import Place, canonical

COPIES = frozenset({"clone", "contiguous"})
"""The same elements in memory of their own: a graph has values and no memory."""


def normal_form(graph: Graph) -> Graph:
    """The graph of the outputs alone, without what changes no element.

    Copies, conversions, reshapes, permutations and slices that change nothing vanish; reshapes and permutations of
    one another are one; what is written where it was read from is not written; weights and constants are one kind of
    leaf. Places and labels stay.
    """
    cone, _ = graph.cone(dict.fromkeys(graph.outputs), graph.outputs)
    builder = GraphBuilder()
    new: list[int] = []
    for node in cone:
        new.append(_rewritten(node, [new[id] for id in node.inputs], builder))
    result = builder.graph(new[id] for id in cone.outputs)
    return result.cone(dict.fromkeys(result.outputs), result.outputs)[0]


def _rewritten(node: Node, inputs: list[int], builder: GraphBuilder) -> int:
    """The id of the node's value in the new graph."""
    if node.data is not None:
        return builder.parameter(node.data, node.label or "", node.spans).id
    if not node.inputs:
        builder.nodes.append(replace(node, id=len(builder.nodes)))
        return len(builder.nodes) - 1
    rule = RULES.get(node.op)
    found = None if rule is None else rule(node, inputs, builder)
    return builder.op(node.op, inputs, node.attributes, node.spans, node.label).id if found is None else found


Rule = Callable[[Node, list[int], GraphBuilder], "int | None"]
"""What a node becomes: an id, or None where it stays what it is."""


def _copy(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    return inputs[0]


def _same_type(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    """A conversion or expansion to the type that the operand has."""
    return inputs[0] if builder.nodes[inputs[0]].type == node.type else None


def _reshape(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    source = inputs[0]
    while builder.nodes[source].op == "reshape":
        source = builder.nodes[source].inputs[0]
    if builder.nodes[source].type == node.type:
        return source
    return builder.op("reshape", (source,), node.attributes, node.spans, node.label).id


def _permute(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    source, dims = builder.nodes[inputs[0]], _integers(node.attributes["dims"])
    if source.op == "permute":
        inner = _integers(source.attributes["dims"])
        source, dims = builder.nodes[source.inputs[0]], tuple(inner[dim] for dim in dims)
    if dims == tuple(range(len(dims))):
        return source.id
    return builder.op("permute", (source.id,), {"dims": dims}, node.spans, node.label).id


def _integers(value: object) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return tuple(int(item) for item in value)


def _slice(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    """One slice of what a chain of them takes from; or what has just been written there; or all of a tensor."""
    source, places = builder.nodes[inputs[0]], _places(node)
    if None in places:
        # A dimension of size 1 is a matter of shape.
        plain = tuple(place for place in places if place is not None)
        taken = builder.op("slice", inputs, {"index": plain}, node.spans)
        inner = _slice(taken, inputs, builder)
        operand = taken.id if inner is None else inner
        return builder.op("reshape", (operand,), {"shape": node.type.shape}, node.spans, node.label).id
    if source.op == "slice" and None not in _places(source):
        places = _composed(_places(source), places)
        source = builder.nodes[source.inputs[0]]
    if source.op == "slice_update" and source.attributes["index"] == places:
        written = source.inputs[1]
        return written if builder.nodes[written].type == node.type else None
    if source.type == node.type and places == tuple((0, size, 1) for size in source.type.shape):
        return source.id
    return builder.op("slice", (source.id,), {"index": places}, node.spans, node.label).id


def _places(node: Node) -> tuple[Place, ...]:
    places = node.attributes["index"]
    assert isinstance(places, tuple)
    return places


def _composed(inner: tuple[Place, ...], outer: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places of the original that a slice of a slice takes."""
    rest = iter(outer)
    found: list[Place] = []
    for place in inner:
        if not isinstance(place, tuple):
            found.append(place)
            continue
        taken = next(rest, None)
        if taken is None:
            found.append(place)
        elif isinstance(taken, tuple):
            found.append(canonical(range(*place)[slice(*taken)]))
        else:
            found.append(range(*place)[taken])
    return tuple(found)


def _update(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    """What was read from a place and is written there again; or what is written over at once; or a write into a part
    that is written back."""
    target, value, places = builder.nodes[inputs[0]], builder.nodes[inputs[1]], _places(node)
    if value.op == "slice" and _places(value) == places and value.inputs == (target.id,):
        return target.id
    if target.op == "slice_update" and _places(target) == places:
        return builder.op(node.op, (target.inputs[0], value.id), node.attributes, node.spans, node.label).id
    part = builder.nodes[value.inputs[0]] if value.op == "slice_update" else None
    if part is None or part.op != "slice" or part.inputs != (target.id,) or _places(part) != places:
        return None
    if None in places or None in _places(value):
        return None
    index = _composed(places, _places(value))
    return builder.op(node.op, (target.id, value.inputs[1]), {"index": index}, node.spans, node.label).id


def _interpolate(node: Node, inputs: list[int], builder: GraphBuilder) -> int | None:
    """One scale for all dimensions may be written once, or for each of them."""
    scale = node.attributes.get("scale")
    if not isinstance(scale, tuple) or len(set(scale)) != 1:
        return None
    attributes = {**node.attributes, "scale": scale[0]}
    return builder.op(node.op, inputs, attributes, node.spans, node.label).id


RULES: dict[str, Rule] = {
    **dict.fromkeys(COPIES, _copy),
    "cast": _same_type,
    "expand": _same_type,
    "reshape": _reshape,
    "permute": _permute,
    "slice": _slice,
    "interpolate": _interpolate,
    "slice_update": _update,
}
