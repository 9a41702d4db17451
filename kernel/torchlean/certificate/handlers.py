"""How each op becomes nodes of the checker's network. What has no handler is outside the checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

import torch

from torchlean.certificate.affine import (
    averaged,
    broadcast,
    combined,
    contracted,
    divided,
    multiplied,
    negated,
    read,
)
from torchlean.certificate.assembly import Element
from torchlean.certificate.lowering import Lowering, NotCheckableError, place
from torchlean.certificate.normalization import normalized
from torchlean.certificate.pieces import (
    absolute,
    clamped,
    greatest_under_window,
    hardtanh,
    leaky,
    limited,
    reduced,
    relu,
    relu6,
)
from torchlean.graph import Graph, Node
from torchlean.ops import OPS
from torchlean.ops.fused import FUSED
from torchlean.ops.op import Attributes

Handler: TypeAlias = Callable[[Lowering, Node], list[Element]]

_MOVES = frozenset(
    {
        "reshape",
        "permute",
        "expand",
        "slice",
        "cat",
        "stack",
        "repeat",
        "repeat_interleave",
        "flip",
        "roll",
        "diagonal",
        "clone",
        "contiguous",
        "gather",
        "index",
    }
)
"""Ops whose elements are elements of their operands, wherever the operands' numbers are."""


def moved(graph: Graph, node: Node) -> list[tuple[int, int]] | None:
    """For each element of a layout op the operand's node and element that it is; None for other ops.

    The op is executed on the numbers of its operands' elements.
    """
    if node.op not in _MOVES:
        return None
    movable = [node.inputs[0]] if node.op in ("gather", "index") else list(node.inputs)
    indices = [graph[id].data for id in node.inputs[len(movable) :]]
    starts, tables = [0], []
    for id in movable:
        type = graph[id].type
        tables.append(torch.arange(starts[-1], starts[-1] + type.numel).reshape(type.shape))
        starts.append(starts[-1] + type.numel)
    known = [index for index in indices if index is not None]
    if len(known) < len(indices):
        return None
    ends = list(pairwise(starts))
    found = []
    for number in OPS[node.op].evaluate([*tables, *known], node.attributes).flatten().tolist():
        (operand,) = (k for k, (low, high) in enumerate(ends) if low <= number < high)
        found.append((movable[operand], number - starts[operand]))
    return found


def _moved(lowering: Lowering, node: Node) -> list[Element]:
    source = moved(lowering.graph, node)
    if source is None:
        raise NotCheckableError(f"{place(node)} with places that are computed is outside the Lean checker")
    used = {id for id, _ in source}
    elements = {id: read(lowering, node, number) for number, id in enumerate(node.inputs) if id in used}
    return [elements[id][element] for id, element in source]


def _padded(lowering: Lowering, node: Node) -> list[Element]:
    """Elements of the operand, and a fixed number where there is none."""
    operand = lowering.graph[node.inputs[0]]
    numbering = torch.arange(1, operand.type.numel + 1).reshape(operand.type.shape)
    attributes: Attributes = node.attributes
    if attributes["mode"] == "constant":
        attributes = {**attributes, "value": 0}
    else:
        # Other modes read places only, but not of integers.
        numbering = numbering.double()
    found = OPS["pad"].evaluate([numbering], attributes).flatten().long().tolist()
    value = node.attributes.get("value")
    filled = Fraction(float(value)) if isinstance(value, int | float) else Fraction(0)
    elements = lowering.operand(node)
    return [elements[number - 1] if number else filled for number in found]


def _cast(lowering: Lowering, node: Node) -> list[Element]:
    """To a dtype that holds every number of the old one."""
    old, new = lowering.graph[node.inputs[0]].type.dtype, node.type.dtype
    exact = old == new or (old, new) == (torch.float32, torch.float64)
    if not exact and not (lowering.exact and old.is_floating_point and new.is_floating_point):
        raise NotCheckableError(
            f"{place(node)} from {old} to {new} rounds, which is outside the Lean checker"
        )
    return lowering.operand(node)


def _fused(lowering: Lowering, node: Node) -> list[Element]:
    """The last step of a function that torch computes in others. A single product of vectors it adds up in some order,
    as the theorem allows."""
    lowering.assembly.departed |= node.op != "tensordot"
    return lowering.operand(node)


def _maximum(lowering: Lowering, node: Node) -> list[Element]:
    return limited(lowering, *_pair(lowering, node), sign=1)


def _minimum(lowering: Lowering, node: Node) -> list[Element]:
    return limited(lowering, *_pair(lowering, node), sign=-1)


def _pair(lowering: Lowering, node: Node) -> tuple[Sequence[Element], Sequence[Element]]:
    return broadcast(lowering, node, 0), broadcast(lowering, node, 1)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_MOVES, _moved),
    "pad": _padded,
    "cast": _cast,
    "linear": contracted,
    "matmul": contracted,
    "conv": contracted,
    "add": lambda lowering, node: combined(lowering, node, 1),
    "sub": lambda lowering, node: combined(lowering, node, -1),
    "mul": multiplied,
    "div": divided,
    "neg": negated,
    "sum": averaged,
    "mean": averaged,
    "avg_pool": averaged,
    "adaptive_avg_pool": averaged,
    "relu": relu,
    "leaky_relu": leaky,
    "abs": absolute,
    "clamp": clamped,
    "relu6": relu6,
    "hardtanh": hardtanh,
    "maximum": _maximum,
    "minimum": _minimum,
    "amax": lambda lowering, node: reduced(lowering, node, 1),
    "amin": lambda lowering, node: reduced(lowering, node, -1),
    "max_pool": greatest_under_window,
    "batch_norm": normalized,
    **dict.fromkeys(FUSED, _fused),
}
"""The op's name and what lowers it."""

__all__ = ["HANDLERS", "Handler", "moved"]
