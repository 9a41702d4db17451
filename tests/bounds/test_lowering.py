"""Composite ops in simpler ones: the same values, bounds that hold, and never wider than intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown import crown
from torchlean.bounds.crown.lowered import lower
from torchlean.graph import Graph, GraphBuilder, evaluate, validate
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.fused import FUSED
from torchlean.ops.op import Op


@dataclass(frozen=True)
class Case:
    """An op on unknown operands of `shapes` and known ones of `known`."""

    op: str
    shapes: tuple[tuple[int, ...], ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    known: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.op}{self.shapes}{sorted(self.attributes.items())}".replace(" ", "")


def pool(rank: int, kernel: int, stride: int, padding: int = 0, dilation: int = 1, ceil: bool = False):
    return {
        "rank": rank,
        "kernel_size": (kernel,) * rank,
        "stride": (stride,) * rank,
        "padding": (padding,) * rank,
        "dilation": (dilation,) * rank,
        "ceil_mode": ceil,
    }


NORM = {"eps": 1e-5, "has_weight": True, "has_bias": True}

CASES = [
    *[Case("softmax", ((2, 3, 4),), {"dim": dim}) for dim in (0, 1, 2)],
    *[Case("log_softmax", ((2, 3, 4),), {"dim": dim}) for dim in (0, 1, 2)],
    Case("softmax", ((1,),), {"dim": 0}),
    *[
        Case("logsumexp", ((2, 3, 4),), {"dim": dim, "keepdim": keep})
        for dim in ((0,), (1,), (0, 2), (0, 1, 2))
        for keep in (False, True)
    ],
    *[
        Case(op, ((3, 2, 5),), {"dim": dim, "keepdim": keep})
        for op in ("amax", "amin")
        for dim in ((1,), (0, 2), (0, 1, 2))
        for keep in (False, True)
    ],
    Case("max_pool", ((1, 2, 6, 6),), pool(2, 2, 2)),
    Case("max_pool", ((2, 7, 6),), pool(2, 3, 2, 1)),
    Case("max_pool", ((1, 1, 7, 7),), pool(2, 2, 3, 1, 2, ceil=True)),
    Case("max_pool", ((1, 2, 8),), pool(1, 3, 2, 1, ceil=True)),
    Case("max_pool", ((1, 1, 4, 4, 4),), pool(3, 2, 2)),
    Case("adaptive_max_pool", ((1, 2, 7, 5),), {"rank": 2, "output_size": (3, 2)}),
    Case("layer_norm", ((2, 3, 4),), {"normalized_shape": (4,), **NORM}, ((4,), (4,))),
    Case("layer_norm", ((2, 3, 4),), {"normalized_shape": (3, 4), **NORM}, ((3, 4), (3, 4))),
    Case("group_norm", ((2, 4, 3),), {"num_groups": 2, **NORM}, ((4,), (4,))),
    Case("group_norm", ((1, 4, 2, 2),), {"num_groups": 4, **NORM}, ((4,), (4,))),
    Case("instance_norm", ((2, 3, 4),), NORM, ((3,), (3,))),
    Case("rms_norm", ((2, 6),), {"normalized_shape": (6,), **NORM, "has_bias": False}, ((6,),)),
    *[Case("normalize", ((3, 4),), {"p": p, "dim": (1,), "eps": 1e-12}) for p in (1.0, 2.0, math.inf)],
    *[
        Case("vector_norm", ((3, 4),), {"ord": p, "dim": dim, "keepdim": False})
        for p in (1.0, 2.0, math.inf)
        for dim in ((0,), (0, 1))
    ],
    *[
        Case(op, ((3, 4),), {"dim": (1,), "correction": correction, "keepdim": True})
        for op in ("var", "std")
        for correction in (0, 1)
    ],
    Case("prelu", ((2, 3, 2, 2),), {}, ((3,),)),
    Case("prod", ((3, 5),), {"dim": 1, "keepdim": False}),
    Case("prod", ((3, 2),), {"dim": None, "keepdim": False}),
    Case("diff", ((3, 5),), {"dim": 1}),
    *[
        Case("matmul", shapes)
        for shapes in (
            ((4,), (4,)),
            ((3, 4), (4,)),
            ((4,), (4, 2)),
            ((3, 4), (4, 2)),
            ((2, 1, 3, 4), (3, 4, 2)),
            ((2, 3, 4), (4,)),
        )
    ],
    Case("einsum", ((2, 3, 4), (2, 5, 4)), {"equation": "bqd,bkd->bqk"}),
    Case("einsum", ((3, 4), (4, 3)), {"equation": "ij,jk->"}),
    Case("einsum", ((3,), (4,)), {"equation": "i,j->ji"}),
    Case("addmm", ((3, 2), (3, 4), (4, 2)), {"function": "addmm", "alpha": 0.5, "beta": 2}),
    Case("addmm", ((2,), (3, 4), (4, 2)), {"function": "addmm", "alpha": 1, "beta": 0}),
    Case("addmm", ((3, 2), (5, 3, 4), (5, 4, 2)), {"function": "addbmm", "alpha": 1, "beta": 1}),
    Case("addmm", ((3, 2), (3,), (2,)), {"function": "addr", "alpha": 1, "beta": 1}),
]


def graph_of(case: Case) -> Graph:
    builder = GraphBuilder()
    generator = torch.Generator().manual_seed(1)
    operands = [
        builder.input(f"x{i}", TensorType(shape, torch.float64)).id for i, shape in enumerate(case.shapes)
    ]
    operands += [
        builder.parameter(torch.randn(shape, generator=generator, dtype=torch.float64), "weight").id
        for shape in case.known
    ]
    return builder.graph([builder.op(case.op, operands, case.attributes).id])


def value_of(graph: Graph, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    return evaluate(graph, inputs, dtype=torch.float64)[graph.outputs[0]]


def points(case: Case, radius: float, generator: torch.Generator) -> dict[str, torch.Tensor]:
    return {
        f"x{i}": (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) * radius
        for i, shape in enumerate(case.shapes)
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_steps_of_an_op_have_its_value(case: Case) -> None:
    graph = graph_of(case)
    lowered = lower(graph)
    validate(lowered.graph)
    assert not any(node.op == case.op for node in lowered.graph) or case.op in ("matmul", "prelu")
    for seed in range(5):
        inputs = points(case, 3.0, torch.Generator().manual_seed(seed))
        expected = value_of(graph, inputs)
        found = value_of(lowered.graph, inputs)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1, 2.0])
def test_bounds_through_the_steps_hold_and_are_never_wider_than_intervals(case: Case, radius: float) -> None:
    graph = graph_of(case)
    centre = points(case, 2.0, torch.Generator().manual_seed(7))
    domains = {name: Interval(c - radius, c + radius) for name, c in centre.items()}
    linear, intervals = crown(graph, domains), propagate(graph, domains)
    out = graph.outputs[0]
    assert (linear[out].lower >= intervals[out].lower).all()
    assert (linear[out].upper <= intervals[out].upper).all()
    assert linear[out].undefined == intervals[out].undefined
    generator = torch.Generator().manual_seed(8)
    for _ in range(20):
        offset = points(case, radius, generator)
        inside = {name: (c + offset[name]).clamp(c - radius, c + radius) for name, c in centre.items()}
        value = value_of(graph, inside)
        # The sample itself is rounded; the bounds are compared with what it may stand for.
        error = 1e-12 * (1 + value.abs())
        assert (linear[out].lower <= value + error).all() and (value - error <= linear[out].upper).all()


def attention(width: int = 4, length: int = 3) -> Graph:
    """One head of self-attention with a residual connection and a layer norm."""
    generator = torch.Generator().manual_seed(3)
    builder = GraphBuilder()
    x = builder.input("x", TensorType((1, length, width), torch.float64))

    def linear(value: int) -> int:
        weight = builder.parameter(
            torch.randn(width, width, generator=generator, dtype=torch.float64) * 0.5, "w"
        )
        return builder.op("linear", [value, weight.id], {}).id

    q, k, v = (linear(x.id) for _ in range(3))
    scores = builder.op("matmul", [q, builder.op("permute", [k], {"dims": (0, 2, 1)}).id], {})
    weights = builder.op("softmax", [scores.id], {"dim": 2})
    mixed = builder.op("matmul", [weights.id, v], {})
    added = builder.op("add", [x.id, mixed.id], {})
    options = {"normalized_shape": (width,), "eps": 1e-5, "has_weight": False, "has_bias": False}
    return builder.graph([builder.op("layer_norm", [added.id], options).id])


def test_linear_bounds_of_an_attention_block_are_tighter_than_intervals() -> None:
    graph = attention()
    centre = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    for radius, share in ((0.001, 0.5), (0.01, 0.5), (0.05, 0.8)):
        domain = {"x": Interval(centre - radius, centre + radius)}
        out = graph.outputs[0]
        linear, intervals = crown(graph, domain)[out], propagate(graph, domain)[out]
        assert (linear.upper - linear.lower).sum() < share * (intervals.upper - intervals.lower).sum()
        for seed in range(50):
            offset = torch.rand(1, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            value = value_of(graph, {"x": centre + (2 * offset - 1) * radius})
            assert (linear.lower <= value + 1e-12).all() and (value - 1e-12 <= linear.upper).all()


def test_max_pooling_keeps_what_neighbours_have_in_common() -> None:
    """The maximum of `x + c` over neighbours moves with `x`: intervals cannot say so after a subtraction."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType((1, 1, 2, 2), torch.float32))
    offsets = builder.constant(torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    first = builder.op("slice", [x.id], {"index": ((None,) * 3, (None,) * 3, (0, 1, 1), (0, 1, 1))})
    same = builder.op("expand", [first.id], {"shape": (1, 1, 2, 2)})
    pooled = builder.op("max_pool", [builder.op("add", [same.id, offsets.id], {}).id], pool(2, 2, 2))
    out = builder.op("sub", [pooled.id, first.id], {})
    graph = builder.graph([out.id])
    ends = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    bound = crown(graph, {"x": Interval(-ends, ends)})[out.id]
    assert abs(float(bound.lower) - 3.0) < 1e-12 and abs(float(bound.upper) - 3.0) < 1e-12


def test_operands_that_are_known_leave_ops_as_they_are() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((2, 3), torch.float32))
    weight = builder.parameter(torch.ones(3, 2), "w")
    builder.op("softmax", [weight.id], {"dim": 0})
    product = builder.op("matmul", [x.id, weight.id], {})
    lowered = lower(builder.graph([product.id]))
    assert [node.op for node in lowered.graph] == ["input", "parameter", "softmax", "matmul"]
    assert [node.digest for node in lowered.graph] == [node.digest for node in builder.nodes]


