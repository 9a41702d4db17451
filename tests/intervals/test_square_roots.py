"""torch's square root is not correctly rounded everywhere; bounds built on it must hold all the same."""

from __future__ import annotations

from fractions import Fraction

import torch

from torchlean.intervals import Interval
from torchlean.intervals.arithmetic import sqrt
from torchlean.intervals.rounding import down, up


def operands() -> torch.Tensor:
    """Numbers of all sizes, long enough for the vector kernels."""
    generator = torch.Generator().manual_seed(0)
    size = torch.exp(torch.randn(20_000, dtype=torch.float64, generator=generator) * 20)
    return torch.rand(20_000, dtype=torch.float64, generator=generator) * size


def test_one_step_outward_from_torchs_square_root_encloses_the_exact_one() -> None:
    x = operands()
    root = torch.sqrt(x)
    for value, low, high in zip(x.tolist(), down(root).tolist(), up(root).tolist(), strict=True):
        assert Fraction(low) ** 2 <= Fraction(value) <= Fraction(high) ** 2


def test_the_interval_of_a_square_root_contains_the_exact_one() -> None:
    x = operands()
    bounds = sqrt(Interval(x, x.clone()))
    for value, low, high in zip(x.tolist(), bounds.lower.tolist(), bounds.upper.tolist(), strict=True):
        assert Fraction(low) ** 2 <= Fraction(value) <= Fraction(high) ** 2
