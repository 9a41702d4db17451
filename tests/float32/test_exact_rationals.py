"""Binary32 arithmetic in all five directions, held against exact rationals and the definition of rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from tests.float32.operands import Bits, random_pairs, random_triples
from tests.float32.oracle import is_correctly_rounded

from torchlean.float32 import Environment, Rounding, scalar, vector

COUNT = 3000

EXACTLY: dict[str, Callable[..., Fraction]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "fused_multiply_add": lambda x, y, z: x * y + z,
}


def numbers(operands: tuple[Bits, ...]) -> Iterator[tuple[int, ...]]:
    """The rows of operands that are all numbers."""
    for row in zip(*(x.tolist() for x in operands), strict=True):
        if all(scalar.is_finite(bits) for bits in row):
            yield row


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("name", EXACTLY)
def test_both_forms_round_the_exact_result_once(name: str, rounding: Rounding) -> None:
    random = np.random.default_rng(13)
    drawn = random_triples(COUNT, random) if name == "fused_multiply_add" else random_pairs(COUNT, random)
    environment = Environment(rounding)
    rows = [row for row in numbers(drawn) if name != "divide" or not scalar.is_zero(row[1])]
    arrays = [np.array(column, dtype=np.uint32) for column in zip(*rows, strict=True)]
    results = getattr(vector, name)(*arrays, environment)
    assert len(rows) > COUNT // 2
    for row, bits in zip(rows, results.tolist(), strict=True):
        exact = EXACTLY[name](*(scalar.to_fraction(x) for x in row))
        assert getattr(scalar, name)(*row, environment).bits == bits
        if exact == 0:
            assert bits & 0x7FFFFFFF == 0
        else:
            assert is_correctly_rounded(bits, exact, rounding), [hex(x) for x in row]


@pytest.mark.parametrize("rounding", Rounding)
def test_square_roots_lie_on_the_right_side_of_the_exact_ones(rounding: Rounding) -> None:
    """A root is irrational or exact, so the square of a result or of the middle to its neighbour decides."""
    random = np.random.default_rng(14)
    radicands = np.array(
        [a for a, _ in numbers(random_pairs(COUNT, random)) if 0 < a < 1 << 31], dtype=np.uint32
    )
    for a, root in zip(
        radicands.tolist(), vector.square_root(radicands, Environment(rounding)).tolist(), strict=True
    ):
        x = scalar.to_fraction(a)
        below, here, above = (scalar.to_fraction(root + step) for step in (-1, 0, 1))
        if rounding in (Rounding.TIES_TO_EVEN, Rounding.TIES_TO_AWAY):
            assert ((below + here) / 2) ** 2 < x < ((here + above) / 2) ** 2
        elif rounding is Rounding.TOWARD_POSITIVE:
            assert below**2 < x <= here**2
        else:
            assert here**2 <= x < above**2


def test_remainders_are_those_of_the_nearest_multiple() -> None:
    random = np.random.default_rng(15)
    rows = [row for row in numbers(random_pairs(4 * COUNT, random)) if not scalar.is_zero(row[1])]
    a, b = (np.array(column, dtype=np.uint32) for column in zip(*rows, strict=True))
    for row, bits in zip(rows, vector.remainder(a, b).tolist(), strict=True):
        x, y = (scalar.to_fraction(operand) for operand in row)
        # round() on a Fraction is to the nearest integer, ties to even: the definition.
        assert scalar.to_fraction(bits) == x - y * round(x / y)
