"""The rounding interface and the dot-product bound, attacked with operands chosen to break them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from tests.float32.operands import random_pairs, random_triples

from torchlean.float32 import Environment, Rounding, scalar, vector
from torchlean.float32.rounding_model import (
    DIRECTED,
    FLUSHING,
    HALF_QUANTUM,
    NEAREST,
    OVERFLOW_THRESHOLD,
    UNIT_ROUNDOFF,
    DotProduct,
    Model,
    satisfies,
)
from torchlean.float32.schedules import Shape, random_dot_products

value = scalar.to_fraction
SETTINGS = [
    (NEAREST, Environment()),
    (NEAREST, Environment(Rounding.TIES_TO_AWAY)),
    (DIRECTED, Environment(Rounding.TOWARD_POSITIVE)),
    (DIRECTED, Environment(Rounding.TOWARD_NEGATIVE)),
    (DIRECTED, Environment(Rounding.TOWARD_ZERO)),
    (FLUSHING, Environment(flush_to_zero=True)),
]
NAMES = ["ties to even", "ties to away", "up", "down", "zero", "flushing"]


def finite_triples(count: int, seed: int) -> Iterator[tuple[int, int, int]]:
    drawn = random_triples(count, np.random.default_rng(seed))
    for row in zip(*(x.tolist() for x in drawn), strict=True):
        if all(scalar.is_finite(bits) for bits in row):
            yield row


def holds(model: Model, result: int, exact: Fraction, *, product: bool) -> bool:
    """The inequality; where the model says overflow, an infinity or the largest number."""
    if model.may_overflow(exact):
        return result & 0x7FFFFFFF in (0x7F7FFFFF, 0x7F800000)
    return model.product_holds(value(result), exact) if product else model.sum_holds(value(result), exact)


@pytest.mark.parametrize(("model", "environment"), SETTINGS, ids=NAMES)
def test_every_operation_satisfies_the_interface(model: Model, environment: Environment) -> None:
    for a, b, c in finite_triples(8000, 1):
        x, y, z = value(a), value(b), value(c)
        assert holds(model, scalar.add(a, c, environment).bits, x + z, product=False)
        assert holds(model, scalar.subtract(b, c, environment).bits, y - z, product=False)
        assert holds(model, scalar.multiply(a, b, environment).bits, x * y, product=True)
        assert holds(model, scalar.fused_multiply_add(a, b, c, environment).bits, x * y + z, product=True)


def test_sums_of_close_and_tiny_operands_need_no_absolute_error() -> None:
    a, b = random_pairs(20_000, np.random.default_rng(2))
    small = np.uint32(0x80FFFFFF)
    for x, y in zip((a & small).tolist(), (b & small).tolist(), strict=True):
        exact = value(x) + value(y)
        assert satisfies(value(scalar.add(x, y).bits), exact, UNIT_ROUNDOFF, Fraction(0))


def test_the_constants_cannot_be_smaller() -> None:
    """Each is reached, or nearly: a model with a hair less is refuted by one operation."""
    one, tie = 0x3F800000, 0x33800000
    assert value(scalar.add(one, tie).bits) == 1
    loss = UNIT_ROUNDOFF / (1 + UNIT_ROUNDOFF)
    assert satisfies(Fraction(1), 1 + UNIT_ROUNDOFF, loss, Fraction(0))
    assert not satisfies(Fraction(1), 1 + UNIT_ROUNDOFF, loss * Fraction(999999, 1000000), Fraction(0))
    assert scalar.multiply(1, 0x3F000000).bits == 0
    assert satisfies(Fraction(0), HALF_QUANTUM, UNIT_ROUNDOFF, HALF_QUANTUM)
    assert not NEAREST.sum_holds(Fraction(0), HALF_QUANTUM), "products need the η that sums do not"
    assert not satisfies(Fraction(0), HALF_QUANTUM, UNIT_ROUNDOFF, HALF_QUANTUM * (1 - 2 * UNIT_ROUNDOFF))


def test_the_overflow_threshold_is_where_numbers_start_to_round_to_infinity() -> None:
    at = OVERFLOW_THRESHOLD
    below = at - Fraction(1, 1 << 200)
    assert not scalar.is_finite(scalar.from_quotient(at.numerator, at.denominator).bits)
    assert scalar.from_quotient(below.numerator, below.denominator).bits == 0x7F7FFFFF
    up = Environment(Rounding.TOWARD_POSITIVE)
    largest = value(0x7F7FFFFF)
    assert scalar.from_quotient(largest.numerator, 1, up).bits == 0x7F7FFFFF
    above = largest + Fraction(1, 1 << 200)
    assert scalar.from_quotient(above.numerator, above.denominator, up).bits == 0x7F800000


def vectors(kind: str, batch: int, terms: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """(xs, ys, bias) of the kind: patterns of binary32, finite."""
    size = (batch, terms)
    if kind == "ordinary":
        xs, ys, bias = generator.normal(size=size), generator.normal(size=size), generator.normal(size=batch)
    elif kind == "cancelling":
        xs = generator.normal(size=size) * 2.0 ** generator.integers(-20, 20, size)
        ys = generator.normal(size=size)
        half = terms // 2
        xs[:, half : 2 * half], ys[:, half : 2 * half] = xs[:, :half], -ys[:, :half]
        bias = generator.normal(size=batch) * 2.0**-20
    elif kind == "underflowing":
        xs = generator.normal(size=size) * 2.0 ** generator.integers(-80, -70, size)
        ys = generator.normal(size=size) * 2.0 ** generator.integers(-80, -66, size)
        bias = generator.normal(size=batch) * 2.0**-148
    elif kind == "ties":
        xs = np.where(generator.random(size) < 0.2, 1.0, 2.0**-24) * (
            1 + 2.0**-23 * generator.integers(0, 3, size)
        )
        ys, bias = 1 + 2.0**-12 * generator.integers(0, 2, size), np.ones(batch)
    else:
        raise ValueError(kind)
    return tuple(part.astype(np.float32).view(np.uint32) for part in (xs, ys, bias))


KINDS = ["ordinary", "cancelling", "underflowing", "ties"]


def exact_products(xs: np.ndarray, ys: np.ndarray, bias: np.ndarray) -> list[DotProduct]:
    return [
        DotProduct.of([value(x) for x in row], [value(y) for y in column], value(b))
        for row, column, b in zip(xs.tolist(), ys.tolist(), bias.tolist(), strict=True)
    ]


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("kind", KINDS)
def test_no_summation_order_leaves_the_bound(kind: str, shape: Shape) -> None:
    generator = np.random.default_rng(3)
    for terms in (1, 2, 3, 7, 24):
        batch = 40
        xs, ys, bias = vectors(kind, batch, terms, generator)
        exact = exact_products(xs, ys, bias)
        assert all(product.is_finite() for product in exact)
        for fused in (0.0, 0.5, 1.0):
            for result, product in zip(
                random_dot_products(xs, ys, bias, generator, shape, fused).tolist(), exact, strict=True
            ):
                assert abs(value(result) - product.value) <= product.error_bound()


@pytest.mark.parametrize(("model", "environment"), SETTINGS, ids=NAMES)
def test_other_roundings_stay_within_their_models_bound(model: Model, environment: Environment) -> None:
    generator = np.random.default_rng(4)
    for kind in KINDS:
        xs, ys, bias = vectors(kind, 100, 12, generator)
        results = random_dot_products(xs, ys, bias, generator, environment=environment)
        for result, product in zip(results.tolist(), exact_products(xs, ys, bias), strict=True):
            assert product.is_finite(model)
            assert abs(value(result) - product.value) <= product.error_bound(model)


def test_the_bound_is_nearly_reached_by_one_accumulator() -> None:
    """n additions that each lose half a unit: 1 + 2^-24 + 2^-24 + ... stays 1."""
    n = 300
    one, tie = 0x3F800000, 0x33800000
    total = one
    for _ in range(n):
        total = scalar.fused_multiply_add(tie, one, total).bits
    product = DotProduct.of([value(tie)] * n, [Fraction(1)] * n, Fraction(1))
    ratio = abs(value(total) - product.value) / product.error_bound()
    assert total == one and Fraction(99, 100) < ratio <= 1


def test_underflow_breaks_the_textbook_bound_but_not_ours() -> None:
    """A product of 2^-150 vanishes: an error of its whole size, where gamma_n allows a part in millions."""
    xs, ys = [value(1)], [Fraction(1, 2)]
    product = DotProduct.of(xs, ys, Fraction(0))
    result = value(scalar.fused_multiply_add(1, 0x3F000000, 0).bits)
    error = abs(result - product.value)
    assert product.textbook_bound() < error <= product.error_bound()


def test_results_are_finite_where_that_is_promised_and_only_near_the_threshold_is_it_not() -> None:
    generator = np.random.default_rng(5)
    top = 2.0**128 / 32
    xs = np.full((200, 31), top).astype(np.float32) * generator.choice([1, -1], (200, 31)).astype(np.float32)
    ys, bias = np.ones_like(xs), np.full(200, top, np.float32)
    parts = [x.view(np.uint32) for x in (xs, ys, bias)]
    assert not any(product.is_finite() for product in exact_products(*parts)), (
        "all of one sign would overflow"
    )
    parts[0] -= np.uint32(1 << 3)
    parts[2] -= np.uint32(1 << 10)
    promised = [product.is_finite() for product in exact_products(*parts)]
    results = random_dot_products(*parts, generator)
    assert all(promised) and all(scalar.is_finite(x) for x in results.tolist())


def test_orders_really_differ() -> None:
    """The same dot product in a hundred orders gives many results: the schedules are not one schedule."""
    generator = np.random.default_rng(6)
    xs, ys, bias = vectors("cancelling", 1, 30, generator)
    repeated = [np.repeat(part, 100, axis=0) for part in (xs, ys, bias)]
    for shape in Shape:
        assert len(set(random_dot_products(*repeated, generator, shape).tolist())) > 10


def test_a_dot_product_of_small_integers_is_exact_in_every_order() -> None:
    """Every partial sum is representable, so any order gives the sum itself: a term lost or taken twice would
    show.
    """
    generator = np.random.default_rng(7)
    xs, ys = generator.integers(-50, 50, (2, 100, 41))
    bias = generator.integers(-50, 50, 100)
    expected = (xs * ys).sum(axis=1) + bias
    parts = [vector.convert_from_integer(part) for part in (xs, ys, bias)]
    for shape in Shape:
        for fused in (0.0, 0.5, 1.0):
            results = random_dot_products(*parts, generator, shape, fused)
            assert np.array_equal(results, vector.convert_from_integer(expected))


def test_vectors_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError):
        DotProduct.of([Fraction(1)], [], Fraction(0))
    with pytest.raises(ValueError, match="undefined"):
        DotProduct(Fraction(0), Fraction(1), 1 << 24).textbook_bound()
