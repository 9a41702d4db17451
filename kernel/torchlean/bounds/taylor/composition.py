"""Chains of affine ops as one matrix each, from everything nonlinear below: a form over many boxes costs one product.

The *base* of a graph are its inputs and the values of its nonlinear ops, element by element. Every node is an affine
function of the base, `W b + c`. `W` is composed of the ops' own maps once, for all boxes. A coefficient of the composed
map is a sum over paths of products of weights; computed in float64 it is off by at most `gamma(n) S`, where `n` adds up
the roundings along the longest path and `S` is the same sum of magnitudes (Higham, section 3.1), and so is `c`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.crown.structure import Structure
from torchlean.graph import Node
from torchlean.intervals.rounding import gamma
from torchlean.ops.linearization import Affine

LARGEST = 2.0**200
"""Of composed magnitudes: below, what underflows on the way weighs less than `FLOOR` gives away."""

FLOOR = 2.0**-500


@dataclass(frozen=True, eq=False, slots=True)
class Composed:
    """A node as an affine function of the first elements of the base; it depends on none of the others.

    Attributes:
        matrix: (base, elements).
        size: of what `matrix` was rounded from, (base, elements); `roundings` many roundings lie behind.
        offset: (elements,), and how far the exact one may be from it, `radius`.
    """

    matrix: Tensor
    size: Tensor
    offset: Tensor
    radius: Tensor
    roundings: int

    def finite(self) -> bool:
        largest = [float(x.abs().max()) for x in (self.size, self.offset, self.radius) if x.numel()]
        return all(value <= LARGEST for value in largest)


@dataclass(frozen=True, eq=False, slots=True)
class _Map:
    """The same with the node's shape: (base, *node) and (*node)."""

    coefficients: Tensor
    size: Tensor
    point: Tensor
    met: Tensor
    radius: Tensor
    roundings: int

    def composed(self) -> Composed:
        share = 2 * gamma(self.roundings + 2)
        radius = self.radius * (1 + share) + self.met * share + FLOOR
        size = self.size.reshape(len(self.size), -1)
        used = (size != 0).any(1).nonzero().flatten()
        count = int(used[-1]) + 1 if len(used) else 0
        return Composed(
            self.coefficients.reshape(size.shape)[:count],
            size[:count] + FLOOR,
            self.point.reshape(-1),
            radius.reshape(-1),
            self.roundings,
        )


def compose(
    shape: Structure, order: Sequence[Node], base: Mapping[int, slice], wanted: Sequence[int]
) -> dict[int, Composed] | None:
    """Some nodes as functions of the base.

    Args:
        order: the nodes, operands first.
        base: per node that is not affine, or an input, its place in the base.
        wanted: ids of what is asked for.

    Returns:
        None where numbers are too large.
    """
    count = max((place.stop for place in base.values()), default=0)
    maps: dict[int, _Map] = {}
    for node in order:
        if node.id in base:
            maps[node.id] = _itself(node, base[node.id], count)
            continue
        parts = shape.parts[node.id]
        known = [(part, maps[id]) for part, id in zip(parts, node.inputs, strict=True) if part is not None]
        maps[node.id] = _through(shape, node, known)
    found = {id: maps[id].composed() for id in wanted}
    return found if all(composed.finite() for composed in found.values()) else None


def _itself(node: Node, place: slice, count: int) -> _Map:
    size = place.stop - place.start
    unit = torch.zeros(count, size, dtype=torch.float64)
    unit[place] = torch.eye(size, dtype=torch.float64)
    unit = unit.reshape(count, *node.type.shape)
    nothing = torch.zeros(node.type.shape, dtype=torch.float64)
    return _Map(unit, unit, nothing, nothing, nothing, 0)


def _through(shape: Structure, node: Node, known: Sequence[tuple[Affine, _Map]]) -> _Map:
    offset = shape.offsets[node.id]
    first, *rest = ((_forward(part, x.coefficients), _pushed(part, x.size), part, x) for part, x in known)
    coefficients, size = first[0], first[1]
    for more, larger, _, _ in rest:
        coefficients, size = coefficients + more, size + larger
    point, met, radius = offset.lower, offset.lower.abs(), offset.upper - offset.lower
    for part, x in known:
        point = point + _forward(part, x.point.unsqueeze(0))[0]
        met = met + _pushed(part, x.met.unsqueeze(0))[0]
        radius = radius + _pushed(part, x.radius.unsqueeze(0))[0]
    roundings = max(x.roundings + part.terms for part, x in known) + len(known) + 2
    return _Map(coefficients, size, point, met, radius, roundings)


def _forward(part: Affine, values: Tensor) -> Tensor:
    assert part.forward is not None
    return part.forward(values)


def _pushed(part: Affine, sizes: Tensor) -> Tensor:
    """`|J| sizes`."""
    return part.magnitude(sizes) if part.magnitude is not None else _forward(part, sizes).abs()


__all__ = ["Composed", "compose"]
