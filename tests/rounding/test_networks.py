"""Whole networks, attacked: random summation trees with random FMA on the executable binary32, and torch itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.rounding.networks import Dense, drawn
from torch import Tensor

from torchlean.float32.schedules import Shape

KINDS = ("plain", "cancelling", "tiny", "mixed")
TREES = 12


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def assert_inside(executed: Tensor, exact: list[Fraction], bound: Tensor) -> None:
    for got, wanted, error in zip(executed.tolist(), exact, bound.tolist(), strict=True):
        assert math.isfinite(error), "nothing here overflows"
        assert abs(Fraction(got) - wanted) <= Fraction(error), f"{got}, exactly {float(wanted)}: {error}"


def ball(network: Dense, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A box of binary32 numbers and one in it."""
    width = network.weights[0].shape[1]
    centre = torch.randn(width, generator=generator)
    lower, upper = centre - 0.125, centre + 0.125
    inner = lower + (upper - lower) * torch.rand(width, generator=generator)
    return lower, upper, torch.minimum(torch.maximum(inner, lower), upper)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", list(Shape), ids=lambda shape: shape.value)
def test_every_summation_tree_with_and_without_fma_stays_inside(kind: str, shape: Shape) -> None:
    generator = torch.Generator().manual_seed(KINDS.index(kind))
    random = np.random.default_rng(KINDS.index(kind))
    for widths in ([4, 9, 9, 3], [40, 7, 2]):
        network = drawn(kind, widths, generator)
        lower, upper, x = ball(network, generator)
        graph, errors = network.errors(lower, upper)
        bound = errors[graph.outputs[0]].error
        assert bound is not None
        exact = network.exact(x)
        for tree in range(TREES):
            fused = (0.0, 0.5, 1.0)[tree % 3]
            assert_inside(network.executed(x, random, shape, fused), exact, bound)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_on_one_and_two_threads_stays_inside(kind: str, threads: int) -> None:
    generator = torch.Generator().manual_seed(7 + KINDS.index(kind))
    for widths in ([3, 16, 16, 2], [300, 64, 5]):
        network = drawn(kind, widths, generator)
        lower, upper, x = ball(network, generator)
        graph, errors = network.errors(lower, upper)
        bound = errors[graph.outputs[0]].error
        assert bound is not None
        assert_inside(network.in_torch(x), network.exact(x), bound)


def test_the_bound_is_reached_within_an_order_of_magnitude() -> None:
    """A product of two numbers with the worst rounding there is: a bound that never comes close would say nothing."""
    weight = torch.tensor([[1.0 + 2.0**-12]])
    x = torch.tensor([1.0 + 2.0**-12])
    network = Dense([weight], [torch.zeros(1)])
    graph, errors = network.errors(x, x)
    bound = errors[graph.outputs[0]].error
    assert bound is not None
    off = abs(Fraction(float(network.in_torch(x))) - network.exact(x)[0])
    assert off > 0
    assert Fraction(float(bound)) <= 10 * off


def test_overflow_that_cannot_be_excluded_has_no_finite_error() -> None:
    """The sum of the magnitudes is what counts: in some order an intermediate result overflows."""
    weight = torch.tensor([[2e38, 2e38, -2e38]])
    network = Dense([weight], [torch.zeros(1)])
    ones = torch.ones(3)
    graph, errors = network.errors(ones, ones)
    assert errors[graph.outputs[0]].largest == math.inf
    assert "overflow" in str(errors[graph.outputs[0]].reason)
    smaller = Dense([weight / 4], [torch.zeros(1)])
    graph, errors = smaller.errors(ones, ones)
    assert math.isfinite(errors[graph.outputs[0]].largest)