def test_a_large_product_is_left_alone_and_bounded_by_its_interval() -> None:
    builder = GraphBuilder()
    a = builder.input("a", TensorType((64, 64), torch.float32))
    product = builder.op("matmul", [a.id, a.id], {})
    graph = builder.graph([product.id])
    assert len(lower(graph).graph) == len(graph)
    domain = {"a": Interval(torch.full((64, 64), -1.0).double(), torch.full((64, 64), 1.0).double())}
    bounds = crown(graph, domain, BoundsCache())
    assert torch.equal(bounds[product.id].upper, propagate(graph, domain)[product.id].upper)


def test_every_op_with_steps_is_among_the_cases() -> None:
    composite = {name for name, op in OPS.items() if type(op).lower is not Op.lower} - FUSED
    assert composite == {case.op for case in CASES}


def test_a_number_without_dimensions_keeps_its_dtype_among_numbers_of_its_formula() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((5,), torch.float32))
    spread = builder.op("std", [x.id], {"dim": (0,), "correction": 1, "keepdim": False})
    weight = builder.constant(torch.tensor([0.1]))
    result = builder.op("prelu", [spread.id, weight.id], {})
    graph = builder.graph([result.id])
    lowered = lower(graph)
    validate(lowered.graph)
    assert lowered.graph[lowered.places[spread.id]].type == spread.type
    domain = {"x": Interval(-torch.ones(5).double(), torch.arange(5.0).double())}
    found = crown(graph, domain)[result.id]
    value = evaluate(graph, {"x": torch.arange(5.0)}, dtype=torch.float64)[result.id]
    assert float(found.lower) <= float(value) <= float(found.upper)
