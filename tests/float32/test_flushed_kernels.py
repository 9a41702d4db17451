"""What flushing subnormal numbers to zero adds to the errors of torch's functions (`torch.set_flush_denormal`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tests.float32.functions import UNARY
from tests.float32.sweep import BINADES, LARGEST, PATHS, sample, units

from torchlean.float32 import BINARY32
from torchlean.float32.kernels import KERNELS, flushed

EARLY = {"pow[-2]": 2.0**126}
"""1 / (x * x) divides by zero where the square is flushed: infinite from this exact result on."""


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush subnormal numbers")
    torch.set_flush_denormal(False)
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("flushing")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", UNARY)
def test_results_for_normal_inputs_stay_within_the_flushed_bound(name: str, path: str) -> None:
    kernel, random = flushed(KERNELS[name]), np.random.default_rng(11)
    for binade in range(1, BINADES // 2 if kernel.domain[0] == 0 else BINADES):
        if binade & 0xFF in (0, 0xFF):
            continue
        bits = sample(binade, 256, random)
        x = PATHS[path](bits)
        with np.errstate(all="ignore"):
            exact = UNARY[name].reference(bits.view(np.float32).astype(np.float64))
            unit = units(exact)
        # The mode holds for all arithmetic of the thread, numpy's as well.
        torch.set_flush_denormal(True)
        computed = UNARY[name].kernel(x)
        torch.set_flush_denormal(False)
        results = computed.numpy().astype(np.float64)
        with np.errstate(all="ignore"):
            within = np.abs(results - exact) <= kernel.ulps * unit + kernel.absolute
        assert np.array_equal(np.isnan(results), np.isnan(exact))
        beyond = ~(np.abs(exact) <= LARGEST)
        early = np.isinf(results) & (np.abs(bits.view(np.float32)) >= kernel.finite_below)
        early |= np.isinf(results) & (np.abs(exact) >= EARLY.get(name, np.inf))
        assert (within | beyond | early).all(), bits.view(np.float32)[~(within | beyond | early)]


def test_flushing_adds_a_multiple_of_the_smallest_normal_number() -> None:
    plain, weakened = KERNELS["exp"], flushed(KERNELS["exp"])
    assert plain.absolute == 0 and weakened.ulps == plain.ulps
    assert float(BINARY32.smallest_normal) <= weakened.absolute < 2.0**-110
