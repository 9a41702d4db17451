"""The stated bounds of torch's float32 functions hold on samples, on every path of the kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.float32.exact_functions import EXACT, error_in_ulps
from tests.float32.functions import BINARY, UNARY, Function, elu_reference, softplus_reference
from tests.float32.interpolation import Ramp
from tests.float32.sweep import (
    BINADES,
    BLOCK,
    LARGEST,
    PATHS,
    PER_BINADE,
    Tally,
    computed_at,
    measure,
    sample,
    sample_pairs,
    units,
)
from torch.nn import functional

from torchlean.float32 import BINARY32, BINARY64
from torchlean.float32.kernels import KERNELS, Kernel, of_op, ulps
from torchlean.float32.kernels.measured import measured
from torchlean.float32.kernels.page import page_with_tables

ROOT = Path(__file__).parents[2]
SAMPLED = 256
"""Inputs of each binade: 130,000 for a function and path."""

DERIVED = {"pow", "softmax_exp"}
"""Bounds over several kernels, or of one that torch does not offer by itself."""


def tallied(function: Function, kernel: Kernel, seed: int, step: int = 1) -> Mapping[str, Tally]:
    """Samples of the binades in the kernel's domain, of all or of every third, say."""
    random = np.random.default_rng(seed)
    tallies = {path: Tally(kernel.absolute) for path in PATHS}
    for binade in range(0, BINADES // 2 if kernel.domain[0] == 0 else BINADES, step):
        if binade & 0xFF != 0xFF:
            measure(function, sample(binade, SAMPLED, random), tallies)
    return tallies


def assert_within(kernel: Kernel, tallies: Mapping[str, Tally]) -> None:
    for path, tally in tallies.items():
        worst, bits = tally.ulps.largest
        assert worst <= kernel.ulps, f"{path}: {worst} ulps at {bits:#x}"
        assert tally.early >= kernel.finite_below, f"{path}: overflows at {tally.early}"
        assert tally.invalid == 0, f"{path}: a NaN too many or too few at {tally.invalid_at:#x}"


@pytest.mark.parametrize("name", UNARY)
def test_no_sampled_result_leaves_the_stated_bound(name: str) -> None:
    assert_within(KERNELS[name], tallied(UNARY[name], KERNELS[name], seed=2))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("path", PATHS)
def test_no_sampled_pair_leaves_the_stated_bound(name: str, path: str) -> None:
    worst = sample_pairs(BINARY[name], path, 8 * BLOCK, KERNELS[name].absolute, seed=3)
    assert worst.ulps <= KERNELS[name].ulps, [hex(bits) for bits in worst.inputs]
    assert worst.early >= KERNELS[name].finite_below


@pytest.mark.parametrize("name", {**UNARY, **BINARY})
def test_the_worst_inputs_that_were_recorded_stay_within_the_bound(name: str) -> None:
    """Against mpmath, which shares nothing with torch or the C library."""
    kernel, function = KERNELS[name], {**UNARY, **BINARY}[name]
    for row in measured()[name]:
        assert row.ulps <= kernel.ulps
        assert row.early is None or row.early >= kernel.finite_below
        if row.capability != torch.backends.cpu.get_cpu_capability():
            continue
        result = computed_at(function, row.path, *row.inputs)
        assert error_in_ulps(EXACT[name], result, *row.inputs, allowance=kernel.absolute) <= kernel.ulps


def test_every_function_with_a_bound_was_measured() -> None:
    assert set(measured()) == set(UNARY) | set(BINARY) == set(KERNELS) - DERIVED


def test_nothing_is_stated_below_what_the_libraries_document() -> None:
    for name, kernel in KERNELS.items():
        assert kernel.ulps >= kernel.documented, name


def test_the_page_shows_the_tables_as_they_are() -> None:
    page = (ROOT / "docs" / "float32.md").read_text(encoding="utf-8")
    assert page == page_with_tables(page), "run python -m benchmarks.kernels"
    with pytest.raises(ValueError, match="formats: begin"):
        page_with_tables("a page without marks")


def test_unknown_functions_have_no_bound() -> None:
    with pytest.raises(KeyError):
        ulps("relu")
    assert ulps("exp") == KERNELS["exp"].ulps


@pytest.mark.parametrize("name", ["exp", "sigmoid", "gelu", "tanh", "mish", "erf"])
@pytest.mark.parametrize("length", [1, 3, 7, 9, 17, 31, 65])
def test_short_vectors_and_their_remainders_stay_within_the_bound(name: str, length: int) -> None:
    random = np.random.default_rng(length)
    x = random.normal(scale=3.0, size=(400, length)).astype(np.float32)
    exact = UNARY[name].reference(x.astype(np.float64))
    for row, values in zip(x, exact, strict=True):
        errors = np.abs(UNARY[name].kernel(torch.from_numpy(row)).numpy() - values)
        assert (errors <= KERNELS[name].ulps * units(values) + KERNELS[name].absolute).all()


@pytest.mark.parametrize("beta", [0.3, 1.7, 50.0])
def test_softplus_with_another_beta_stays_within_its_bound(beta: float) -> None:
    function = Function(lambda x: functional.softplus(x, beta=beta), softplus_reference(beta))
    kernel = of_op("softplus", {"beta": beta, "threshold": 20.0})
    assert_within(kernel, tallied(function, kernel, seed=4))


@pytest.mark.parametrize("alpha", [0.01, 0.3, 1.7, 30.0])
def test_elu_and_celu_with_another_alpha_stay_within_their_bounds(alpha: float) -> None:
    elu = Function(lambda x: functional.elu(x, alpha=alpha), elu_reference(1.0, alpha))
    celu = Function(lambda x: functional.celu(x, alpha=alpha), elu_reference(1.0, alpha, 1.0 / alpha))
    for name, function in {"elu": elu, "celu": celu}.items():
        kernel = of_op(name, {"alpha": alpha})
        assert_within(kernel, tallied(function, kernel, seed=5))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, -2.0, 3.0, 7.0, 0.75, -1.25])
