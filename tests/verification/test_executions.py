"""What is said of float32 executions of a network whose property was proved in exact arithmetic."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.verification.networks import Exact, convolutional, mlp, residual, saved
from tests.verification.properties import decimal, read, text

from torchlean.capture.onnx import load_onnx
from torchlean.verification import pose, verify
from torchlean.verification.execution import executions

MODELS: dict[str, Callable[[random.Random], onnx.ModelProto]] = {
    "mlp": lambda source: mlp(source, [1, 16, 16, 2]),
    "residual": residual,
    "convolutional": convolutional,
}

POINTS = 60
"""Inputs executed per network."""


def run(session: onnxruntime.InferenceSession, x: Fraction) -> list[Fraction]:
    """The outputs that another runtime computes for the number nearest to `x`."""
    (given,) = session.get_inputs()
    shape = [dim if isinstance(dim, int) else 1 for dim in given.shape]
    values = session.run(None, {given.name: np.full(shape, float(x), np.float32)})
    return [Fraction(float(number)) for value in values for number in value.flatten()]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("radius", [Fraction(0), Fraction(1, 1000), Fraction(3)])
def test_no_execution_is_further_off_than_the_stated_error_also_of_inputs_that_are_no_binary_numbers(
    name: str, radius: Fraction, tmp_path: Path
) -> None:
    source = random.Random(f"{name} {radius}")
    model = MODELS[name](source)
    path, network = saved(model, tmp_path), Exact(model)
    middle = Fraction(source.randint(-2000, 2000), 1000)
    low, high = middle - radius, middle + radius
    # The row of this property is 1000 - Y_0 + 3 Y_1, with whole coefficients.
    property = read(text([(low, high)], 2, "(>= Y_0 (+ 1000 (* 3 Y_1)))"))
    loaded = load_onnx(path)
    (query,) = pose(loaded, property)
    found = executions(loaded.graph, [(query.goal, 1.0)], lambda: False)
    assert found.margin == 1.0
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = Fraction(0)
    for k in range(POINTS):
        x = low + (high - low) * Fraction(k, POINTS - 1)
        exact, executed = network([x]), run(session, x)
        off = abs((3 * executed[1] - executed[0]) - (3 * exact[1] - exact[0]))
        worst = max(worst, off)
        assert off <= Fraction(found.error)
    # On a small region all relus may be off, and the outputs constants.
    assert worst > 0 or radius < 3, "some execution rounds"
    assert found.error < 0.01


def test_a_wide_margin_is_more_than_rounding_takes_away(tmp_path: Path) -> None:
    path = saved(mlp(random.Random(0), [2, 8, 1]), tmp_path)
    property = read(text([(Fraction(-1), Fraction(1))] * 2, 1, "(>= Y_0 10000)"))
    found = verify(load_onnx(path), property, 5.0)
    assert found.verdict == "unsat"
    assert ": the margin is at least " in found.message
    assert ", more than float32 rounding can take away (" in found.message


def test_a_margin_below_rounding_is_said_to_be_one(tmp_path: Path) -> None:
    model = mlp(random.Random(1), [1, 4, 1])
    path, network = saved(model, tmp_path), Exact(model)
    # All weights are quarters: this point's value is exact, in executions too, and the bound is just above it.
    (value,) = network([Fraction(1, 2)])
    bound = value + Fraction(1, 2**40)
    property = read(text([(Fraction(1, 2), Fraction(1, 2))], 1, f"(>= Y_0 {decimal(bound)})"))
    found = verify(load_onnx(path), property, 5.0)
    assert found.verdict == "unsat"
    assert "; float32 rounding may take away " in found.message
    assert "more than" not in found.message


@pytest.mark.parametrize("wide", [0, 1])
def test_of_several_regions_the_one_with_the_least_room_is_told_of(wide: int, tmp_path: Path) -> None:
    loaded = load_onnx(saved(mlp(random.Random(2), [1, 4, 1]), tmp_path))
    property = read(text([(Fraction(0), Fraction(1))], 1, "(>= Y_0 1000)"))
    (query,) = pose(loaded, property)
    margins = [1e-12, 1e-12]
    margins[wide] = 5.0
    found = executions(loaded.graph, [(query.goal, margin) for margin in margins], lambda: False)
    assert found.margin == 1e-12 < found.error
    assert "may take away" in found.note


def test_nothing_is_said_of_the_rounding_of_networks_in_other_number_types(tmp_path: Path) -> None:
    path = saved(mlp(random.Random(3), [1, 4, 1], "float64"), tmp_path)
    property = read(text([(Fraction(0), Fraction(1))], 1, "(>= Y_0 1000)"))
    found = verify(load_onnx(path), property, 5.0)
    assert found.verdict == "unsat"
    assert found.message.endswith("; the rounding of a float execution is not included")
