"""Torch's functions on float16 and bfloat16 tensors, at all 65,536 inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.float32.functions import UNARY
from torch import Tensor

from torchlean.float32 import BFLOAT16, BINARY16, BINARY32, Format
from torchlean.float32.kernels import reduced

DTYPES = {BINARY16: torch.float16, BFLOAT16: torch.bfloat16}

INEXACT_EXPONENTS = {"pow[0.3]"}
"""Torch rounds the exponent to the tensor's format."""


def every_number(format: Format) -> Tensor:
    patterns = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    numbers = patterns.view(DTYPES[format])
    return numbers[torch.isfinite(numbers)]


def gaps(x: Tensor) -> Tensor:
    return x.repeat_interleave(2)[::2]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("name", [name for name in UNARY if name not in INEXACT_EXPONENTS])
@pytest.mark.parametrize("format", DTYPES, ids=lambda f: f.name)
def test_every_result_is_within_the_stated_bound(format: Format, name: str, strided: bool) -> None:
    kernel = reduced(name, format)
    x = every_number(format)
    x = x[x.double() > kernel.domain[0]]
    computed = UNARY[name].kernel(gaps(x) if strided else x)
    assert computed.dtype == x.dtype
    inputs, results = x.double().numpy(), computed.double().numpy()
    with np.errstate(all="ignore"):
        exact = UNARY[name].reference(inputs)
        powers = (exact.view(np.uint64) & np.uint64(0x7FF << 52)).view(np.float64)
        units = np.maximum(powers * 2.0 ** (1 - format.precision), 2.0**format.quantum_exponent)
        within = np.abs(results - exact) <= kernel.ulps * units + kernel.absolute
    assert np.array_equal(np.isnan(results), np.isnan(exact))
    beyond = ~(np.abs(exact) <= float(format.largest_value))
    early = np.isinf(results) & (np.abs(inputs) >= kernel.finite_below)
    assert (within | beyond | early).all(), inputs[~(within | beyond | early)]


def test_only_the_two_short_formats_have_reduced_kernels() -> None:
    with pytest.raises(ValueError, match="bfloat16"):
        reduced("exp", BINARY32)
    with pytest.raises(KeyError):
        reduced("relu", BINARY16)