def test_powers_stay_within_the_bound_of_their_exponent(exponent: float) -> None:
    function = Function(lambda x: torch.pow(x, exponent), lambda x: np.power(x, exponent))
    kernel = of_op("pow", {"exponent": exponent})
    assert_within(kernel, tallied(function, kernel, seed=6))
    assert kernel.ulps <= KERNELS["pow"].ulps and kernel.absolute <= KERNELS["pow"].absolute


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("lowest", [-1.0, -10.0, -80.0])
def test_the_exponentials_of_softmax_stay_within_their_bound(dim: int, lowest: float) -> None:
    """Seen through quotients of two results, whose own two roundings are allowed for: each loses half an ulp of
    2^-24 at most, relative to the quotient.
    """
    random = np.random.default_rng(7)
    x = random.uniform(lowest, 0.0, (2000, 40)).astype(np.float32)
    x[:, 0] = 0.0
    rows = torch.from_numpy(x if dim == 1 else np.ascontiguousarray(x.T))
    p = torch.softmax(rows, dim).numpy().astype(np.float64)
    p = p if dim == 1 else p.T
    exact = np.exp(x[:, 1:].astype(np.float64))
    errors = np.abs(p[:, 1:] / p[:, :1] - exact)
    assert (errors <= KERNELS["softmax_exp"].ulps * units(exact) + 2.1 * 2.0**-24 * exact).all()


def test_an_error_bound_covers_all_results_up_to_a_magnitude() -> None:
    kernel = KERNELS["gelu"]
    magnitudes = np.array([0.0, 1e-42, 1e-30, 0.7, 1.0, 1.9, 1e30])
    for magnitude in magnitudes:
        smaller = magnitudes[magnitudes <= magnitude]
        assert kernel.error(float(magnitude)) >= (kernel.ulps * units(smaller) + kernel.absolute).max()


@pytest.mark.parametrize("name", UNARY)
def test_references_agree_with_arithmetic_of_sixty_digits(name: str) -> None:
    random = np.random.default_rng(8)
    bits = np.concatenate([random.integers(0, 1 << 32, 20), random.integers(0x3A000000, 0x43000000, 20)])
    x = bits.astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    if KERNELS[name].domain[0] == 0:
        x = np.abs(x)
    with np.errstate(all="ignore"):
        y = UNARY[name].reference(x.astype(np.float64))
    for number, value in zip(x, y, strict=True):
        if np.isfinite(value) and abs(value) <= LARGEST:
            # The reference, rounded to binary32, is the number next to the exact value, or very nearly.
            rounded = int(np.float32(value).view(np.uint32))
            assert error_in_ulps(EXACT[name], rounded, int(number.view(np.uint32))) <= 0.5001


@pytest.mark.parametrize("name", UNARY)
def test_binary64_kernels_are_no_worse_in_their_own_ulps(name: str) -> None:
    """Sampled only: what is stated of binary32 is taken to hold for float64 tensors, absolute parts scaled."""
    kernel, random = KERNELS[name], np.random.default_rng(10)
    exponents = random.uniform(-12, 7, 150)
    x = np.copysign(2.0**exponents * random.uniform(1, 2, 150), random.normal(size=150))
    x = x if kernel.domain[0] < 0 else np.abs(x)
    computed = UNARY[name].kernel(torch.from_numpy(x)).numpy()
    allowance = kernel.absolute * float(BINARY64.unit_roundoff / BINARY32.unit_roundoff)
    compared = 0
    for number, result in zip(x, computed, strict=True):
        if np.isfinite(result):
            operands = (int(bits.view(np.uint64)) for bits in (result, number))
            ulps = error_in_ulps(EXACT[name], *operands, allowance=allowance, format=BINARY64)
            assert ulps <= kernel.ulps, number
            compared += 1
    assert compared > 25


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "sigmoid", "gelu", "sin", "hardswish", "softplus"])
def test_interpolated_references_are_as_good(name: str) -> None:
    ramp, reference = Ramp(BLOCK), UNARY[name].reference
    interpolated = 0
    for binade in (5, 100, 124, 127, 129, 130, 133, 140, 256 + 100, 256 + 127, 256 + 130):
        for start in range(binade * PER_BINADE, (binade + 1) * PER_BINADE, 16 * BLOCK):
            x = np.arange(start, start + BLOCK, dtype=np.uint32).view(np.float32).astype(np.float64)
            with np.errstate(all="ignore"):
                values = ramp.interpolate(reference, x[0], x[-1])
                exact = reference(x)
            if values is None or np.isnan(exact).any() or np.abs(exact).min() > LARGEST:
                continue
            interpolated += 1
            assert (np.abs(values - exact) <= 2.0**-7 * units(exact)).all()
    assert interpolated > 20


def test_kernels_for_any_processor_stay_within_the_bounds() -> None:
    """Torch chooses its kernels when it is loaded, so they run in a process of their own."""
    program = (
        "from tests.float32.test_kernels import *\n"
        "assert torch.backends.cpu.get_cpu_capability() == 'DEFAULT'\n"
        "for name in UNARY: assert_within(KERNELS[name], tallied(UNARY[name], KERNELS[name], seed=9, step=4))\n"
    )
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
