"""Findings of what is read without shapes, one connected part of it at a time.

Functions that share no tensor make parts of the graph that share no operand, and what is found in one part depends on
nothing outside of it. Each part is numbered from zero and looked up by its content, so that an edit costs the parts
that it changes; places in the text are no content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.graph.hashing import DIGEST_BYTES, tensor_digest
from torchlean.hazards.case import Case
from torchlean.hazards.causes import causes
from torchlean.hazards.finding import Finding
from torchlean.hazards.memory import HazardMemory
from torchlean.hazards.patterns import consumers
from torchlean.hazards.ranges import float_ranges
from torchlean.ops import Attribute


def component_findings(
    nodes: Sequence[Node],
    mine: Sequence[bool],
    recorded: Sequence[bool],
    memory: HazardMemory,
    cancelled: Callable[[], bool],
) -> list[Finding]:
    """The findings that carry a report, in order of execution.

    Args:
        nodes: of a graph; their digests are not looked at.
        mine, recorded: of each node, as in `Case`.
        memory: findings of parts with the same content.
        cancelled: asked before every node whose range is computed.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    found: list[Finding] = []
    for ids in components(nodes):
        part = [nodes[id] for id in ids]
        written = [(mine[id], recorded[id]) for id in ids]
        key = _key(part, written)
        known = memory.components.get(key)
        if known is None:
            known = _examined(_renumbered(part), written, memory, cancelled)
            memory.components.put(key, known)
        found += (_moved(finding, ids) for finding in known)
    return sorted(found, key=lambda finding: finding.node)


def components(nodes: Sequence[Node]) -> list[list[int]]:
    """The ids of the nodes that operands connect, each list ascending."""
    parents = list(range(len(nodes)))

    def root(id: int) -> int:
        while parents[id] != id:
            parents[id] = id = parents[parents[id]]
        return id

    for node in nodes:
        for operand in node.inputs:
            parents[root(operand)] = root(node.id)
    parts: dict[int, list[int]] = {}
    for node in nodes:
        parts.setdefault(root(node.id), []).append(node.id)
    return list(parts.values())


def _numbered(part: Sequence[Node]) -> Iterator[tuple[Node, list[int], Mapping[str, Attribute]]]:
    """The nodes with their operands and attributes, where ids and numbers of draws count from zero."""
    places: dict[int, int] = {}
    draws: dict[Attribute, int] = {}
    for place, node in enumerate(part):
        places[node.id] = place
        attributes = node.attributes
        if node.op == "random":
            draw = draws.setdefault(attributes["serial"], len(draws))
            attributes = {**attributes, "serial": draw}
        yield node, [places[id] for id in node.inputs], attributes


def _key(part: Sequence[Node], written: Sequence[tuple[bool, bool]]) -> bytes:
    """Hash of everything that findings depend on. Labels count: those of constants keep what was written."""
    content: list[object] = [written]
    for node, inputs, attributes in _numbered(part):
        content.append((node.op, node.label, inputs, attributes))
        if not inputs:
            # Types of other nodes follow from those of the leaves.
            content.append((str(node.type), None if node.data is None else tensor_digest(node.data)))
    return hashlib.blake2b(repr(content).encode(), digest_size=DIGEST_BYTES).digest()


def _renumbered(part: Sequence[Node]) -> Graph:
    """The part as a graph of its own, with digests."""
    builder = GraphBuilder()
    for node, inputs, attributes in _numbered(part):
        builder.again(node, inputs, attributes)
    return builder.graph()


def _examined(
    graph: Graph,
    written: Sequence[tuple[bool, bool]],
    memory: HazardMemory,
    cancelled: Callable[[], bool],
) -> tuple[Finding, ...]:
    ranges = float_ranges(graph, {}, None, cancelled, memory)
    mine, recorded = ([how[place] for how in written] for place in (0, 1))
    return tuple(causes(Case(graph, ranges, consumers(graph), mine, recorded, [1.0] * len(graph))))


def _moved(finding: Finding, ids: Sequence[int]) -> Finding:
    """The finding by the ids of the whole graph."""
    return replace(
        finding,
        node=ids[finding.node],
        operand=ids[finding.operand],
        because=[ids[id] for id in finding.because],
    )


__all__ = ["component_findings", "components"]
