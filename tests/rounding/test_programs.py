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


def _attention(keys: int, spread: float) -> dict[str, Tensor]:
    """Logits up to some times the spread; the last of many keys have the largest, so that maxima change."""
    key = _near_ones(1, 2, keys, 4) - 1.0
    rising = torch.linspace(0.1, 10.0, keys)[:, None]
    return {
        "x": (_near_ones(1, 2, 7, 4) - 1.0) * 30.0,
        "k": key * rising * spread,
        "v": _near_ones(1, 2, keys, 3),
    }


def _scores() -> dict[str, Tensor]:
    return {"x": (_near_ones(300, 4) - 1.0) * 300.0, "w": _near_ones(4)}


CLASSES = f"torch.tensor({[i * i % 4 for i in range(300)]})"

PROGRAMS: dict[str, Callable[[], dict[str, Tensor]]] = {
    "torch.cdist(x, y)": _close_points,
    "torch.cdist(x, x.clone())": _close_points,
    "torch.cdist(x[:5], y[:5])": _close_points,
    "torch.cdist(x - 100, y - 100, compute_mode='use_mm_for_euclid_dist')": _close_points,
    "torch.pdist(x, 1.0)": _close_points,
    "F.scaled_dot_product_attention(x, k, v)": lambda: _attention(1300, 5.0),
    "F.scaled_dot_product_attention(x[0], k[0], v[0], scale=-0.7)": lambda: _attention(200, 5.0),
    f"F.cross_entropy(x, {CLASSES}, w, label_smoothing=0.1)": _scores,
    f"F.cross_entropy(x, {CLASSES}, w, reduction='sum')": _scores,
    "F.cross_entropy(x, F.softmax(x.flip(0), 1), w)": _scores,
    f"F.nll_loss(x, {CLASSES}, w)": _scores,
    "F.binary_cross_entropy(torch.sigmoid(x / 9), torch.sigmoid(x.flip(0)), w, reduction='sum')": _scores,
    "torch.tensordot(x, x.flip(0).T.contiguous(), ([0, 1], [1, 0]))": _scores,
    "torch.inner(x, x.flip(1))": _scores,
    "torch.trace(x @ x.T)": _scores,
    "torch.sinc(x / 9)": _scores,
    "torch.cross(x[:, :3], x[:, :3] * (1 + 1e-6 * w[0]), dim=-1)": _scores,
    "F.triplet_margin_loss(x, x.flip(0), x + 1, swap=True)": _scores,
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
    assert found.largest < math.inf, found.reason


def test_group_norm_may_lose_more_where_channels_lie_last(tmp_path: Path) -> None:
    """Why it matters: the variance as a difference of two moments cancels."""
    x = {"x": _near_ones(2, 8, 4, 4)}
    *_, usual = executed_and_exact(tmp_path, "F.group_norm(x, 4)", x)
    last = "F.group_norm(x.to(memory_format=torch.channels_last), 4)"
    *_, moments = executed_and_exact(tmp_path, last, x)
    assert moments.largest > 2 * usual.largest
