"""`tl.assume` at run time: it gives its tensor back, or says that the assumption does not hold."""

from __future__ import annotations

import math

import pytest
import torch

import torchlean as tl


def test_a_tensor_inside_comes_back_itself() -> None:
    x = torch.tensor([0.0, 0.5, 1.0])
    assert tl.assume(x, 0, 1) is x


@pytest.mark.parametrize("number", [-0.001, 1.5, math.nan, math.inf])
def test_a_number_outside_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"outside of \[0, 1\]"):
        tl.assume(torch.tensor([0.5, number]), 0, 1)
