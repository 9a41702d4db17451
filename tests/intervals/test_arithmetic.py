"""Interval arithmetic on what the op tables do not reach: infinite constants, sums, flags and wide integers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlean.intervals import Interval
from torchlean.intervals import arithmetic as exact

Binary = Callable[[Interval, Interval], Interval]

ends = st.one_of(
    st.integers(-50, 50).map(float), st.floats(-1e3, 1e3), st.sampled_from([1e300, -1e300, 5e-324, 1e16])
)


def interval(low: float, high: float, *, undefined: bool = False) -> Interval:
    return Interval(*torch.tensor([[low], [high]], dtype=torch.float64), undefined)


def point(*values: float) -> Interval:
    return Interval.point(torch.tensor(values, dtype=torch.float64))


@pytest.mark.parametrize("operation", [exact.add, exact.sub, exact.mul])
def test_small_integers_and_binary_fractions_stay_points(operation: Binary) -> None:
    result = operation(point(3.0, 0.5, -7.0), point(4.0, 0.25, 0.0))
    assert result.is_point


def test_a_point_that_float64_cannot_hold_becomes_two_neighbours() -> None:
    result = exact.add(point(1.0), point(1e-30))
    assert (result.lower.item(), result.upper.item()) == (1.0, math.nextafter(1.0, 2.0))


def test_claims_at_the_edge_stay_provable() -> None:
    x = interval(0.0, 0.3)
    assert exact.add(x, point(1.0)).lower.item() == 1.0
    assert exact.mul(x, point(2.0)).upper.item() == 0.6
    assert exact.div(x, point(0.5)).upper.item() == 0.6


def test_zero_times_an_unbounded_number_is_zero() -> None:
    result = exact.mul(point(0.0), interval(-math.inf, math.inf))
    assert (result.lower.item(), result.upper.item(), result.undefined) == (0.0, 0.0, False)


@pytest.mark.parametrize(
    "result",
    [
        lambda: exact.add(point(math.inf), point(-math.inf)),
        lambda: exact.sub(point(math.inf), point(math.inf)),
        lambda: exact.mul(point(math.inf), interval(-1.0, 1.0)),
        lambda: exact.mul(point(0.0), point(-math.inf)),
        lambda: exact.div(point(math.inf), point(math.inf)),
        lambda: exact.div(point(1.0), interval(-1.0, 1.0)),
        lambda: exact.div(point(1.0), point(0.0)),
        lambda: exact.sqrt(interval(-1.0, 4.0)),
        lambda: exact.total(point(math.inf, -math.inf), [0]),
    ],
)
def test_an_undefined_result_is_flagged(result: Callable[[], Interval]) -> None:
    assert result().undefined


@pytest.mark.parametrize("operation", [exact.add, exact.sub, exact.mul, exact.div])
def test_the_flag_travels(operation: Binary) -> None:
    assert operation(interval(1.0, 2.0, undefined=True), point(3.0)).undefined
    assert operation(point(3.0), interval(1.0, 2.0, undefined=True)).undefined
    assert exact.square(interval(1.0, 2.0, undefined=True)).undefined
    assert exact.total(interval(1.0, 2.0, undefined=True), [0]).undefined


def test_masks_of_minus_infinity_keep_their_meaning() -> None:
    result = exact.add(interval(-3.0, 5.0), point(-math.inf))
    assert not result.undefined
    assert result.lower.item() == -math.inf
    assert torch.exp(result.upper).item() == 0.0


@settings(max_examples=200, deadline=None)
@given(pairs=st.lists(st.tuples(ends, ends).map(sorted), min_size=1, max_size=9))
def test_a_sum_contains_the_exact_sum_of_ends(pairs: list[list[float]]) -> None:
    rows = torch.tensor(pairs, dtype=torch.float64)
    result = exact.total(Interval(rows[:, 0].clone(), rows[:, 1].clone()), [0])
    low, high = (sum(Fraction(pair[i]) for pair in pairs) for i in (0, 1))
    assert Fraction(result.lower.item()) <= low
    assert high <= Fraction(result.upper.item())
    size = float(sum(max(abs(a), abs(b)) for a, b in pairs))
    assert result.upper.item() - float(high) <= 1e-14 * size + 1e-320


def test_sums_of_integers_are_exact_and_stay_points() -> None:
    x = Interval.point(torch.arange(12).reshape(3, 4) - 5)
    for dims, keepdim in itertools.product(([0], [1], [0, 1], []), (False, True)):
        result = exact.total(x, dims, keepdim=keepdim)
        assert result.is_point
        assert torch.equal(result.lower, x.lower.sum(dims, keepdim=keepdim))


def test_a_sum_that_overflows_has_no_bound_there() -> None:
    result = exact.total(point(1.7e308, 1.7e308, -1e308), [0])
    assert result.lower.item() <= 2.4e307
    assert result.upper.item() == math.inf
    assert not result.undefined


def test_a_sum_with_an_unbounded_term_is_unbounded_on_that_side_only() -> None:
    x = Interval(torch.tensor([1.0, -math.inf]).double(), torch.tensor([2.0, 3.0]).double())
    result = exact.total(x, [0])
    assert result.lower.item() == -math.inf
    assert 5.0 <= result.upper.item() <= 5.0 + 1e-14
    assert not result.undefined


def test_integers_beyond_float64_are_enclosed() -> None:
    for value in (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**60 + 7):
        x = Interval.point(torch.tensor([value]))
        assert Fraction(x.lower.item()) <= value <= Fraction(x.upper.item())
    assert Interval.point(torch.tensor([2**53 - 1, -7])).is_point


def test_nothing_is_known_of_complex_numbers() -> None:
    x = Interval.point(torch.tensor([1 + 2j]))
    assert x.undefined
    assert not x.bounded()
