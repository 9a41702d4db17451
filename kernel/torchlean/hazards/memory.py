"""Findings that were made before: the same graph under the same regions has the same hazards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from torchlean.bounds.cache import Store
from torchlean.graph import Graph
from torchlean.graph.hashing import DIGEST_BYTES, tensor_digest
from torchlean.hazards.finding import Finding
from torchlean.intervals import Interval

KEPT = 1000
"""Units whose findings are kept: those of some dozen files and their last edits."""


class HazardMemory(Store[tuple[Finding, ...]]):
    """Findings by the content they depend on: nodes, regions, what the file spells out, and where autograd records."""

    def __init__(self) -> None:
        super().__init__(KEPT, lambda _: 1)


def content_key(
    graph: Graph,
    domains: Mapping[str, Interval],
    mine: Sequence[bool],
    recorded: Sequence[bool],
    additions: Sequence[float],
) -> bytes:
    """Hash of everything that findings depend on. Labels of constants count: they keep what was written."""
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for node, *written in zip(graph, mine, recorded, additions, strict=True):
        state.update(node.digest)
        state.update(repr((node.inputs, node.label, written)).encode())
    for name, domain in sorted(domains.items()):
        state.update(repr((name, domain.undefined)).encode())
        state.update(tensor_digest(domain.lower))
        state.update(tensor_digest(domain.upper))
    return state.digest()
