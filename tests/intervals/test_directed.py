"""Directed rounding against exact rationals: never on the wrong side, and never a step further than needed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from torchlean.intervals import directed

LARGEST = torch.finfo(torch.float64).max
EDGES = (0.0, -0.0, 5e-324, 2.2e-308, 1e-200, 2.0**-480, 0.1, 1.0, 3.0, 1e16, 1e154, 1e300, LARGEST, math.inf)
NUMBERS = [sign * x for x in EDGES for sign in (1.0, -1.0)]

Pair = tuple[Tensor, Tensor]
BINARY: dict[str, tuple[Callable[[Tensor, Tensor], Pair], Callable[[Fraction, Fraction], Fraction]]] = {
    "two_sum": (directed.two_sum, lambda a, b: a + b),
    "two_product": (directed.two_product, lambda a, b: a * b),
    "two_quotient": (directed.two_quotient, lambda a, b: a / b),
}

floats = st.one_of(st.sampled_from(NUMBERS), st.floats(allow_nan=False), st.floats(-10, 10))


def rounded(function: Callable[..., Pair], *operands: float) -> tuple[float, float]:
    pair = function(*(torch.tensor([x], dtype=torch.float64) for x in operands))
    return directed.round_down(*pair).item(), directed.round_up(*pair).item()


@pytest.fixture(params=[2**11, 0], ids=["numpy", "torch"], autouse=True, scope="module")
def small(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test once with each of the modules that compute."""
    before = directed.SMALL
    directed.SMALL = request.param
    yield
    directed.SMALL = before


def test_both_modules_give_the_same_numbers_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = torch.tensor(list(itertools.product(NUMBERS, repeat=2)), dtype=torch.float64)
    for name, (function, _) in BINARY.items():
        a, b = pairs[pairs[:, 1] != 0].unbind(1) if name == "two_quotient" else pairs.unbind(1)
        results = []
        for small in (2**30, 0):
            monkeypatch.setattr(directed, "SMALL", small)
            pair = function(a, b)
            results.append((*pair, directed.round_down(*pair), directed.round_up(*pair)))
        for ours, theirs in zip(*results, strict=True):
            same = (ours == theirs) & (ours.signbit() == theirs.signbit()) | (ours.isnan() & theirs.isnan())
            assert same.all(), f"{name}: {a[~same][0]}, {b[~same][0]}"


def assert_encloses(low: float, high: float, exact: Fraction, what: str) -> None:
    assert low == -math.inf or Fraction(low) <= exact, f"{what}: {low} is above the result"
    assert high == math.inf or exact <= Fraction(high), f"{what}: {high} is below the result"


@pytest.mark.parametrize("name", BINARY)
def test_both_roundings_enclose_the_exact_result_at_every_edge(name: str) -> None:
    function, reference = BINARY[name]
    finite = [x for x in NUMBERS if math.isfinite(x)]
    for a, b in itertools.product(finite, repeat=2):
        if name == "two_quotient" and b == 0:
            continue
        low, high = rounded(function, a, b)
        assert_encloses(low, high, reference(Fraction(a), Fraction(b)), f"{name}({a}, {b})")


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=300, deadline=None)
@given(a=floats, b=floats)
def test_both_roundings_enclose_the_exact_result(name: str, a: float, b: float) -> None:
    function, reference = BINARY[name]
    if math.isinf(a) or math.isinf(b) or (name == "two_quotient" and b == 0):
        return
    low, high = rounded(function, a, b)
    exact = reference(Fraction(a), Fraction(b))
    assert_encloses(low, high, exact, f"{name}({a}, {b})")
    # Away from overflow and underflow the roundings are the best possible.
    if all(1e-280 < abs(x) < 1e280 for x in (exact, Fraction(a), Fraction(b))):
        nearest = float(exact)
        assert (low == high) == (Fraction(nearest) == exact), f"{name}({a}, {b}) is exact, or not"
        assert high in (low, math.nextafter(low, math.inf))


@settings(max_examples=300, deadline=None)
@given(x=st.floats(0, LARGEST))
def test_square_roots_are_enclosed(x: float) -> None:
    low, high = rounded(directed.two_sqrt, x)
    assert Fraction(low) ** 2 <= Fraction(x)
    assert high == math.inf or Fraction(x) <= Fraction(high) ** 2
    assert low <= math.sqrt(x) <= high


def test_exact_square_roots_do_not_move() -> None:
    for x in (0.0, 1.0, 4.0, 2.25, 1e4, 2.0**100):
        assert rounded(directed.two_sqrt, x) == (math.sqrt(x), math.sqrt(x))


@pytest.mark.parametrize("name", BINARY)
def test_infinite_operands_never_give_nan_nor_a_bound_on_the_wrong_side(name: str) -> None:
    function, _ = BINARY[name]
    for a, b in itertools.product(NUMBERS, repeat=2):
        if not (math.isinf(a) or math.isinf(b)) or (name == "two_quotient" and b == 0):
            continue
        low, high = rounded(function, a, b)
        assert low <= high
        if name == "two_product" and 0 in (a, b):
            assert (low, high) == (0.0, 0.0)
        elif name != "two_quotient" and not math.isnan(a + b if name == "two_sum" else a * b):
            limit = a + b if name == "two_sum" else a * b
            assert low <= limit <= high
