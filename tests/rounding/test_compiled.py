"""Ops and networks attacked as `torch.compile` executes them, which computes some functions by other kernels.

All ops are compiled in one function: starting the compiler costs more than what it compiles. Each has operands of its
own, so that nothing but the op itself is computed, as in the attack on eager execution.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from tests.float32.compiling import compiled
from tests.ops import bivariate_cases, tensor_cases, univariate_cases
from tests.ops.tensor_case import Case
from tests.rounding.attack import KINDS, bounded, disagreement, drawn, evaluated, node
from tests.rounding.test_engine import Sheet
from tests.rounding.test_ops import LENGTH, as_captured, operand
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.graph.evaluate import evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.ops.noise.values import Noisy
from torchlean.rounding import ErrorsCache, rounding_errors

COMPILED = Arithmetic(compiled=True)
DRAWS = 2


@dataclass(frozen=True)
class Applied:
    """One op with the shapes of its operands; `known` ones are weights."""

    op: str
    attributes: dict[str, Any]
    shapes: Sequence[tuple[int, ...]]
    known: Sequence[int] = ()


JOINING = {
    *(
        "softmax",
        "log_softmax",
        "logsumexp",
        "sum",
        "mean",
        "var",
        "std",
        "vector_norm",
        "normalize",
        "cumsum",
    ),
    *("prod", "layer_norm", "group_norm", "instance_norm", "rms_norm", "batch_norm", "linear", "matmul"),
}
"""Ops that join elements and are compiled here, one case of each."""


def _applied() -> list[Applied]:
    # No program contains `derivative`: it is what the analysis makes of autograd's own steps.
    functions = [
        Applied(case.op, dict(case.attributes), [(LENGTH,)])
        for case in univariate_cases.CASES
        if case.op != "derivative"
    ]
    several = [
        Applied(case.op, dict(case.attributes), [(LENGTH,)] * case.operands)
        for case in bivariate_cases.CASES
        if case.dtype == torch.float64 and case.op != "prelu"
    ]
    cases: dict[str, Case] = {}
    for case in tensor_cases.CASES:
        if case.op in JOINING and case.attributes.get("ord", case.attributes.get("p", 2.0)) == 2.0:
            cases.setdefault(case.op, case)
    joining = [Applied(case.op, dict(case.attributes), case.shapes, case.known) for case in cases.values()]
    return [
        Applied(each.op, {n: as_captured(v) for n, v in each.attributes.items()}, each.shapes, each.known)
        for each in (*functions, *several, *joining)
    ]


APPLIED = _applied()

Operands = Sequence[Sequence[Tensor]]


@pytest.fixture(scope="module")
def all_ops() -> Callable[[Operands], list[Tensor]]:
    def run(operands: Operands) -> list[Tensor]:
        return [evaluated(each.op, x, each.attributes) for each, x in zip(APPLIED, operands, strict=True)]

    return compiled(run)


GRAPHS = [
    node(each.op, each.attributes, [TensorType(shape, torch.float32) for shape in each.shapes])
    for each in APPLIED
]


def test_compiled_ops_stay_inside(all_ops: Callable[[Operands], list[Tensor]]) -> None:
    # One for each: what is drawn for an op does not depend on which others there are.
    sources = [random.Random(str(each)) for each in APPLIED]
    bounded_somewhere = set()
    for kind in KINDS * 2:
        operands = [
            [operand(kind, shape, place in each.known, source) for place, shape in enumerate(each.shapes)]
            for each, source in zip(APPLIED, sources, strict=True)
        ]
        found = [bounded(*graph, xs, COMPILED)[1] for graph, xs in zip(GRAPHS, operands, strict=True)]
        for _ in range(DRAWS):
            drawings = [[drawn(x, source) for x in xs] for xs, source in zip(operands, sources, strict=True)]
            executed = all_ops([[pair[1] for pair in drawing] for drawing in drawings])
            for each, error, drawing, result in zip(APPLIED, found, drawings, executed, strict=True):
                exact = evaluated(each.op, [pair[0] for pair in drawing], each.attributes).double()
                off = disagreement(error, result, exact)
                assert off is None, f"{each}, {kind}: off by {off}, bound {error}, operands {drawing}"
                if error.error is None or bool(torch.isfinite(error.error).any()):
                    bounded_somewhere.add(each.op)
    assert bounded_somewhere == {each.op for each in APPLIED}


@pytest.mark.parametrize(("op", "at"), [("erf", 1e-6), ("expm1", 1e-6), ("atanh", 1e-6)])
def test_compiled_functions_leave_the_bound_for_eager_execution(
    all_ops: Callable[[Operands], list[Tensor]], op: str, at: float
) -> None:
    """Why there is a setting: eager kernels are accurate near zero, compiled ones only next to 1."""
    place = [each.op for each in APPLIED].index(op)
    points = torch.linspace(at, 2 * at, LENGTH)
    results = all_ops(
        [[points if each.op == op else torch.ones(shape) for shape in each.shapes] for each in APPLIED]
    )
    exact = evaluated(op, [points.double()], {})
    box = Interval(points.double(), points.double())
    x = [Noisy(box, None, TensorType((LENGTH,), torch.float32))]
    eager, other = (bounded(*GRAPHS[place], x, arithmetic)[1] for arithmetic in (DEFAULT, COMPILED))
    assert disagreement(eager, evaluated(op, [points], {}), exact) is None
    assert disagreement(eager, results[place], exact) is not None
    assert disagreement(other, results[place], exact) is None


ROWS, WIDTH = 32, 64
"""Of the network below: wide enough for vectorised loops."""


def _layers(low: Tensor, high: Tensor) -> Sheet:
    """Layers and functions that the compiler fuses: products with sums, activations with what follows."""
    generator = torch.Generator().manual_seed(1)

    def weight(*shape: int) -> int:
        data = torch.randn(*shape, generator=generator) / shape[-1] ** 0.5
        return sheet.builder.parameter(data, f"w{len(sheet.builder.nodes)}").id

    sheet = Sheet()
    x = sheet.input(low, high)
    hidden = sheet.op("relu", sheet.op("linear", x, weight(WIDTH, WIDTH), weight(WIDTH)))
    scaled = sheet.op("add", sheet.op("mul", hidden, weight(WIDTH)), sheet.op("tanh", x))
    norm = {"normalized_shape": (WIDTH,), "eps": 1e-5, "has_weight": True, "has_bias": True}
    standard = sheet.op("layer_norm", scaled, weight(WIDTH), weight(WIDTH), **norm)
    gated = sheet.op("mul", sheet.op("gelu", standard, approximate="none"), sheet.op("sigmoid", scaled))
    logits = sheet.op("linear", sheet.op("div", gated, sheet.constant(3.0)), weight(WIDTH, WIDTH))
    shares = sheet.op("softmax", logits, dim=1)
    waves = sheet.op("sin", sheet.op("sum", sheet.op("erf", gated), dim=(1,), keepdim=True))
    sheet.op("mean", sheet.op("sub", shares, waves), dim=(1,), keepdim=False)
    return sheet


def _short(low: Tensor, high: Tensor) -> Sheet:
    """Functions in bfloat16: what is fused stays in binary32, and is rounded less often than in eager execution."""
    sheet = Sheet()
    x = sheet.input(low, high, low.dtype)
    curved = sheet.op("tanh", sheet.op("mul", x, sheet.constant(1.7, low.dtype)))
    near = sheet.op("expm1", sheet.op("mul", curved, sheet.constant(0.01, low.dtype)))
    gated = sheet.op("gelu", sheet.op("add", x, near), approximate="none")
    sheet.op("mean", sheet.op("sub", sheet.op("sin", gated), near), dim=(1,), keepdim=False)
    return sheet


@pytest.mark.parametrize(
    ("network", "dtype"), [(_layers, torch.float32), (_short, torch.bfloat16), (_short, torch.float16)]
)
def test_a_compiled_network_stays_inside(
    network: Callable[[Tensor, Tensor], Sheet], dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(2)
    centre = torch.randn(ROWS, WIDTH, generator=generator).to(dtype)
    radius = (torch.rand(ROWS, WIDTH, generator=generator) * 1e-3).to(dtype)
    low, high = centre - radius, centre + radius
    sheet = network(low, high)
    graph, errors = sheet.graph(), sheet.errors(COMPILED)
    results = [node.id for node in graph if node.op in ("layer_norm", "softmax", "expm1", "mean")]

    def run(x: Tensor) -> list[Tensor]:
        values = evaluate(graph, {"x0": x})
        return [values[id] for id in results]

    execute = compiled(run)
    for _ in range(5):
        share = torch.rand(ROWS, WIDTH, generator=generator).to(dtype)
        x = torch.minimum(torch.maximum(low + (high - low) * share, low), high)
        exact = evaluate(graph, {"x0": x}, dtype=torch.float64)
        for id, executed in zip(results, execute(x), strict=True):
            assert math.isfinite(errors[id].largest), graph.nodes[id].op
            assert disagreement(errors[id], executed, exact[id]) is None, graph.nodes[id].op


def test_errors_of_eager_and_compiled_execution_are_remembered_apart() -> None:
    sheet = Sheet()
    sheet.op("erf", sheet.input([1e-6], [2e-6]))
    graph, cache = sheet.graph(), ErrorsCache()
    bounds = propagate(graph, sheet.domains)
    eager, other, again = (
        rounding_errors(graph, bounds, cache, arithmetic=arithmetic)
        for arithmetic in (DEFAULT, COMPILED, DEFAULT)
    )
    assert other.errors[-1].largest > 1e5 * eager.errors[-1].largest
    assert again.reused == 1 and again.errors[-1] is eager.errors[-1]
