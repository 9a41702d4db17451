"""The noise of a node is more than any schedule of binary32 operations deviates from its exact result."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.certificate.models import asked

from torchlean.certificate.lowering import lower
from torchlean.certificate.machine import Machine, OverflowPossibleError
from torchlean.float32.schedules import Shape, random_dot_products

GRID = 60
"""Fine, so that nothing is gained by rounding up to it."""


def patterns(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).view(np.uint32)


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e10])
def test_no_order_of_summation_leaves_the_noise_of_a_matrix(shape, size, tmp_path) -> None:
    """Inputs are corners, where magnitudes are those that the noise was computed from, and cancel as they like."""
    found = asked(
        tmp_path, "self.a = nn.Linear(24, 3)", "return self.a(x)", "net(x) < 1e30", f"[-{size}] * 24, {size}"
    )
    network = lower(found.question.margin, found.own, found.question.domains, GRID).statement.network
    weight = found.module.a.weight.detach().double().numpy()
    bias = found.module.a.bias.detach().double().numpy()
    random = np.random.default_rng(0)
    for row in range(3):
        xs = random.choice([-1.0, 1.0], (200, 24)) * np.float64(np.float32(size))
        ys = np.broadcast_to(weight[row], xs.shape)
        results = random_dot_products(
            patterns(xs), patterns(ys), patterns(np.full(200, bias[row])), random, shape, fused=0.5
        )
        for x, result in zip(xs, results, strict=True):
            exact = sum(
                (Fraction(a) * Fraction(w) for a, w in zip(x.tolist(), weight[row].tolist(), strict=True)),
                Fraction(float(bias[row])),
            )
            executed = Fraction(float(np.uint32(result).view(np.float32)))
            assert abs(executed - exact) * 2**GRID <= network.noise[0][row]


def test_noise_is_of_the_order_of_what_executions_deviate_by() -> None:
    """A bound that no execution comes near would be sound and useless."""
    machine = Machine.of(torch.float32)
    assert machine is not None
    assert machine.sum_of_products(Fraction(1), 10) < Fraction(12, 2**24)
    assert machine.sum_of_terms(Fraction(1), 2) == Fraction(1, 2**24)
    assert machine.product(Fraction(1)) < Fraction(2, 2**24)


def test_a_sum_of_one_term_is_exact() -> None:
    machine = Machine.of(torch.float32)
    assert machine is not None
    assert machine.sum_of_terms(Fraction(10**9), 1) == 0


def test_what_may_overflow_has_no_noise() -> None:
    machine = Machine.of(torch.float32)
    assert machine is not None
    largest = Fraction(2) ** 128
    for error in (lambda: machine.product(largest), lambda: machine.sum_of_terms(largest, 2)):
        with pytest.raises(OverflowPossibleError):
            error()
    with pytest.raises(OverflowPossibleError):
        machine.mean(largest / 4, 8)


def test_float64_has_noise_of_its_own_and_other_dtypes_none() -> None:
    double = Machine.of(torch.float64)
    assert double is not None
    assert double.product(Fraction(1)) < Fraction(2, 2**53)
    assert Machine.of(torch.float16) is None
