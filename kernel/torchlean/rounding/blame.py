"""Which places of the source an error comes from.

Blame is shared along the graph: at the element of a node with the largest error, the node's own rounding and each
operand's error contribute known parts; an operand's part is divided among places as the operand's own error is. That
takes a tensor's errors to come from the same places everywhere, so shares are a guide and no bounds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TypeVar

from torchlean.graph import Graph
from torchlean.rounding.cache import NodeError
from torchlean.rounding.engine import Errors

Place = TypeVar("Place", bound=Hashable)

SMALLEST_SHARE = 1e-4
"""Smaller shares are dropped: deep networks have many lines, and nobody asks for the ten-thousandth part."""


def blame(graph: Graph, errors: Errors, places: Sequence[Place]) -> list[dict[Place, float]]:
    """For each node, what share of its error comes from which place; empty where there is no error.

    Args:
        places: of the nodes; equal places are counted together.
    """
    shares: list[dict[Place, float]] = []
    for node, place in zip(graph, places, strict=True):
        error = errors[node.id]
        shares.append(
            {}
            if error.error is None
            else _shares(error, place, [errors[id] for id in node.inputs], [shares[id] for id in node.inputs])
        )
    return shares


def _shares(
    error: NodeError, place: Place, operands: Sequence[NodeError], before: Sequence[dict[Place, float]]
) -> dict[Place, float]:
    local, passed = error.local, list(error.passed)
    if error.largest == math.inf:
        # Operands without a bound are to blame, whatever the rest contributes; without such, the op itself, where a
        # small error becomes an infinite one.
        passed = [
            float(part == operand.largest == math.inf)
            for part, operand in zip(passed, operands, strict=False)
        ]
        local = 0.0 if any(passed) else 1.0
    elif math.inf in (local, *passed):
        # The result has limits whatever comes in: what has none is to blame.
        local, passed = float(local == math.inf), [float(part == math.inf) for part in passed]
    found = {place: local} if local > 0 else {}
    for part, shares in zip(passed, before, strict=False):
        for origin, share in shares.items():
            found[origin] = found.get(origin, 0.0) + part * share
    whole = math.fsum(found.values())
    if not whole > 0:
        return {place: 1.0} if error.largest > 0 else {}
    return {origin: size / whole for origin, size in found.items() if size >= SMALLEST_SHARE * whole}


__all__ = ["blame"]
