"""Piecewise linear ops: exact in floating point except where a slope multiplies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch

from torchlean.certificate.assembly import Element, Place
from torchlean.certificate.lowering import Lowering, NotCheckableError, place
from torchlean.certificate.network import Hinge, Role
from torchlean.graph import Node
from torchlean.ops.windows import elements_under, places


def relu(lowering: Lowering, node: Node) -> list[Element]:
    return _rectified(lowering, lowering.operand(node))


def _rectified(lowering: Lowering, elements: Sequence[Element]) -> list[Element]:
    return lowering.assembly.hinge(
        elements, lambda value: Hinge(value, 0, 0, 0, 0, 1), lambda number: max(number, Fraction(0))
    )


def absolute(lowering: Lowering, node: Node) -> list[Element]:
    return lowering.assembly.hinge(
        lowering.operand(node), lambda value: Hinge(value, 0, 0, 0, -1, 1), lambda number: abs(number)
    )


def leaky(lowering: Lowering, node: Node) -> list[Element]:
    """The slope is a float64 number in the mathematics, and is rounded to the tensor's dtype in an execution."""
    written = node.attributes["negative_slope"]
    assert isinstance(written, int | float)
    slope = Fraction(float(written))
    executed = Fraction(float(torch.tensor(float(written), dtype=node.type.dtype).double()))
    machine = lowering.machine(node)
    scale = slope.denominator.bit_length() - 1

    def error(low: Fraction, high: Fraction) -> Fraction:
        if low >= 0 or machine.model is None:
            return Fraction(0)
        return abs(executed - slope) * -low + machine.product(abs(executed) * -low)

    def known(number: Fraction) -> Fraction:
        raise NotCheckableError(f"{place(node)} of known numbers is outside the Lean checker")

    return lowering.assembly.hinge(
        lowering.operand(node),
        lambda value: Hinge(value, scale, 0, 0, slope.numerator, 1 << scale),
        known,
        error,
    )


def clamped(lowering: Lowering, node: Node) -> list[Element]:
    return _between(lowering, node, node.attributes.get("min"), node.attributes.get("max"))


def relu6(lowering: Lowering, node: Node) -> list[Element]:
    return _between(lowering, node, 0.0, 6.0)


def hardtanh(lowering: Lowering, node: Node) -> list[Element]:
    return _between(lowering, node, node.attributes["min_val"], node.attributes["max_val"])


def _between(lowering: Lowering, node: Node, low: object, high: object) -> list[Element]:
    """`min(max(x, low), high)`: one hinge for each limit."""
    elements = lowering.operand(node)
    for limit, upper in ((low, False), (high, True)):
        if limit is not None:
            assert isinstance(limit, int | float)
            elements = _limit(lowering, node, elements, float(limit), upper)
    return elements


def _limit(
    lowering: Lowering, node: Node, elements: Sequence[Element], limit: float, upper: bool
) -> list[Element]:
    """Limits are rounded to the grid, and in an execution to the dtype first; the result moves by no more than that."""
    if limit in (float("inf"), float("-inf")):
        return list(elements)
    unit = 1 << lowering.assembly.grid
    executed = Fraction(float(torch.tensor(limit, dtype=node.type.dtype).double()))
    exact = Fraction(limit) if lowering.exact else executed
    kink = round(exact * unit)
    off = abs(Fraction(kink, unit) - exact)
    below, above = (1, 0) if upper else (0, 1)

    def known(number: Fraction) -> Fraction:
        if exact != executed:
            raise NotCheckableError(f"{place(node)} of known numbers is outside the Lean checker")
        return min(number, exact) if upper else max(number, exact)

    def moved(low: Fraction, high: Fraction) -> Fraction:
        return off

    return lowering.assembly.hinge(
        elements, lambda value: Hinge(value, 0, kink, kink, below, above), known, moved if off else None
    )


def limited(
    lowering: Lowering, left: Sequence[Element], right: Sequence[Element], sign: int
) -> list[Element]:
    """The larger (sign 1) or smaller (sign -1) of each pair: `b + relu(a - b)`, or `b - relu(b - a)`."""
    differences: list[dict[Place, Fraction]] = []
    offsets: list[Fraction] = []
    for a, b in zip(left, right, strict=True):
        row, offset = _combination([(a, sign), (b, -sign)])
        differences.append(row)
        offsets.append(offset)
    gains = _rectified(lowering, lowering.assembly.linear(differences, offsets, Role.THOUGHT))
    rows, bias = [], []
    for b, gain in zip(right, gains, strict=True):
        row, offset = _combination([(b, 1), (gain, sign)])
        rows.append(row)
        bias.append(offset)
    return lowering.assembly.linear(rows, bias, Role.CHOICE)


def _combination(parts: Sequence[tuple[Element, int]]) -> tuple[dict[Place, Fraction], Fraction]:
    row: dict[Place, Fraction] = {}
    offset = Fraction(0)
    for element, factor in parts:
        if isinstance(element, Fraction):
            offset += factor * element
        else:
            row[element] = row.get(element, Fraction(0)) + factor
    return row, offset


def reduced(lowering: Lowering, node: Node, sign: int) -> list[Element]:
    """The largest (or smallest) along dimensions."""
    operand = lowering.graph[node.inputs[0]]
    dims = node.attributes["dim"]
    assert isinstance(dims, tuple)
    rank = len(operand.type.shape)
    along = [int(dim) % rank for dim in dims if isinstance(dim, int)] or list(range(rank))
    kept = [dim for dim in range(rank) if dim not in along]
    numbering = torch.arange(operand.type.numel).reshape(operand.type.shape)
    table = numbering.permute((*kept, *along)).reshape(node.type.numel, -1)
    elements = lowering.operand(node)
    return _tournament(lowering, [[elements[k] for k in group] for group in table.tolist()], sign)


def greatest_under_window(lowering: Lowering, node: Node) -> list[Element]:
    """Max pooling; padding counts as minus infinity, that is not at all."""
    attributes: Any = node.attributes
    rank = attributes["rank"]
    shape, out = lowering.graph[node.inputs[0]].type.shape, node.type.shape
    names = ("kernel_size", "stride", "dilation", "padding")
    windows = [
        places(*window) for window in zip(out[-rank:], *(attributes[name] for name in names), strict=True)
    ]
    under = elements_under(windows, shape[-rank:])
    if under is None:
        raise NotCheckableError(f"{place(node)} with windows beyond the edge is outside the Lean checker")
    elements = lowering.operand(node)
    size = math.prod(shape[-rank:])
    groups = [
        [elements[start + k] for k in window]
        for start in range(0, len(elements), size)
        for window in under.reshape(-1, under.shape[-1]).tolist()
    ]
    return _tournament(lowering, groups, 1)


def _tournament(lowering: Lowering, groups: Sequence[list[Element]], sign: int) -> list[Element]:
    """The winner of each group (all of one size), pair by pair."""
    while (count := len(groups[0])) > 1:
        half = count // 2
        left = [element for group in groups for element in group[:half]]
        right = [element for group in groups for element in group[half : 2 * half]]
        winners = limited(lowering, left, right, sign)
        groups = [
            [*winners[number * half : (number + 1) * half], *group[2 * half :]]
            for number, group in enumerate(groups)
        ]
    return [group[0] for group in groups]


__all__ = [
    "absolute",
    "clamped",
    "greatest_under_window",
    "hardtanh",
    "leaky",
    "limited",
    "reduced",
    "relu",
    "relu6",
]
