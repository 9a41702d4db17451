"""Running a graph on concrete tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from torchlean.graph.graph import Graph
from torchlean.graph.node import Node
from torchlean.ops import OPS
from torchlean.ops.fused import FUSED


def evaluate(
    graph: Graph, inputs: Mapping[str, Tensor], *, dtype: torch.dtype | None = None, by_steps: bool = False
) -> list[Tensor]:
    """The value of every node, as torch's eager mode computes it.

    Args:
        graph: any valid graph without `random` leaves.
        inputs: one tensor per `input` node, by name, of the node's shape.
        dtype: compute every floating value in this dtype (`torch.float64` for a precise reference); default: the
            dtypes of the program, so that this is the binary32 execution of a float32 model.
        by_steps: execute functions that torch has a kernel for (`torchlean.ops.fused`) in the steps of the graph, as a
            reference in another dtype always does: kernels take numbers of the program with more digits. Steps run for
            many inputs together and have derivatives by every operand, which some kernels have not.

    Returns:
        A tensor per node, indexed by id. Gradients flow where the inputs ask for them.

    Raises:
        KeyError: an input is missing.
        ValueError: an input has the wrong shape, or the graph draws random numbers.
    """
    values: list[Tensor] = []
    for node in graph:
        if node.op in OPS:
            attributes = node.attributes
            if dtype is not None and isinstance(attributes.get("dtype"), torch.dtype):
                attributes = {**attributes, "dtype": _computed_in(attributes["dtype"], dtype)}
            operands = [values[id] for id in node.inputs]
            of_steps = node.op in FUSED and (by_steps or dtype is not None)
            value = operands[0] if of_steps else OPS[node.op].evaluate(operands, attributes)
        else:
            value = _leaf(node, inputs)
        if dtype is not None and value.is_floating_point():
            value = value.to(dtype)
        values.append(value)
    return values


def _computed_in(requested: object, dtype: torch.dtype) -> torch.dtype:
    """A conversion to a floating dtype becomes one to the dtype of this run; others stay."""
    assert isinstance(requested, torch.dtype)
    return dtype if requested.is_floating_point else requested


def _leaf(node: Node, inputs: Mapping[str, Tensor]) -> Tensor:
    if node.op == "input":
        name = str(node.attributes["name"])
        value = inputs[name]
        if tuple(value.shape) != node.type.shape:
            raise ValueError(f"input `{name}` needs shape {node.type.shape}, got {tuple(value.shape)}")
        return value.to(node.type.dtype)
    if node.data is None:
        raise ValueError(
            f"%{node.id} ({node.label or node.op}) is drawn at random: there is no one value to compute"
        )
    return node.data
