"""Ops on the executable binary32: the machine's bits where nothing is left open, and sums of the right terms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from torchlean.conformance.own import by_patterns
from torchlean.conformance.patterns import Outside, products
from torchlean.graph import Graph, GraphBuilder
from torchlean.ops import OPS, TensorType


def graph_of(op: str, attributes: dict[str, object], *operands: Tensor) -> Graph:
    """One op, of inputs `a`, `b`, ..."""
    builder = GraphBuilder()
    types = [TensorType(tuple(operand.shape), operand.dtype) for operand in operands]
    ids = [builder.input(chr(ord("a") + place), type, (), place).id for place, type in enumerate(types)]
    made = builder.op(op, ids, attributes)
    return builder.graph([made.id])


def executed(graph: Graph, *operands: Tensor) -> Tensor:
    (found,) = by_patterns(
        graph, graph.outputs, {chr(ord("a") + place): value[None] for place, value in enumerate(operands)}
    )
    return found[0]


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + sum(shape)))


@pytest.mark.parametrize(
    ("op", "function", "count"),
    [
        ("add", torch.add, 2),
        ("sub", torch.sub, 2),
        ("mul", torch.mul, 2),
        ("div", torch.div, 2),
        # torch's own square root, in vectors, is off by a last place on some processors.
        ("sqrt", lambda x: torch.from_numpy(np.sqrt(x.numpy())), 1),
        ("square", torch.square, 1),
        ("reciprocal", torch.reciprocal, 1),
    ],
)
def test_operations_of_one_rounding_give_the_bits_of_the_machine(
    op: str, function: Callable[..., Tensor], count: int
) -> None:
    operands = (drawn(50, 7).abs() + 1e-3, drawn(7))[:count]
    found = executed(graph_of(op, {}, *operands), *operands)
    assert torch.equal(found, function(*operands))


def conv(**changed: object) -> dict[str, object]:
    return {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2, **changed}


SUMS = {
    "linear": ("linear", {}, (drawn(4, 2, 9), drawn(5, 9), drawn(5))),
    "vector": ("linear", {}, (drawn(9), drawn(5, 9))),
    "batched matmul": ("matmul", {}, (drawn(3, 1, 4, 6), drawn(2, 6, 5))),
    "matrix and vector": ("matmul", {}, (drawn(4, 6), drawn(6))),
    "vector and matrix": ("matmul", {}, (drawn(6), drawn(6, 4))),
    "conv": ("conv", conv(), (drawn(2, 4, 7, 9), drawn(6, 2, 3, 2), drawn(6))),
    "conv without batch": ("conv", conv(groups=1), (drawn(2, 7, 9), drawn(6, 2, 3, 2))),
    "sum": ("sum", {"dim": (0, 2), "keepdim": True}, (drawn(3, 4, 5),)),
    "sum of all": ("sum", {"dim": (), "keepdim": False}, (drawn(3, 4, 5),)),
    "mean": ("mean", {"dim": (-1,), "keepdim": False}, (drawn(3, 4, 5),)),
}


@pytest.mark.parametrize("name", sorted(SUMS))
def test_sums_are_torchs_up_to_the_order_and_have_the_right_terms(name: str) -> None:
    op, attributes, operands = SUMS[name]
    graph = graph_of(op, attributes, *operands)
    found = executed(graph, *operands)
    exact = OPS[op].evaluate([operand.double() for operand in operands], attributes)
    assert found.shape == exact.shape and found.dtype == torch.float32
    assert torch.allclose(found.double(), exact, rtol=1e-4, atol=1e-5)
    assert not torch.equal(found.double(), exact), "nothing was rounded"


def test_products_are_counted() -> None:
    _, attributes, operands = SUMS["conv"]
    graph = graph_of("conv", attributes, *operands)
    node = graph[graph.outputs[0]]
    assert products(node, [tuple(operand.shape) for operand in operands]) == node.type.numel * 2 * 3 * 2


@pytest.mark.parametrize("op", ["exp", "softmax"])
def test_functions_without_a_stated_result_are_outside(op: str) -> None:
    x = drawn(3)
    with pytest.raises(Outside, match=f"op {op} is outside of the executable binary32"):
        executed(graph_of(op, {"dim": 0} if op == "softmax" else {}, x), x)


def test_what_would_take_too_long_is_outside() -> None:
    x, weight = torch.zeros(5000, dtype=torch.float32), torch.zeros(5000, 5000)
    with pytest.raises(Outside, match="products, which would take too long"):
        executed(graph_of("linear", {}, x, weight), x, weight)
