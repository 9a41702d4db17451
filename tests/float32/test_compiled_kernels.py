"""Functions as `torch.compile` computes them stay within the bounds stated for that, vectorised or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from tests.float32.compiling import compiled as by_inductor
from tests.float32.functions import BINARY, UNARY
from tests.float32.sweep import BINADES, Bits, Exact, Tally, sample
from torch import Tensor

from torchlean.float32 import BFLOAT16, BINARY16
from torchlean.float32.kernels import KERNELS, Kernel, of_op, reduced
from torchlean.float32.kernels.compiled import COMPILED, compiled, power

SAMPLED = 1024
"""Inputs of each binade: half a million for a function."""

WITHOUT_VECTORS = 1
"""As inductor's `cpp.simdlen`: loops as it writes them where it cannot vectorise."""

INTEGER_POWERS = (5, 8, 31, -3, -7)


def _stated(name: str) -> Kernel:
    return power(float(name[4:-1])) if name == "pow[4]" else compiled(name)


def _results(x: Tensor, names: Sequence[str], options: dict[str, int]) -> list[Tensor]:
    results: list[Tensor] = by_inductor(lambda x: [UNARY[name].kernel(x) for name in names], **options)(x)
    return results


def _assert_within(kernel: Kernel, name: str, blocks: Sequence[Bits], results: Tensor) -> None:
    tally = Tally(kernel.absolute)
    for bits, result in zip(blocks, results.numpy(), strict=True):
        if kernel.domain[0] == 0 and bits[0] >> 31:
            continue
        with np.errstate(all="ignore"):
            exact = Exact(UNARY[name].reference(bits.view(np.float32).astype(np.float64)))
        tally.add(bits, result, exact)
    worst, at = tally.ulps.largest
    assert worst <= kernel.ulps, f"{name}: {worst} ulps at {at:#x}"
    assert tally.early >= kernel.finite_below, f"{name}: overflows at {tally.early}"
    assert tally.invalid == 0, f"{name}: a NaN too many or too few at {tally.invalid_at:#x}"


@pytest.mark.parametrize("options", [{}, {"cpp__simdlen": WITHOUT_VECTORS}], ids=["vectorised", "scalar"])
def test_no_sampled_result_leaves_the_bound_for_compiled_kernels(options: dict[str, int]) -> None:
    random = np.random.default_rng(5)
    blocks = [sample(binade, SAMPLED, random) for binade in range(BINADES) if binade & 0xFF != 0xFF]
    x = torch.from_numpy(np.stack(blocks).view(np.float32))
    for name, results in zip(UNARY, _results(x, list(UNARY), options), strict=True):
        _assert_within(_stated(name), name, blocks, results)


def test_the_worst_inputs_of_the_c_library_stay_within_the_bound() -> None:
    """Found among half of the inputs in the binades around them."""
    worst = {"tanh": 0.233295619, "erfc": 1.32608724, "log10": 0.982548475}
    x = torch.tensor(list(worst.values()))
    results = _results(x, list(worst), {"cpp__simdlen": WITHOUT_VECTORS})
    for place, (name, result) in enumerate(zip(worst, results, strict=True)):
        bits = x[place : place + 1].numpy().view(np.uint32)
        _assert_within(_stated(name), name, [bits], result[None, place : place + 1])


def test_bounds_for_compiled_kernels_hold_for_eager_ones_too() -> None:
    """Ops that inductor leaves to torch have eager kernels."""
    assert set(COMPILED) < set(UNARY) | set(BINARY)
    for name, other in COMPILED.items():
        eager = KERNELS[name]
        assert other.ulps >= eager.ulps and other.absolute >= eager.absolute, name
        assert other.finite_below <= eager.finite_below and other.domain == eager.domain
        for format in (BINARY16, BFLOAT16):
            assert reduced(name, format, compiled=True).absolute >= other.absolute


@pytest.mark.parametrize("exponent", INTEGER_POWERS)
def test_integer_powers_by_products_have_a_rounding_for_each(exponent: int) -> None:
    random = np.random.default_rng(6)
    x = np.exp(random.uniform(-2.0, 2.0, 1 << 16)).astype(np.float32)
    product = np.float32(1.0)
    for _ in range(abs(exponent)):
        product = product * (x if exponent > 0 else np.float32(1.0) / x)
    exact = np.power(x.astype(np.float64), exponent)
    kernel = of_op("pow", {"exponent": exponent}, compiled=True)
    units = np.exp2(np.floor(np.log2(exact)) - 23)
    assert (np.abs(product - exact) <= kernel.ulps * units).all()
    assert kernel.ulps > of_op("pow", {"exponent": exponent}).ulps


def test_parts_of_softmax_and_normalisations_are_compiled_no_worse() -> None:
    """Their rules take the bounds for eager execution."""
    assert not {"sqrt", "rsqrt", "log", "softmax_exp"} & set(COMPILED)
