"""Functions are exact where their values are numbers: what lies beyond a zero hangs on its sign."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import pytest
import torch
from torch import Tensor

from torchlean.bounds.crown import crown
from torchlean.graph import GraphBuilder
from torchlean.intervals import Interval
from torchlean.intervals.approximation import _KNOWN, kernel
from torchlean.ops import OPS, TensorType

VANISHING = [
    *("tanh", "sinh", "asinh", "atanh", "asin", "atan", "erf", "expm1", "log1p"),
    *("softsign", "silu", "gelu", "mish", "elu", "selu", "tanhshrink"),
]
"""Ops that are zero at zero and rise there, but for gelu, silu and mish to its left."""

ATTRIBUTES = {"gelu": {"approximate": "none"}, "elu": {"alpha": 1.0}}


def interval(op: str, low: float, high: float) -> Interval:
    x = Interval(*(torch.tensor([end], dtype=torch.float64) for end in (low, high)))
    return OPS[op].interval([x], dict(ATTRIBUTES.get(op, {})), TensorType((1,), torch.float64))


@pytest.mark.parametrize("function", _KNOWN, ids=lambda function: function.__name__)
def test_the_stated_value_is_the_right_one_and_is_exact(function: Callable[[Tensor], Tensor]) -> None:
    at, value = _KNOWN[function]
    exactly = {"log2": lambda x: mp.log(x, 2), "exp2": lambda x: mp.mpf(2) ** x}
    reference = exactly.get(function.__name__) or getattr(mp, function.__name__)
    assert reference(mp.mpf(at)) == value
    points = torch.linspace(0.25, 0.75, 37, dtype=torch.float64)
    for place in range(37):
        here = points.clone()
        here[place] = at
        found = kernel(function)(here)
        below, above = found.below(), found.above()
        assert float(below[place]) == float(above[place]) == value
        rest = torch.arange(37) != place
        assert bool((below[rest] < above[rest]).all())
    rises = reference(mp.mpf(at) + mp.mpf(2) ** -50) > value
    for step in (5e-324, 1e-300, 2.0**-52, 2.0**-45, 2.0**-39):
        right = kernel(function)(torch.tensor([at + step], dtype=torch.float64))
        left = kernel(function)(torch.tensor([at - step], dtype=torch.float64))
        over, under = (right, left) if rises else (left, right)
        assert float(over.below()) >= value >= float(under.above())


@pytest.mark.parametrize("op", VANISHING)
def test_nothing_lies_on_the_other_side_of_zero(op: str) -> None:
    assert float(interval(op, 0.0, 0.5).lower) == 0.0
    assert float(interval(op, -0.0, 0.5).lower) == 0.0
    if op not in ("gelu", "silu", "mish"):
        assert float(interval(op, -0.5, 0.0).upper) == 0.0
    point = interval(op, 0.0, 0.0)
    assert float(point.lower) == float(point.upper) == 0.0
    # Just beside zero it is no point any more.
    beside = interval(op, 5e-324, 5e-324)
    assert float(beside.lower) <= 5e-324 <= float(beside.upper) or op in (
        "gelu",
        "silu",
        "mish",
        "tanhshrink",
    )


@pytest.mark.parametrize(
    ("op", "low", "high", "least", "greatest"),
    [
        ("log", 1.0, 2.0, 0.0, None),
        ("log", 0.5, 1.0, None, 0.0),
        ("log2", 1.0, 4.0, 0.0, None),
        ("log10", 0.1, 1.0, None, 0.0),
        ("exp", -3.0, 0.0, None, 1.0),
        ("exp", 0.0, 3.0, 1.0, None),
        ("cosh", 0.0, 1.0, 1.0, None),
        ("acos", 0.5, 1.0, 0.0, None),
        ("acosh", 1.0, 2.0, 0.0, None),
        ("erfc", 0.0, 1.0, None, 1.0),
    ],
)
def test_known_ends_are_ends(
    op: str, low: float, high: float, least: float | None, greatest: float | None
) -> None:
    found = interval(op, low, high)
    assert least is None or float(found.lower) == least
    assert greatest is None or float(found.upper) == greatest


def test_a_root_may_be_taken_of_what_is_zero_at_zero() -> None:
    builder = GraphBuilder()
    value = builder.input("x", TensorType((3,), torch.float32))
    for op in ("relu", "tanh", "atan", "log1p", "sqrt"):
        value = builder.op(op, [value.id], {})
    graph = builder.graph([value.id])
    x = torch.tensor([-1.0, 0.0, 0.5], dtype=torch.float64)
    found = crown(graph, {"x": Interval(x - 0.5, x + 0.5)})[value.id]
    assert not found.undefined and bool((found.lower >= 0).all())
