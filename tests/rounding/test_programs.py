"""Functions that torch computes in another way than their formula reads, attacked as a program calls them.

The graph holds a formula; what is executed here is torch's own function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.capture.probing import captured, probe, unit_of
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.capture.result import Role
from torchlean.graph import evaluate
from torchlean.intervals import Interval
from torchlean.rounding import NodeError, rounding_errors


def executed_and_exact(path: Path, call: str, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, NodeError]:
    """What torch computes, what the graph's formula gives in float64, and the error that is stated."""
    result: Tensor = eval(call, {"torch": torch, "F": F, **inputs})
    text = "import torch\nimport torch.nn.functional as F\n"
    capture = captured(path / "program.py", probe(text, call, inputs, result))
    (root,) = (
        o.node for o in unit_of(capture).observations if o.role is Role.ASSIGNMENT and o.label == "probed_0"
    )
    graph, renumbered = capture.graph.cone([root])
    errors = rounding_errors(graph, propagate(graph, {n: Interval.point(x) for n, x in inputs.items()}))
    exact = evaluate(graph, inputs, dtype=torch.float64)[renumbered[root]]
    return result.double(), exact, errors[renumbered[root]]


def _near_ones(*shape: int) -> Tensor:
    """Far from zero, close to each other: what cancels shows."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3)) * 0.03 + 1.0


def _close_points() -> dict[str, Tensor]:
    return {"x": _near_ones(30, 4) * 1e-3 + 100.0, "y": _near_ones(30, 4) * 1e-3 + 100.0}


def _nearly_equal_rows() -> dict[str, Tensor]:
    row = _near_ones(1, 1000)
    return {"x": torch.tensor([[1.0, -1.0]]), "y": torch.cat([row, row.flip(0) * (1 + 1e-6)])}


def _alternating() -> dict[str, Tensor]:
    """Neighbours nearly cancel, which the sum of all without halves of the ends does not use."""
    return {"x": torch.tensor([1.0, -1.0, 1.0]) * (1.0 + 1e-3 * _near_ones(50, 3))}


PROGRAMS: dict[str, Callable[[], dict[str, Tensor]]] = {
    "torch.cdist(x, y)": _close_points,
    "F.group_norm(x.permute(0, 3, 1, 2), 4)": lambda: {"x": _near_ones(2, 4, 4, 8)},
    "F.group_norm(x.contiguous(memory_format=torch.channels_last) * 1.5, 4)": lambda: {
        "x": _near_ones(2, 8, 4, 4)
    },
    "F.group_norm(x.to(memory_format=torch.channels_last), 4)": lambda: {"x": _near_ones(2, 8, 4, 4)},
    "F.cosine_embedding_loss(x, x + 1e-7, torch.ones(3))": lambda: {"x": _near_ones(3, 4) * 1e-6},
    "F.cosine_similarity(x, y)": lambda: {"x": _near_ones(50, 2), "y": _near_ones(50, 2).flip(1) * -1.0},
    "torch.trapezoid(x)": _alternating,
    "torch.linalg.multi_dot([x, y, torch.ones(1000, 1)])": _nearly_equal_rows,
    "F.scaled_dot_product_attention(x, 20 * x, x)": lambda: {"x": _near_ones(1, 2, 40, 4) - 1.0},
}


@pytest.mark.parametrize("call", PROGRAMS)
def test_what_torch_computes_in_its_own_way_is_inside_the_error(call: str, tmp_path: Path) -> None:
    executed, exact, found = executed_and_exact(tmp_path, call, PROGRAMS[call]())
    assert found.error is not None
    assert bool(((executed - exact).abs() <= found.error).all())
    assert (found.largest == math.inf) == call.startswith("torch.cdist"), found.reason


def test_group_norm_may_lose_more_where_channels_lie_last(tmp_path: Path) -> None:
    """Why it matters: the variance as a difference of two moments cancels."""
    x = {"x": _near_ones(2, 8, 4, 4)}
    *_, usual = executed_and_exact(tmp_path, "F.group_norm(x, 4)", x)
    last = "F.group_norm(x.to(memory_format=torch.channels_last), 4)"
    *_, moments = executed_and_exact(tmp_path, last, x)
    assert moments.largest > 2 * usual.largest
