"""The vector form against the scalar reference: bits, NaN payloads and flags, in every environment."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from tests.float32.operands import Bits, all_pairs, random_bits, random_pairs, random_triples

from torchlean.float32 import (
    BFLOAT16,
    BINARY16,
    BINARY32,
    BINARY64,
    DEFAULT,
    TF32,
    Environment,
    Flags,
    Format,
    NanPolicy,
    Rounding,
    Tininess,
    scalar,
    vector,
)
from torchlean.float32.lanes import blocks

ENVIRONMENTS = [
    *(Environment(rounding) for rounding in Rounding),
    Environment(tininess=Tininess.BEFORE_ROUNDING, nan_policy=NanPolicy.CANONICAL),
    Environment(flush_to_zero=True),
    Environment(Rounding.TOWARD_POSITIVE, denormals_are_zero=True, flush_to_zero=True),
    Environment(Rounding.TOWARD_NEGATIVE, Tininess.BEFORE_ROUNDING, flush_to_zero=True),
]
NAMES = [
    "ties to even",
    "ties to away",
    "up",
    "down",
    "zero",
    "tiny before, canonical",
    "ftz",
    "up daz ftz",
    "down ftz",
]
ARITHMETIC = {
    "add": 2,
    "subtract": 2,
    "multiply": 2,
    "divide": 2,
    "fused_multiply_add": 3,
    "square_root": 1,
    "round_to_integral": 1,
    "remainder": 2,
    "next_up": 1,
    "next_down": 1,
    "next_after": 2,
}
SELECTION = ["minimum", "maximum", "minimum_number", "maximum_number", "min_num_2008", "max_num_2008"]

environments = pytest.mark.parametrize("environment", ENVIRONMENTS, ids=NAMES)


def operands(count: int, arity: int, seed: int) -> tuple[Bits, ...]:
    random = np.random.default_rng(seed)
    chosen = random.integers(0, all_pairs()[0].size, count // 2)
    special = [x[chosen] for x in all_pairs()] + [random_bits(chosen.size, random)]
    drawn = random_triples(count, random) if arity == 3 else random_pairs(count, random)
    return tuple(np.concatenate(parts) for parts in zip(special, drawn, strict=False))[:arity]


def assert_same(
    ours: Bits, flags: np.ndarray, expected: list[tuple[int, Flags]], inputs: tuple[Bits, ...]
) -> None:
    bits = np.array([result[0] for result in expected], dtype=ours.dtype)
    raised = np.array([int(result[1]) for result in expected], dtype=np.uint8)
    for i in np.flatnonzero((bits != ours) | (raised != flags))[:1]:
        shown = [hex(x[i]) for x in inputs]
        pytest.fail(f"{shown}: {hex(ours[i])}, {flags[i]} instead of {hex(bits[i])}, {raised[i]}")


@environments
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_agrees_in_bits_payloads_and_flags(name: str, environment: Environment) -> None:
    inputs = operands(4000, ARITHMETIC[name], len(name))
    flags = np.zeros(inputs[0].size, np.uint8)
    ours = getattr(vector, name)(*inputs, environment, flags)
    rows = zip(*(x.tolist() for x in inputs), strict=True)
    assert_same(ours, flags, [getattr(scalar, name)(*row, environment) for row in rows], inputs)
    assert np.array_equal(getattr(vector, name)(*inputs, environment), ours), "flags must not change results"


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_agrees_on_many_operands(name: str) -> None:
    inputs = operands(70_000, ARITHMETIC[name], 100)
    flags = np.zeros(inputs[0].size, np.uint8)
    ours = getattr(vector, name)(*inputs, DEFAULT, flags)
    rows = zip(*(x.tolist() for x in inputs), strict=True)
    assert_same(ours, flags, [getattr(scalar, name)(*row) for row in rows], inputs)


@pytest.mark.parametrize("policy", NanPolicy)
@pytest.mark.parametrize("name", SELECTION)
def test_selection_agrees(name: str, policy: NanPolicy) -> None:
    inputs = all_pairs()
    environment = Environment(nan_policy=policy)
    flags = np.zeros(inputs[0].size, np.uint8)
    ours = getattr(vector, name)(*inputs, environment, flags)
    rows = zip(*(x.tolist() for x in inputs), strict=True)
    assert_same(ours, flags, [getattr(scalar, name)(*row, environment) for row in rows], inputs)


@pytest.mark.parametrize("predicate", sorted(scalar.PREDICATES))
def test_predicates_agree(predicate: str) -> None:
    inputs = operands(3000, 2, 7)
    for environment in (DEFAULT, Environment(denormals_are_zero=True)):
        flags = np.zeros(inputs[0].size, np.uint8)
        ours = vector.compare(predicate, *inputs, environment, flags)
        rows = zip(*(x.tolist() for x in inputs), strict=True)
        assert_same(ours, flags, [scalar.compare(predicate, *row, environment) for row in rows], inputs)


def wide_operands(count: int) -> np.ndarray:
    """Patterns of binary64 next to the numbers and ties of the shorter formats, and anything else."""
    random = np.random.default_rng(8)
    near = vector.to_binary64(random_bits(count, random))
    near = near + random.integers(-2, 3, count).astype(np.uint64) * np.uint64(1 << 28)
    near += random.integers(-1, 2, count).astype(np.uint64)
    return np.where(random.random(count) < 0.8, near, random.integers(0, 1 << 64, count, dtype=np.uint64))


@environments
@pytest.mark.parametrize("target", [BINARY32, BFLOAT16, BINARY16], ids=lambda f: f.name)
def test_rounding_binary64_agrees(target: Format, environment: Environment) -> None:
    a = wide_operands(4000)
    flags = np.zeros(a.size, np.uint8)
    ours = vector.from_binary64(a, target, environment, flags)
    expected = [scalar.convert_format(x, BINARY64, target, environment) for x in a.tolist()]
    assert_same(ours, flags, expected, (a,))


@environments
def test_narrowing_binary32_agrees(environment: Environment) -> None:
    a = operands(4000, 1, 9)[0]
    for function, target in ((vector.to_binary16, BINARY16), (vector.to_bfloat16, BFLOAT16)):
        flags = np.zeros(a.size, np.uint8)
        ours = function(a, environment, flags)
        expected = [scalar.convert_format(x, BINARY32, target, environment) for x in a.tolist()]
        assert_same(ours, flags, expected, (a,))
    flags = np.zeros(a.size, np.uint8)
    ours = vector.to_tf32(a, environment, flags)
    assert not (ours & 0x1FFF).any()
    expected = [scalar.convert_format(x, BINARY32, TF32, environment) for x in a.tolist()]
    assert_same(ours >> 13, flags, expected, (a,))


@pytest.mark.parametrize("environment", [DEFAULT, *ENVIRONMENTS[5:]], ids=["default", *NAMES[5:]])
def test_widening_agrees_on_every_short_number(environment: Environment) -> None:
    a = np.arange(0, 1 << 16, 1 if environment == DEFAULT else 7).astype(np.uint16)
    for function, source in ((vector.from_binary16, BINARY16), (vector.from_bfloat16, BFLOAT16)):
        flags = np.zeros(a.size, np.uint8)
        ours = function(a, environment, flags)
        expected = [scalar.convert_format(x, source, BINARY32, environment) for x in a.tolist()]
        assert_same(ours, flags, expected, (a,))


@environments
def test_widening_to_binary64_agrees(environment: Environment) -> None:
    a = operands(4000, 1, 10)[0]
    flags = np.zeros(a.size, np.uint8)
    ours = vector.to_binary64(a, environment, flags)
    expected = [scalar.convert_format(x, BINARY32, BINARY64, environment) for x in a.tolist()]
    assert_same(ours, flags, expected, (a,))


TYPES = [
    scalar.INT32,
    scalar.INT64,
    scalar.UINT8,
    scalar.UINT32,
    scalar.IntegerType(8),
    scalar.IntegerType(16),
]


@environments
def test_conversion_to_integers_agrees(environment: Environment) -> None:
    a = operands(3000, 1, 11)[0]
    for target, exact in itertools.product(TYPES, (False, True)):
        flags = np.zeros(a.size, np.uint8)
        ours = vector.convert_to_integer(a, target, environment, flags, exact=exact)
        expected = [scalar.convert_to_integer(x, target, environment, exact=exact) for x in a.tolist()]
        assert_same(ours, flags, [(x.value, x.flags) for x in expected], (a,))


@environments
def test_rounding_to_integral_exactly_agrees(environment: Environment) -> None:
    a = operands(3000, 1, 12)[0]
    flags = np.zeros(a.size, np.uint8)
    ours = vector.round_to_integral(a, environment, flags, exact=True)
    expected = [scalar.round_to_integral(x, environment, exact=True) for x in a.tolist()]
    assert_same(ours, flags, expected, (a,))


@environments
def test_conversion_from_integers_agrees(environment: Environment) -> None:
    random = np.random.default_rng(13)
    a = random.integers(-(1 << 63), (1 << 63) - 1, 4000, endpoint=True) >> random.integers(0, 64, 4000)
    a[:4] = [0, -(1 << 63), (1 << 63) - 1, (1 << 24) + 1]
    flags = np.zeros(a.size, np.uint8)
    ours = vector.convert_from_integer(a, environment, flags)
    assert_same(ours, flags, [scalar.convert_from_integer(x, environment) for x in a.tolist()], (a,))


def test_flags_are_sticky() -> None:
    one = np.full(3, 0x3F800000, np.uint32)
    flags = np.array([0, Flags.INEXACT, Flags.OVERFLOW], np.uint8)
    vector.divide(one, np.array([0, 0x40400000, 0x7F800001], np.uint32), flags=flags)
    assert flags.tolist() == [Flags.DIVIDE_BY_ZERO, Flags.INEXACT, Flags.OVERFLOW | Flags.INVALID]


def test_operands_are_broadcast_and_results_have_their_shape() -> None:
    column = np.array([[0x3F800000], [0x40000000]], np.uint32)
    row = np.array([0x3F800000, 0x40000000, 0x40400000], np.uint32)
    total = vector.add(column, row).view(np.float32)
    assert total.tolist() == [[2.0, 3.0, 4.0], [3.0, 4.0, 5.0]]
    assert vector.add(column[:, :0], column[:, :0]).shape == (2, 0)


@pytest.mark.parametrize("size", [1, blocks.BLOCK - 1, blocks.BLOCK, blocks.BLOCK + 1])
def test_a_result_does_not_depend_on_where_blocks_end(size: int) -> None:
    a, b = random_pairs(size, np.random.default_rng(14))
    apart = np.array([scalar.add(x, y).bits for x, y in zip(a.tolist(), b.tolist(), strict=True)], np.uint32)
    assert np.array_equal(vector.add(a, b), apart)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: vector.add(np.ones(2, np.float32), np.ones(2, np.uint32)), "uint32, got float32"),
        (lambda: vector.from_binary16(np.ones(2, np.uint32)), "uint16, got uint32"),
        (lambda: vector.convert_from_integer(np.ones(2, np.uint64)), "within int64, got uint64"),
    ],
)
def test_arrays_of_another_type_are_refused(call: Callable[[], object], expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        call()


def test_flags_of_another_shape_are_refused() -> None:
    one = np.ones(2, np.uint32)
    with pytest.raises(ValueError, match="flags of shape"):
        vector.add(one, one, flags=np.zeros(3, np.uint8))


@pytest.mark.parametrize("element", [np.uint32, np.uint64])
def test_ones_are_counted_alike_with_and_without_the_instruction(element: type[np.unsignedinteger]) -> None:
    x = np.random.default_rng(15).integers(0, np.iinfo(element).max, 2000, dtype=element, endpoint=True)
    x[:2] = 0, np.iinfo(element).max
    expected = [int(v).bit_count() for v in x]
    assert blocks.population_by_adding(x.copy()).tolist() == expected
    assert blocks.population(x.copy()).tolist() == expected
