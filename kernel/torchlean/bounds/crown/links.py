"""Which nodes of a graph are in a chain (`chain`), and how each depends on the one below it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from torchlean.bounds.crown.anchors import Constant
from torchlean.bounds.device import PROCESSOR, current
from torchlean.graph import LEAVES, Graph, Node
from torchlean.intervals.affine import magnitude
from torchlean.ops import OPS
from torchlean.ops.elementwise import Elementwise
from torchlean.ops.linearization import Affine

Array = npt.NDArray[np.float64]

LARGEST = 2**22
"""Entries of a matrix, 32 MiB: beyond, bookkeeping is nothing beside products."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a node of the chain depends on the one below it.

    Attributes:
        operand: id of the node below; None at an input.
        matrix, sizes: of a matrix product, (elements, elements below), and its absolute values.
        scale: of an op that multiplies each element by a constant, (elements,).
        terms: the most products that a coefficient adds up on its way through.
        point, size, slack: the value where the operand is zero, as in `steps.Constant`; (elements,).
        curve: of a function of single elements, its node.
    """

    operand: int | None = None
    matrix: Array | None = None
    sizes: Array | None = None
    scale: Array | None = None
    terms: int = 0
    point: Array | None = None
    size: Array | None = None
    slack: Array | None = None
    curve: Node | None = None


def links(
    graph: Graph,
    varies: Sequence[bool],
    parts: Mapping[int, Sequence[Affine | None]],
    starts: Mapping[int, Constant],
) -> dict[int, Link]:
    """The nodes of a graph that are in a chain; none on another device, since chains are numpy's."""
    found: dict[int, Link] = {}
    if current() != PROCESSOR:
        return found
    for node in graph:
        if not varies[node.id] or not node.type.dtype.is_floating_point:
            continue
        if node.op in LEAVES:
            found[node.id] = Link()
            continue
        below = [id for id in node.inputs if varies[id]]
        if len(below) != 1 or below[0] not in found:
            continue
        link = _link(graph, node, below[0], parts.get(node.id), starts.get(node.id))
        if link is not None:
            found[node.id] = link
    return found


def _link(
    graph: Graph,
    node: Node,
    below: int,
    parts: Sequence[Affine | None] | None,
    constant: Constant | None,
) -> Link | None:
    shape = graph[below].type.shape
    if parts is None:
        alone = len(node.inputs) == 1 and shape == node.type.shape
        return Link(below, curve=node) if alone and isinstance(OPS[node.op], Elementwise) else None
    part = parts[node.inputs.index(below)]
    if part is None or part.forward is None or part.window is not None or constant is None:
        return None
    point, size, slack = (each.flatten().numpy() for each in (constant.point, constant.size, constant.slack))
    if node.op == "reshape":
        return Link(below, scale=np.ones(1), point=point, size=size, slack=slack)
    if isinstance(OPS[node.op], Elementwise):
        if shape != node.type.shape:
            return None
        scale = part.transpose(torch.ones(1, *node.type.shape, dtype=torch.float64)).flatten().numpy()
        return Link(below, scale=scale, terms=part.terms, point=point, size=size, slack=slack)
    matrix = _matrix(part, node.type.shape, math.prod(shape))
    if matrix is None:
        return None
    sizes = magnitude(matrix).numpy()
    return Link(below, matrix.numpy(), sizes, terms=part.terms, point=point, size=size, slack=slack)


def _matrix(part: Affine, shape: tuple[int, ...], below: int) -> torch.Tensor | None:
    """The map's matrix, (elements, elements below); products with zero and one are exact."""
    count = math.prod(shape)
    if not part.terms or count * max(below, count) > LARGEST:
        return None
    if part.unit is not None:
        return part.unit(torch.arange(count)).reshape(count, below)
    rows = torch.eye(count, dtype=torch.float64).reshape(count, *shape)
    return part.transpose(rows).reshape(count, below).contiguous()


__all__ = ["Array", "Link", "links"]
