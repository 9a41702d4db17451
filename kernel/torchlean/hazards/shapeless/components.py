"""Findings of what is read without shapes, one connected part of it at a time.

Functions that share no tensor make parts of the graph that share no operand, and what is found in one part depends on
nothing outside of it. Each part is numbered from zero and looked up by its content, so that an edit costs the parts
that it changes; places in the text are no content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.graph.hashing import DIGEST_BYTES, tensor_digest
from torchlean.hazards.case import Case
from torchlean.hazards.causes import causes
from torchlean.hazards.finding import Finding
from torchlean.hazards.memory import HazardMemory
from torchlean.hazards.patterns import consumers
from torchlean.hazards.ranges import float_ranges


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
        part = _renumbered(nodes, ids)
        written = [(mine[id], recorded[id]) for id in ids]
        key = _key(part, written)
        known = memory.components.get(key)
        if known is None:
            known = _examined(part, written, memory, cancelled)
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


def _renumbered(nodes: Sequence[Node], ids: Sequence[int]) -> list[Node]:
    """The nodes with ids and serial numbers of draws that count from zero."""
    places = {old: new for new, old in enumerate(ids)}
    serials: dict[object, int] = {}
    part = []
    for new, old in enumerate(ids):
        node = nodes[old]
        attributes = node.attributes
        if "serial" in attributes:
            serial = serials.setdefault(attributes["serial"], len(serials))
            attributes = {**attributes, "serial": serial}
        inputs = tuple(places[id] for id in node.inputs)
        part.append(Node(new, node.op, inputs, attributes, node.type, b"", (), node.data, node.label))
    return part


def _key(part: Sequence[Node], written: Sequence[tuple[bool, bool]]) -> bytes:
    """Hash of everything that findings depend on. Labels count: those of constants keep what was written."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for node, how in zip(part, written, strict=True):
        data = None if node.data is None else tensor_digest(node.data)
        # Types of other nodes follow from those of the leaves.
        type = None if node.inputs else str(node.type)
        state.update(repr((node.op, node.inputs, node.attributes, type, data, node.label, how)).encode())
    return state.digest()


def _examined(
    part: Sequence[Node],
    written: Sequence[tuple[bool, bool]],
    memory: HazardMemory,
    cancelled: Callable[[], bool],
) -> tuple[Finding, ...]:
    graph = _hashed(part)
    ranges = float_ranges(graph, {}, None, cancelled, memory)
    mine, recorded = ([how[place] for how in written] for place in (0, 1))
    return tuple(causes(Case(graph, ranges, consumers(graph), mine, recorded, [1.0] * len(graph))))


def _hashed(part: Sequence[Node]) -> Graph:
    """The part as a graph whose nodes have their digests."""
    builder = GraphBuilder()
    for node in part:
        builder.again(node)
    return builder.graph()


def _moved(finding: Finding, ids: Sequence[int]) -> Finding:
    """The finding by the ids of the whole graph."""
    return replace(
        finding,
        node=ids[finding.node],
        operand=ids[finding.operand],
        because=[ids[id] for id in finding.because],
    )


__all__ = ["component_findings", "components"]
