"""Torch's functions on float16 and bfloat16 tensors, at all 65,536 inputs."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from tests.float32.functions import UNARY, Function, elu_reference, softplus_reference
from torch import Tensor
from torch.nn import functional

from torchlean.float32 import BFLOAT16, BINARY16, BINARY32, Format
from torchlean.float32.kernels import Kernel, of_op, reduced

DTYPES = {BINARY16: torch.float16, BFLOAT16: torch.bfloat16}

INEXACT_EXPONENTS = {"pow[0.3]"}
"""Torch rounds the exponent to the tensor's format."""


def every_number(format: Format) -> Tensor:
    patterns = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    numbers = patterns.view(DTYPES[format])
    return numbers[torch.isfinite(numbers)]


def gaps(x: Tensor) -> Tensor:
    return x.repeat_interleave(2)[::2]


def assert_within(function: Function, kernel: Kernel, *, strided: bool) -> None:
    format = kernel.format
    x = every_number(format)
    x = x[x.double() > kernel.domain[0]]
    computed = function.kernel(gaps(x) if strided else x)
    assert computed.dtype == x.dtype
    inputs, results = x.double().numpy(), computed.double().numpy()
    with np.errstate(all="ignore"):
        exact = function.reference(inputs)
        powers = (exact.view(np.uint64) & np.uint64(0x7FF << 52)).view(np.float64)
        units = np.maximum(powers * 2.0 ** (1 - format.precision), 2.0**format.quantum_exponent)
        within = np.abs(results - exact) <= kernel.ulps * units + kernel.absolute
    assert np.array_equal(np.isnan(results), np.isnan(exact))
    beyond = ~(np.abs(exact) <= float(format.largest_value))
    early = np.isinf(results) & (np.abs(inputs) >= kernel.finite_below)
    assert (within | beyond | early).all(), inputs[~(within | beyond | early)]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("name", [name for name in UNARY if name not in INEXACT_EXPONENTS])
@pytest.mark.parametrize("format", DTYPES, ids=lambda f: f.name)
def test_every_result_is_within_the_stated_bound(format: Format, name: str, strided: bool) -> None:
    assert_within(UNARY[name], reduced(name, format), strided=strided)


@pytest.mark.parametrize("value", [0.0625, 0.25, 3.0, 48.0])
@pytest.mark.parametrize("format", DTYPES, ids=lambda f: f.name)
def test_parameters_keep_every_result_within_the_bound_of_the_op(format: Format, value: float) -> None:
    functions = {
        "softplus": ("beta", softplus_reference(value)),
        "elu": ("alpha", elu_reference(1.0, value)),
        "celu": ("alpha", elu_reference(1.0, value, 1.0 / value)),
    }
    for name, (parameter, reference) in functions.items():
        kernel = of_op(name, {parameter: value}, format)
        torchs = functools.partial(getattr(functional, name), **{parameter: value})
        assert_within(Function(torchs, reference), kernel, strided=False)


def test_only_the_two_short_formats_have_reduced_kernels() -> None:
    with pytest.raises(ValueError, match="bfloat16"):
        reduced("exp", BINARY32)
    with pytest.raises(KeyError):
        reduced("relu", BINARY16)
