"""What is said of NaN and infinities where nothing bounds a tensor: a gradient may be any of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType

INF = math.inf

UNBOUNDED = [(-INF, INF), (0.0, INF), (-INF, 3.0)]


def asked(
    op: str, lower: float, upper: float, dtype: torch.dtype = torch.bool, **attributes: object
) -> Interval:
    ends = (torch.tensor([end], dtype=torch.float64) for end in (lower, upper))
    return OPS[op].interval([Interval(*ends)], attributes, TensorType((1,), dtype))


def contains(bounds: Interval, value: Tensor) -> bool:
    return bool(((bounds.lower <= value) & (value <= bounds.upper)).all())


@pytest.mark.parametrize(("lower", "upper"), UNBOUNDED)
def test_what_nothing_bounds_may_be_nan(lower: float, upper: float) -> None:
    nan = torch.tensor([math.nan])
    for op in ("isnan", "isfinite"):
        answers = asked(op, lower, upper)
        assert contains(answers, getattr(torch, op)(nan).double()) and contains(answers, torch.tensor([1.0]))
    replaced = asked("nan_to_num", lower, upper, torch.float32, nan=-7.0, posinf=None, neginf=None)
    assert contains(replaced, torch.nan_to_num(nan, nan=-7.0).double())


@pytest.mark.parametrize(("lower", "upper"), [(-1.0, 2.0), (INF, INF), (-INF, -INF), (0.0, 0.0)])
def test_what_is_bounded_or_certain_is_a_number(lower: float, upper: float) -> None:
    answers = asked("isnan", lower, upper)
    assert (answers.lower.item(), answers.upper.item()) == (0.0, 0.0)
