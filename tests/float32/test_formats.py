"""The formats' constants, and conversions to the shorter ones as torch makes them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.float32.operands import mismatches, random_bits, special_values

from torchlean.float32 import (
    BFLOAT16,
    BINARY16,
    BINARY32,
    BINARY64,
    TF32,
    Environment,
    Format,
    Rounding,
    rounding_model,
    scalar,
    vector,
)

DTYPES = {
    torch.float16: BINARY16,
    torch.bfloat16: BFLOAT16,
    torch.float32: BINARY32,
    torch.float64: BINARY64,
}


@pytest.mark.parametrize(("dtype", "format"), DTYPES.items(), ids=lambda x: str(x))
def test_the_constants_are_those_that_torch_reports(dtype: torch.dtype, format: Format) -> None:
    limits = torch.finfo(dtype)
    assert 2 * format.unit_roundoff == Fraction(limits.eps)
    assert format.smallest_normal == Fraction(limits.tiny)
    assert format.largest_value == Fraction(limits.max)
    assert 2 * format.half_quantum == Fraction(2) ** format.quantum_exponent
    assert format.largest_value == scalar.to_fraction(format.largest_finite, format)
    assert 2 * format.half_quantum == scalar.to_fraction(1, format)


@pytest.mark.parametrize("format", [BINARY16, BFLOAT16, TF32], ids=lambda f: f.name)
def test_the_overflow_threshold_is_the_first_number_that_becomes_infinite(format: Format) -> None:
    threshold = format.overflow_threshold
    bits = scalar.from_quotient(threshold.numerator, threshold.denominator).bits
    assert scalar.to_fraction(bits) == threshold, "a number of binary32"
    assert scalar.convert_format(bits, BINARY32, format).bits == format.infinity
    assert scalar.convert_format(bits - 1, BINARY32, format).bits == format.largest_finite


@pytest.mark.parametrize("format", [BINARY16, BFLOAT16, TF32, BINARY32], ids=lambda f: f.name)
def test_conversions_satisfy_the_rounding_model_of_their_format(format: Format) -> None:
    random = np.random.default_rng(1)
    models = {
        Environment(): rounding_model.nearest(format),
        Environment(Rounding.TIES_TO_AWAY): rounding_model.nearest(format),
        Environment(Rounding.TOWARD_ZERO): rounding_model.directed(format),
        Environment(Rounding.TOWARD_NEGATIVE): rounding_model.directed(format),
        Environment(flush_to_zero=True): rounding_model.flushing(format),
    }
    near = random.integers(BINARY64.bias - 150, BINARY64.bias + 18, 1500) << 52
    for wide in (near | random.integers(0, 1 << 52, near.size)).tolist():
        exact = scalar.to_fraction(wide, BINARY64)
        for environment, model in models.items():
            rounded = scalar.convert_format(wide, BINARY64, format, environment).bits
            if not model.may_overflow(exact):
                assert model.product_holds(scalar.to_fraction(rounded, format), exact)


def test_torch_narrows_binary32_as_both_forms_do() -> None:
    a = np.concatenate([special_values(), random_bits(300_000, np.random.default_rng(2))])
    x = torch.from_numpy(a.view(np.float32))
    numbers = (a & 0x7FFFFFFF) <= 0x7F800000
    for dtype, ours in {torch.float16: vector.to_binary16(a), torch.bfloat16: vector.to_bfloat16(a)}.items():
        theirs = x.to(dtype).view(torch.int16).numpy().view(np.uint16)
        assert np.array_equal(ours[numbers], theirs[numbers])
    sample = a[:: a.size // 1000].tolist()
    assert [scalar.convert_format(bits, BINARY32, BINARY16).bits for bits in sample] == vector.to_binary16(
        a[:: a.size // 1000]
    ).tolist()


def test_torch_narrows_binary64_by_way_of_binary32() -> None:
    """So such a cast rounds twice, and is off by a little more than half a unit where binary32 makes a tie."""
    a = random_bits(200_000, np.random.default_rng(3))
    a = a[(a & 0x7FFFFFFF) < 0x7F800000]
    # Between numbers of binary32, where its ties to shorter formats are.
    wide = vector.to_binary64(a & ~np.uint32(0xFFF)) + np.random.default_rng(4).integers(0, 3, a.size).astype(
        np.uint64
    )
    x = torch.from_numpy(wide.view(np.float64))
    narrow = {
        torch.float16: (BINARY16, vector.to_binary16),
        torch.bfloat16: (BFLOAT16, vector.to_bfloat16),
    }
    for dtype, (format, twice) in narrow.items():
        theirs = x.to(dtype).view(torch.int16).numpy().view(np.uint16)
        assert np.array_equal(twice(vector.from_binary64(wide)), theirs)
        assert (vector.from_binary64(wide, format) != theirs).any(), "rounding once gives something else"


def test_tf32_keeps_ten_bits_of_the_fraction() -> None:
    a = random_bits(50_000, np.random.default_rng(5))
    a = a[(a & 0x7FFFFFFF) < 0x7F800000]
    nearest, truncated = vector.to_tf32(a), vector.to_tf32(a, Environment(Rounding.TOWARD_ZERO))
    assert np.array_equal(truncated, a & ~np.uint32(0x1FFF))
    up = truncated + np.uint32(0x2000)
    middle = (a & 0x1FFF).astype(np.int64) - 0x1000
    expected = np.where((middle > 0) | ((middle == 0) & (truncated & 0x2000 != 0)), up, truncated)
    assert mismatches(nearest, expected.astype(np.uint32)).size == 0


def test_products_of_tf32_inputs_are_exact_in_binary32() -> None:
    """Eleven bits times eleven: what tensor cores add up are exact products, where none is subnormal."""
    random = np.random.default_rng(6)
    x, y = (vector.to_tf32(random.normal(size=2000).astype(np.float32).view(np.uint32)) for _ in range(2))
    flags = np.zeros(x.size, np.uint8)
    vector.multiply(x, y, flags=flags)
    assert not flags.any()
