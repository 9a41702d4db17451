"""Findings that were made before: the same graph under the same regions has the same hazards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from torchlean.bounds.cache import Store
from torchlean.graph import Graph, Node
from torchlean.graph.hashing import DIGEST_BYTES, tensor_digest
from torchlean.hazards.finding import Finding
from torchlean.intervals import Interval

KEPT = 1000
"""Units whose findings are kept: those of some dozen files and their last edits."""

COMPONENTS = 20_000
"""Parts of files whose findings are kept, of operations that are read without shapes: most have one node or ten."""

NODES = 100_000
"""Nodes whose ranges are kept, of operations that are read without shapes: a kilobyte each."""


@dataclass(frozen=True, slots=True)
class NodeRange:
    """What `ranges.float_ranges` found of a node.

    Attributes:
        interval, raw: as there; `raw` is None where nothing was cut.
        overflow, undefined: whether it was noted as such.
    """

    interval: Interval
    raw: Interval | None
    overflow: bool
    undefined: bool


class HazardMemory(Store[tuple[Finding, ...]]):
    """Findings by the content they depend on: nodes, regions, what the file spells out, and where autograd records.

    `ranges` has those of single nodes without regions, by `below`; `components` the findings of what is read without
    shapes, by the content of each connected part of it.
    """

    def __init__(self) -> None:
        super().__init__(KEPT, lambda _: 1)
        self.ranges: Store[NodeRange] = Store(NODES, lambda _: 1)
        self.components: Store[tuple[Finding, ...]] = Store(COMPONENTS, lambda _: 1)


def below(node: Node, keys: Sequence[bytes]) -> bytes:
    """Hash of a node and all below it, given the hashes of the nodes before it.

    Two draws of the same distribution are not the same numbers, and relations between nodes ask for that: their digests
    have the number of the draw. Equal ops of the same operands are.
    """
    state = hashlib.blake2b(node.digest, digest_size=DIGEST_BYTES)
    state.update(repr((node.label, node.type)).encode())
    for id in node.inputs:
        state.update(keys[id])
    return state.digest()


def content_key(
    graph: Graph,
    domains: Mapping[str, Interval],
    mine: Sequence[bool],
    recorded: Sequence[bool],
    additions: Sequence[float],
    differentiated: Set[int],
) -> bytes:
    """Hash of everything that findings depend on. Labels of constants count: they keep what was written."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for node, *written in zip(graph, mine, recorded, additions, strict=True):
        state.update(node.digest)
        state.update(repr((node.inputs, node.label, written)).encode())
    state.update(repr(sorted(differentiated)).encode())
    for name, domain in sorted(domains.items()):
        state.update(repr((name, domain.undefined)).encode())
        state.update(tensor_digest(domain.lower))
        state.update(tensor_digest(domain.upper))
    return state.digest()
