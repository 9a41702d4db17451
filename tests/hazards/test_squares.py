"""Sums of squares inside of torch's kernels: reported where the kernel gives infinity, zero or NaN, else not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.hazards.expressions import claimed, hazards

BROKEN = [
    "x.norm()",
    "x.norm(dim=-1)",
    "torch.norm(x, p=3)",
    "torch.linalg.norm(x)",
    "torch.linalg.vector_norm(x, dim=0)",
    "torch.linalg.matrix_norm(x)",
    "torch.dist(x, -x)",
    "torch.cdist(x, -x)",
    "F.pairwise_distance(x, -x)",
    "F.normalize(x)",
    "F.normalize(x, p=3.0)",
    "F.cosine_similarity(x, x + x)",
    "F.layer_norm(x, (8,))",
    "F.group_norm(x, 2)",
    "F.rms_norm(x, (8,))",
    "F.mse_loss(x, -x)",
    "F.cosine_embedding_loss(x, x + x, torch.ones(4))",
]
"""What numbers around 1e20 break, although what is asked for is an ordinary number."""

FINE = [
    "x.norm(1)",
    "x.norm(0.5)",
    "x.norm(float('inf'))",
    "x.std(-1)",
    "torch.hypot(x, x)",
    "F.smooth_l1_loss(x, -x)",
    "F.normalize(x / 1e20)",
    "F.normalize(x, p=1.0)",
    "F.normalize(x.double())",
]


def _large() -> torch.Tensor:
    return (torch.linspace(0.5, 1.0, 32, dtype=torch.float64) * 1e20).float().reshape(4, 8)


def _program(expression: str, scale: float) -> str:
    low, high = [[0.5 * scale] * 8] * 4, [[scale] * 8] * 4
    return claimed(f"y = {expression}", low, high)  # type: ignore[arg-type] # a matrix


def _works(expression: str) -> bool:
    """Whether torch gives of large numbers what it gives of the same numbers scaled down, but for the scale."""
    found = eval(expression, {"torch": torch, "F": F, "x": _large()})
    plain = eval(expression, {"torch": torch, "F": F, "x": _large() / 1e20})
    return bool(torch.isfinite(found).all()) and bool((found == 0).any()) == bool((plain == 0).any())


@pytest.mark.parametrize("expression", BROKEN)
def test_sums_of_squares_that_overflow_are_reported_at_the_call(expression: str) -> None:
    assert not _works(expression)
    found = hazards(_program(expression, 1e20))
    assert [d.code for d in found] == ["TL201"]
    assert hazards(_program(expression, 1.0)) == []


@pytest.mark.parametrize("expression", FINE)
def test_what_torch_computes_without_overflow_is_silent(expression: str) -> None:
    assert _works(expression)
    assert hazards(_program(expression, 1e20)) == []


def test_layers_are_named_where_the_program_calls_them() -> None:
    text = """import torch
from torch import nn
import torchlean as tl
norm = nn.LayerNorm(8)
x = tl.assume(torch.empty(4, 8), 0.0, 1e20)
y = norm(x)
"""
    assert [(d.code, d.span.line) for d in hazards(text)] == [("TL201", 5)]
