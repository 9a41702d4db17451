"""Nodes that only move elements of another, which rows pass without a stop.

Reshaping, permuting, slicing, changing signs: no number is rounded there, in values as in coefficients. So a row that
arrives at such a node may go on to where its elements come from, and nothing is lost on the way. Blocks of attention
have a dozen of these for every product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchlean.graph.node import Node
from torchlean.intervals import Interval
from torchlean.ops.linearization import Affine, Transpose


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node has its elements from.

    Attributes:
        source: the nearest node below that does more than to move elements.
        back: coefficients of the node, (rows, *node), to those of the source, (rows, *source), exactly.
    """

    source: int
    back: Transpose

    def after(self, transpose: Transpose) -> Transpose:
        """A map of coefficients to the node, continued to the source."""
        back = self.back
        return lambda rows: back(transpose(rows))


def origin(
    node: Node,
    parts: Sequence[Affine | None],
    offset: Interval,
    found: Mapping[int, Origin],
) -> Origin | None:
    """The origin of an affine node, or None where it does more than to move elements.

    Args:
        parts: the linear map from each operand that varies.
        offset: the node's value where these are zero.
        found: the origins of the nodes below.
    """
    varying = [(id, part) for id, part in zip(node.inputs, parts, strict=True) if part is not None]
    if len(varying) != 1 or bool(offset.lower.any()) or bool(offset.upper.any()) or offset.undefined:
        return None
    ((id, part),) = varying
    if part.terms or part.forward is None or part.window is not None:
        return None
    below = found.get(id)
    return Origin(id, part.transpose) if below is None else Origin(below.source, below.after(part.transpose))


__all__ = ["Origin", "origin"]
